"""As much of S3 as one request of each function needs, over TLS and behind S3's own host names.

Clients find it as their HTTPS proxy: what they send, sign and verify is what they would send to AWS.
"""

import hashlib
import ssl
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DOCUMENT = b'{"request_id":"x","implementation":"hybrid","status":"completed","text":"%s"}' % (b"a" * 4000)
LISTING = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>analyses</Name><Prefix/>'
    b"<KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"
)
MISSING = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"


class Handler(BaseHTTPRequestHandler):
    """One connection: `CONNECT`, a TLS handshake, then requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_CONNECT(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):
            self.close_connection = True
            return
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def do_GET(self) -> None:
        self.server.requests += 1
        if "list-type=2" in self.path:
            self.answer(200, LISTING, "application/xml")
        elif "/analysis/" in self.path:
            self.answer(200, DOCUMENT, "application/json")
        else:
            self.answer(404, MISSING, "application/xml")

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        self.server.requests += 1
        self.answer(200, self.rfile.read(int(self.headers.get("content-length", 0)))[:0], "application/xml")

    def do_DELETE(self) -> None:
        self.server.requests += 1
        self.answer(204, b"", "application/xml")

    def answer(self, status: int, body: bytes, content_type: str) -> None:
        head = (
            f"HTTP/1.1 {status} Answer\r\nDate: {formatdate(usegmt=True)}\r\nServer: AmazonS3\r\n"
            f"x-amz-request-id: 0123456789ABCDEF\r\nx-amz-meta-saved_at: 1768473000000000\r\n"
            f"Last-Modified: Thu, 15 Jan 2026 10:30:00 GMT\r\nETag: \"{hashlib.md5(body).hexdigest()}\"\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        self.wfile.write(head if self.command == "HEAD" else head + body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """The stand-in; `requests` counts what it was asked."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = tls
        self.requests = 0

    def handle_error(self, *_: object) -> None:
        """Clients are killed while they are connected."""

"""The Lambda Runtime API for one event: it is handed out once, and the answer and the times are kept.

Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "RuntimeApi"

    def do_GET(self) -> None:
        api = self.server
        if api.next_at is None:
            api.next_at = time.perf_counter()
            api.initialized.set()
            headers = (
                "Lambda-Runtime-Aws-Request-Id: 00000000-0000-4000-8000-000000000000\r\n"
                f"Lambda-Runtime-Deadline-Ms: {int(time.time() * 1000) + 29_000}\r\n"
                "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:cold\r\n"
            )
            self.answer("200 OK", headers, api.event)
        else:
            # The next event never comes: the process is looked at, and ended.
            api.idle.set()
            api.ended.wait()
            self.close_connection = True

    def do_POST(self) -> None:
        self.server.answered_at = time.perf_counter()
        self.server.reply = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.failed = not self.path.endswith("/response")
        self.answer("202 Accepted", "", b'{"status":"OK"}')
        if self.server.failed:
            self.server.initialized.set()
            self.server.idle.set()

    def answer(self, status: str, headers: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, *_: object) -> None:
        pass


class RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, event: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.event = event
        self.next_at: float | None = None
        self.answered_at: float | None = None
        self.reply = b""
        self.failed = False
        self.initialized, self.idle, self.ended = threading.Event(), threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Clients are killed while they are connected."""

    def close(self) -> None:
        self.ended.set()
        self.shutdown()
        self.server_close()

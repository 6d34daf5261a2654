"""A certificate for S3's host names, from an authority of its own that is trusted besides the system's."""

import ssl
import subprocess
from pathlib import Path

SYSTEM_ROOTS = [
    "/etc/ssl/certs/ca-certificates.crt",  # Debian
    "/etc/pki/tls/certs/ca-bundle.crt",  # Amazon Linux
]
NAMES = "DNS:s3.eu-central-1.amazonaws.com,DNS:*.s3.eu-central-1.amazonaws.com"


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make(directory: Path) -> None:
    """Makes an authority and a server certificate with an RSA key of 2,048 bits, as S3's are."""
    ca, key = directory / "ca.pem", directory / "ca.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Cold start",
            "-keyout", str(key), "-out", str(ca))
    request, server_key = directory / "server.csr", directory / "server.key"
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=s3.eu-central-1.amazonaws.com",
            "-addext", f"subjectAltName={NAMES}", "-keyout", str(server_key), "-out", str(request))
    openssl("x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(key), "-CAcreateserial",
            "-days", "2", "-copy_extensions", "copy", "-out", str(directory / "server.pem"))


def bundle(directory: Path) -> tuple[Path, int]:
    """All roots of the system and ours in one file, and how many they are."""
    system = next((Path(path) for path in SYSTEM_ROOTS if Path(path).exists()), None)
    if system is None:
        raise SystemExit(f"error: none of {', '.join(SYSTEM_ROOTS)} exists; install ca-certificates")
    roots = system.read_text() + (directory / "ca.pem").read_text()
    target = directory / "roots.pem"
    target.write_text(roots)
    return target, roots.count("BEGIN CERTIFICATE")


def server_context(directory: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    context.set_alpn_protocols(["http/1.1"])
    return context

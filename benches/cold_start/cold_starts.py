"""Starts a function the way Lambda does, and looks at it when it has answered one event."""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import certificates
from runtime_api import RuntimeApi
from s3 import Server

ROOT = Path(__file__).resolve().parents[2]
# An id that carries its own time: its document is read with one request.
ID = "018d0b2e-7c00-7000-8000-000000000001"
PATIENCE = 120


@dataclass
class Start:
    """What one start took: milliseconds from its beginning, of them on a CPU, and kilobytes."""

    init: float
    response: float
    cpu: float
    peak_rss: int
    s3_requests: int


@dataclass
class World:
    """The stand-ins that functions are started in, and what functions are told of them."""

    s3: Server
    roots: Path
    root_count: int
    variables: dict[str, str] = field(default_factory=dict)


@contextmanager
def world() -> Iterator[World]:
    """S3 over TLS, its certificate trusted together with all roots of the system."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        certificates.make(directory)
        roots, count = certificates.bundle(directory)
        s3 = Server(certificates.server_context(directory))
        threading.Thread(target=s3.serve_forever, daemon=True).start()
        try:
            yield World(s3, roots, count, variables(s3.server_port, roots))
        finally:
            s3.shutdown()
            s3.server_close()


def variables(s3_port: int, roots: Path) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_LAMBDA_FUNCTION_NAME": "cold",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "STORAGE_TYPE": "s3",
        "S3_BUCKET_NAME": "analyses",
        "HTTPS_PROXY": f"http://127.0.0.1:{s3_port}",
        "NO_PROXY": "127.0.0.1",
        "SSL_CERT_FILE": str(roots),
        "AWS_CA_BUNDLE": str(roots),
        "PATH": os.environ["PATH"],
    }


def event(name: str) -> bytes:
    """One of the events in `events/`, about the id that is there."""
    text = (ROOT / "events" / f"{name}.json").read_text()
    return text.replace("study-1", ID).encode()


def start(command: list[str], payload: bytes, world: World, under: list[str] | None = None) -> Start:
    """Starts the function, gives it one event, and ends it when it asks for the next."""
    api, before = RuntimeApi(payload), world.s3.requests
    environment = world.variables | {"AWS_LAMBDA_RUNTIME_API": api.address}
    began = time.perf_counter()
    process = subprocess.Popen([*(under or []), *command], env=environment, stderr=subprocess.PIPE)
    try:
        if not api.idle.wait(PATIENCE) or api.failed:
            process.kill()
            raise SystemExit(f"error: {command} did not answer: {api.reply!r}\n{process.communicate()[1].decode()}")
        rss, cpu = peak_rss(process.pid), cpu_time(process.pid)
    finally:
        process.terminate()
        api.close()
        process.communicate()
    refuse_failures(command, api.reply)
    assert api.next_at and api.answered_at
    milliseconds = [(moment - began) * 1000 for moment in (api.next_at, api.answered_at)]
    return Start(*milliseconds, cpu, rss, world.s3.requests - before)


def peak_rss(pid: int) -> int:
    """In kilobytes. `ru_maxrss` would count this program, which the other is a fork of."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def cpu_time(pid: int) -> float:
    """In milliseconds, all threads together."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def refuse_failures(command: list[str], reply: bytes) -> None:
    status = json.loads(reply or b"{}").get("statusCode", 200)
    if status >= 500:
        raise SystemExit(f"error: {command} answered {reply.decode()}")

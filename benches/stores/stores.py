#!/usr/bin/env python3
"""Starts stores that call themselves S3, and prints what works on each, as the table in docs/stores.md."""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ceph

ROOT = Path(__file__).resolve().parents[2]
KEY, SECRET = "test", "test12345"
BUCKET = "designs"
# By name: how it is started at a port, what it needs, and what S3_SSE it takes.
STORES = {
    "ceph": (None, "radosgw", "apt-get install ceph-mon ceph-osd ceph-common radosgw", "none"),
    "s3s-fs": (
        ["s3s-fs", "--host", "127.0.0.1", "--port", "{port}", "--access-key", KEY, "--secret-key", SECRET, "."],
        "s3s-fs",
        "cargo install --locked s3s-fs@0.14.1 --features binary",
        "AES256",
    ),
    "moto": (["moto_server", "-H", "127.0.0.1", "-p", "{port}"], "moto_server", "pip install 'moto[server,s3]'", "AES256"),
    "s3rver": (
        ["s3rver", "--directory", ".", "--address", "127.0.0.1", "--port", "{port}"],
        "s3rver",
        "npm install --global s3rver",
        "AES256",
    ),
    "ministack": (["ministack"], "ministack", "make setup", "AES256"),
}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(name: str, directory: Path, port: int) -> list[subprocess.Popen]:
    command, program, install, _ = STORES[name]
    if shutil.which(program) is None:
        sys.exit(f"{name} is not installed: {install}")
    if command is None:
        return ceph.start(directory, port, KEY, SECRET)
    command = [part.format(port=port) for part in command]
    environment = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "SERVICES": "s3"}
    log = (directory.parent / f"{name}.log").open("w")
    return [subprocess.Popen(command, cwd=directory, env=environment, stdout=log, stderr=log)]


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.25)
    sys.exit(f"nothing listens at {port}")


def environment(name: str, port: int) -> dict[str, str]:
    key, secret = ("S3RVER", "S3RVER") if name == "s3rver" else (KEY, SECRET)
    url, sse = f"http://127.0.0.1:{port}", STORES[name][3]
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "STORAGE_TYPE": "s3",
        "S3_BUCKET_NAME": BUCKET,
        "S3_ENDPOINT_URL": url,
        "S3_SSE": sse,
        "STORE_URL": url,
        "STORE_BUCKET": BUCKET,
        "STORE_KEY_ID": key,
        "STORE_SECRET": secret,
        "STORE_SSE": sse,
    }


def cargo_test(arguments: list[str], env: dict[str, str]) -> tuple[int, list[str]]:
    """How many passed, and the names of those that failed."""
    command = ["cargo", "test", "--locked", *arguments]
    out = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=900).stdout
    passed = re.search(r"(\d+) passed; (\d+) failed", out)
    if passed is None:
        sys.exit(out)
    return int(passed[1]), sorted(set(re.findall(r"^test (\S+) \.\.\. FAILED", out, re.MULTILINE)))


def measure(name: str, port: int) -> str:
    env = environment(name, port)
    aws = [str(ROOT / ".venv/bin/aws"), "--endpoint-url", env["STORE_URL"], "s3api"]
    subprocess.run([*aws, "create-bucket", "--bucket", BUCKET], env=env, check=True, stdout=subprocess.DEVNULL)
    versioned = ["--bucket", BUCKET, "--versioning-configuration", "Status=Enabled"]
    subprocess.run([*aws, "put-bucket-versioning", *versioned], env=env, check=False, capture_output=True)
    doctor = subprocess.run(
        ["cargo", "run", "--locked", "--quiet", "-p", "design-analysis", "--", "doctor", "--json"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=600,
    )
    findings = json.loads(doctor.stdout)["findings"]
    wrong = [f"{finding['check']}: {finding['found']}" for finding in findings if finding["state"] == "wrong"]
    passed, failed = cargo_test(["-p", "analysis-storage", "--test", "stores", "--no-fail-fast"], env)
    suite = ["-p", "design-analysis", "--test", "e2e", "the_whole_api_on_the_store", "--", "--ignored"]
    whole = "not run: the server refuses the store" if wrong else ("passed" if cargo_test(suite, env)[0] else "FAILED")
    found = "<br>".join(wrong) or "sound"
    contract = f"{passed} of {passed + len(failed)}" + "".join(f"<br>`{test}`" for test in failed)
    return f"| {name} | {found} | {contract} | {whole} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", nargs="*", choices=[*STORES, []], help="all, if none is named")
    rows = []
    for name in parser.parse_args().stores or STORES:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
            directory, port = Path(temporary) / name, free_port()
            directory.mkdir()
            started = start(name, directory, port)
            try:
                wait_for(port)
                rows.append(measure(name, port))
            finally:
                for process in reversed(started):
                    process.terminate()
                    process.wait(timeout=30)
    print("| Store | `doctor` | contract suite | whole API |\n|---|---|---|---|", *rows, sep="\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Measures the cold start of every function over TLS, and writes the table in docs/benchmarks.md."""

import argparse
import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cold_starts
from cold_starts import ROOT, Start, World

EVENTS = {
    "load": "load",
    "list": "list",
    "stats": "stats",
    "save": "save-put",
    "delete": "delete",
    "repair": "repair",
}
BEGIN, END = "<!-- cold starts: begin -->", "<!-- cold starts: end -->"


@dataclass
class Subject:
    """What is started, with which event, and the program that is deployed."""

    name: str
    command: list[str]
    event: str
    program: Path | None


def subjects(options: argparse.Namespace) -> list[Subject]:
    functions = []
    for name in [options.only] if options.only else EVENTS:
        bootstrap = options.functions / name / "bootstrap"
        functions.append(Subject(f"`{name}`", [str(bootstrap)], EVENTS[name], bootstrap))
    if options.only:
        return functions
    python = [str(options.python), str(Path(__file__).with_name("boto3_load.py"))]
    return [
        *functions,
        Subject("empty Rust function", [str(options.empty)], "load", options.empty),
        Subject("Python + boto3 `load`", python, "load", None),
    ]


def zipped(program: Path) -> int:
    """The size of `bootstrap.zip`, as `sam deploy` and `cargo lambda build --output-format zip` make it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(program, "bootstrap")
    return len(archive.getvalue())


def measure(subject: Subject, runs: int, world: World) -> list[Start]:
    payload = cold_starts.event(subject.event)
    cold_starts.start(subject.command, payload, world)  # reads the program from disk
    return [cold_starts.start(subject.command, payload, world) for _ in range(runs)]


def row(subject: Subject, starts: list[Start]) -> str:
    def mebibytes(size: float) -> str:
        return f"{size / (1 << 20):.1f}"

    sizes = ["-", "-"]
    if subject.program:
        sizes = [mebibytes(subject.program.stat().st_size), mebibytes(zipped(subject.program))]
    cells = [
        subject.name,
        f"{median(start.init for start in starts):.1f}",
        f"{median(start.response for start in starts):.1f}",
        f"{median(start.cpu for start in starts):.1f}",
        str(starts[0].s3_requests),
        mebibytes(median(start.peak_rss for start in starts) * 1024),
        *sizes,
    ]
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), os.uname().machine)
    return f"{os.cpu_count()} cores ({model})"


def table(options: argparse.Namespace) -> str:
    with cold_starts.world() as world:
        rows = []
        for subject in subjects(options):
            rows.append(row(subject, measure(subject, options.runs, world)))
            print(rows[-1], flush=True)
        count = world.root_count
    head = [
        f"Medians of {options.runs} starts on {machine()}, {count} root certificates:",
        "",
        "| | init, ms | first response, ms | CPU, ms | S3 requests | peak RSS, MiB | `bootstrap`, MiB | zip, MiB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    return "\n".join([*head, *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--functions", type=Path, default=ROOT / "target/lambda")
    parser.add_argument("--empty", type=Path, default=ROOT / "target/release/examples/empty")
    parser.add_argument("--python", type=Path, default=ROOT / ".venv/bin/python")
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--only", choices=EVENTS, help="one function, and nothing to compare it with")
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    options = parser.parse_args()
    result = table(options)
    if options.write:
        page = options.write.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        options.write.write_text(f"{before}{BEGIN}\n{result}\n{END}{after}")


if __name__ == "__main__":
    main()

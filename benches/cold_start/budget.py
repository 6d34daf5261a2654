#!/usr/bin/env python3
"""Fails if a function has become larger, or its start longer, than its budget, or cannot run in Lambda.

The start is counted in instructions, from the beginning of the process to its first answer: unlike its time, their
number hardly depends on the machine. What a CPU offers does not count either, because valgrind emulates its own.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import cold_starts
from cold_starts import ROOT, World
from cold_start import EVENTS, zipped

# For the profile `ci`, where `load` has 5.1 MB and takes 21.7 million. Raise them only together with a reason.
ZIP_BYTES = 5_900_000
INSTRUCTIONS = {"load": 25_000_000}
# Amazon Linux 2023, on which Lambda runs the functions, has glibc 2.34.
C_LIBRARY_MINOR = 34


def instructions(bootstrap: Path, event: str, world: World) -> int:
    """How many instructions a start and its first answer take."""
    log = Path(f"{world.roots}.log")
    tool = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    valgrind = ["valgrind", *tool, f"--log-file={log}"]
    cold_starts.start([str(bootstrap)], cold_starts.event(event), world, under=valgrind)
    return int(re.search(r"I\s+refs:\s+([\d,]+)", log.read_text())[1].replace(",", ""))


def newest_symbol(bootstrap: Path) -> int:
    """The minor version of glibc 2 that the program needs at least."""
    return max(int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", bootstrap.read_bytes()))


def within(what: str, value: int, budget: int) -> bool:
    print(f"{what}: {value:,} of {budget:,} ({value / budget:.0%})")
    return value <= budget


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--functions", type=Path, default=ROOT / "target/lambda")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("error: valgrind is not there; install it, for example with: apt-get install valgrind")
    bootstraps = {name: options.functions / name / "bootstrap" for name in EVENTS}
    good = [within(f"{name}, bytes zipped", zipped(path), ZIP_BYTES) for name, path in bootstraps.items()]
    good += [within(f"{name}, glibc 2", newest_symbol(path), C_LIBRARY_MINOR) for name, path in bootstraps.items()]
    with cold_starts.world() as world:
        for name, budget in INSTRUCTIONS.items():
            count = instructions(bootstraps[name], EVENTS[name], world)
            good.append(within(f"{name}, instructions to the first answer", count, budget))
    if not all(good):
        sys.exit("error: over budget; see docs/benchmarks.md")


if __name__ == "__main__":
    main()

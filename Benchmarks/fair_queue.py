"""Measures the order of what waits: one decision with a thousand to a million generations in the queue, and the memory.

    .venv/bin/python Benchmarks/fair_queue.py

Compiles Sources/Tasks, which needs nothing else, with `fair_queue/main.swift`, and runs it anew for each number of
generations. A decision is what a dispatcher does for one generation: it looks at the heads of the lanes, takes the
first, settles an earlier one, and a new one comes in. Fails if a decision grows faster than the logarithm.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
COUNTS = (1_000, 10_000, 100_000, 1_000_000)
# Of the million, less is in the processor's cache: so much more a step of the logarithm may cost.
CACHE = 1.5
FEATURES = ("ExistentialAny", "MemberImportVisibility", "InternalImportsByDefault", "NonisolatedNonsendingByDefault")


def build(binary: Path) -> None:
    """Compiles the benchmark as one module with the sources it measures."""
    sources = [*sorted((REPOSITORY / "Sources/Tasks").glob("*.swift")), REPOSITORY / "Benchmarks/fair_queue/main.swift"]
    command = ["swiftc", "-O", "-wmo", "-swift-version", "6", "-package-name", "animato", "-o", str(binary)]
    for feature in FEATURES:
        command += ["-enable-upcoming-feature", feature]
    subprocess.run([*command, *map(str, sources)], check=True)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="runs of each number, of which the least counts")
    rounds = parser.parse_args().rounds
    decisions: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as directory:
        binary = Path(directory) / "fair-queue"
        build(binary)
        print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
        print(f"{'waiting':>9} {'insert':>10} {'decision':>10} {'order 100':>10} {'ahead':>10} {'memory':>8}")
        for count in COUNTS:
            runs = [
                [int(field) for field in subprocess.check_output([binary, str(count)], text=True).split()]
                for _ in range(rounds)
            ]
            insert, decision, order, ahead, memory = (min(run[field] for run in runs) for field in range(1, 6))
            decisions[count] = decision
            times = " ".join(f"{nanoseconds / 1000:7.1f} µs" for nanoseconds in (insert, decision, order, ahead))
            print(f"{count:>9} {times} {memory / 1e6:5.0f} MB")
    least, most = COUNTS[0], COUNTS[-1]
    growth = decisions[most] / decisions[least]
    allowed = CACHE * math.log(most) / math.log(least)
    print(f"a decision grows {growth:.1f} times; the logarithm {math.log(most) / math.log(least):.1f} times")
    if growth > allowed:
        raise SystemExit(f"more than {allowed:.1f} times")


if __name__ == "__main__":
    main()

"""Measures what serving videos from their files costs the server: CPU seconds for each GB sent.

    python Benchmarks/video_serving.py --binary .build/release/animato [--binary an-earlier-build]

Loads each build in turn, over loopback, from one thread of `wrk` with 32 connections, and reads the CPU time of the
server process from the system before and after. The load generator's own time does not count. The videos are in the
system's memory and in none of the server's.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "Tests/EndToEnd"))
import server as harness

CONNECTIONS = 32
# Width, height, frames: a video of the least size, and a large one.
SHAPES = ((64, 64, 5), (1280, 768, 49))


class Run(NamedTuple):
    """What one load has shown."""

    cpu_seconds_per_gb: float
    bytes_per_second: float


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process so far, in its own code and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(server: harness.Server, url: str, size: int, seconds: int) -> Run:
    """Downloads one video again and again; fails on any answer that is no success."""
    before = cpu_seconds(server.process.pid)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(server.process.pid) - before
    done = re.search(r"(\d+) requests in ([\d.]+)s", output)
    if done is None or "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(f"the load got errors:\n{output}")
    sent = int(done[1]) * size
    return Run(used / (sent / 1e9), sent / float(done[2]))


def start(binary: Path, data: Path) -> harness.Server:
    """A server that keeps no video in its own memory."""
    harness.BINARY = binary.resolve()
    server = harness.Server(data, {"timed": 0, "log_level": "error", "results_memoryEntries": 0})
    server.wait_until_live()
    server.wait_until_ready()
    return server


def measure(binary: Path, seconds: int) -> dict[int, Run]:
    """One run of one build, by the size of the video."""
    runs = {}
    with tempfile.TemporaryDirectory(prefix="animato-bench-") as directory:
        server = start(binary, Path(directory) / "data")
        for width, height, frames in SHAPES:
            task = server.submit("download", width=width, height=height, num_frames=frames)
            ended = server.wait_for_end(task["task_id"])
            size = ended["video"]["bytes"]
            runs[size] = load(server, ended["video_url"], size, seconds)
        server.kill()
    return runs


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, action="append", required=True, help="an optimised build of animato")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is missing: install the package wrk", file=sys.stderr)
        return 1
    binaries: list[Path] = arguments.binary
    # In turn, so that whatever else the machine does meets all of them.
    rounds = [[measure(binary, arguments.seconds) for binary in binaries] for _ in range(arguments.rounds)]
    print("| Build | Video | CPU seconds for each GB | MB a second |\n| --- | --- | --- | --- |")
    for index, binary in enumerate(binaries):
        for size in rounds[0][index]:
            runs = [one[index][size] for one in rounds]
            costs = [run.cpu_seconds_per_gb for run in runs]
            rate = statistics.median(run.bytes_per_second for run in runs)
            cost = f"{statistics.median(costs):.3f} ({min(costs):.3f} to {max(costs):.3f})"
            print(f"| {binary} | {size / 1000:,.0f} kB | {cost} | {rate / 1e6:,.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measures the service around the model: submissions, polls, cached answers, videos, memory.

    make bench

Starts the optimised server on the engine that takes no time, and loads it from one thread of `wrk` with 32 connections
over loopback. Every figure is the median of several runs; the spread is printed beside it. Nothing but loopback is
addressed, and every load is bounded in time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "Tests/EndToEnd"))
import server as harness

CONNECTIONS = 32
# The article's stack (Flask, gunicorn with 2 x 8 threads, Celery, Redis with AOF every second), measured once under the
# same load on a busy 2-core machine: requests a second. For orientation only; it is not run here.
ARTICLE = {"submissions": 570, "polls": 2200, "cached answers": 2070}

SUBMIT = """
local number = 0
function setup(thread) end
function init(args) math.randomseed(os.time()) prefix = tostring(math.random(1, 2^31)) end
function request()
  number = number + 1
  local body = string.format('{"prompt":"一只猫在草地上玩耍 %s %d","negative_prompt":"低质量,模糊",' ..
    '"width":768,"height":448,"num_frames":49}', prefix, number)
  return wrk.format("POST", "/api/v1/generate", {["Content-Type"] = "application/json"}, body)
end
"""

CACHED = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"prompt":"cached","width":64,"height":64,"num_frames":5,"num_inference_steps":10}'
"""


def load(url: str, seconds: int, script: str | None = None) -> tuple[float, str]:
    """Requests a second, and the latencies as wrk prints them; fails on any answer that is no success."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
        if script:
            file.write(script)
            file.flush()
            command += ["-s", file.name]
        output = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(f"the load got errors:\n{output}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    half, most = (re.search(rf"^ +{part}%\s+(\S+)", output, re.MULTILINE) for part in (50, 99))
    assert rate and half and most, output
    return float(rate[1]), f"p50 {half[1]}, p99 {most[1]}"


def repeat(rounds: int, measure: Callable[[], tuple[float, str]]) -> tuple[float, str]:
    """The median rate, and the spread of the rates with the latencies of the median run."""
    runs = sorted((measure() for _ in range(rounds)), key=lambda run: run[0])
    median = statistics.median_low([run[0] for run in runs])
    latencies = next(run[1] for run in runs if run[0] == median)
    return median, f"{runs[0][0]:,.0f} to {runs[-1][0]:,.0f}; {latencies}"


def megabytes(count: int) -> str:
    """A size for people."""
    return f"{count / 1e6:.0f} MB"


class Bench:
    """One server under load."""

    def __init__(self, rounds: int, seconds: int) -> None:
        self.rounds = rounds
        self.seconds = seconds
        self.directory = Path(tempfile.mkdtemp(prefix="animato-bench-"))

    def start(self, **settings: object) -> harness.Server:
        """A server on fresh data."""
        data = Path(tempfile.mkdtemp(dir=self.directory)) / "data"
        server = harness.Server(data, {"timed": 0, "log_level": "error", "queue_limit": 10_000_000} | settings)
        server.wait_until_live()
        server.wait_until_ready()
        return server

    def submissions(self) -> tuple[float, str]:
        """New tasks, each durable before its answer; the engine is held up by a first task, so that all wait."""
        server = self.start(timed=3600)
        server.submit("first")
        result = repeat(self.rounds, lambda: load(server.url, self.seconds, SUBMIT))
        server.kill()
        return result

    def reads(self) -> dict[str, tuple[float, str]]:
        """Polls of a finished task and of a running one, and cached answers."""
        server = self.start()
        task = server.wait_for_end(server.submit("cached")["task_id"])
        running = server.submit("@step=3600 running")
        polls = f"{server.url}/api/v1/tasks/"
        results = {
            "polls": repeat(self.rounds, lambda: load(polls + task["task_id"], self.seconds)),
            "polls of a running task": repeat(self.rounds, lambda: load(polls + running["task_id"], self.seconds)),
            "cached answers": repeat(self.rounds, lambda: load(server.url + "/api/v1/generate", self.seconds, CACHED)),
        }
        server.kill()
        return results

    def downloads(self) -> dict[str, tuple[float, str]]:
        """A small and a large video, from the memory level and from its file; with bytes a second."""
        results = {}
        for level, entries in (("memory", 10), ("the file", 0)):
            server = self.start(results_memoryEntries=entries)
            for width, height, frames in ((64, 64, 5), (1280, 768, 49)):
                ended = server.wait_for_end(
                    server.submit("download", width=width, height=height, num_frames=frames)["task_id"]
                )
                size = ended["video"]["bytes"]
                rate, spread = repeat(self.rounds, lambda url=ended["video_url"]: load(url, self.seconds))
                name = f"downloads of {size / 1000:,.0f} kB from {level}"
                results[name] = rate, f"{rate * size / 1e6:,.0f} MB a second; {spread}"
            server.kill()
        return results

    def memory(self) -> dict[str, str]:
        """The server process at rest, and after 10,000 tasks were made to the end."""
        server = self.start()
        time.sleep(1)
        rest = server.resident_bytes()
        tasks = [server.submit(f"task {index}", num_inference_steps=1)["task_id"] for index in range(10_000)]
        began = time.monotonic()
        server.wait_for_end(tasks[-1], 600)
        took = time.monotonic() - began
        after = server.resident_bytes()
        server.kill()
        return {
            "at rest": megabytes(rest),
            "after 10,000 tasks": megabytes(after),
            "(they were all done)": f"{took:.1f} s after the last was accepted",
        }


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True, help="an optimised build of animato")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is missing: install the package wrk", file=sys.stderr)
        return 1
    harness.BINARY = arguments.binary.resolve()
    bench = Bench(arguments.rounds, arguments.seconds)
    rates = {"submissions": bench.submissions()} | bench.reads() | bench.downloads()
    print(f"{os.cpu_count()} cores, 1 thread of wrk, {CONNECTIONS} connections; median of {arguments.rounds} runs\n")
    print("| What | a second | times the article's stack | range and latency |\n| --- | --- | --- | --- |")
    for name, (rate, spread) in rates.items():
        times = f"{rate / ARTICLE[name]:.1f}" if name in ARTICLE else ""
        print(f"| {name} | {rate:,.0f} | {times} | {spread} |")
    print("\n| Memory of the server process | |\n| --- | --- |")
    for name, figure in bench.memory().items():
        print(f"| {name} | {figure} |")
    print(json.dumps({name: round(rate) for name, (rate, _) in rates.items()}), file=sys.stderr)
    shutil.rmtree(bench.directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())

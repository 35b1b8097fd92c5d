"""What several processes on one Redis do, beside one process with its own database.

    make release && scripts/setup.sh bench
    .venv/bin/python Benchmarks/many_machines.py --binary .build/release/animato

Generations that cost nothing are made by 1, 2 and 4 workers on one Redis, and by 1, 2 and 4 engines of one process on
SQLite. Submissions are taken in by one API server on SQLite, on a Redis that syncs its file every second, and on one
that syncs it before each answer, under the load of `Benchmarks/service.py`. Everything is up all the time and is
measured in turn, so that whatever else the machine does, it does to all. Figures are medians.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import service
from deployment import Deployment
from service import harness

SETTINGS: dict[str, object] = {"timed": 0, "log_level": "error", "queue_limit": 10_000_000}
SMALLEST = {"width": 64, "height": 64, "num_frames": 1, "num_inference_steps": 1, "cache": "off"}
NUMBERS = (1, 2, 4)
PATIENCE = 120
"""Seconds within which a round has ended."""


class Bench:
    """Servers that are up until everything is measured."""

    def __init__(self, directory: Path, closing: contextlib.ExitStack) -> None:
        self.directory = directory
        self.closing = closing

    def alone(self, name: str, **settings: object) -> harness.Server:
        """A server with everything in one process."""
        server = harness.Server(self.directory / name, SETTINGS | settings)
        self.closing.callback(server.kill)
        server.wait_until_live()
        return server

    def shared(self, name: str, fsync: str, workers: int) -> harness.Server:
        """An API server with workers."""
        deployment = Deployment(self.directory / name, fsync, **SETTINGS)
        self.closing.callback(deployment.close)
        for number in range(workers):
            deployment.worker(f"worker-{number}")
        return deployment.api()


def hold(server: harness.Server, engines: int) -> list[str]:
    """Keeps every engine busy until it is released: the tasks that do so."""
    holders = [server.submit(f"@step=3600 holder {number}", **SMALLEST)["task_id"] for number in range(engines)]
    for task_id in holders:
        harness.wait_for(
            lambda task_id=task_id: server.task(task_id)["status"] == "RUNNING", PATIENCE, "an engine is missing"
        )
    return holders


def generations(server: harness.Server, engines: int, count: int) -> float:
    """Generations a second, of so many that all waited at the beginning."""
    holders = hold(server, engines)
    waiting = [server.submit(f"nothing {number}", **SMALLEST)["task_id"] for number in range(count)]
    for task_id in holders:
        server.cancel(task_id)
    made = [server.wait_for_end(task_id, PATIENCE) for task_id in reversed(waiting)]
    assert all(task["status"] == "SUCCESS" for task in made), made
    return count / (
        max(moment(task, "finished_at") for task in made) - min(moment(task, "started_at") for task in made)
    )


def moment(task: dict[str, Any], field: str) -> float:
    """A time of a task in seconds."""
    return datetime.fromisoformat(task[field]).timestamp()


def plural(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def measure(rounds: int, measures: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """What each of them says, in turn, so many times; the first time of each only warms it."""
    figures: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds + 1):
        for name, look in measures.items():
            figure = look()
            if number > 0:
                figures[name].append(figure)
    return figures


def table(what: str, figures: dict[str, list[float]]) -> str:
    """The rates as Markdown."""
    lines = [f"| {what} | a second | times the first | range |", "| --- | --- | --- | --- |"]
    first = statistics.median(next(iter(figures.values())))
    for name, rates in figures.items():
        rate = statistics.median(rates)
        lines.append(f"| {name} | {rate:,.0f} | {rate / first:.2f} | {min(rates):,.0f} to {max(rates):,.0f} |")
    return "\n".join(lines)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True, help="an optimised build of animato")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--generations", type=int, default=200, help="of one round")
    parser.add_argument("--seconds", type=int, default=3, help="of load in one round")
    arguments = parser.parse_args()
    for program in ("wrk", "redis-server"):
        if shutil.which(program) is None:
            print(f"{program} is missing: scripts/setup.sh bench installs it", file=sys.stderr)
            return 1
    harness.BINARY = arguments.binary.resolve()
    print(f"{os.cpu_count()} cores for all processes; medians of {arguments.rounds} rounds\n")
    with tempfile.TemporaryDirectory(prefix="animato-bench-") as directory, contextlib.ExitStack() as closing:
        bench = Bench(Path(directory), closing)
        servers = {
            f"Redis, {plural(number, 'worker')}": (bench.shared(f"r{number}", "everysec", number), number)
            for number in NUMBERS
        }
        for number in NUMBERS:
            engines = {"engine_devices": "cpu", "engine_maxPerDevice": number, "engine_minPerDevice": number}
            servers[f"SQLite, {plural(number, 'engine')} of one process"] = (
                bench.alone(f"s{number}", **engines),
                number,
            )
        for server, _ in servers.values():
            server.wait_until_ready(PATIENCE)
        makers = {
            name: lambda server=server, number=number: generations(server, number, arguments.generations)
            for name, (server, number) in servers.items()
        }
        print(table("Generations that cost nothing", measure(arguments.rounds, makers)) + "\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="animato-bench-") as directory, contextlib.ExitStack() as closing:
        bench = Bench(Path(directory), closing)
        takers = {"SQLite": bench.alone("sqlite")}
        for fsync in ("everysec", "always"):
            takers[f"Redis, `appendfsync {fsync}`"] = bench.shared(fsync, fsync, 1)
        for server in takers.values():
            server.wait_until_ready(PATIENCE)
            hold(server, 1)
        loads = {
            name: lambda server=server: service.load(server.url, arguments.seconds, service.SUBMIT)[0]
            for name, server in takers.items()
        }
        print(table(f"Submissions, {service.CONNECTIONS} clients", measure(arguments.rounds, loads)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

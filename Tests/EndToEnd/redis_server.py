"""A real redis-server of a test's own."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import subprocess
from pathlib import Path

import redis
from server import wait_for


def free_port() -> int:
    """A port that nothing listens on, below those that connections to others begin at."""
    for _ in range(100):
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("there is no free port")


class RedisServer:
    """One `redis-server` on loopback; with `always` it keeps what it confirmed, whatever happens to it."""

    def __init__(self, directory: Path, fsync: str = "always") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.fsync = fsync
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port)
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        arguments = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory), "--save", ""]
        process = subprocess.Popen(
            ["redis-server", *arguments, "--appendonly", "yes", "--appendfsync", self.fsync],
            stdout=subprocess.DEVNULL,
        )
        wait_for(self._answers, 30, "redis-server does not answer")
        return process

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.exceptions.ConnectionError:
            return False

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)

    def start_again(self) -> None:
        """Starts it on the same port with what it kept."""
        self.process = self._started()

    def close(self) -> None:
        """Ends it for good."""
        if self.process.poll() is None:
            self.kill()
        self.client.close()

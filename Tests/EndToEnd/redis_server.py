"""A real redis-server of a test's own."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import redis
from server import wait_for


class RedisServer:
    """One `redis-server` on loopback that keeps what it confirmed."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port)
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        arguments = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory), "--save", ""]
        process = subprocess.Popen(
            ["redis-server", *arguments, "--appendonly", "yes", "--appendfsync", "always"],
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

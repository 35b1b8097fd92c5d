"""What every end-to-end test uses: a real server process, and a real engine process under it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from browser import chromium, visit
from server import Server

__all__ = ["chromium", "visit"]


def pytest_configure(config: pytest.Config) -> None:
    """Tells pytest the words that tests are marked with."""
    config.addinivalue_line("markers", "alone: measures times; no other test runs beside it")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers on the test's own data directory; what still runs at the end is killed."""
    servers: list[Server] = []

    def start_one(**settings: object) -> Server:
        server = Server(tmp_path / "data", settings)
        servers.append(server)
        server.wait_until_live()
        return server

    yield start_one
    for server in servers:
        server.kill()

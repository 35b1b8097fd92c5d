"""The programs of docs/examples, run as a reader would run them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from check_video import problems
from server import REPOSITORY, Server

EXAMPLES = REPOSITORY / "docs/examples"


def run(server: Server, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs one program against a server, to its end."""
    return subprocess.run(
        [str(part) for part in command],
        env=os.environ | {"ANIMATO_SERVER": server.url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    """A server that makes test patterns."""
    server = start()
    server.wait_until_ready()
    return server


def program(name: str, folder: Path) -> list[str | Path]:
    """What runs an example; Swift is compiled first."""
    if name.endswith(".py"):
        return [sys.executable, EXAMPLES / name]
    made = folder / "example"
    subprocess.run(
        ["swiftc", "-swift-version", "6", "-parse-as-library", "-o", str(made), str(EXAMPLES / name)],
        check=True,
        timeout=300,
    )
    return [made]


@pytest.mark.parametrize("name", ["generate.py", "openai_client.py", "generate.swift"])
def test_an_example_makes_a_video_and_tells_of_a_failure(server: Server, tmp_path: Path, name: str) -> None:
    command = program(name, tmp_path)
    video = tmp_path / "cat.mp4"
    made = run(server, *command, "一只猫在草地上玩耍", video)
    assert made.returncode == 0, made.stderr
    assert problems(video, width=768, height=448, frames=49) == []
    failed = run(server, *command, "@oom", tmp_path / "none.mp4")
    assert failed.returncode == 1
    assert "memory" in failed.stderr
    wrong = run(server, *command, "", tmp_path / "none.mp4")
    assert wrong.returncode == 1
    assert "prompt must not be empty" in wrong.stderr
    assert not (tmp_path / "none.mp4").exists()


def test_the_receiver_takes_what_is_signed_and_nothing_else(start: Callable[..., Server]) -> None:
    server = start(callbacks_allowHTTP="true", callbacks_allowedNetworks="127.0.0.0/8")
    server.wait_until_ready()
    secret = (server.data / "callback.secret").read_text().strip()
    with subprocess.Popen(
        [sys.executable, EXAMPLES / "callbacks.py", "0"],
        env=os.environ | {"ANIMATO_CALLBACK_SECRET": secret},
        stdout=subprocess.PIPE,
        text=True,
    ) as receiver:
        try:
            assert receiver.stdout is not None
            address = receiver.stdout.readline().strip()
            forged = server.session.post(address, data="{}", headers={"webhook-id": "a"}, timeout=10)
            assert forged.status_code == 401
            task = server.submit("一只猫", callback_url=address)
            line = receiver.stdout.readline()
            assert line.startswith(f"task.succeeded {task['task_id']} http")
        finally:
            receiver.terminate()

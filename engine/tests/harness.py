"""The server's side of the protocol, for tests: starts a real engine process on a socket pair."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from animato_engine.protocol import Channel, Message, encode_frame

WAIT_SECONDS = 60.0
"""The bound of every wait for something that will come; a loaded machine is slow, not wrong."""


def request(**changes: Any) -> Message:
    """A small valid request, changed by `changes`."""
    return {
        "prompt": "a cat playing on the grass",
        "negative_prompt": "",
        "width": 64,
        "height": 64,
        "num_frames": 5,
        "num_inference_steps": 2,
        "guidance_scale": 3.0,
        "fps": 8,
        "seed": 7,
        "strength": 1.0,
        "step_cache": "off",
        "loras": [],
        **changes,
    }


def own(identifier: str) -> Message:
    """What a generation of that id has for itself in a pass of several."""
    return {"prompt": f"a cat {identifier}", "seed": sum(identifier.encode())}


def companion(file: Path, identifier: str, **changes: Any) -> Message:
    """A companion of a generation; `changes` are of its own fields."""
    return {"id": identifier, "negative_prompt": "", "output": str(file), **own(identifier), **changes}


_BESIDE = {"model", "inputs", "memory_mode", "metadata", "checkpoint", "preview", "trace", "companions"}


class Engine:
    """A running engine process and the server's end of its channel."""

    def __init__(self, process: subprocess.Popen[bytes], stream: socket.socket, log: Path) -> None:
        self.process = process
        self.stream = stream
        self.channel = Channel(stream)
        self._log = log
        self.model = ""
        """The one to ask for; the first in the engine's hello."""
        self.messages: list[Message] = []
        """Everything received so far."""

    @property
    def log(self) -> str:
        """What the engine has written to its log."""
        return self._log.read_text()

    def send(self, kind: str, **fields: Any) -> None:
        """Send one message."""
        self.stream.sendall(encode_frame({"type": kind, **fields}))

    def generate(self, output: Path, identifier: str = "g", **changes: Any) -> None:
        """Ask for a video. `changes` are of the request, or, of those names, beside it."""
        beside = {name: changes.pop(name) for name in _BESIDE & changes.keys()}
        self.send(
            "generate",
            id=identifier,
            output=str(output),
            request=request(**changes),
            **{"model": self.model, "inputs": {}, "memory_mode": "full", **beside},
        )

    def generate_together(self, directory: Path, *members: str, **changes: Any) -> None:
        """Ask for videos in one pass: `members` are their ids and file names, and seeds and prompts differ by them."""
        first, *others = members
        companions = [companion(directory / other, other) for other in others]
        self.generate(directory / first, first, **{**own(first), "companions": companions, **changes})

    def receive(self) -> Message:
        """The next message; fails at the end of the channel."""
        message = self.channel.receive()
        assert message is not None, f"the engine is gone\n{self.log}"
        self.messages.append(message)
        if message["type"] == "hello":
            self.model = message["models"][0]["name"]
        return message

    def until(self, fits: Callable[[Message], bool]) -> Message:
        """The next message that `fits`."""
        while not fits(message := self.receive()):
            pass
        return message

    def outcome(self, identifier: str = "g") -> Message:
        """The `done` or `failed` of a generation."""
        return self.until(lambda m: m["type"] in ("done", "failed") and m["id"] == identifier)

    def outcomes(self, *identifiers: str) -> dict[str, Message]:
        """The outcomes of several generations, in whatever order they come."""
        found: dict[str, Message] = {}
        while len(found) < len(identifiers):
            message = self.until(lambda m: m["type"] in ("done", "failed") and m["id"] in identifiers)
            found[message["id"]] = message
        return found

    def reaches(self, stage: str, step: int = 0, identifier: str | None = None) -> Message:
        """Wait until the generation, or any, reports `stage` and at least `step`."""
        return self.until(
            lambda m: (
                (m["type"], m.get("stage")) == ("progress", stage)
                and m["step"] >= step
                and identifier in (None, m["id"])
            )
        )

    def released(self) -> list[str]:
        """Wait until a pass has left the device, and give the ids of what is written."""
        ids: list[str] = self.until(lambda m: m["type"] == "released")["ids"]
        return ids

    def run(self, output: Path, identifier: str = "g", **changes: Any) -> Message:
        """Ask for a video and give the outcome."""
        self.generate(output, identifier, **changes)
        return self.outcome(identifier)

    def exit_status(self, seconds: float = WAIT_SECONDS) -> int:
        """The status with which the process ends, within `seconds`."""
        return self.process.wait(seconds)


@contextmanager
def start(log: Path, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[Engine]:
    """An engine started with `serve` and `arguments`; killed at the end if it still runs."""
    ours, theirs = socket.socketpair()
    ours.settimeout(WAIT_SECONDS)
    with theirs, log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "animato_engine", "serve", *arguments],
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, "ANIMATO_ENGINE_PARENT": str(os.getpid()), **(environment or {})},
            start_new_session=True,
        )
    try:
        yield Engine(process, ours, log)
    finally:
        ours.close()
        process.kill()
        process.wait()


def is_gone(pid: int) -> bool:
    """Whether no process `pid` runs any more. One that nobody has waited for yet counts as gone."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] in ("Z", "X")


def wait_until_gone(pid: int, seconds: float) -> float:
    """Wait until process `pid` is gone and give how long that took; fails after `seconds`."""
    start_time = time.monotonic()
    while not is_gone(pid):
        assert time.monotonic() - start_time < seconds, f"process {pid} still runs after {seconds} s"
        time.sleep(0.01)
    return time.monotonic() - start_time

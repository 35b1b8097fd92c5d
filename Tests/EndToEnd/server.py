"""A server process under test, and what a client does with it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

Value = TypeVar("Value")

REPOSITORY = Path(__file__).parents[2]
# Taken out of the environment, where the program itself would take it for a setting.
BINARY = Path(os.environ.pop("ANIMATO_BINARY", REPOSITORY / ".build/debug/animato"))
MODEL = REPOSITORY / "var/models/easyanimate-tiny"
PYTHON = REPOSITORY / ".venv/bin/python"

ARTICLE = {
    "prompt": "一只猫在草地上玩耍",
    "negative_prompt": "低质量,模糊",
    "width": 768,
    "height": 448,
    "num_frames": 49,
}
"""The request that the service was designed around, unchanged."""

ENDED = {"SUCCESS", "FAILED", "CANCELLED"}


def wait_for(look: Callable[[], Value | None], seconds: float, what: str) -> Value:
    """The first thing that `look` finds; fails the test if it finds nothing in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what}: not within {seconds} s")


def run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs one command of the program to its end."""
    return subprocess.run(
        [str(BINARY), *arguments],
        cwd=REPOSITORY,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


class Server:
    """One `animato serve`, with settings by key; `timed` is short for the engine without a model.

    `command` is what is run instead, in another role.
    """

    def __init__(
        self,
        data: Path,
        settings: dict[str, object],
        timed: float | None = 0.01,
        command: tuple[str, ...] = ("serve",),
    ) -> None:
        self.data = data
        values: dict[str, object] = {
            "http_port": 0,
            "engine_python": PYTHON,
            "engine_models": MODEL,
            "data_directory": data,
            "queue_drainTimeout": 0,
        }
        timed = settings.pop("timed", timed)  # type: ignore[assignment]
        if timed is not None:
            values["engine_timedStepSeconds"] = timed
        values |= settings
        flags = [part for key, value in values.items() for part in ("--set", f"{key.replace('_', '.', 1)}={value}")]
        # A file, not a pipe: nobody has to read it for the server to go on.
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")  # noqa: SIM115
        self.process = subprocess.Popen(
            [str(BINARY), *command, *flags],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.url = ""
        self.session = requests.Session()

    def wait_until_live(self) -> None:
        """Returns once the server says where it listens."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        address = re.search(r"https?://\S+", line)
        assert address, f"the server did not start: {self.logged()}"
        self.url = address[0]

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Returns once an engine can take work."""
        wait_for(lambda: self.get("/readyz").status_code == 200, seconds, "the server is not ready")

    def logged(self) -> str:
        """Everything the server has logged so far."""
        return Path(self.log.name).read_text()

    # Requests

    def get(self, path: str, **arguments: Any) -> requests.Response:
        """One GET."""
        return self.session.get(self.url + path, timeout=30, **arguments)

    def post(self, body: dict[str, Any], **arguments: Any) -> requests.Response:
        """Submits a body as it stands."""
        return self.session.post(self.url + "/api/v1/generate", json=body, timeout=30, **arguments)

    def submit(self, prompt: str, **fields: Any) -> dict[str, Any]:
        """Submits a small request and returns its task."""
        body = {"prompt": prompt, "width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 10} | fields
        response = self.post(body)
        assert response.status_code in {200, 202}, response.text
        return response.json()

    def task(self, task_id: str) -> dict[str, Any]:
        """A task that must be there."""
        response = self.get(f"/api/v1/tasks/{task_id}")
        assert response.status_code == 200, response.text
        return response.json()

    def cancel(self, task_id: str) -> requests.Response:
        """Asks for the end of a task."""
        return self.session.delete(f"{self.url}/api/v1/tasks/{task_id}", timeout=30)

    def wait_for_step(self, task_id: str, step: int = 1, seconds: float = 60) -> dict[str, Any]:
        """The task once it has done so many steps."""

        def look() -> dict[str, Any] | None:
            task = self.task(task_id)
            assert task["status"] not in ENDED, task
            return task if (task["progress"] or {}).get("step", 0) >= step else None

        return wait_for(look, seconds, f"step {step} was not reached")

    def wait_for_end(self, task_id: str, seconds: float = 60) -> dict[str, Any]:
        """The task once it has ended."""

        def look() -> dict[str, Any] | None:
            task = self.task(task_id)
            return task if task["status"] in ENDED else None

        return wait_for(look, seconds, "the task did not end")

    # Processes

    def engines(self) -> list[int]:
        """The process ids of the engines."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = [int(pid) for pid in children.read_text().split()]
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            found += [int(pid) for pid in (thread / "children").read_text().split()]
        return [pid for pid in sorted(set(found)) if is_alive(pid)]

    def engine(self) -> int:
        """The process id of the only engine."""
        return wait_for(self.engines, 10, "there is no engine")[0]

    def resident_bytes(self) -> int:
        """Memory of the server process that is in use."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> int:
        """Asks the server to stop and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        """Ends the server as a power cut would."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=10)
        self.session.close()

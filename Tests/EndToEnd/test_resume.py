"""A generation that dies, or makes way, goes on from where it was, to the same bytes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from server import Server, wait_for

SIZE = {"width": 112, "height": 64, "num_frames": 49, "num_inference_steps": 10, "seed": 5}


def resumed_step(server: Server, video_url: str) -> int:
    """The step that a video's last attempt went on from, as its sidecar says."""
    import json

    name = video_url.rsplit("/", 1)[1].removesuffix(".mp4")
    sidecar = next((server.data / "videos").rglob(f"{name}.json"))
    return int(json.loads(sidecar.read_text())["resumed_step"])


@pytest.mark.parametrize("timed", [0.2, None], ids=["timed engine", "real pipeline"])
def test_an_engine_killed_at_step_seven_goes_on_from_six(start: Callable[..., Server], timed: float | None) -> None:
    server = start(timed=timed, engine_checkpointSteps=2)
    server.wait_until_ready()
    whole = server.wait_for_end(server.submit("a cat on the grass", **SIZE)["task_id"], 120)
    assert resumed_step(server, whole["video_url"]) == 0

    killed = server.submit("a cat on the grass", **SIZE, cache="off")
    server.wait_for_step(killed["task_id"], 7, 120)
    os.kill(server.engine(), signal.SIGKILL)
    task = server.wait_for_end(killed["task_id"], 120)
    assert task["status"] == "SUCCESS", task
    assert task["attempts"] == 2
    # At least from there: on a busy machine more steps pass before the signal arrives.
    assert resumed_step(server, task["video_url"]) in {6, 8, 10}
    # Named by the hash of its content: equal addresses are equal bytes.
    assert task["video_url"] == whole["video_url"]
    assert wait_for(lambda: not list((server.data / "checkpoints").iterdir()), 10, "the checkpoint stays")


def test_a_stopped_server_goes_on_after_its_start(start: Callable[..., Server]) -> None:
    server = start(timed=0.1)
    server.wait_until_ready()
    task = server.submit("a cat", num_inference_steps=50)
    server.wait_for_step(task["task_id"], 8)
    assert server.stop() == 0
    assert list((server.data / "checkpoints").iterdir())
    again = start(timed=0.1)
    ended = again.wait_for_end(task["task_id"])
    assert ended["status"] == "SUCCESS"
    assert resumed_step(again, ended["video_url"]) >= 8


def test_a_damaged_checkpoint_is_ignored(start: Callable[..., Server]) -> None:
    server = start(timed=0.1)
    server.wait_until_ready()
    task = server.submit("a cat", num_inference_steps=20)
    server.wait_for_step(task["task_id"], 8)
    server.kill()
    files = list((server.data / "checkpoints").iterdir())
    assert files
    for file in files:
        damage(file)
    again = start(timed=0.05)
    ended = again.wait_for_end(task["task_id"])
    assert ended["status"] == "SUCCESS"
    assert resumed_step(again, ended["video_url"]) == 0


def damage(file: Path) -> None:
    """Turns one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_urgent_work_passes_and_the_other_goes_on_afterwards(start: Callable[..., Server]) -> None:
    server = start(timed=0.1, queue_leastRun=0)
    server.wait_until_ready()
    slow = server.submit("slow", num_inference_steps=60, priority="batch")
    server.wait_for_step(slow["task_id"], 6)
    urgent = server.submit("urgent", num_inference_steps=4, priority="interactive")
    ended = server.wait_for_end(urgent["task_id"])
    assert ended["status"] == "SUCCESS"
    assert server.task(slow["task_id"])["status"] in {"PENDING", "RUNNING"}
    task = server.wait_for_end(slow["task_id"])
    assert task["status"] == "SUCCESS" and task["attempts"] == 2
    assert resumed_step(server, task["video_url"]) >= 6

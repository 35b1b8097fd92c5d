"""Two hundred generations with crashes, cancels and lacks of memory: nothing is lost, and nothing grows."""

from __future__ import annotations

import random
from collections.abc import Callable

from server import Server, wait_for

COUNT = 200
SETTLED = 10
"""Generations after which the server has all the memory that it needs."""


def test_two_hundred_generations_leave_nothing_behind(start: Callable[..., Server]) -> None:
    chance = random.Random(11)
    server = start(timed=0.002, engine_checkpointSteps=2, engine_previewSteps=2, queue_maxFailures=5)
    server.wait_until_ready()
    settled = 0
    ends: dict[str, int] = {}
    for number in range(COUNT):
        fault = chance.choice(
            ["", "", "@crash-once", "@oom", "@oom=full", "@oom=full @oom-stage=decode", "@oom-leak @oom=full"]
        )
        wanted = chance.choice(["end", "end", "cancel"])
        task = server.submit(f"{fault} number {number}", num_inference_steps=10, num_frames=9)["task_id"]
        if wanted == "cancel":
            server.cancel(task)
        ended = server.wait_for_end(task)
        ends[ended["status"]] = ends.get(ended["status"], 0) + 1
        if ended["status"] == "FAILED":
            assert fault == "@oom" and ended["error"]["code"] == "out_of_memory", ended
        if "full" in fault and ended["status"] == "SUCCESS":
            # The server learns where there was no room: later ones may begin further down.
            assert ended["memory_mode"] != "full", ended
        if number + 1 == SETTLED:
            settled = server.resident_bytes()
    assert sum(ends.values()) == COUNT and set(ends) == {"SUCCESS", "FAILED", "CANCELLED"}, ends
    assert server.resident_bytes() < settled * 1.05 + (8 << 20), (settled, server.resident_bytes())
    for name in ("checkpoints", "previews", "staging"):
        assert wait_for(lambda name=name: not list((server.data / name).iterdir()), 10, f"{name} is not empty")

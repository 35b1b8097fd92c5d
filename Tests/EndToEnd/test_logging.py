"""The log: one line a message, in both formats, from which the life of a task can be read, and no prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from server import Server

SECRET = "a purple elephant 一头紫色的大象"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
CALLBACKS = {"callbacks_allowHTTP": "true", "callbacks_allowedNetworks": "127.0.0.0/8"}


def lives(server: Server) -> tuple[str, str, str]:
    """Has three tasks live: one that succeeds after a crash, one that fails, one that is cancelled."""
    server.wait_until_ready()
    headers = {"traceparent": PARENT, "x-request-id": "request-7"}
    body = {"width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 4}
    # Nobody listens there.
    good = server.post(
        {"prompt": f"{SECRET} @crash-once", "negative_prompt": SECRET, "callback_url": "http://127.0.0.1:9/x", **body},
        headers=headers,
    ).json()["task_id"]
    bad = server.post({"prompt": f"{SECRET} @internal", **body}, headers=headers).json()["task_id"]
    assert server.wait_for_end(good)["status"] == "SUCCESS"
    assert server.wait_for_end(bad)["status"] == "FAILED"
    gone = server.submit(f"{SECRET} @step=5")["task_id"]
    server.wait_for_step(gone, 0)
    assert server.cancel(gone).status_code == 200
    assert server.stop() == 0
    return good, bad, gone


def test_json_has_one_object_a_line_and_the_life_of_each_task(start: Callable[..., Server]) -> None:
    server = start(log_format="json", queue_maxFailures=2, **CALLBACKS)
    good, bad, gone = lives(server)
    text = server.logged()
    assert text.endswith("\n") and "elephant" not in text and "紫色" not in text
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert {"time", "level", "message", "logger"} <= set(line)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        datetime.fromisoformat(line["time"])
        assert line["level"] in {"info", "notice", "warning", "error"}

    def life(task: str) -> list[dict[str, Any]]:
        return [line for line in lines if line.get("task_id") == task or task in line.get("task_ids", [])]

    def messages(task: str) -> list[str]:
        return [line["message"] for line in life(task) if "deliver" not in line["message"].lower()]

    starts = "Generation starts"
    assert messages(good) == ["Task accepted", starts, "Generation is tried again", starts, "Generation succeeded"]
    assert messages(bad) == ["Task accepted", starts, "Generation is tried again", starts, "Generation failed"]
    assert messages(gone)[:3] == ["Task accepted", starts, "Task cancelled"]
    assert next(line["message"] for line in life(good) if "delivery" in line) == "Delivery is tried again"
    accepted = life(good)[0]
    assert accepted["request_id"] == "request-7" and accepted["disposition"] == "queued"
    assert all(line["trace_id"] == TRACE for line in life(good) + life(bad))
    assert not any("trace_id" in line for line in life(gone))
    attempts = [line for line in life(good) if "attempt" in line]
    assert {line["attempt"] for line in attempts} == {"1", "2"} and all(line["device"] for line in attempts)
    assert life(bad)[-1]["code"] == "internal"
    # What the engine says goes the same way, with its device and its trace.
    engine = [line for line in lines if line["message"] == "engine log"]
    assert any("Traceback" in line["line"] for line in engine) and all(line["device"] for line in engine)
    assert {line.get("trace_id") for line in engine if "Traceback" in line["line"]} == {TRACE}


def test_lines_for_people_have_the_same_and_do_nothing_to_a_terminal(start: Callable[..., Server]) -> None:
    server = start(queue_maxFailures=2, **CALLBACKS)
    good, _, gone = lives(server)
    text = server.logged()
    assert "elephant" not in text and "紫色" not in text and "\x1b" not in text
    for line in text.splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info    |notice  |warning |error   ) \S", line), line
    accepted = next(line for line in text.splitlines() if "Task accepted" in line and good in line)
    assert "disposition=queued" in accepted and "request_id=request-7" in accepted and f"trace_id={TRACE}" in accepted
    assert any("Task cancelled" in line and gone in line for line in text.splitlines())

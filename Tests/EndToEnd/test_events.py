"""Clients that follow a task, or wait for its end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from server import Server, wait_for
from sseclient import SSEClient
from world import drawn, png


def follow(server: Server, task_id: str, last: str | None = None) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Every event of a task until its stream ends: name, id, data."""
    headers = {"Last-Event-ID": last} if last else {}
    with requests.get(
        f"{server.url}/api/v1/tasks/{task_id}/events", headers=headers, stream=True, timeout=60
    ) as response:
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"] == "text/event-stream"
        return [(event.event, event.id, json.loads(event.data)) for event in SSEClient(response).events()]


def test_a_task_is_followed_to_its_end(start: Callable[..., Server]) -> None:
    server = start(timed=0.2, engine_previewSteps=2)
    server.wait_until_ready()
    task_id = server.submit("a cat", num_inference_steps=10)["task_id"]
    events = follow(server, task_id)
    names = [name for name, _, _ in events]
    assert names[0] == "status"
    assert names[-2:] == ["status", "end"]
    assert events[-1][2] == server.task(task_id)
    assert events[-2][2]["status"] == "SUCCESS"
    steps = [data["step"] for name, _, data in events if name == "progress" and data["stage"] == "denoise"]
    assert len(steps) > 2
    assert steps == sorted(steps)
    previews = [data for name, _, data in events if name == "preview"]
    assert previews
    assert previews[0]["preview_url"] == f"{server.url}/api/v1/tasks/{task_id}/preview"

    # Who comes back is told what was missed, and that it is over.
    first = next(id for name, id, _ in events if name == "status")
    missed = follow(server, task_id, last=first)
    assert [data["status"] for name, _, data in missed if name == "status"][-1] == "SUCCESS"
    assert missed[-1][0] == "end"


def test_what_a_crash_interrupted_is_told_after_it(start: Callable[..., Server]) -> None:
    server = start(timed=0.2)
    server.wait_until_ready()
    task_id = server.submit("a cat", num_inference_steps=10)["task_id"]
    server.wait_for_step(task_id)
    with requests.get(f"{server.url}/api/v1/tasks/{task_id}/events", stream=True, timeout=30) as response:
        seen = next(iter(SSEClient(response).events()))
        assert json.loads(seen.data)["status"] == "RUNNING"
        server.kill()
    again = start(timed=0.01)
    told = follow(again, task_id, last=seen.id)
    statuses = [data["status"] for name, _, data in told if name == "status"]
    assert statuses[0] == "PENDING", "it went back into the queue"
    assert statuses[-1] == "SUCCESS"


def test_a_server_that_stops_ends_streams_and_answers_who_waits(start: Callable[..., Server]) -> None:
    server = start(timed=60)
    server.wait_until_ready()
    task_id = server.submit("a cat")["task_id"]
    events: list[Any] = []
    answers: list[requests.Response] = []
    threads = [threading.Thread(target=lambda: events.append(follow(server, task_id))) for _ in range(8)] + [
        threading.Thread(
            target=lambda: answers.append(
                requests.get(f"{server.url}/api/v1/tasks/{task_id}", params={"wait": 60}, timeout=60)
            )
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    server.wait_for_step(task_id, step=0)
    # All of them hold their places.
    wait_for(lambda: _connections(server) >= len(threads), 20, "not everybody is connected")
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 2
    for thread in threads:
        thread.join(timeout=10)
    assert len(events) == 8
    assert all(name != "end" for told in events for name, _, _ in told)
    assert [answer.status_code for answer in answers] == [200] * 8


def _connections(server: Server) -> int:
    """Connections that clients have to a server, by the system's account."""
    port = f":{int(server.url.rpartition(':')[2]):04X}"
    lines = Path(f"/proc/{server.process.pid}/net/tcp").read_text().splitlines()[1:]
    return sum(fields[1].endswith(port) and fields[3] == "01" for fields in map(str.split, lines))


def test_clients_that_leave_cancel_nothing_and_leave_nothing_behind(start: Callable[..., Server]) -> None:
    server = start(timed=0.2, http_maxStreams=4)
    server.wait_until_ready()
    task_id = server.submit("a cat", num_inference_steps=20)["task_id"]
    for path in ["/events", "?wait=60"]:
        for _ in range(12):

            def connects(path: str = path) -> bool:
                try:
                    # The stream's head comes at once; of who waits nothing comes in this time.
                    response = requests.get(
                        f"{server.url}/api/v1/tasks/{task_id}{path}", stream=True, timeout=(5, 0.05)
                    )
                except requests.ReadTimeout:
                    return True
                response.close()
                return response.status_code == 200

            wait_for(connects, 10, "the places of those who left are still taken")
    assert server.wait_for_end(task_id)["status"] == "SUCCESS"


@pytest.mark.parametrize("way", ["query", "header"])
def test_a_request_that_waits_brings_the_video(start: Callable[..., Server], way: str) -> None:
    server = start(timed=0.05)
    server.wait_until_ready()
    body = {"prompt": way, "width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 10}
    response = requests.post(
        server.url + "/api/v1/generate",
        json=body,
        params={"wait": 60} if way == "query" else {},
        headers={"Prefer": "wait=60"} if way == "header" else {},
        timeout=60,
    )
    assert response.status_code == 200
    assert response.headers.get("Preference-Applied") == ("wait=60" if way == "header" else None)
    assert response.json()["status"] == "SUCCESS"
    assert requests.get(response.json()["video_url"], timeout=30).status_code == 200


def test_an_upload_with_a_key_is_good_for_one_file(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()

    def upload(picture: bytes, key: str) -> requests.Response:
        headers = {"Content-Type": "image/png", "Idempotency-Key": key}
        return requests.post(server.url + "/api/v1/uploads", data=picture, headers=headers, timeout=60)

    one, other = (png(drawn(0)[0][frame]) for frame in (0, -1))
    assert one != other
    first = upload(one, "a")
    assert first.status_code == 201
    assert upload(one, "a").json()["id"] == first.json()["id"]
    conflict = upload(other, "a")
    assert conflict.status_code == 409, conflict.text
    assert (conflict.status_code, conflict.json()["code"]) == (409, "idempotency_conflict")
    assert [kept["id"] for kept in server.get("/api/v1/uploads").json()["uploads"]] == [first.json()["id"]]
    body = {"prompt": "a cat", "width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 2}
    assert server.post(body, headers={"Idempotency-Key": "a"}).status_code == 409
    assert server.post(body, headers={"Idempotency-Key": "b"}).status_code == 202
    assert upload(other, "b").status_code == 409

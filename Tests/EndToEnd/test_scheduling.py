"""The queue as clients and operators see it: places, predictions, priorities, draining, refusals, reduced videos."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from server import Server, run, wait_for

ALWAYS_HALF_THE_STEPS = {"degradation_ladder": "0:steps:0.5"}
"""Settings under which every request that allows it is reduced, however short the queue is."""


def at_most(seconds: float) -> dict[str, Any]:
    """Settings under which nobody waits for longer."""
    return {"queue_maxWait": seconds}


def warm(start: Callable[..., Server], **settings: Any) -> Server:
    """A server that has measured what its engine takes."""
    server = start(**settings)
    server.wait_until_ready()
    for prompt in ("one", "two"):
        server.wait_for_end(server.submit(prompt, num_inference_steps=10)["task_id"])
    return server


def post(server: Server, path: str) -> Any:
    """What a POST without a body answers, which must be good."""
    response = server.session.post(server.url + path, timeout=30)
    assert response.status_code == 200, response.text
    return response.json()


def device(server: Server) -> dict[str, Any]:
    """The only device."""
    devices = server.get("/api/v1/devices").json()["devices"]
    assert len(devices) == 1, devices
    return devices[0]


def stays_pending(server: Server, task_id: str, seconds: float = 0.5) -> None:
    """Looks at a task for so long, in which a free engine would have taken it many times over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert server.task(task_id)["status"] == "PENDING"
        time.sleep(0.02)


# Places and predictions


def test_the_place_in_the_queue_falls_to_the_first(start: Callable[..., Server]) -> None:
    server = warm(start, timed=0.02)
    tasks = [server.submit(f"waiting {index}", num_inference_steps=25)["task_id"] for index in range(4)]
    places: list[int] = []

    def last_has_begun() -> bool:
        task = server.task(tasks[-1])
        if task["status"] == "PENDING" and task["queue_position"] is not None:
            places.append(task["queue_position"])
        return task["status"] not in {"PENDING"}

    wait_for(last_has_begun, 60, "the last task does not begin")
    assert places, "no place was ever shown"
    assert places == sorted(places, reverse=True)
    assert 2 <= places[0] <= 4 and places[-1] == 1
    assert server.task(tasks[-1])["queue_position"] is None
    ended = server.wait_for_end(tasks[-1])
    assert ended["queue_position"] is None and ended["eta_seconds"] is None


def test_predictions_are_there_at_submission_and_near_the_truth(start: Callable[..., Server]) -> None:
    server = warm(start, timed=0.05)
    submitted = time.monotonic()
    tasks = [server.submit(f"predicted {index}", num_inference_steps=20) for index in range(3)]
    predicted = [task["eta_seconds"] for task in tasks]
    assert all(eta is not None for eta in predicted), predicted
    assert predicted == sorted(predicted)
    for task, eta in zip(tasks, predicted, strict=True):
        server.wait_for_end(task["task_id"])
        taken = time.monotonic() - submitted
        assert taken / 2 < eta < 2 * taken + 1, (taken, eta)


def test_the_prediction_of_a_running_task_comes_nearer_to_its_end(start: Callable[..., Server]) -> None:
    server = warm(start, timed=0.05)
    task = server.submit("running", num_inference_steps=40)["task_id"]
    early = server.wait_for_step(task, 5)
    late = server.wait_for_step(task, 30)
    assert early["eta_seconds"] > late["eta_seconds"] >= 0
    assert early["queue_position"] is None


# Order


def test_priorities_decide_who_is_next(start: Callable[..., Server]) -> None:
    server = warm(start, timed=0.01)
    post(server, "/api/v1/drain")
    tasks = {
        priority: server.submit(f"as {priority}", priority=priority)["task_id"]
        for priority in ("batch", "normal", "interactive")
    }
    queue = server.get("/api/v1/queue").json()
    assert queue["waiting"] == 3 and queue["draining"]
    assert queue["by_priority"] == {"batch": 1, "interactive": 1, "normal": 1}

    def places() -> bool:
        found = [server.task(tasks[priority])["queue_position"] for priority in ("interactive", "normal", "batch")]
        return found == [1, 2, 3]

    wait_for(places, 10, "the places are not those of the priorities")
    post(server, "/api/v1/resume")
    ended = {priority: server.wait_for_end(task) for priority, task in tasks.items()}
    assert ended["interactive"]["started_at"] < ended["normal"]["started_at"] < ended["batch"]["started_at"]


def test_words_of_earlier_versions_are_refused(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    for field, value in (("priority", "high"), ("priority", "low"), ("allow_degradation", True)):
        refused = server.post({"prompt": "a cat", field: value})
        assert refused.status_code == 422
        assert [violation["field"] for violation in refused.json()["violations"]] == [field]


# Devices and draining


def test_devices_show_what_their_engines_do(start: Callable[..., Server]) -> None:
    server = start(timed=0.05)
    server.wait_until_ready()
    idle = device(server)
    assert idle["state"] == "ready" and idle["total_bytes"] >= idle["free_bytes"] >= 0
    assert [engine["work"] for engine in idle["engines"]] == [None]
    task = server.submit("at work", num_inference_steps=40, priority="interactive")["task_id"]
    server.wait_for_step(task, 3)

    def at_work() -> dict[str, Any] | None:
        shown = device(server)
        work = shown["engines"][0]["work"]
        return shown if work and work["progress"] else None

    busy = wait_for(at_work, 10, "the device does not show its work")
    assert busy["state"] == "busy" and busy["engines"][0]["state"] == "busy"
    work = busy["engines"][0]["work"]
    assert work["generations"] == 1 and work["priority"] == "interactive"
    assert work["progress"]["stage"] == "denoise" and work["progress"]["total_steps"] == 40
    assert server.get("/api/v1/queue").json()["running"] == 1
    server.wait_for_end(task)
    wait_for(lambda: device(server)["state"] == "ready", 10, "the device does not become ready again")


def test_a_drained_device_ends_its_work_and_takes_no_more(start: Callable[..., Server]) -> None:
    server = start(timed=0.02)
    server.wait_until_ready()
    name = device(server)["id"]
    running = server.submit("running", num_inference_steps=30)["task_id"]
    server.wait_for_step(running, 2)
    drained = post(server, f"/api/v1/devices/{name}/drain")
    assert drained["id"] == name and drained["state"] == "draining"
    waiting = server.submit("waiting", num_inference_steps=2)["task_id"]
    assert server.wait_for_end(running)["status"] == "SUCCESS"
    stays_pending(server, waiting)
    assert device(server)["state"] == "draining"
    resumed = post(server, f"/api/v1/devices/{name}/resume")
    assert resumed["state"] in {"ready", "busy"}
    assert server.wait_for_end(waiting)["status"] == "SUCCESS"


def test_a_device_that_is_not_there_is_not_drained(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    for action in ("drain", "resume"):
        answer = server.session.post(f"{server.url}/api/v1/devices/cuda:99/{action}", timeout=30)
        assert answer.status_code == 404
        assert answer.json()["code"] == "device_not_found"


def test_a_drained_server_accepts_and_waits_and_works_again_after_a_restart(start: Callable[..., Server]) -> None:
    server = start(timed=0.01)
    server.wait_until_ready()
    assert post(server, "/api/v1/drain")["draining"]
    task = server.submit("waiting")["task_id"]
    stays_pending(server, task)
    assert server.stop() == 0
    again = start(timed=0.01)
    assert not again.get("/api/v1/queue").json()["draining"]
    assert again.wait_for_end(task)["status"] == "SUCCESS"


def test_the_commands_show_drain_and_resume(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    name = device(server)["id"]
    address = ("--server", server.url)
    shown = run("devices", *address)
    assert shown.returncode == 0 and shown.stdout.startswith("DEVICE")
    assert name in shown.stdout and "0 waiting" in shown.stdout
    assert "draining" in run("drain", name, *address).stdout
    assert "draining" not in run("resume", name, *address).stdout
    assert "draining" in run("drain", *address).stdout
    assert "draining" not in run("resume", *address).stdout
    unknown = run("drain", "cuda:99", *address)
    assert unknown.returncode == 1 and "no device" in unknown.stderr
    assert run("devices", "--server", "http://127.0.0.1:9").returncode == 69


# Too much


def test_who_would_wait_too_long_is_told_when_to_come_again(start: Callable[..., Server]) -> None:
    server = warm(start, timed=0.1, **at_most(5))
    for index in range(20):
        body = {"prompt": f"{index}", "width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 40}
        answer = server.post(body)
        if answer.status_code == 429:
            break
        assert answer.status_code == 202, answer.text
    else:
        pytest.fail("80 s of work were accepted for a wait of at most 5 s")
    assert answer.json()["code"] == "wait_too_long"
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    # What is there already costs no waiting.
    cached = server.submit("one", num_inference_steps=10)
    assert cached["status"] == "SUCCESS" and cached["cached"]


def test_a_full_queue_is_told_when_to_come_again(start: Callable[..., Server]) -> None:
    server = start(timed=0.1, queue_limit=1)
    server.wait_until_ready()
    running = server.submit("running", num_inference_steps=50)["task_id"]
    server.wait_for_step(running)
    server.submit("waiting")
    refused = server.post({"prompt": "one more", "width": 64, "height": 64, "num_frames": 5})
    assert refused.status_code == 429 and refused.json()["code"] == "queue_full"
    assert int(refused.headers["Retry-After"]) >= 1


def test_a_reduced_video_says_so_and_answers_only_who_asks_for_so_much(start: Callable[..., Server]) -> None:
    server = start(timed=0.01, **ALWAYS_HALF_THE_STEPS)
    server.wait_until_ready()
    reduced = server.submit("a cat", num_inference_steps=10, seed=1, degrade="allow", min_steps=6)
    assert reduced["request"]["degrade"] == "allow" and reduced["request"]["min_steps"] == 6
    ended = server.wait_for_end(reduced["task_id"])
    assert ended["status"] == "SUCCESS" and ended["degraded"]
    # Half of ten is below the floor.
    assert ended["degradation"] == {"num_inference_steps": [10, 6], "reason": "load"}
    assert ended["request"]["num_inference_steps"] == 10

    whole = server.submit("a cat", num_inference_steps=10, seed=1)
    assert not whole["cached"]
    ended_whole = server.wait_for_end(whole["task_id"])
    assert ended_whole["degradation"] is None and not ended_whole["degraded"]

    as_little = server.submit("a cat", num_inference_steps=6, seed=1)
    assert as_little["cached"] and as_little["video_url"] == ended["video_url"]
    assert as_little["degradation"] is None and not as_little["degraded"]

    # The whole video is there now, so that nothing need be reduced.
    better = server.submit("a cat", num_inference_steps=10, seed=1, degrade="allow", min_steps=6)
    assert better["cached"] and better["video_url"] == ended_whole["video_url"] and not better["degraded"]


def test_who_allows_nothing_gets_everything(start: Callable[..., Server]) -> None:
    server = start(timed=0.01, **ALWAYS_HALF_THE_STEPS)
    server.wait_until_ready()
    ended = server.wait_for_end(server.submit("a cat", deterministic=True)["task_id"])
    assert ended["status"] == "SUCCESS" and ended["deterministic"]
    assert ended["degradation"] is None and not ended["degraded"]
    refused = server.post({"prompt": "a cat", "min_steps": 5})
    assert [violation["field"] for violation in refused.json()["violations"]] == ["min_steps"]


@pytest.mark.alone
def test_eight_of_ten_predictions_at_submission_are_within_a_third_of_the_truth(start: Callable[..., Server]) -> None:
    server = warm(start, timed=0.05, engine_devices="cpu", engine_maxPerDevice=2)
    steps = [10, 40, 20, 60, 30] * 4
    begun, predicted = {}, {}
    for index, count in enumerate(steps):
        task = server.submit(f"mixed {index}", num_inference_steps=count)
        begun[task["task_id"]] = time.monotonic()
        predicted[task["task_id"]] = task["eta_seconds"]
    taken: dict[str, float] = {}

    def all_have_ended() -> bool:
        for task_id in begun.keys() - taken.keys():
            if server.task(task_id)["status"] == "SUCCESS":
                taken[task_id] = time.monotonic() - begun[task_id]
        return len(taken) == len(steps)

    wait_for(all_have_ended, 120, "the end of all")
    near = [abs(predicted[task] - taken[task]) <= 0.3 * taken[task] for task in taken]
    assert sum(near) >= 0.8 * len(near), sorted((predicted[task], taken[task]) for task in taken)


@pytest.mark.alone
def test_a_device_is_busy_again_within_twenty_milliseconds(start: Callable[..., Server]) -> None:
    server = warm(start, timed=0.02, engine_devices="cpu", engine_maxPerDevice=2, log_level="debug")
    tasks = [server.submit(f"one after the other {index}", num_inference_steps=10)["task_id"] for index in range(30)]
    for task in tasks:
        server.wait_for_end(task)
    idle = sorted(float(value) for value in re.findall(r"Pass begins .*idle_seconds=([0-9.e-]+)", server.logged()))
    # Of those that were waited for; the first ones found an engine that had had nothing to do.
    between = [seconds for seconds in idle if seconds < 0.5]
    assert len(between) >= 26, idle
    assert statistics.median(between) < 0.02, between

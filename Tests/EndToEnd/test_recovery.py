"""Nothing that was accepted is lost, whatever dies and whenever."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from server import Server, is_alive, wait_for


@pytest.mark.parametrize("timed", [0.1, None], ids=["timed engine", "real pipeline"])
def test_a_server_killed_in_the_middle_finishes_after_its_restart(
    start: Callable[..., Server], timed: float | None
) -> None:
    server = start(timed=timed)
    server.wait_until_ready()
    running = server.submit("running", num_frames=17, num_inference_steps=30)
    waiting = server.submit("waiting")
    server.wait_for_step(running["task_id"])
    engine = server.engine()
    server.kill()
    wait_for(lambda: not is_alive(engine), 1.5, "the engine outlived its server")

    server = start(timed=timed)
    for task in (running, waiting):
        assert server.wait_for_end(task["task_id"])["status"] == "SUCCESS"
    assert server.task(running["task_id"])["attempts"] == 2
    assert server.task(waiting["task_id"])["attempts"] == 1


def test_a_server_that_is_told_to_stop_puts_its_work_back(start: Callable[..., Server]) -> None:
    server = start(timed=0.1)
    server.wait_until_ready()
    task = server.submit("running", num_inference_steps=50)
    server.wait_for_step(task["task_id"])
    engine = server.engine()
    assert server.stop() == 0
    assert not is_alive(engine)
    server = start(timed=0.01)
    assert server.wait_for_end(task["task_id"])["status"] == "SUCCESS"


@pytest.mark.parametrize("timed", [0.1, None], ids=["timed engine", "real pipeline"])
def test_an_engine_killed_in_the_middle_costs_one_attempt(start: Callable[..., Server], timed: float | None) -> None:
    server = start(timed=timed)
    server.wait_until_ready()
    task = server.submit("killed", num_frames=17, num_inference_steps=30)
    server.wait_for_step(task["task_id"])
    os.kill(server.engine(), signal.SIGKILL)
    ended = server.wait_for_end(task["task_id"])
    assert ended["status"] == "SUCCESS"
    assert ended["attempts"] == 2


def test_a_request_that_always_kills_its_engine_fails_and_harms_no_other(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    deadly = server.submit("@crash")
    harmless = server.submit("harmless")
    assert server.wait_for_end(harmless["task_id"])["status"] == "SUCCESS"
    ended = server.wait_for_end(deadly["task_id"])
    assert ended["status"] == "FAILED"
    assert ended["error"]["code"] == "engine_crashed"
    assert ended["attempts"] == 3


@pytest.mark.parametrize(
    ("prompt", "code"), [("@oom", "out_of_memory"), ("@invalid", "invalid_request"), ("@internal", "internal")]
)
def test_a_failure_says_what_it_is_and_poisons_nothing(start: Callable[..., Server], prompt: str, code: str) -> None:
    server = start()
    server.wait_until_ready()
    engine = server.engine()
    ended = server.wait_for_end(server.submit(prompt)["task_id"])
    assert ended["status"] == "FAILED"
    assert ended["error"]["code"] == code
    assert ended["video_url"] is None
    assert server.wait_for_end(server.submit("next")["task_id"])["status"] == "SUCCESS"
    assert server.engine() == engine


def test_a_cancel_frees_the_engine_within_two_steps(start: Callable[..., Server]) -> None:
    # Long beside what a busy machine takes for everything else.
    step = 2.0
    server = start(timed=step)
    server.wait_until_ready()
    long = server.submit("long", num_inference_steps=100)
    next_one = server.submit("next @step=0")
    server.wait_for_step(long["task_id"])
    began = time.monotonic()
    response = server.cancel(long["task_id"])
    assert response.status_code == 200
    assert response.json()["status"] == "CANCELLED"
    assert server.wait_for_end(next_one["task_id"])["status"] == "SUCCESS"
    assert time.monotonic() - began < 2 * step
    assert server.task(long["task_id"])["status"] == "CANCELLED"
    assert server.cancel(long["task_id"]).status_code == 409


def test_a_cancel_stops_the_real_pipeline(start: Callable[..., Server]) -> None:
    server = start(timed=None)
    server.wait_until_ready()
    warm = server.wait_for_end(server.submit("warm", num_inference_steps=2)["task_id"])
    assert warm["status"] == "SUCCESS"
    long = server.submit("long", width=768, height=448, num_frames=49, num_inference_steps=100)
    at_step = server.wait_for_step(long["task_id"], step=3)
    began = time.monotonic()
    server.cancel(long["task_id"])
    short = server.wait_for_end(server.submit("short", num_inference_steps=1)["task_id"])
    assert short["status"] == "SUCCESS"
    assert at_step["progress"]["step"] < 100
    # The whole of it would take far longer than two steps and one short video.
    assert time.monotonic() - began < 10
    assert server.task(long["task_id"])["status"] == "CANCELLED"


def test_a_shared_generation_goes_on_while_one_task_wants_it(start: Callable[..., Server]) -> None:
    server = start(timed=0.05)
    server.wait_until_ready()
    one, two = server.submit("shared"), server.submit("shared")
    assert server.cancel(one["task_id"]).status_code == 200
    assert server.wait_for_end(two["task_id"])["status"] == "SUCCESS"
    assert server.task(one["task_id"])["status"] == "CANCELLED"
    assert server.task(one["task_id"])["video_url"] is None


def test_fifty_tasks_at_once_all_end_exactly_once(start: Callable[..., Server]) -> None:
    server = start(timed=0)
    server.wait_until_ready()
    with ThreadPoolExecutor(20) as pool:
        tasks = list(pool.map(lambda index: server.submit(f"task {index}"), range(50)))
    assert len({task["task_id"] for task in tasks}) == 50
    ended = [server.wait_for_end(task["task_id"]) for task in tasks]
    assert [task["status"] for task in ended] == ["SUCCESS"] * 50
    assert [task["attempts"] for task in ended] == [1] * 50
    assert len({task["video_url"] for task in ended}) == 50
    assert server.logged().count("Generation succeeded") == 50
    listed = server.get("/api/v1/tasks", params={"limit": 100, "status": "SUCCESS"}).json()
    assert {task["task_id"] for task in listed["tasks"]} == {task["task_id"] for task in tasks}

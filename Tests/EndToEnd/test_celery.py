"""A stock Celery application has its videos made here: the real Celery, a real Redis, the real server."""

from __future__ import annotations

import datetime
import json
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from celery import Celery, group
from celery.exceptions import NotRegistered, TaskRevokedError
from celery.result import AsyncResult
from redis_server import RedisServer
from server import Server, wait_for

TASK = "animato.generate"
SMALL = {"width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 10}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own."""
    server = RedisServer(tmp_path / "redis")
    yield server
    server.close()


class Application:
    """A Celery application as many have it: Redis for both, everything else as Celery sets it."""

    def __init__(self, url: str) -> None:
        self.celery = Celery("shop", broker=url, backend=url)

    def send(self, prompt: str = "一只猫", *, task: str = TASK, args: Any = None, **fields: Any) -> AsyncResult:
        """Sends a task; what begins with an underscore is for Celery, the rest are fields of the request."""
        options = {name[1:]: value for name, value in fields.items() if name.startswith("_")}
        kwargs = {"prompt": prompt, **SMALL} | {name: fields[name] for name in fields if not name.startswith("_")}
        return self.celery.send_task(task, args=args, kwargs=kwargs, queue="animato", **options)

    def meta(self, result: AsyncResult) -> dict[str, Any]:
        """The record as it stands in the backend."""
        return json.loads(self.celery.backend.get(self.celery.backend.get_key_for_task(result.id)))


@pytest.fixture
def application(redis: RedisServer) -> Iterator[Application]:
    """An application on that Redis."""
    application = Application(redis.url)
    yield application
    application.celery.close()


@pytest.fixture
def serve(start: Callable[..., Server], redis: RedisServer) -> Callable[..., Server]:
    """Starts servers that take tasks from that Redis."""

    def start_one(**settings: object) -> Server:
        server = start(**{"celery_broker": redis.url, "celery_worker": "animato@test"} | settings)
        server.wait_until_ready()
        return server

    return start_one


def wait_for_state(result: AsyncResult, states: set[str], seconds: float = 30) -> str:
    """The state of a task once it is one of some."""

    def look() -> str | None:
        state = result.state
        assert state != "FAILURE", result.info
        return state if state in states else None

    return wait_for(look, seconds, f"not one of {states}")


def test_a_task_comes_back_as_the_task_that_http_shows(serve: Callable[..., Server], application: Application) -> None:
    server = serve(timed=0.1)
    result = application.send(seed=7)
    progress = wait_for(
        lambda: result.info if result.state == "PROGRESS" and result.info.get("step") else None, 30, "no progress"
    )
    assert progress["total_steps"] == 10
    assert progress["stage"] == "denoise"
    assert 0 < progress["percent"] < 100
    assert "eta" in progress
    value = result.get(timeout=30)
    assert value == server.task(value["task_id"])
    assert value["status"] == "SUCCESS"
    assert value["seed"] == 7
    assert requests.get(value["video_url"], timeout=30).content[4:8] == b"ftyp"
    assert result.successful()
    assert result.name == TASK
    assert result.date_done is not None
    ttl = application.celery.backend.client.ttl(f"celery-task-meta-{result.id}")
    assert 86_000 < ttl <= 86_400
    # The id is the idempotency key: the same over HTTP is the same task.
    again = server.post({"prompt": "一只猫", **SMALL, "seed": 7}, headers={"Idempotency-Key": result.id})
    assert again.json()["task_id"] == value["task_id"]


def test_what_is_wrong_is_an_exception_and_stops_nothing(
    serve: Callable[..., Server], application: Application, redis: RedisServer
) -> None:
    serve()
    bad = application.send(width=63, num_frames=-4, colour="red")
    with pytest.raises(ValueError, match="width") as caught:
        bad.get(timeout=30)
    for field in ("width", "num_frames", "colour"):
        assert field in str(caught.value)
    violations = application.meta(bad)["violations"]
    assert {"width", "num_frames", "colour"} <= {violation["field"] for violation in violations}
    with pytest.raises(NotRegistered):
        application.send(task="other.task").get(timeout=30)
    with pytest.raises(TypeError):
        application.send(args=["positional"]).get(timeout=30)
    with pytest.raises(ValueError, match="content type"):
        application.send(_serializer="pickle").get(timeout=30)
    with pytest.raises(ValueError, match="compressed"):
        application.send(_compression="gzip").get(timeout=30)
    linked = application.send(_link=application.celery.signature("next"))
    with pytest.raises(NotImplementedError):
        linked.get(timeout=30)
    for garbage in (b"", b"not json", b"\xff\xfe", b"[]", b'{"body": {}}', b"{" * 10_000):
        redis.client.lpush("animato", garbage)
    huge = str(uuid.uuid4())
    application.send("x" * 3_000_000, _task_id=huge)
    with pytest.raises(ValueError, match="longer"):
        AsyncResult(huge, app=application.celery).get(timeout=30)
    assert application.send("still there").get(timeout=30)["status"] == "SUCCESS"
    assert redis.client.llen("animato") == 0
    assert redis.client.llen("_animato.animato.dead") >= 6


def test_a_task_can_be_revoked_wherever_it_is(serve: Callable[..., Server], application: Application) -> None:
    serve(timed=0.5)
    control = application.celery.control
    running = application.send("running", num_inference_steps=100)
    wait_for_state(running, {"PROGRESS"})
    queued = application.send("queued")
    wait_for_state(queued, {"RECEIVED"})
    later = application.send("later", _countdown=600)
    wait_for(
        lambda: any(control.inspect(timeout=2).scheduled().values()), 30, "the task with a countdown is not scheduled"
    )
    for result in (queued, later):
        control.revoke(result.id)
    control.revoke(running.id, terminate=True)
    for result in (running, queued, later):
        with pytest.raises(TaskRevokedError):
            result.get(timeout=30)
        assert result.state == "REVOKED"
    assert application.send("next @step=0").get(timeout=30)["status"] == "SUCCESS"


def test_an_id_means_one_task(serve: Callable[..., Server], application: Application) -> None:
    server = serve()
    one = application.send("once", _task_id="order-4711")
    value = one.get(timeout=30)
    application.send("once", _task_id="order-4711")
    application.send("something else", _task_id="order-4711")
    assert application.send("after them").get(timeout=30)["status"] == "SUCCESS"
    wait_for(lambda: "was used before" in server.logged(), 30, "the second use of the id was not seen")
    assert AsyncResult("order-4711", app=application.celery).get(timeout=30) == value
    assert len(server.get("/api/v1/tasks").json()["tasks"]) == 2


def test_a_group_is_waited_for_as_one(serve: Callable[..., Server], application: Application) -> None:
    serve()
    tasks = [application.celery.signature(TASK, kwargs={"prompt": prompt, **SMALL}, queue="animato") for prompt in "ab"]
    values = group(tasks, app=application.celery).apply_async().get(timeout=30)
    assert [value["request"]["prompt"] for value in values] == ["a", "b"]


def test_eta_expires_and_priority_are_kept_to(serve: Callable[..., Server], application: Application) -> None:
    server = serve()
    now = datetime.datetime.now(datetime.UTC)
    gone = application.send("gone", _expires=now - datetime.timedelta(seconds=5))
    due = now + datetime.timedelta(seconds=2)
    later = application.send("later", _eta=due)
    low = application.send("low", _priority=8)
    with pytest.raises(TaskRevokedError, match="expired"):
        gone.get(timeout=30)
    task = later.get(timeout=30)
    assert datetime.datetime.fromisoformat(task["created_at"]) >= due.replace(microsecond=0)
    assert low.get(timeout=30)["priority"] == "batch"
    assert server.get("/metrics").text.count('animato_celery_messages_total{outcome="expired"} 1') == 1


def test_a_killed_server_goes_on_after_its_restart(
    serve: Callable[..., Server], application: Application, redis: RedisServer
) -> None:
    server = serve(timed=0.1)
    running = application.send("running", num_inference_steps=30)
    wait_for_state(running, {"PROGRESS"})
    server.kill()
    meanwhile = application.send("meanwhile")
    redis.kill()
    redis.start_again()
    serve(timed=0.01)
    assert running.get(timeout=60)["attempts"] == 2
    assert meanwhile.get(timeout=60)["attempts"] == 1


def test_a_server_outlives_a_restart_of_redis(
    serve: Callable[..., Server], application: Application, redis: RedisServer
) -> None:
    serve(timed=0.1)
    running = application.send("running", num_inference_steps=30)
    wait_for_state(running, {"PROGRESS"})
    redis.kill()
    redis.start_again()
    value = wait_for(lambda: running.result if running.state == "SUCCESS" else None, 60, "the result was not told")
    assert value["status"] == "SUCCESS"
    assert wait_for(lambda: application.celery.control.ping(timeout=2), 30, "no answer any more")


def test_two_servers_share_a_queue_and_each_task_is_made_once(
    serve: Callable[..., Server], application: Application, tmp_path: Path
) -> None:
    one = serve(timed=0.05)
    other = serve(timed=0.05, data_directory=tmp_path / "other", celery_worker="animato@other")
    results = [application.send(f"task {index}") for index in range(20)]
    values = [result.get(timeout=60) for result in results]
    made = [server.get("/api/v1/tasks", params={"limit": 100}).json()["tasks"] for server in (one, other)]
    assert sorted(task["task_id"] for tasks in made for task in tasks) == sorted(value["task_id"] for value in values)
    one.stop()
    assert application.send("after one has gone").get(timeout=60)["status"] == "SUCCESS"


def test_tasks_run_with_the_key_of_the_settings(serve: Callable[..., Server], application: Application) -> None:
    key = "the key of this very test"
    server = serve(access_adminKey=key, celery_key=key)
    value = application.send("with a key").get(timeout=30)
    assert requests.get(value["video_url"], timeout=30).status_code == 200
    assert server.get(f"/api/v1/tasks/{value['task_id']}").status_code == 401


def test_celerys_tools_and_flower_see_a_worker_and_its_tasks(
    serve: Callable[..., Server], application: Application, redis: RedisServer, tmp_path: Path
) -> None:
    serve(timed=0.2)
    inspect = application.celery.control.inspect(timeout=2)
    assert wait_for(inspect.ping, 30, "no answer") == {"animato@test": {"ok": "pong"}}
    assert inspect.registered() == {"animato@test": [TASK]}
    assert inspect.active_queues()["animato@test"][0]["name"] == "animato"
    assert inspect.stats()["animato@test"]["broker"]["transport"] == "redis"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["-b", redis.url, "flower", "--address=127.0.0.1", f"--port={port}"]
    flower = subprocess.Popen(
        [sys.executable, "-m", "celery", *arguments],
        cwd=tmp_path,
        env=os.environ | {"FLOWER_UNAUTHENTICATED_API": "true"},
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}/api"

        def shown(path: str) -> Any:
            try:
                return requests.get(url + path, timeout=10).json()
            except (requests.ConnectionError, requests.Timeout, ValueError):
                return None

        wait_for(lambda: "animato@test" in (shown("/workers?refresh=1") or {}), 60, "Flower sees no worker")
        result = application.send("seen")
        wait_for_state(result, {"PROGRESS"})
        assert inspect.active()["animato@test"][0]["id"] == result.id
        result.get(timeout=30)

        def task() -> Any:
            found = (shown("/tasks") or {}).get(result.id)
            return found if found and found["state"] == "SUCCESS" else None

        seen = wait_for(task, 30, "Flower does not see the end of the task")
        assert seen["name"] == TASK
        assert seen["worker"] == "animato@test"
        assert seen["runtime"] > 0
        assert "seen" in seen["kwargs"]
    finally:
        flower.terminate()
        flower.wait(timeout=20)

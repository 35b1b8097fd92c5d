"""Several API servers and workers on one Redis keep the promises of one server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from deployment import Deployment, Proxy
from media import picture
from receiver import Receiver
from server import ENDED, Server, is_alive, run, wait_for
from sseclient import SSEClient

NOTICED = 15
"""Seconds after which a dead worker must have been noticed."""


MEMBERS = {'animato_members{role="api"} 2', 'animato_members{role="worker"} 2'}


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Server, Server, Server, Server]]:
    """Two API servers and two workers, for tests that harm none of them."""
    deployment = Deployment(tmp_path_factory.mktemp("pair"), fsync="everysec", timed=0.1)
    try:
        workers = [deployment.worker(name) for name in ("east", "west")]
        first, second = deployment.api(), deployment.api()
        for member in (first, second, *workers):
            member.wait_until_ready()
        yield first, second, *workers
    finally:
        deployment.close()


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """Starts deployments of a test's own; what still runs at the end is killed."""
    deployments: list[Deployment] = []

    def start(**settings: object) -> Deployment:
        deployment = Deployment(tmp_path / f"deployment-{len(deployments)}", **settings)
        deployments.append(deployment)
        return deployment

    yield start
    for deployment in deployments:
        deployment.close()


def holder(workers: tuple[Server, ...], api: Server, seconds: float = 60) -> Server:
    """The worker that has something to do now."""
    names = {member.data.name.rsplit("-", 1)[0]: member for member in workers}

    def look() -> Server | None:
        for device in api.get("/api/v1/devices").json()["devices"]:
            if any(engine["work"] for engine in device["engines"]):
                return names[device["id"].split("/")[0]]
        return None

    return wait_for(look, seconds, "no worker works")


def events(server: Server, task_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Everything that a server tells of a task until its end."""
    with requests.get(f"{server.url}/api/v1/tasks/{task_id}/events", stream=True, timeout=60) as response:
        assert response.status_code == 200, response.text
        return [(event.event, json.loads(event.data)) for event in SSEClient(response).events()]


def test_what_one_server_takes_in_another_shows_follows_and_serves(
    pair: tuple[Server, ...],
) -> None:
    first, second, *_ = pair
    task_id = first.submit("a cat on grass")["task_id"]
    told = events(second, task_id)
    assert told[-1][0] == "end"
    assert [data["status"] for name, data in told if name == "status"][-1] == "SUCCESS"
    assert [data["step"] for name, data in told if name == "progress"]

    waited = second.get(f"/api/v1/tasks/{task_id}?wait=30").json()
    assert waited["status"] == "SUCCESS"
    path = requests.utils.urlparse(waited["video_url"]).path
    assert second.get(path).content == first.get(path).content
    for variant in ("poster.jpg", "preview.gif"):
        # Made by a worker: an API server decodes nothing.
        shown = second.get(path.removesuffix(".mp4") + "/" + variant)
        assert shown.status_code == 200, shown.text


def test_a_cancel_at_one_server_stops_the_engine_that_works_for_another(
    pair: tuple[Server, ...],
) -> None:
    first, second, *_ = pair
    task_id = first.submit("to be cancelled", num_inference_steps=100)["task_id"]
    first.wait_for_step(task_id, 3)
    assert second.cancel(task_id).status_code == 200
    assert first.task(task_id)["status"] == "CANCELLED"

    def rests() -> bool:
        devices = first.get("/api/v1/devices").json()["devices"]
        return not any(engine["work"] for device in devices for engine in device["engines"])

    # 100 steps take 10 seconds: what was not stopped would still work.
    wait_for(rests, 7, "the engine goes on")


def test_equal_requests_at_two_servers_share_one_generation_and_then_its_video(
    pair: tuple[Server, ...],
) -> None:
    first, second, *_ = pair
    one = first.submit("shared by two", num_inference_steps=20)
    two = second.submit("shared by two", num_inference_steps=20)
    ends = [first.wait_for_end(one["task_id"]), second.wait_for_end(two["task_id"])]
    assert [task["status"] for task in ends] == ["SUCCESS", "SUCCESS"]
    assert ends[0]["video"]["sha256"] == ends[1]["video"]["sha256"]
    assert ends[0]["started_at"] == ends[1]["started_at"]
    assert second.submit("shared by two", num_inference_steps=20)["cached"] is True


def test_an_idempotency_key_counts_at_every_server(pair: tuple[Server, ...]) -> None:
    first, second, *_ = pair
    body = {
        "prompt": "once",
        "width": 64,
        "height": 64,
        "num_frames": 5,
        "num_inference_steps": 2,
    }
    headers = {"Idempotency-Key": "order-1"}
    one = first.post(body, headers=headers)
    two = second.post(body, headers=headers)
    assert two.json()["task_id"] == one.json()["task_id"]
    assert two.headers["Idempotency-Replayed"] == "true"
    assert second.post(body | {"prompt": "other"}, headers=headers).status_code == 409


def test_an_upload_at_one_server_is_looked_into_by_a_worker_and_used_through_another(
    pair: tuple[Server, ...],
) -> None:
    first, second, *_ = pair
    response = first.session.post(
        first.url + "/api/v1/uploads",
        data=picture(),
        headers={"Content-Type": "application/octet-stream"},
        timeout=60,
    )
    assert response.status_code == 201, response.text
    assert (response.json()["width"], response.json()["kind"]) == (160, "image")
    garbage = second.session.post(
        second.url + "/api/v1/uploads",
        data=b"no picture",
        headers={"Content-Type": "image/png"},
        timeout=60,
    )
    assert (garbage.status_code, garbage.json()["code"]) == (422, "media_unreadable")
    assert second.get(f"/api/v1/uploads/{response.json()['id']}").status_code == 200


def test_every_server_shows_every_device_and_predicts_alike(
    pair: tuple[Server, ...],
) -> None:
    first, second, *_ = pair
    shown = [sorted(device["id"] for device in server.get("/api/v1/devices").json()["devices"]) for server in pair[:2]]
    assert shown[0] == shown[1]
    assert {name.split("/")[0] for name in shown[0]} == {"east", "west"}
    request = {
        "prompt": "how long?",
        "width": 64,
        "height": 64,
        "num_frames": 5,
        "num_inference_steps": 50,
    }
    estimates = [
        server.session.post(server.url + "/api/v1/estimate", json=request, timeout=30).json()
        for server in (first, second)
    ]
    assert estimates[0]["model"] == estimates[1]["model"]
    assert estimates[0]["device_seconds"] == pytest.approx(estimates[1]["device_seconds"], rel=0.5)


def test_a_device_is_drained_through_any_server(pair: tuple[Server, ...]) -> None:
    first, second, *_ = pair

    def states(server: Server) -> dict[str, str]:
        return {device["id"]: device["state"] for device in server.get("/api/v1/devices").json()["devices"]}

    device = next(name for name in states(first) if name.startswith("east/"))
    assert first.session.post(f"{first.url}/api/v1/devices/{quote(device, safe='')}/drain", timeout=30).status_code in {
        200,
        204,
    }
    try:
        wait_for(
            lambda: states(second)[device] == "draining",
            20,
            "the device is not drained",
        )
        ends = [first.wait_for_end(first.submit(f"elsewhere {n}")["task_id"]) for n in range(3)]
        assert {task["status"] for task in ends} == {"SUCCESS"}
    finally:
        second.session.post(f"{second.url}/api/v1/devices/{quote(device, safe='')}/resume", timeout=30)
    wait_for(lambda: states(first)[device] != "draining", 20, "the device stays drained")


def test_what_goes_on_between_the_processes_is_counted(pair: tuple[Server, ...]) -> None:
    first, _, east, _ = pair
    for member in (first, east):
        wait_for(lambda of=member: set(of.get("/metrics").text.splitlines()) >= MEMBERS, 20, "not all are counted")
        text = member.get("/metrics").text
        assert 'animato_redis_connected{client="store"} 1' in text
        assert 'animato_redis_commands_in_flight{client="store"}' in text
        faults = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False
        )
        assert faults.returncode == 0, faults.stderr
    assert east.get("/healthz").json()["status"] == "live"
    assert east.get("/api/v1/tasks").status_code == 404


def test_keys_are_made_and_revoked_for_every_server(
    deploy: Callable[..., Deployment],
) -> None:
    admin = {"Authorization": "Bearer the operator's own key of the settings"}
    deployment = deploy(timed=0.01, access_adminKey="the operator's own key of the settings")
    first, second = deployment.api(), deployment.api()
    made = requests.post(
        f"{first.url}/api/v1/admin/keys",
        json={"name": "shop"},
        headers=admin,
        timeout=30,
    )
    assert made.status_code == 201, made.text
    key = {"Authorization": f"Bearer {made.json()['key']}"}

    def status(server: Server) -> int:
        return requests.get(f"{server.url}/api/v1/tasks", headers=key, timeout=30).status_code

    wait_for(lambda: status(second) == 200, 20, "the key does not open the other server")
    requests.delete(f"{second.url}/api/v1/admin/keys/{made.json()['key_id']}", headers=admin, timeout=30)
    wait_for(lambda: status(first) == 401, 20, "the key still opens the first server")

    # The same from the command line, which asks no server.
    listed = run(
        "keys",
        "list",
        "--json",
        "--data",
        str(deployment.directory / "cli"),
        environment={"ANIMATO_STORE_URL": deployment.redis.url},
    )
    assert listed.returncode == 0, listed.stderr
    assert "shop" in listed.stdout


def test_a_limit_of_requests_counts_for_all_servers_together(
    deploy: Callable[..., Deployment],
) -> None:
    admin = {"Authorization": "Bearer the operator's own key of the settings"}
    deployment = deploy(timed=0.01, access_adminKey="the operator's own key of the settings")
    first, second = deployment.api(), deployment.api()
    limits = {"requests_per_second": 0.001, "burst": 4}
    made = requests.post(
        f"{first.url}/api/v1/admin/keys",
        json={"name": "shop", "limits": limits},
        headers=admin,
        timeout=30,
    )
    assert made.status_code == 201, made.text
    key = {"Authorization": f"Bearer {made.json()['key']}"}

    def status(server: Server) -> int:
        return requests.get(f"{server.url}/api/v1/tasks", headers=key, timeout=30).status_code

    wait_for(lambda: status(second) != 401, 20, "the key does not open the other server")
    answers = [status(server) for server in (first, second, first, second, first, second)]
    assert answers.count(429) >= 3, answers


@pytest.mark.parametrize("timed", [0.2, None], ids=["timed engine", "real pipeline"])
def test_a_worker_that_dies_is_noticed_and_its_generation_goes_on_elsewhere(
    deploy: Callable[..., Deployment], timed: float | None
) -> None:
    deployment = deploy(timed=timed, engine_checkpointSteps=2)
    workers = (deployment.worker("east"), deployment.worker("west"))
    api = deployment.api()
    for member in (*workers, api):
        member.wait_until_ready()
    size = {
        "width": 112,
        "height": 64,
        "num_frames": 49,
        "num_inference_steps": 14,
        "seed": 5,
    }
    whole = api.wait_for_end(api.submit("a cat on the grass", **size)["task_id"], 180)
    task_id = api.submit("a cat on the grass", **size, cache="off")["task_id"]
    api.wait_for_step(task_id, 7, 180)
    victim = holder(workers, api)
    engine = victim.engine()
    victim.process.kill()
    died = time.monotonic()
    wait_for(
        lambda: api.task(task_id)["attempts"] == 2,
        NOTICED + 15,
        "nobody has taken it over",
    )
    assert time.monotonic() - died < NOTICED + 10
    task = api.wait_for_end(task_id, 180)
    assert task["status"] == "SUCCESS", task
    # Named by the hash of its content: resumed or not, the bytes are those of an uninterrupted run.
    assert task["video"]["sha256"] == whole["video"]["sha256"]
    sidecar = next((deployment.directory / "shared/videos").rglob(f"{task['video']['sha256']}.json"))
    assert int(json.loads(sidecar.read_text())["resumed_step"]) >= 6
    wait_for(lambda: not is_alive(engine), 5, "the engine outlived its worker")


def test_a_worker_that_was_cut_off_finishes_nothing_that_another_has_taken_over(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    deployment = deploy(timed=0.3)
    network = Proxy(lambda: [deployment.redis.port])
    receiver = Receiver()
    try:
        cut_off = deployment.worker("east", store_url=f"redis://127.0.0.1:{network.port}")
        api = deployment.api(callbacks_allowHTTP="true", callbacks_allowedNetworks="127.0.0.0/8")
        cut_off.wait_until_ready()
        api.wait_until_ready()
        task_id = api.submit("taken over", num_inference_steps=60, callback_url=receiver.url)["task_id"]
        api.wait_for_step(task_id, 3)
        network.cut()
        other = deployment.worker("west")
        other.wait_until_ready()
        wait_for(
            lambda: api.task(task_id)["attempts"] == 2,
            NOTICED + 20,
            "nobody has taken it over",
        )
        network.mend()
        task = api.wait_for_end(task_id, 120)
        assert (task["status"], task["attempts"]) == ("SUCCESS", 2)
        told = [callback.event["type"] for callback in receiver.wait_for(1)]
        assert len(told) == 1, told
        # It is of use again.
        wait_for(
            lambda: cut_off.get("/readyz").status_code == 200,
            60,
            "it does not come back",
        )
    finally:
        network.close()
        receiver.close()


def test_redis_may_die_and_nothing_that_was_accepted_is_lost(
    deploy: Callable[..., Deployment],
) -> None:
    deployment = deploy(timed=0.05)
    worker, api = deployment.worker("east"), deployment.api()
    for member in (worker, api):
        member.wait_until_ready()
    accepted = [api.submit(f"kept {n}", num_inference_steps=20)["task_id"] for n in range(10)]
    deployment.redis.kill()
    refused = api.post({"prompt": "not now", "width": 64, "height": 64, "num_frames": 5})
    assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
    assert "Retry-After" in refused.headers
    deployment.redis.start_again()
    wait_for(
        lambda: api.get(f"/api/v1/tasks/{accepted[0]}").status_code == 200,
        60,
        "the server does not come back",
    )
    for task_id in accepted:
        assert api.wait_for_end(task_id, 120)["status"] == "SUCCESS"


def test_one_version_after_the_other_and_nothing_is_lost(
    deploy: Callable[..., Deployment],
) -> None:
    deployment = deploy(timed=0.05, queue_drainTimeout=20)
    old = deployment.worker("east")
    balancer_targets = [deployment.api()]
    front = Proxy(lambda: [int(server.url.rsplit(":", 1)[1]) for server in balancer_targets])
    try:
        old.wait_until_ready()
        accepted: list[str] = []
        over = threading.Event()

        def load() -> None:
            number = 0
            while not over.is_set():
                number += 1
                with contextlib.suppress(requests.RequestException):
                    body = {
                        "prompt": f"rolling {number}",
                        "width": 64,
                        "height": 64,
                        "num_frames": 5,
                    }
                    response = requests.post(
                        f"http://127.0.0.1:{front.port}/api/v1/generate",
                        json=body | {"num_inference_steps": 3},
                        timeout=30,
                    )
                    if response.status_code in {200, 202}:
                        accepted.append(response.json()["task_id"])
                over.wait(0.1)

        client = threading.Thread(target=load)
        client.start()
        try:
            wait_for(lambda: len(accepted) > 5, 30, "nothing is accepted")
            new = deployment.worker("west")
            new.wait_until_ready()
            assert old.stop() == 0
            balancer_targets.append(deployment.api())
            assert balancer_targets.pop(0).stop() == 0
            count = len(accepted)
            wait_for(lambda: len(accepted) > count + 5, 30, "nothing is accepted any more")
        finally:
            over.set()
            client.join()
        for task_id in accepted:
            assert balancer_targets[0].wait_for_end(task_id, 60)["status"] == "SUCCESS"
    finally:
        front.close()


def test_without_a_worker_a_known_model_is_accepted_and_waits_for_one(
    deploy: Callable[..., Deployment],
) -> None:
    deployment = deploy(timed=0.01)
    worker, api = deployment.worker("east"), deployment.api()
    worker.wait_until_ready()
    api.wait_until_ready()
    assert worker.stop() == 0
    wait_for(
        lambda: not api.get("/api/v1/devices").json()["devices"],
        30,
        "the worker is still shown",
    )
    task_id = api.submit("from zero")["task_id"]
    assert api.task(task_id)["status"] not in ENDED
    deployment.worker("west")
    assert api.wait_for_end(task_id)["status"] == "SUCCESS"


@pytest.mark.parametrize("command", [("worker",), ("serve", "--role", "api")])
def test_a_role_that_needs_others_says_so(command: tuple[str, ...], tmp_path: Path) -> None:
    ended = run(*command, "--data", str(tmp_path))
    assert ended.returncode == 78
    assert "store.url" in ended.stderr


@pytest.mark.parametrize("command", [("worker",), ("serve",)])
def test_a_redis_that_is_not_there_is_said_at_once(command: tuple[str, ...], tmp_path: Path) -> None:
    ended = run(
        *command,
        "--data",
        str(tmp_path),
        "--set",
        "store.url=redis://:hush@127.0.0.1:1",
    )
    assert ended.returncode == 69
    assert "store.url" in ended.stderr
    assert "hush" not in ended.stderr


def test_a_process_that_is_told_to_stop_leaves_no_trace_among_the_members(
    deploy: Callable[..., Deployment],
) -> None:
    deployment = deploy(timed=0.01)
    worker, api = deployment.worker("east"), deployment.api()
    for member in (worker, api):
        member.wait_until_ready()
    engine = worker.engine()
    os.kill(worker.process.pid, signal.SIGTERM)
    assert worker.process.wait(timeout=60) == 0
    assert not is_alive(engine)
    wait_for(
        lambda: not api.get("/api/v1/devices").json()["devices"],
        20,
        "the worker is still shown",
    )
    # Its models are known, so that it goes on accepting what waits for the next one.
    assert api.get("/readyz").status_code == 200

"""Who gave a `callback_url` hears exactly what happened: signed, in order, at least once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from receiver import Receiver
from server import Server, wait_for
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

LOCAL = {"callbacks_allowHTTP": "true", "callbacks_allowedNetworks": "127.0.0.0/8"}
"""What lets a test be called back on its own machine."""


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    """Starts receivers that are closed at the end."""
    receivers: list[Receiver] = []

    def receive_one(**arguments: Any) -> Receiver:
        receivers.append(Receiver(**arguments))
        return receivers[-1]

    yield receive_one
    for receiver in receivers:
        receiver.close()


def secret_of(server: Server) -> str:
    """The secret that a server without one of its own has made itself."""
    return (server.data / "callback.secret").read_text().strip()


def test_the_standard_library_verifies_our_signature(
    start: Callable[..., Server], receive: Callable[..., Receiver]
) -> None:
    server, receiver = start(**LOCAL), receive()
    server.wait_until_ready()
    task = server.submit("一只猫", callback_url=receiver.url + "/hook?of=me")
    (callback,) = receiver.wait_for(1)
    assert callback.path == "/hook?of=me"
    assert callback.headers["content-type"] == "application/json"
    event = Webhook(secret_of(server)).verify(callback.body, callback.headers)
    assert event["type"] == "task.succeeded"
    assert event["data"] == server.task(task["task_id"])
    assert event["data"]["callback_url"] == receiver.url + "/hook?of=me"
    assert event["data"]["video_url"].startswith(server.url)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(server)).verify(callback.body.replace(b"SUCCESS", b"FAILURE"), callback.headers)
    (delivery,) = wait_for(
        lambda: server.get("/api/v1/deliveries", params={"status": "DELIVERED"}).json()["deliveries"], 10, "no delivery"
    )
    assert delivery["delivery_id"] == callback.headers["webhook-id"]
    assert delivery["response_status"] == 204
    assert delivery["task_id"] == task["task_id"]


def test_two_secrets_are_valid_while_they_are_rotated(
    start: Callable[..., Server], receive: Callable[..., Receiver]
) -> None:
    old, new = "whsec_" + "b2xk" * 8, "whsec_" + "bmV3" * 8
    server, receiver = start(callbacks_secrets=f"{new},{old}", **LOCAL), receive()
    server.wait_until_ready()
    server.submit("a", callback_url=receiver.url)
    (callback,) = receiver.wait_for(1)
    for secret in (old, new):
        Webhook(secret).verify(callback.body, callback.headers)
    assert not (server.data / "callback.secret").exists()
    assert old not in server.logged()


@pytest.mark.parametrize(
    ("prompt", "event"), [("@oom", "task.failed"), ("long", "task.cancelled"), ("good", "task.succeeded")]
)
def test_every_end_is_told(
    start: Callable[..., Server], receive: Callable[..., Receiver], prompt: str, event: str
) -> None:
    server, receiver = start(timed=0.02, **LOCAL), receive()
    server.wait_until_ready()
    steps = 100 if prompt == "long" else 5
    task = server.submit(prompt, callback_url=receiver.url, num_inference_steps=steps)
    if prompt == "long":
        server.wait_for_step(task["task_id"])
        server.cancel(task["task_id"])
    (callback,) = receiver.wait_for(1)
    assert callback.event["type"] == event
    assert callback.event["data"] == server.wait_for_end(task["task_id"])


def test_a_cached_answer_calls_back_as_well(start: Callable[..., Server], receive: Callable[..., Receiver]) -> None:
    server, receiver = start(**LOCAL), receive()
    server.wait_until_ready()
    server.wait_for_end(server.submit("a")["task_id"])
    again = server.submit("a", callback_url=receiver.url)
    assert again["cached"] is True
    (callback,) = receiver.wait_for(1)
    assert callback.event["data"] == again


def test_news_comes_in_order_and_the_end_comes_last(
    start: Callable[..., Server], receive: Callable[..., Receiver]
) -> None:
    server, receiver = start(timed=0.2, **LOCAL), receive()
    server.wait_until_ready()
    task = server.submit(
        "a",
        callback_url=receiver.url,
        callback_events=["task.started", "task.progress", "task.succeeded"],
        num_inference_steps=40,
    )
    assert task["callback_events"] == ["task.started", "task.progress", "task.succeeded"]
    wait_for(lambda: [c for c in receiver.received if c.event["type"] == "task.succeeded"], 60, "no end")
    types = [callback.event["type"] for callback in receiver.received]
    assert types[0] == "task.started"
    assert types[-1] == "task.succeeded"
    assert set(types[1:-1]) == {"task.progress"}
    numbers = [int(callback.headers["webhook-id"].rpartition("-")[2]) for callback in receiver.received]
    assert numbers == sorted(numbers)


def test_a_callback_that_was_not_delivered_before_a_kill_is_delivered_after_it(
    start: Callable[..., Server], receive: Callable[..., Receiver]
) -> None:
    server, receiver = start(**LOCAL), receive(answer=lambda _: 500)
    server.wait_until_ready()
    task = server.submit("a", callback_url=receiver.url)
    receiver.wait_for(1)
    server.kill()
    receiver.answer = lambda _: 204
    server = start(**LOCAL)
    callbacks = receiver.wait_for(2)
    assert callbacks[1].headers["webhook-id"] == callbacks[0].headers["webhook-id"]
    assert callbacks[1].task_id == task["task_id"]
    assert callbacks[1].event == callbacks[0].event | {"data": callbacks[1].event["data"]}


def test_a_task_that_ended_just_before_a_kill_is_told_of(
    start: Callable[..., Server], receive: Callable[..., Receiver]
) -> None:
    # The receiver holds the first callback back until the server is dead: the end is committed, nothing delivered.
    dead = threading.Event()

    def answer(_: object) -> int:
        dead.wait(30)
        return 503

    server, receiver = start(**LOCAL), receive(answer=answer)
    server.wait_until_ready()
    task = server.submit("a", callback_url=receiver.url)
    receiver.wait_for(1)
    server.kill()
    dead.set()
    receiver.answer = lambda _: 204
    server = start(**LOCAL)
    delivered = wait_for(
        lambda: server.get("/api/v1/deliveries", params={"status": "DELIVERED"}).json()["deliveries"], 30, "nothing"
    )
    assert [delivery["task_id"] for delivery in delivered] == [task["task_id"]]


def test_a_redirect_is_not_followed_and_a_dead_delivery_is_sent_again_by_hand(
    start: Callable[..., Server], receive: Callable[..., Receiver]
) -> None:
    inside = receive()
    server, receiver = start(**LOCAL), receive(answer=lambda _: 307, location=inside.url + "/inside")
    server.wait_until_ready()
    task = server.submit("a", callback_url=receiver.url)
    receiver.wait_for(1)
    (delivery,) = wait_for(
        lambda: [
            found
            for found in server.get("/api/v1/deliveries", params={"task_id": task["task_id"]}).json()["deliveries"]
            if found["error"]
        ],
        10,
        "no failed delivery",
    )
    assert delivery["status"] == "PENDING"
    assert delivery["response_status"] == 307
    assert delivery["error"]["code"] == "callback_http_status"
    assert inside.received == []

    receiver.answer = lambda _: 410
    path = f"/api/v1/deliveries/{delivery['delivery_id']}/redeliver"
    assert server.session.post(server.url + path, timeout=30).status_code == 202
    receiver.wait_for(2)
    wait_for(
        lambda: server.get("/api/v1/deliveries", params={"status": "DEAD"}).json()["deliveries"], 10, "it is not dead"
    )

    receiver.answer = lambda _: 200
    assert server.session.post(server.url + path, timeout=30).status_code == 202
    callbacks = receiver.wait_for(3)
    assert len({callback.headers["webhook-id"] for callback in callbacks}) == 1
    wait_for(
        lambda: server.get("/api/v1/deliveries", params={"status": "DELIVERED"}).json()["deliveries"], 10, "not sent"
    )
    nothing = server.session.post(f"{server.url}/api/v1/deliveries/{task['task_id']}-99999/redeliver", timeout=30)
    assert nothing.status_code == 404
    assert nothing.json()["code"] == "delivery_not_found"


def test_a_thousand_equal_requests_make_one_video_and_a_thousand_callbacks(
    start: Callable[..., Server], receive: Callable[..., Receiver]
) -> None:
    server, receiver = start(timed=0.3, **LOCAL), receive()
    server.wait_until_ready()
    with ThreadPoolExecutor(20) as pool:
        tasks = list(
            pool.map(lambda index: server.submit("equal", callback_url=f"{receiver.url}/{index}"), range(1000))
        )
    ids = {task["task_id"] for task in tasks}
    assert len(ids) == 1000
    callbacks = receiver.wait_for(1000, seconds=60)
    assert {callback.task_id for callback in callbacks} == ids
    assert {callback.event["data"]["status"] for callback in callbacks} == {"SUCCESS"}
    assert {callback.path for callback in callbacks} == {f"/{index}" for index in range(1000)}
    assert server.logged().count("Generation succeeded") == 1
    assert len({callback.event["data"]["video_url"] for callback in callbacks}) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://localhost/",
        "http://example.org/",
        "https://user:secret@example.org/",
        "ftp://example.org/",
        "//example.org/",
        "",
    ],
)
def test_a_forbidden_address_is_refused_before_anything_is_made(start: Callable[..., Server], url: str) -> None:
    server = start()
    server.wait_until_ready()
    response = server.post({"prompt": "a", "callback_url": url, "fps": 0})
    assert response.status_code == 422
    assert {violation["field"] for violation in response.json()["violations"]} == {"callback_url", "fps"}
    assert server.get("/api/v1/tasks").json()["tasks"] == []


def test_a_name_that_leads_to_a_forbidden_address_is_never_called(
    start: Callable[..., Server], receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    server = start(callbacks_allowHTTP="true")
    server.wait_until_ready()
    port = receiver.url.rpartition(":")[2]
    # A name for this machine that every machine has, and that does not say so.
    name = Path("/etc/hostname").read_text().strip()
    task = server.submit("a", callback_url=f"http://{name}:{port}/")
    (delivery,) = wait_for(
        lambda: server.get("/api/v1/deliveries", params={"status": "DEAD"}).json()["deliveries"], 30, "it is not dead"
    )
    assert delivery["task_id"] == task["task_id"]
    assert delivery["error"]["code"] == "callback_address_forbidden"
    assert receiver.received == []

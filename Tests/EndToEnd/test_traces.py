"""Traces, from a client's request through the queue and the engine to the callback, as a collector gets them."""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from collector import Collector, Span
from receiver import Receiver
from server import Server, wait_for

CALLBACKS = {"callbacks_allowHTTP": "true", "callbacks_allowedNetworks": "127.0.0.0/8"}
SMALL = {"width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 4}
CREATE = "POST /api/v1/generate"


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def new_trace(flags: str = "01") -> tuple[str, str, str]:
    """A trace of a client's own: its id, the client's span, and the `traceparent`."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return trace, span, f"00-{trace}-{span}-{flags}"


def submit(server: Server, parent: str | None, prompt: str = "a cat", **fields: Any) -> dict[str, Any]:
    headers = {"traceparent": parent} if parent else {}
    response = server.post({"prompt": prompt, **SMALL, **fields}, headers=headers)
    assert response.status_code in {200, 202}, response.text
    return response.json()


def one(spans: list[Span], name: str) -> Span:
    found = [span for span in spans if span.name == name]
    assert len(found) == 1, (name, [span.name for span in spans])
    return found[0]


def test_one_request_is_one_tree_from_the_client_to_the_callback(
    start: Callable[..., Server], collector: Collector, receiver: Receiver
) -> None:
    server = start(
        tracing_endpoint=collector.url,
        tracing_headers="authorization=Bearer abc,x-team=video",
        tracing_serviceName="studio",
        **CALLBACKS,
    )
    server.wait_until_ready()
    trace, client, parent = new_trace()
    headers = {"traceparent": parent, "tracestate": "vendor=x", "x-request-id": "request-7"}
    body = {"prompt": "a purple elephant", **SMALL, "callback_url": receiver.url + "/hook"}
    task = server.post(body, headers=headers).json()
    (callback,) = receiver.wait_for(1)
    spans = collector.wait_for(trace, "callback", "attempt")
    request, attempt, sent = one(spans, CREATE), one(spans, "attempt"), one(spans, "callback")
    queue, store = one(spans, "queue"), one(spans, "store")
    stages = [one(spans, name) for name in ("load", "encode", "denoise", "decode", "write")]

    # One tree.
    assert request.parent == client and {queue.parent, attempt.parent, sent.parent} == {request.id}
    assert {span.parent for span in (*stages, store)} == {attempt.id}
    assert len(spans) == 10 and len({span.id for span in spans}) == 10
    assert (request.kind, queue.kind, attempt.kind, sent.kind) == (2, 1, 1, 3)

    # One time.
    assert all(span.start <= span.end for span in spans)
    assert request.start <= queue.start <= queue.end <= attempt.start
    # The load begins before the encoding, or in the middle of it.
    denoise, decode, write = stages[2:]
    assert max(stages[0].end, stages[1].end) <= denoise.start <= denoise.end <= decode.start <= decode.end
    assert decode.end <= write.start <= write.end <= store.start <= store.end <= attempt.end
    assert all(attempt.start <= span.start and span.end <= attempt.end for span in stages)
    assert store.end <= sent.start + 1_000_000

    # What it was.
    assert request.attributes["http.request.method"] == "POST"
    assert request.attributes["http.route"] == "/api/v1/generate"
    assert request.attributes["http.response.status_code"] == 202
    assert request.attributes["animato.disposition"] == "queued"
    assert {request.attributes["animato.task.id"], attempt.attributes["animato.task.id"]} == {task["task_id"]}
    generations = {span.attributes["animato.generation.id"] for span in (request, queue, attempt)}
    assert len(generations) == 1
    expected = {"width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 4, "attempt": 1, "resumed_step": 0}
    assert {name: attempt.attributes[f"animato.{name}"] for name in expected} == expected
    assert attempt.attributes["animato.device"] and attempt.attributes["animato.model"] == "timed"
    assert attempt.attributes["animato.memory_mode"] == "full"
    assert sent.attributes["http.response.status_code"] == 204
    assert all(span.error is None for span in spans)

    # The callback is under the span of its delivery.
    assert callback.headers["traceparent"] == f"00-{trace}-{sent.id}-01"
    assert callback.headers["tracestate"] == "vendor=x"

    # Who it was, and what nobody is told.
    assert collector.resources[0]["service.name"] == "studio" and collector.resources[0]["service.version"]
    assert collector.headers[0]["authorization"] == "Bearer abc" and collector.headers[0]["x-team"] == "video"
    assert not any(b"elephant" in body for body in collector.bodies)

    # The log tells the same story.
    lines = [line for line in server.logged().splitlines() if task["task_id"] in line]
    assert [line for line in lines if "Task accepted" in line and "request-7" in line and "disposition=queued" in line]
    assert [line for line in lines if "Generation starts" in line] and [line for line in lines if "Delivered" in line]
    assert [line for line in lines if "Generation succeeded" in line]
    assert all(trace in line for line in lines)
    assert "elephant" not in server.logged() and "Bearer" not in server.logged()


def test_a_trace_survives_a_restart_between_acceptance_and_run(
    start: Callable[..., Server], collector: Collector, receiver: Receiver
) -> None:
    server = start(tracing_endpoint=collector.url, timed=0.05, **CALLBACKS)
    server.wait_until_ready()
    assert server.session.post(server.url + "/api/v1/drain", timeout=30).status_code == 200
    trace, client, parent = new_trace()
    task = submit(server, parent, callback_url=receiver.url)
    assert one(collector.wait_for(trace, CREATE), CREATE).parent == client
    server.kill()
    server = start(tracing_endpoint=collector.url, timed=0.05, **CALLBACKS)
    server.wait_for_end(task["task_id"])
    spans = collector.wait_for(trace, "callback", "attempt")
    request = one(spans, CREATE)
    assert {one(spans, name).parent for name in ("queue", "attempt", "callback")} == {request.id}
    # Both processes are in it.
    assert len({resource["service.instance.id"] for resource in collector.resources}) == 2


def test_a_crashed_engine_shows_as_a_failed_attempt(start: Callable[..., Server], collector: Collector) -> None:
    server = start(tracing_endpoint=collector.url)
    server.wait_until_ready()
    trace, _, parent = new_trace()
    task = submit(server, parent, prompt="a cat @crash-once")
    assert server.wait_for_end(task["task_id"])["status"] == "SUCCESS"
    wait_for(lambda: sum(span.name == "attempt" for span in collector.of(trace)) == 2, 30, "two attempts")
    spans = collector.of(trace)
    first, second = sorted((span for span in spans if span.name == "attempt"), key=lambda span: span.start)
    assert first.error == first.attributes["error.type"] == "engine_crashed" and second.error is None
    assert first.end <= second.start and one(spans, "queue").end <= first.start


def test_of_two_joined_tasks_each_points_to_the_other(start: Callable[..., Server], collector: Collector) -> None:
    server = start(tracing_endpoint=collector.url)
    server.wait_until_ready()
    assert server.session.post(server.url + "/api/v1/drain", timeout=30).status_code == 200
    first, _, one_parent = new_trace()
    second, _, other_parent = new_trace()
    task, other = submit(server, one_parent, seed=1), submit(server, other_parent, seed=1)
    assert server.session.post(server.url + "/api/v1/resume", timeout=30).status_code == 200
    for each in (task, other):
        server.wait_for_end(each["task_id"])
    attempt = one(collector.wait_for(first, "attempt"), "attempt")
    assert attempt.links == [(second, {"animato.link": "joined"})]
    joined = one(collector.wait_for(second, CREATE), CREATE)
    assert joined.links == [(first, {"animato.link": "joined"})]
    assert joined.attributes["animato.disposition"] == "joined"
    assert [span.name for span in collector.of(second)] == [CREATE]
    # A third finds the video made.
    third, _, last_parent = new_trace()
    submit(server, last_parent, seed=1)
    assert one(collector.wait_for(third, CREATE), CREATE).links == [(first, {"animato.link": "cached"})]


def test_a_request_without_a_trace_begins_one(
    start: Callable[..., Server], collector: Collector, receiver: Receiver
) -> None:
    server = start(tracing_endpoint=collector.url, **CALLBACKS)
    server.wait_until_ready()
    submit(server, None, callback_url=receiver.url)
    (callback,) = receiver.wait_for(1)
    trace = callback.headers["traceparent"].split("-")[1]
    spans = collector.wait_for(trace, "callback", "attempt")
    assert one(spans, CREATE).parent is None
    # The other door is traced as well, and what is malformed is as if it were not there.
    made = server.session.post(
        server.url + "/v1/videos",
        json={"prompt": "a dog"},
        headers={"traceparent": f"00-{'0' * 32}-{'1' * 16}-01"},
        timeout=30,
    )
    assert made.status_code == 200, made.text
    wait_for(lambda: [s for s in collector.spans if s.name == "POST /v1/videos"], 30, "the span of the other door")
    other = one(collector.spans, "POST /v1/videos")
    assert other.parent is None and other.trace not in {trace, "0" * 32}
    # Polls are not worth a trace, unless one is asked for.
    asked, _, parent = new_trace()
    server.get("/api/v1/tasks", headers={"traceparent": parent})
    server.get("/api/v1/nothing", headers={"traceparent": parent})
    found = collector.wait_for(asked, "GET /api/v1/tasks", "HTTP")
    assert one(found, "HTTP").attributes["http.response.status_code"] == 404
    assert not [span for span in collector.spans if span.trace != asked and span.name.startswith("GET")]


def processor_seconds(server: Server) -> float:
    """What the server process has used of the processor so far."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_an_exporter_with_nothing_to_send_rests(start: Callable[..., Server], collector: Collector) -> None:
    server = start(tracing_endpoint=collector.url)
    server.wait_until_ready()
    trace, _, parent = new_trace()
    server.wait_for_end(submit(server, parent)["task_id"])
    collector.wait_for(trace, "attempt")
    before = processor_seconds(server)
    # Several rounds of the exporter.
    time.sleep(3)
    assert processor_seconds(server) - before < 0.6


def test_what_is_not_sampled_is_not_sent(
    start: Callable[..., Server], collector: Collector, receiver: Receiver
) -> None:
    server = start(tracing_endpoint=collector.url, tracing_sampleRatio=0, **CALLBACKS)
    server.wait_until_ready()
    quiet, client, parent = new_trace("00")
    tasks = [submit(server, parent, callback_url=receiver.url), submit(server, None, prompt="a dog")]
    for task in tasks:
        server.wait_for_end(task["task_id"])
    (callback,) = receiver.wait_for(1)
    assert re.fullmatch(f"00-{quiet}-[0-9a-f]{{16}}-00", callback.headers["traceparent"])
    assert client not in callback.headers["traceparent"]
    # A client that wants it recorded gets it: what was before would have come before.
    loud, _, parent = new_trace()
    submit(server, parent, prompt="a bird")
    collector.wait_for(loud, "attempt")
    assert {span.trace for span in collector.spans} == {loud}


def test_without_a_collector_the_context_still_goes_through(start: Callable[..., Server], receiver: Receiver) -> None:
    server = start(**CALLBACKS)
    server.wait_until_ready()
    trace, client, parent = new_trace()
    submit(server, parent, callback_url=receiver.url)
    submit(server, None, prompt="a dog", callback_url=receiver.url)
    parents = [callback.headers.get("traceparent") for callback in receiver.wait_for(2)]
    # The receiver's spans are under the client's: no span of ours is missing between them.
    assert sorted(parents, key=str) == sorted([f"00-{trace}-{client}-01", None], key=str)
    assert f"trace_id={trace}" in server.logged()


@pytest.mark.parametrize("hangs", [False, True])
def test_a_collector_that_is_gone_or_hangs_costs_nothing_and_is_said_once(
    start: Callable[..., Server], hangs: bool
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        if hangs:
            # The kernel takes connections, and nobody answers.
            nobody.listen()
        server = start(tracing_endpoint=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        server.wait_until_ready()
        for number in range(3):
            task = submit(server, None, prompt=f"a cat {number}")
            assert server.wait_for_end(task["task_id"])["status"] == "SUCCESS"
        wait_for(lambda: "Traces cannot be exported" in server.logged(), 30, "the log does not say so")
        stopped = time.monotonic()
        assert server.stop() == 0 and time.monotonic() - stopped < 15
        assert server.logged().count("Traces cannot be exported") == 1
        assert "Spans were dropped" in server.logged()


def test_a_busy_collector_is_tried_again_and_nothing_is_lost_at_shutdown(
    start: Callable[..., Server], collector: Collector
) -> None:
    collector.statuses = [503, 429]
    server = start(tracing_endpoint=collector.url)
    server.wait_until_ready()
    trace, _, parent = new_trace()
    task = submit(server, parent)
    server.wait_for_end(task["task_id"])
    assert server.stop() == 0
    spans = collector.wait_for(trace, CREATE, "attempt")
    assert len({span.id for span in spans}) == 9
    assert "Spans were dropped" not in server.logged()

"""What is counted is what was done, and Prometheus can read it; against the real server."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import requests
from media import picture
from receiver import Receiver
from server import REPOSITORY, Server, run, wait_for

ADMIN = "the operator's own key of the settings"
LOCAL = {"callbacks_allowHTTP": "true", "callbacks_allowedNetworks": "127.0.0.0/8"}
LINE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')

NOT_HERE = {
    "animato_device_temperature_celsius",
    "animato_celery_messages_total",
    "animato_celery_open_tasks",
    "animato_celery_records_total",
    "animato_redis_commands_in_flight",
    "animato_redis_connected",
    "animato_redis_errors_total",
    "animato_redis_reconnects_total",
    "animato_store_conflicts_total",
}
"""Processors do not tell, and neither a Celery application nor a Redis is there."""


class Metric(NamedTuple):
    """A metric as the documentation has it."""

    kind: str
    labels: list[str]


def documented() -> dict[str, Metric]:
    """The metrics of docs/metrics.md, by name."""
    text = (REPOSITORY / "docs/metrics.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \| (.*?) \|", text, re.MULTILINE)
    return {name: Metric(kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels in rows}


class Scrape:
    """One answer of `/metrics`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.series: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            found = LINE.fullmatch(line)
            assert found, line
            labels = tuple(sorted(LABEL.findall(found[2] or "")))
            assert labels not in self.series.setdefault(found[1], {}), f"twice: {line}"
            self.series[found[1]][labels] = float(found[3])
        self.kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of the series that have these labels; 0 if there is none."""
        wanted = set(labels.items())
        return sum(value for having, value in self.series.get(name, {}).items() if wanted <= set(having))


def scrape(server: Server, **arguments: Any) -> Scrape:
    """What the server tells now."""
    response = server.get("/metrics", **arguments)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Scrape(response.text)


def check(text: str) -> None:
    """Has Prometheus' own tool look at the text."""
    try:
        verdict = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False
        )
    except FileNotFoundError:
        if os.environ.get("CI"):
            raise
        pytest.skip("promtool is not installed")
    assert (verdict.returncode, verdict.stdout, verdict.stderr) == (0, "", "")


def check_histograms(seen: Scrape) -> None:
    """Buckets rise, and the last of them is the count."""
    for name, kind in seen.kinds.items():
        if kind != "histogram":
            continue
        for labels, count in seen.series[f"{name}_count"].items():
            buckets = [
                (float(dict(having)["le"]), value)
                for having, value in seen.series[f"{name}_bucket"].items()
                if tuple(label for label in having if label[0] != "le") == labels
            ]
            values = [value for _, value in sorted(buckets)]
            assert values == sorted(values) and values[-1] == count, (name, labels)
            assert sorted(buckets)[-1][0] == float("inf")


def work(server: Server, receiver: Receiver) -> None:
    """Has one of everything happen that is counted."""
    first = server.wait_for_end(server.submit("a cat", callback_url=receiver.url)["task_id"])
    assert first["status"] == "SUCCESS", first
    assert server.submit("a cat")["cached"]
    for _ in range(2):
        server.post({"prompt": "twice", "num_inference_steps": 4}, headers={"Idempotency-Key": "once"})
    name = first["video"]["sha256"]
    for _ in range(3):
        assert server.get(f"/api/v1/videos/{name}.mp4").status_code == 200
    assert server.get("/api/v1/videos/" + "0" * 64 + ".mp4").status_code == 404
    assert server.post({"prompt": ""}).status_code == 422
    assert server.post({"prompt": "a", "width": 770}).status_code == 422
    assert server.wait_for_end(server.submit("@invalid")["task_id"])["status"] == "FAILED"
    running = server.submit("@hang", priority="interactive")
    assert server.submit("@hang")["task_id"] != running["task_id"]
    wait_for(lambda: server.task(running["task_id"])["status"] == "RUNNING", 30, "it does not run")
    for task in server.get("/api/v1/tasks?status=RUNNING").json()["tasks"]:
        assert server.cancel(task["task_id"]).status_code == 200
    file = {"file": ("a.png", picture(64, 64), "image/png")}
    assert server.session.post(f"{server.url}/api/v1/uploads", files=file, timeout=30).status_code == 201
    file = {"file": ("a.png", b"no picture", "image/png")}
    assert server.session.post(f"{server.url}/api/v1/uploads", files=file, timeout=30).status_code == 422
    assert server.get("/nothing/there?prompt=secret").status_code == 404
    assert server.session.request("PROPFIND", f"{server.url}/healthz", timeout=30).status_code == 405
    assert server.get(f"/api/v1/tasks/{first['task_id']}?wait=1").status_code == 200
    receiver.wait_for(1)


def test_what_was_done_is_what_is_counted_and_prometheus_reads_it(start: Callable[..., Server]) -> None:
    receiver = Receiver()
    try:
        server = start(**LOCAL)
        server.wait_until_ready()
        work(server, receiver)
        wait_for(lambda: scrape(server)("animato_callbacks_total", outcome="delivered") == 1, 20, "no delivery")
        # Utilisation is the difference of two looks at the machine.
        seen = wait_for(lambda: (s := scrape(server)).series.get("gpu_util") and s, 20, "no utilisation")
    finally:
        receiver.close()
    check(seen.text)
    check_histograms(seen)

    catalogue = documented()
    assert set(seen.kinds) == set(catalogue) - NOT_HERE
    for name, metric in catalogue.items():
        assert seen.kinds.get(name, metric.kind) == metric.kind
        for series in seen.series.get(f"{name}_count" if metric.kind == "histogram" else name, {}):
            assert [label for label, _ in series] == sorted(metric.labels), name
    assert "A metric is not counted" not in server.logged()

    def counted(name: str, **labels: str) -> float:
        return seen(f"animato_{name}", **labels)

    assert counted("submissions_total", outcome="queued", priority="normal") == 3
    assert counted("submissions_total", outcome="queued", priority="interactive") == 1
    assert counted("submissions_total", outcome="joined") == 1
    assert counted("submissions_total", outcome="cached") == 1
    assert counted("submissions_total", outcome="replayed") == 1
    assert counted("rejections_total") == 2
    assert counted("rejections_total", code="not_a_multiple") == 1
    assert counted("generations_total", outcome="succeeded", code="none") == 2
    assert counted("generations_total", outcome="failed") == 1
    assert counted("generations_total", outcome="cancelled") == 1
    assert counted("generation_duration_seconds_count", model="timed") == 2
    assert counted("stage_duration_seconds_count", stage="denoise") == 2
    assert counted("step_duration_seconds_count") == 2
    assert counted("queue_seconds_count") == 4
    assert counted("pass_generations_count") == 4
    assert counted("video_reads_total") == 4
    assert counted("video_reads_total", level="none") == 1
    assert counted("video_reads_total", level="memory") >= 1
    assert counted("uploads_total", outcome="kept") == 1
    assert counted("uploads_total", outcome="media_unreadable") == 1
    assert counted("callback_duration_seconds_count") == 1
    assert counted("http_requests_total", route="/api/v1/generate", method="POST", status="422") == 2
    assert counted("http_requests_total", route="/nothing/there") == 0
    assert counted("http_requests_total", route="none", method="GET", status="404") == 1
    assert counted("http_requests_total", route="/healthz", method="other", status="405") == 1
    waited = counted("http_requests_total", route="/api/v1/tasks/{task_id}", method="GET")
    timed = counted("http_request_duration_seconds_count", route="/api/v1/tasks/{task_id}")
    deleted = counted("http_requests_total", route="/api/v1/tasks/{task_id}", method="DELETE")
    assert timed == waited + deleted - 1, "a wait is not timed"
    assert seen("active_tasks") == 0 and seen("waiting_tasks") == 0
    assert counted("device_state") == 1
    assert counted("collector_up") == len(seen.series["animato_collector_up"])
    assert "secret" not in seen.text and "a cat" not in seen.text

    again = scrape(server)
    for name, kind in again.kinds.items():
        if kind == "counter":
            for series, value in seen.series[name].items():
                assert again.series[name][series] >= value, name


def test_an_engine_that_is_killed_is_counted_and_so_is_what_it_was_working_on(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    before = scrape(server)
    assert before("animato_engine_restarts_total", code="engine_crashed") == 0
    assert before.series["animato_engine_restarts_total"], "there is no series from the start on"
    task = server.submit("@step=0.1", num_inference_steps=40)["task_id"]
    server.wait_for_step(task)
    seen = wait_for(lambda: (s := scrape(server))("active_tasks") == 1 and s, 10, "nothing is active")
    assert seen("animato_device_state", state="busy") == 1
    os.kill(server.engine(), signal.SIGKILL)
    seen = wait_for(lambda: (s := scrape(server))("animato_engine_restarts_total") and s, 20, "no restart")
    assert seen("animato_engine_restarts_total", code="engine_crashed") == 1
    seen = wait_for(lambda: (s := scrape(server))("animato_requeues_total") and s, 20, "nothing was requeued")
    assert seen("animato_requeues_total", code="engine_crashed") == 1
    assert server.cancel(task).status_code == 200


def test_a_key_for_metrics_opens_them_and_nothing_else(start: Callable[..., Server]) -> None:
    server = start(access_adminKey=ADMIN)

    def get(path: str, key: str | None) -> int:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return requests.get(server.url + path, headers=headers, timeout=30).status_code

    made = requests.post(
        f"{server.url}/api/v1/admin/keys",
        headers={"Authorization": f"Bearer {ADMIN}"},
        json={"name": "prometheus", "scopes": ["metrics"]},
        timeout=30,
    ).json()
    assert made["scopes"] == ["metrics"]
    assert get("/metrics", made["key"]) == 200
    assert get("/metrics", ADMIN) == 200
    assert get("/metrics", None) == 401
    assert get("/api/v1/tasks", made["key"]) == 403
    assert get("/api/v1/admin/tenants", made["key"]) == 403


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_port_of_its_own_answers_metrics_alone_and_without_a_key(start: Callable[..., Server]) -> None:
    port = free_port()
    server = start(access_adminKey=ADMIN, metrics_port=port)
    url = f"http://127.0.0.1:{port}"

    # It is bound at about the same moment as the main one.
    def reached() -> requests.Response | None:
        try:
            return requests.get(f"{url}/metrics", timeout=30)
        except requests.ConnectionError:
            return None

    seen = wait_for(reached, 10, "nobody listens on the port for metrics")
    assert seen.status_code == 200
    check(seen.text)
    assert requests.head(f"{url}/metrics", timeout=30).status_code == 200
    assert requests.get(f"{url}/healthz", timeout=30).json()["status"] == "live"
    assert requests.post(f"{url}/metrics", timeout=30).status_code == 405
    assert requests.get(f"{url}/api/v1/tasks", timeout=30).json()["code"] == "route_not_found"
    foreign = requests.get(f"{url}/metrics", headers={"Host": "evil.example"}, timeout=30)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_host")
    second = run(
        "serve", "--set", "http.port=0", "--set", f"metrics.port={port}", "--set", f"data.directory={server.data}-2"
    )
    assert second.returncode == 69 and "another metrics.port" in second.stderr, second.stderr
    assert server.stop() == 0

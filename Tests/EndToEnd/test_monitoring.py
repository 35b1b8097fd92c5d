"""A real Prometheus watches a real server under load: every rule and panel works, and alerts fire for real faults."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from media import picture
from observing import PROMETHEUS, Expression, metric, panel_expressions, rules, selectors
from receiver import Callback, Receiver
from server import Server, wait_for

ADMIN = "the operator's own key of the settings"
NO_GPU = "nothing tells the temperature of a processor"
NO_BROKER = "here is no broker of Celery"
ALONE = "one process has no Redis"

MAY_BE_EMPTY = {
    "animato_celery_messages_total": NO_BROKER,
    "animato_celery_open_tasks": NO_BROKER,
    "animato_celery_records_total": NO_BROKER,
    "animato_device_temperature_celsius": NO_GPU,
    "animato_members": ALONE,
    "animato_redis_commands_in_flight": ALONE,
    "animato_redis_connected": ALONE,
    "animato_redis_errors_total": ALONE,
    "animato_redis_reconnects_total": ALONE,
    "animato_store_conflicts_total": ALONE,
}
"""Metrics of which this machine may have nothing to tell, and why."""


@dataclass
class Prometheus:
    """A Prometheus of the test's own, with the repository's configuration and rules, ten times as impatient."""

    folder: Path
    url: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self, server: Server, key: str) -> None:
        """Begins to scrape a server, with a key in a file as the example has it."""
        (self.folder / "key").write_text(key)
        configuration = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
        configuration["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        (job,) = configuration["scrape_configs"]
        job["authorization"]["credentials_file"] = str(self.folder / "key")
        job["static_configs"] = [{"targets": [server.url.removeprefix("http://")]}]
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        # Alerts fire as soon as they are true: what they wait for is tested by promtool, with a clock of its own.
        impatient = re.sub(r"^\s+for: \w+\n", "", (PROMETHEUS / "animato.rules.yml").read_text(), flags=re.MULTILINE)
        (self.folder / "animato.rules.yml").write_text(impatient)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{address}"
        program = shutil.which("prometheus")
        assert program, "prometheus is missing: scripts/setup.sh test installs it"
        with (self.folder / "prometheus.log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    program,
                    f"--config.file={self.folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.folder / 'data'}",
                    f"--web.listen-address={address}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"GOMAXPROCS": "1"},
            )
        wait_for(self.is_ready, 60, "Prometheus does not start")

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return requests.get(self.url + "/-/ready", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def ask(self, path: str, **parameters: str) -> Any:
        """What its API answers."""
        response = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30)
        assert response.status_code == 200, f"{parameters}: {response.text}"
        return response.json()["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an expression, now."""
        found = self.ask("query", query=expression)
        assert found["resultType"] == "vector", expression
        return found["result"]

    def firing(self) -> set[str]:
        """The alerts that fire."""
        return {entry["labels"]["alertname"] for entry in self.ask("alerts")["alerts"] if entry["state"] == "firing"}

    def stop(self) -> None:
        """Ends it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=10)


@dataclass
class Load:
    """Goes on sending everything that a server can be sent, so that rates have something to count."""

    server: Server
    receiver: Receiver
    is_over: threading.Event = field(default_factory=threading.Event)
    rounds: int = 0
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            while not self.is_over.wait(0.2):
                self.round()
                self.rounds += 1
        except BaseException as failure:
            self.failure = failure

    def round(self) -> None:
        """One of each: made, joined, cached, refused, failed, retried, degraded, cancelled, uploaded, called back."""
        name = f"round {self.rounds}"
        task = self.submit(name, callback_url=self.receiver.url + "/good")
        self.submit(name)
        again = self.server.wait_for_end(task["task_id"])
        assert again["status"] == "SUCCESS", again
        assert self.submit(name)["cached"] is True
        for priority in ("interactive", "batch"):
            self.submit(f"{name} {priority}", priority=priority, callback_url=self.receiver.url + "/broken")
        self.submit(f"{name} degraded", degrade="allow", num_inference_steps=10)
        self.submit(f"{name} given up", callback_url=self.receiver.url + "/gone")
        self.server.cancel(self.submit(f"{name} cancelled @step=1")["task_id"])
        faults = ("@internal", "@disk-full", "@oom", "@crash-at=6")
        self.submit(f"{name} {faults[self.rounds % len(faults)]}")
        assert self.server.post({"prompt": ""}).status_code == 422
        assert self.server.get("/api/v1/tasks/unknown").status_code == 404
        assert self.server.session.get(again["video_url"], timeout=30).status_code == 200
        for file in (picture(64 + self.rounds % 64, 64), b"no picture"):
            headers = {"Content-Type": "application/octet-stream"}
            self.server.session.post(self.server.url + "/api/v1/uploads", data=file, headers=headers, timeout=60)

    def submit(self, prompt: str, **fields: Any) -> dict[str, Any]:
        """A small request that must be taken."""
        body = {"prompt": prompt, "width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 8, "seed": 7}
        response = self.server.post(body | fields)
        assert response.status_code in {200, 202}, response.text
        return response.json()

    def stop(self) -> None:
        """Returns when nothing more is sent; fails if something was not as it should be."""
        self.is_over.set()
        self.thread.join(timeout=60)
        assert not self.thread.is_alive(), "the load does not end"
        if self.failure is not None:
            raise self.failure


def answer(callback: Callback) -> int:
    """What the receiver says, by the path."""
    return {"/good": 204, "/broken": 500, "/gone": 410}[callback.path]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Prometheus]]:
    """A server that has been under load, and the Prometheus that has watched it all the time."""
    folder = tmp_path_factory.mktemp("monitoring")
    receiver = Receiver(answer=answer)
    server = Server(
        folder / "data",
        {
            "access_adminKey": ADMIN,
            "callbacks_allowHTTP": "true",
            "callbacks_allowedNetworks": "127.0.0.0/8",
            "batch_size": 4,
            "degradation_ladder": "0:steps:0.5",
            "results_maxBytes": 60_000,
            "results_memoryEntries": 2,
            "retention_interval": 0.5,
            "queue_leastRun": 0,
        },
        timed=0.002,
    )
    server.session.headers["Authorization"] = f"Bearer {ADMIN}"
    prometheus = Prometheus(folder)
    try:
        server.wait_until_live()
        server.wait_until_ready()
        key = server.session.post(
            server.url + "/api/v1/admin/keys", json={"name": "prometheus", "scopes": ["metrics"]}, timeout=30
        )
        assert key.status_code == 201, key.text
        prometheus.start(server, key.json()["key"])
        # What happens before Prometheus looks for the first time has not happened for it.
        wait_for(lambda: prometheus.query('up{job="animato"} == 1'), 60, "Prometheus gets no metrics")
        load = Load(server, receiver)
        try:
            wait_for(lambda: load.failure or load.rounds >= 12, 240, "the load takes too long")
        finally:
            load.stop()
        wait_for(lambda: is_idle(server), 120, "the work does not end")
        rested = 'animato_device_state{state="ready"} == 1'
        wait_for(lambda: prometheus.query(rested), 30, "Prometheus does not see that the work has ended")
        yield server, prometheus
    finally:
        prometheus.stop()
        server.kill()
        receiver.close()


def is_idle(server: Server) -> bool:
    """Whether everything that was asked for has ended, and the engine is there for more."""
    under_way = [server.get("/api/v1/tasks", params={"status": status}).json() for status in ("PENDING", "RUNNING")]
    return not any(found["tasks"] for found in under_way) and server.get("/readyz").status_code == 200


def filled(expression: str) -> str:
    """What a panel asks for, with everything chosen, over all that has happened."""
    text = expression.replace("$__rate_interval", "10m")
    return re.sub(r"\$(instance|device|tenant)\b", ".*", text)


def without_data(prometheus: Prometheus, expressions: list[Expression], seconds: float = 20) -> list[Expression]:
    """Those that give nothing, however often they are asked: a look at a busy server may have come too late."""
    deadline = time.monotonic() + seconds
    left = [each for each in expressions if not any(metric(one) in MAY_BE_EMPTY for one in selectors(each.text))]
    while left := [each for each in left if not prometheus.query(filled(each.text))]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return left


def test_every_panel_shows_something(watched: tuple[Server, Prometheus]) -> None:
    _, prometheus = watched
    assert without_data(prometheus, panel_expressions()) == []


def test_every_rule_is_evaluated_without_a_fault(watched: tuple[Server, Prometheus]) -> None:
    _, prometheus = watched
    evaluated = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(evaluated) == len(rules("expr"))
    assert {rule["name"]: rule.get("lastError") for rule in evaluated if rule["health"] != "ok"} == {}


def test_every_recording_rule_records(watched: tuple[Server, Prometheus]) -> None:
    _, prometheus = watched
    recorded = [Expression(rule["record"], rule["record"]) for rule in rules("record")]
    assert without_data(prometheus, recorded) == []


def test_every_alert_looks_at_something_that_is_there(watched: tuple[Server, Prometheus]) -> None:
    _, prometheus = watched
    looked_at = [Expression(rule["alert"], each) for rule in rules("alert") for each in selectors(rule["expr"])]
    # The codes of refusals for want of room: there was none here, and there is no series before the first.
    looked_at = [each for each in looked_at if 'code=~"queue_full' not in each.text]
    assert without_data(prometheus, looked_at) == []


def test_alerts_fire_for_what_has_really_happened(watched: tuple[Server, Prometheus]) -> None:
    server, prometheus = watched
    happened = {
        "AnimatoGenerationsFailing",
        "AnimatoStorageFailing",
        "AnimatoOutOfMemory",
        "AnimatoCallbacksUndelivered",
        "AnimatoErrorsLogged",
    }
    wait_for(lambda: happened <= prometheus.firing(), 20, f"{happened} do not all fire")
    fine = {
        "AnimatoServerDown",
        "AnimatoServerRestarts",
        "AnimatoNoReadyDevice",
        "AnimatoDeviceLost",
        "AnimatoStoreBehind",
    }
    wait_for(lambda: not fine & prometheus.firing(), 20, f"one of {fine} fires for no reason")
    server.kill()
    wait_for(lambda: "AnimatoServerDown" in prometheus.firing(), 20, "nobody notices that the server is gone")

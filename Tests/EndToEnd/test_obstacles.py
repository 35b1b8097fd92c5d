"""What stands in the way is said clearly, and gone when it is gone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from server import MODEL, PYTHON, Server, run, wait_for


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 24 MiB."""
    if os.geteuid() != 0 and "CI" not in os.environ:
        pytest.skip("mounting a small file system needs root")
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def fill(directory: Path) -> Path:
    """Takes all room that is left; remove the file to make room."""
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler


def test_a_full_disk_fails_the_task_cleanly_and_the_next_one_works(
    start: Callable[..., Server], small_disk: Path
) -> None:
    server = start(data_directory=small_disk / "data", timed=0.1)
    server.wait_until_ready()
    # Room for the bookkeeping, none for a video: the write-ahead log keeps the size it has reached.
    for index in range(5):
        server.wait_for_end(server.submit(f"warm {index}", num_inference_steps=1)["task_id"])
    task = server.submit("no room", num_inference_steps=20)
    server.wait_for_step(task["task_id"])
    filler = fill(small_disk)
    wait_for(lambda: "disk_full" in server.logged(), 30, "the full disk was not noticed")
    assert server.get("/healthz").status_code == 200
    filler.unlink()
    ended = server.wait_for_end(task["task_id"])
    assert ended["status"] == "FAILED"
    assert ended["error"]["code"] == "disk_full"
    assert not list((small_disk / "data/staging").iterdir())
    assert server.wait_for_end(server.submit("room again")["task_id"])["status"] == "SUCCESS"


def test_a_second_server_on_the_same_data_refuses_to_start(start: Callable[..., Server]) -> None:
    server = start()
    second = run("serve", "--data", str(server.data), "--port", "0")
    assert second.returncode == 69
    assert "Another server is running" in second.stderr
    assert server.get("/healthz").status_code == 200


def test_a_port_that_is_taken_is_said(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    port = server.url.rpartition(":")[2]
    second = run("serve", "--data", str(tmp_path / "other"), "--port", port)
    assert second.returncode == 69
    assert port in second.stderr


def test_a_missing_model_keeps_the_server_up_and_is_said(start: Callable[..., Server], tmp_path: Path) -> None:
    model = tmp_path / "model"
    server = start(timed=None, engine_models=model)
    wait_for(lambda: "model_not_found" in server.get("/readyz").text, 30, "the missing model is not said")
    ready = server.get("/readyz")
    assert ready.status_code == 503
    assert ready.headers["Content-Type"].startswith("application/problem+json")
    assert server.get("/healthz").status_code == 200
    refused = server.post({"prompt": "a cat"})
    assert refused.status_code == 503
    assert refused.json()["code"] == "model_not_found"
    assert "Retry-After" in refused.headers
    model.symlink_to(MODEL)
    server.wait_until_ready()
    assert server.wait_for_end(server.submit("a cat", num_inference_steps=1)["task_id"])["status"] == "SUCCESS"


def test_tasks_wait_for_an_engine_that_comes_back(start: Callable[..., Server], tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {PYTHON} "$@"\n')
    python.chmod(0o755)
    server = start(engine_python=python, timed=0.1)
    server.wait_until_ready()
    task = server.submit("waits", num_inference_steps=20)
    server.wait_for_step(task["task_id"])
    python.chmod(0)
    os.kill(server.engine(), 9)
    waiting = wait_for(
        lambda: (t := server.task(task["task_id"]))["status"] == "PENDING" and t["waiting"] and t, 20, "not waiting"
    )
    assert waiting["waiting"]["message"]
    assert server.post({"prompt": "another"}).status_code == 202
    python.chmod(0o755)
    assert server.wait_for_end(task["task_id"])["status"] == "SUCCESS"


def test_every_wrong_setting_is_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "animato.yaml"
    file.write_text("http:\n  port: many\nquue:\n  limit: 5\nengine:\n  devices: [cpu, cpu]\n")
    wrong = run(
        "serve",
        "--config",
        str(file),
        "--log-level",
        "loud",
        environment={"ANIMATO_STORE_READERS": "0", "ANIMATO_HTTP_PROT": "1"},
    )
    assert wrong.returncode == 78
    for part in (
        "--log-level",
        "ANIMATO_STORE_READERS",
        "ANIMATO_HTTP_PROT: unknown setting; did you mean ANIMATO_HTTP_PORT?",
        "http.port",
        "quue.limit: unknown setting; did you mean queue.limit?",
        "engine.devices",
    ):
        assert part in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 6


@pytest.mark.parametrize("content", ["[1, 2", "- a\n- b", "just text", "\x00"])
def test_a_settings_file_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "animato.yaml"
    file.write_text(content)
    wrong = run("serve", "--config", str(file))
    assert wrong.returncode == 78
    assert str(file) in wrong.stderr

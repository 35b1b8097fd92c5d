"""Videos on an S3-compatible service, through the whole server."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from browser import Visit
from server import Server, run


@pytest.fixture
def s3() -> Iterator[str]:
    """The address of a service of the test's own."""
    script = Path(__file__).with_name("s3_server.py")
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None and process.stdin is not None
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    process.stdin.close()
    process.wait(timeout=10)


def settings(endpoint: str, bucket: str = "videos") -> dict[str, object]:
    """What a server is told of the service."""
    return {
        "s3_endpoint": endpoint,
        "s3_bucket": bucket,
        "s3_accessKey": "key",
        "s3_secretKey": "secret",
        "s3_pathStyle": "true",
    }


def test_a_video_is_kept_on_s3_and_clients_are_sent_there(start: Callable[..., Server], s3: str) -> None:
    requests.put(f"{s3}/videos", timeout=10).raise_for_status()
    server = start(**settings(s3))
    server.wait_until_ready()
    task = server.wait_for_end(server.submit("一只猫", num_frames=17)["task_id"])
    assert task["status"] == "SUCCESS", task
    redirect = server.session.get(task["video_url"], timeout=30, allow_redirects=False)
    assert redirect.status_code == 302
    assert redirect.headers["Location"].startswith(f"{s3}/videos/videos/")
    served = requests.get(task["video_url"], timeout=30)
    assert hashlib.sha256(served.content).hexdigest() == task["video"]["sha256"]
    poster = requests.get(task["video"]["poster_url"], timeout=60)
    assert poster.status_code == 200
    assert poster.content[:2] == b"\xff\xd8"
    assert server.submit("一只猫", num_frames=17)["cached"] is True
    assert list(server.data.rglob("*.mp4")) == [], "nothing stays in the data directory"
    assert "secret" not in json.dumps(server.logged())


def test_the_studio_shows_what_lies_on_s3(start: Callable[..., Server], visit: Callable[..., Visit], s3: str) -> None:
    requests.put(f"{s3}/videos", timeout=10).raise_for_status()
    server = start(timed=0, **settings(s3))
    server.wait_until_ready()
    assert server.wait_for_end(server.submit("a cat")["task_id"])["status"] == "SUCCESS"
    tab = visit(server)
    tab.expect(f"left the origin: {s3}/")
    page = tab.open()
    page.wait_for_function("() => document.querySelector('#gallery img')?.naturalWidth > 0")
    page.locator("#gallery .screen").first.focus()
    page.wait_for_function("() => document.querySelector('#gallery video').currentTime > 0")


def test_a_bucket_that_is_not_there_is_told_at_start(s3: str, tmp_path: Path) -> None:
    flags = [
        part for key, value in settings(s3, "none").items() for part in ("--set", f"{key.replace('_', '.', 1)}={value}")
    ]
    refused = run("serve", "--data", str(tmp_path), "--port", "0", *flags)
    assert refused.returncode == 69, refused.stderr
    assert "s3.bucket" in refused.stderr
    incomplete = run("serve", "--data", str(tmp_path), "--set", "s3.bucket=videos")
    assert incomplete.returncode == 78, incomplete.stderr
    assert "s3.accessKey" in incomplete.stderr

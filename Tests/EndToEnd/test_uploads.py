"""Pictures and videos come in by every door, are looked into, and shape the videos that are made from them."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from media import bomb, clip, picture
from server import Server, wait_for

UPLOADS = "/api/v1/uploads"
LOCAL = {"callbacks_allowHTTP": "true", "callbacks_allowedNetworks": "127.0.0.0/8"}
"""What lets a test have files fetched from its own machine."""


def upload(server: Server, file: bytes, kind: str = "application/octet-stream") -> requests.Response:
    """Sends a file as the body."""
    return server.session.post(server.url + UPLOADS, data=file, headers={"Content-Type": kind}, timeout=120)


def kept(server: Server, file: bytes) -> dict[str, Any]:
    """Uploads a file that must be taken."""
    response = upload(server, file)
    assert response.status_code == 201, response.text
    return response.json()


def delete(server: Server, name: str) -> int:
    """The status of a deletion."""
    return server.session.delete(f"{server.url}{UPLOADS}/{name}", timeout=30).status_code


def listed(server: Server) -> list[str]:
    """The ids of all uploads, newest first."""
    return [entry["id"] for entry in server.get(UPLOADS).json()["uploads"]]


def violations(response: requests.Response) -> set[tuple[str, str]]:
    """Fields and codes of what is wrong with a request."""
    assert response.status_code == 422, response.text
    return {(entry["field"], entry["code"]) for entry in response.json()["violations"]}


def files_of(data: Path) -> set[str]:
    """The names of all files that uploads have left on disk."""
    return {path.name for part in ("media", "staging") for path in (data / part).rglob("*") if path.is_file()}


def test_a_file_has_one_id_however_it_comes(start: Callable[..., Server]) -> None:
    server = start()
    file = picture(160, 90)
    response = upload(server, file, "image/png")
    assert response.status_code == 201, response.text
    seen = response.json()
    assert response.headers["Location"] == f"{server.url}{UPLOADS}/{seen['id']}"
    assert seen["id"] == hashlib.sha256(file).hexdigest()
    assert (seen["kind"], seen["width"], seen["height"], seen["num_frames"]) == (
        "image",
        160,
        90,
        1,
    )
    assert (seen["bytes"], seen["fps"], seen["duration_seconds"]) == (len(file), 0, 0)
    form = server.session.post(server.url + UPLOADS, files={"file": ("cat.png", file, "image/png")}, timeout=60)
    assert form.status_code == 201, form.text
    assert form.json()["id"] == seen["id"]
    chunked = upload(server, iter([file[:100], file[100:]]))  # type: ignore[arg-type]
    assert chunked.json()["id"] == seen["id"]
    assert listed(server) == [seen["id"]]
    assert server.get(f"{UPLOADS}/{seen['id']}").json()["format"] == seen["format"]
    assert files_of(server.data) == {seen["id"]}


def test_a_video_is_told_from_a_picture(start: Callable[..., Server]) -> None:
    server = start()
    seen = kept(server, clip(128, 72, frames=17, fps=8))
    assert (seen["kind"], seen["width"], seen["height"]) == ("video", 128, 72)
    assert (seen["num_frames"], seen["fps"]) == (17, 8)
    assert seen["duration_seconds"] == pytest.approx(17 / 8, abs=0.01)


def test_uploads_are_listed_in_pages_and_deleted_once(
    start: Callable[..., Server],
) -> None:
    server = start()
    names = [kept(server, picture(shade=shade))["id"] for shade in range(3)]
    page = server.get(f"{UPLOADS}?limit=2").json()
    rest = server.get(f"{UPLOADS}?limit=2&cursor={page['next_cursor']}").json()
    assert [entry["id"] for entry in page["uploads"] + rest["uploads"]] == names[::-1]
    assert rest["next_cursor"] is None
    assert delete(server, names[1]) == 204
    assert delete(server, names[1]) == 404
    assert server.get(f"{UPLOADS}/{names[1]}").json()["code"] == "upload_not_found"
    assert listed(server) == [names[2], names[0]]


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b"", "media_unreadable"),
        (b"no picture", "media_unreadable"),
        (picture()[:200], "media_unreadable"),
        (clip()[:500], "media_unreadable"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "media_unreadable"),
        (bomb(), "media_too_large"),
    ],
    ids=["empty", "text", "cut picture", "cut video", "playlist", "bomb"],
)
def test_a_file_that_cannot_be_used_is_refused_and_nothing_is_left(
    start: Callable[..., Server], file: bytes, code: str
) -> None:
    server = start()
    refused = upload(server, file)
    assert refused.status_code == 422, refused.text
    assert refused.json()["code"] == code
    assert listed(server) == []
    assert files_of(server.data) == set()


def test_a_file_over_the_limit_is_refused(start: Callable[..., Server]) -> None:
    file = picture()
    server = start(uploads_maxBytes=len(file) - 1)
    for body in (file, iter([file])):
        refused = upload(server, body)  # type: ignore[arg-type]
        assert refused.status_code == 413
        assert refused.json()["code"] == "upload_too_large"
    assert files_of(server.data) == set()


def test_a_quota_is_kept_and_deleting_makes_room(start: Callable[..., Server]) -> None:
    first, second = picture(shade=1), picture(shade=2)
    server = start(uploads_quota=max(len(first), len(second)))
    seen = kept(server, first)
    kept(server, first)
    refused = upload(server, second)
    assert refused.status_code == 429
    assert refused.json()["code"] == "upload_quota_exceeded"
    assert files_of(server.data) == {seen["id"]}
    assert delete(server, seen["id"]) == 204
    kept(server, second)


def test_uploads_outlive_the_server(start: Callable[..., Server]) -> None:
    server = start()
    seen = kept(server, picture())
    server.kill()
    assert start().get(f"{UPLOADS}/{seen['id']}").json() == seen


def test_a_video_is_made_from_a_picture_and_another_from_another(
    start: Callable[..., Server],
) -> None:
    server = start()
    server.wait_until_ready()
    cat, dog = picture(shade=1), picture(shade=2)
    name = kept(server, cat)["id"]
    task = server.submit("turns its head", start_image=name)
    assert task["request"]["start_image"] == name
    first = server.wait_for_end(task["task_id"])
    assert first["status"] == "SUCCESS", first
    inline = "data:image/png;base64," + base64.b64encode(cat).decode()
    again = server.submit("turns its head", start_image=inline)
    assert again["cached"]
    assert again["video_url"] == first["video_url"]
    other = server.submit("turns its head", start_image=kept(server, dog)["id"])
    assert not other["cached"]
    assert server.wait_for_end(other["task_id"])["video_url"] != first["video_url"]


def test_a_data_url_becomes_an_upload(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    file = clip()
    inline = "data:video/mp4;base64," + base64.b64encode(file).decode()
    task = server.submit("in ink and wash", video=inline, strength=0.5, num_frames=9)
    assert task["request"]["video"] == hashlib.sha256(file).hexdigest()
    assert task["request"]["strength"] == 0.5
    assert listed(server) == [task["request"]["video"]]
    assert server.wait_for_end(task["task_id"])["status"] == "SUCCESS"


def test_a_task_keeps_the_file_of_an_upload_that_is_deleted(
    start: Callable[..., Server],
) -> None:
    server = start(timed=0.2)
    server.wait_until_ready()
    busy = server.submit("in front")
    name = kept(server, picture())["id"]
    task = server.submit("behind", start_image=name)
    assert delete(server, name) == 204
    assert violations(server.post({"prompt": "too late", "start_image": name})) == {("start_image", "unusable_media")}
    assert server.wait_for_end(busy["task_id"])["status"] == "SUCCESS"
    assert server.wait_for_end(task["task_id"])["status"] == "SUCCESS"


def test_everything_that_is_wrong_with_files_is_said_at_once(
    start: Callable[..., Server],
) -> None:
    server = start()
    server.wait_until_ready()
    text = "data:image/png;base64," + base64.b64encode(b"no picture").decode()
    wrong = server.post(
        {
            "prompt": "a",
            "width": 65,
            "start_image": text,
            "end_image": kept(server, clip())["id"],
            "ref_image": "0" * 64,
        }
    )
    assert violations(wrong) == {
        ("start_image", "unusable_media"),
        ("end_image", "unusable_media"),
        ("ref_image", "unusable_media"),
        ("width", "not_a_multiple"),
    }
    assert violations(server.post({"prompt": "a", "start_image": "https://127.0.0.1/"})) == {
        ("start_image", "not_allowed")
    }


@pytest.fixture
def site() -> Iterator[str]:
    """A server of the test's own: one picture, one redirect to it, and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/cat.png")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = picture() if self.path == "/cat.png" else b"gone"
            self.send_response(200 if self.path == "/cat.png" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keeps the output of the tests clean."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listener.server_port}"
    listener.shutdown()
    listener.server_close()


def test_a_picture_is_fetched_from_an_address(start: Callable[..., Server], site: str) -> None:
    server = start(**LOCAL)
    server.wait_until_ready()
    name = hashlib.sha256(picture()).hexdigest()
    for path in ("/cat.png", "/moved"):
        task = server.submit("from elsewhere", start_image=site + path)
        assert task["request"]["start_image"] == name
    assert listed(server) == [name]
    assert violations(server.post({"prompt": "a", "start_image": site + "/dog.png"})) == {
        ("start_image", "unusable_media")
    }


def test_a_preview_is_there_while_the_video_is_made(
    start: Callable[..., Server],
) -> None:
    server = start(timed=0.2, engine_previewSteps=1)
    server.wait_until_ready()
    task = server.submit("slowly")
    path = f"/api/v1/tasks/{task['task_id']}/preview"
    assert server.get(path).json()["code"] == "preview_not_available"

    def look() -> requests.Response | None:
        response = server.get(path)
        return response if response.status_code == 200 else None

    preview = wait_for(look, 20, "there is no preview")
    assert server.task(task["task_id"])["preview_url"] == server.url + path
    assert preview.headers["Content-Type"] == "image/webp"
    assert preview.content[:4] == b"RIFF"
    newer = wait_for(
        lambda: (r := server.get(path, headers={"If-None-Match": preview.headers["ETag"]})).status_code == 200 and r,
        20,
        "there is no newer preview",
    )
    assert newer.headers["ETag"] != preview.headers["ETag"]
    ended = server.wait_for_end(task["task_id"])
    assert ended["preview_url"] is None
    assert ended["memory_mode"]
    assert server.get(path).status_code == 404


def test_models_are_listed_with_what_they_take(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    models = server.get("/api/v1/models").json()["models"]
    assert [model["default"] for model in models] == [True] + [False] * (len(models) - 1)
    assert "start_image" in models[0]["inputs"]
    task = server.submit(
        "by name",
        model=models[0]["name"],
        priority="interactive",
        step_cache=models[0]["step_cache"][-1],
    )
    assert (task["model"], task["priority"]) == (models[0]["name"], "interactive")
    assert violations(server.post({"prompt": "a", "model": "unknown"})) == {("model", "not_allowed")}

"""What was made is kept, is never wrong, and says so when it is gone."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from server import Server, wait_for

VARIANTS = {
    "poster.jpg": "image/jpeg",
    "poster.webp": "image/webp",
    "sprites.jpg": "image/jpeg",
    "preview.gif": "image/gif",
    "preview.webp": "image/webp",
}


def finished(server: Server, prompt: str = "a", **fields: Any) -> dict[str, Any]:
    """A task that has its video."""
    task = server.wait_for_end(server.submit(prompt, **fields)["task_id"])
    assert task["status"] == "SUCCESS", task
    return task


def file_of(server: Server, task: dict[str, Any]) -> Path:
    """The file that a task's video is kept in."""
    name = task["video"]["sha256"]
    return server.data / "videos" / name[:2] / f"{name}.mp4"


def test_a_video_comes_with_posters_sheets_and_previews(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    server.wait_until_ready()
    task = finished(server, width=128, height=64, num_frames=17)
    name = task["video"]["sha256"]
    for variant, media_type in VARIANTS.items():
        response = server.get(f"/api/v1/videos/{name}/{variant}")
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"] == media_type
        path = tmp_path / variant
        path.write_bytes(response.content)
        if variant == "preview.webp":
            # libav writes moving WebP, and does not read it: one such chunk for each frame that differs.
            assert 1 < response.content.count(b"ANMF") <= 17
        else:
            with av.open(str(path)) as container:
                frames = [frame for frame in container.decode(video=0)]
            assert len(frames) == (17 if variant == "preview.gif" else 1), variant
            if variant != "sprites.jpg":
                assert (frames[0].width, frames[0].height) == (128, 64), variant
        again = server.get(f"/api/v1/videos/{name}/{variant}")
        assert again.content == response.content
        unchanged = server.get(f"/api/v1/videos/{name}/{variant}", headers={"If-None-Match": response.headers["ETag"]})
        assert unchanged.status_code == 304
    assert task["video"]["poster_url"] == f"{server.url}/api/v1/videos/{name}/poster.jpg"
    assert server.get(f"/api/v1/videos/{name}/poster.png").json()["code"] == "variant_not_found"
    assert server.get(f"/api/v1/videos/{'0' * 64}/poster.jpg").json()["code"] == "video_not_found"


def test_beside_a_video_stands_how_it_was_made(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    task = finished(server, "一只猫", seed=7)
    sidecar = json.loads(file_of(server, task).with_suffix(".json").read_text())
    assert sidecar["request"]["prompt"] == "一只猫"
    assert sidecar["seed"] == 7
    with av.open(str(file_of(server, task))) as container:
        tags = json.dumps(container.metadata, ensure_ascii=False)
    assert "一只猫" in tags

    plain = start(results_embedMetadata="false", data_directory=server.data.parent / "plain")
    plain.wait_until_ready()
    task = finished(plain, "一只猫", seed=7)
    path = plain.data.parent / "plain" / "videos" / task["video"]["sha256"][:2] / f"{task['video']['sha256']}.mp4"
    assert "一只猫".encode() not in path.read_bytes()


def test_a_flipped_byte_is_never_served_and_the_video_is_made_anew(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    task = finished(server)
    path = file_of(server, task)
    server.kill()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    server = start(retention_scrubBytes=0)
    server.wait_until_ready()
    address = f"/api/v1/videos/{task['video']['sha256']}.mp4"
    damaged = server.get(address)
    assert damaged.status_code == 410
    assert damaged.json()["code"] == "video_damaged"
    assert server.get(address).json()["code"] == "video_expired"
    again = server.submit("a")
    assert again["cached"] is False
    made = server.wait_for_end(again["task_id"])
    served = server.session.get(made["video_url"], timeout=30)
    assert hashlib.sha256(served.content).hexdigest() == made["video"]["sha256"]
    assert [path.name for path in (server.data / "damaged").iterdir()] != []


def test_a_flipped_byte_is_found_without_anybody_asking(start: Callable[..., Server]) -> None:
    server = start(retention_interval=0.2, retention_scrubPeriod=1)
    server.wait_until_ready()
    task = finished(server)
    path = file_of(server, task)
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    wait_for(lambda: server.task(task["task_id"])["video"]["expired_at"], 20, "nobody noticed")
    assert server.session.get(task["video_url"], timeout=30).json()["code"] == "video_expired"
    assert server.submit("a")["cached"] is False


def test_a_truncated_video_is_made_anew(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    task = finished(server)
    path = file_of(server, task)
    path.write_bytes(path.read_bytes()[:-1])
    again = server.submit("a")
    assert again["cached"] is False
    made = server.wait_for_end(again["task_id"])
    served = server.session.get(made["video_url"], timeout=30)
    assert hashlib.sha256(served.content).hexdigest() == made["video"]["sha256"]


def test_what_was_used_longest_ago_makes_room_and_says_so(start: Callable[..., Server]) -> None:
    server = start(retention_interval=0.2)
    server.wait_until_ready()
    size = finished(server, "first")["video"]["bytes"]
    server.stop()

    # Room for about two videos with what stands beside them.
    server = start(retention_interval=0.2, results_maxBytes=int(2.8 * size))
    server.wait_until_ready()
    tasks = [finished(server, prompt) for prompt in ("first", "second", "third")]
    assert tasks[0]["cached"] is True
    expired = wait_for(
        lambda: [task for task in tasks if server.task(task["task_id"])["video"]["expired_at"]], 20, "nothing expired"
    )
    response = server.session.get(expired[0]["video_url"], timeout=30)
    wait_for(
        lambda: server.session.get(expired[0]["video_url"], timeout=30).status_code == 410, 10, "it is still there"
    )
    response = server.session.get(expired[0]["video_url"], timeout=30)
    assert response.json()["code"] == "video_expired"
    assert server.task(expired[0]["task_id"])["status"] == "SUCCESS"
    again = server.submit(expired[0]["request"]["prompt"])
    assert again["cached"] is False
    made = server.wait_for_end(again["task_id"])
    assert made["video"]["sha256"] == expired[0]["video"]["sha256"], "the same request makes the same video"


def test_old_tasks_are_forgotten_when_the_operator_says_so(start: Callable[..., Server]) -> None:
    server = start(retention_interval=0.2, retention_tasks=1)
    server.wait_until_ready()
    task = finished(server)
    wait_for(lambda: server.get(f"/api/v1/tasks/{task['task_id']}").status_code == 404, 20, "it is still there")
    # The video is kept for its own time: it still answers.
    assert server.submit("a")["cached"] is True


def test_cache_modes(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    first = finished(server, "a", seed=1)
    assert server.submit("a", seed=1)["cached"] is True
    off = finished(server, "a", seed=1, cache="off")
    assert off["cached"] is False
    assert server.submit("a", seed=1)["cached"] is True
    fresh = finished(server, "a", seed=1, cache="refresh")
    assert fresh["cached"] is False
    assert fresh["video"]["sha256"] == first["video"]["sha256"]
    assert server.submit("a", seed=1)["cached"] is True
    # Without a seed, a video of one's own is another video.
    assert finished(server, "b")["seed"] != finished(server, "b", cache="off")["seed"]
    wrong = server.post({"prompt": "a", "cache": "no"})
    assert wrong.status_code == 422
    assert wrong.json()["violations"][0]["field"] == "cache"


def test_a_link_opens_a_video_for_a_while(start: Callable[..., Server]) -> None:
    server = start(http_videoLinkSecret="x" * 32, http_videoLinkLifetime=4)
    server.wait_until_ready()
    task = finished(server)
    bare = f"/api/v1/videos/{task['video']['sha256']}.mp4"
    assert server.get(bare).json()["code"] == "video_link_required"
    link = server.task(task["task_id"])["video_url"]
    served = server.session.get(link, timeout=30)
    assert served.status_code == 200
    assert served.headers["Cache-Control"].startswith("private")
    assert server.session.get(link[:-1] + ("A" if link[-1] != "A" else "E"), timeout=30).status_code == 403
    later = link.replace("expires=", "expires=1")
    assert server.session.get(later, timeout=30).json()["code"] == "video_link_invalid"
    poster = server.session.get(server.task(task["task_id"])["video"]["poster_url"], timeout=30)
    assert poster.status_code == 200
    wait_for(lambda: server.session.get(link, timeout=30).status_code == 403, 15, "it does not end")
    assert server.session.get(link, timeout=30).json()["code"] == "video_link_expired"
    assert server.session.get(server.task(task["task_id"])["video_url"], timeout=30).status_code == 200


@pytest.mark.parametrize("entries", [0, 10])
def test_a_client_that_goes_away_midway_harms_nobody(start: Callable[..., Server], entries: int) -> None:
    server = start(results_memoryEntries=entries)
    server.wait_until_ready()
    task = finished(server, width=640, height=640, num_frames=49)
    for _ in range(20):
        with server.session.get(task["video_url"], timeout=30, stream=True) as response:
            next(response.iter_content(100))
    part = server.session.get(task["video_url"], timeout=30, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    whole = server.session.get(task["video_url"], timeout=30)
    assert hashlib.sha256(whole.content).hexdigest() == task["video"]["sha256"]
    assert part.content == whole.content[100:200]
    began = time.monotonic()
    assert server.get("/healthz").status_code == 200
    assert time.monotonic() - began < 5

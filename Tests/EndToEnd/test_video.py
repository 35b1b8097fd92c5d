"""The whole way: a request over HTTP, the real pipeline on the default checkpoint, a video that plays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from check_video import problems
from server import ARTICLE, Server, wait_for


def test_the_article_request_becomes_a_video(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start(timed=None)
    server.wait_until_ready()
    response = server.post(ARTICLE)
    assert response.status_code == 202
    submitted = response.json()
    assert response.headers["Location"].endswith(f"/api/v1/tasks/{submitted['task_id']}")
    assert submitted["status"] in {"PENDING", "RUNNING"}

    seen: list[tuple[str, int]] = []

    def look() -> dict[str, object] | None:
        task = server.task(submitted["task_id"])
        progress = task["progress"] or {"step": 0}
        if not seen or seen[-1] != (task["status"], progress["step"]):
            seen.append((task["status"], progress["step"]))
        return task if task["status"] not in {"PENDING", "RUNNING"} else None

    task = wait_for(look, 120, "no video")
    assert task["status"] == "SUCCESS", task
    statuses = [status for status, _ in seen]
    assert statuses == sorted(statuses, key=["PENDING", "RUNNING", "SUCCESS"].index)
    steps = [step for status, step in seen if status == "RUNNING"]
    assert steps == sorted(steps)
    assert len(set(steps)) >= 4, f"hardly any progress was shown: {seen}"
    assert task["rendered_size"] == {"width": 112, "height": 64}
    assert task["attempts"] == 1
    assert not task["cached"]

    video = server.session.get(str(task["video_url"]), timeout=30)
    assert video.headers["Content-Type"] == "video/mp4"
    path = tmp_path / "video.mp4"
    path.write_bytes(video.content)
    assert problems(path, width=768, height=448, frames=49) == []

    again = server.post(ARTICLE)
    assert again.status_code == 200
    assert again.json()["cached"] is True
    assert again.json()["video_url"] == task["video_url"]
    assert again.json()["task_id"] != task["task_id"]

    other_seed = server.post(ARTICLE | {"seed": 1})
    assert other_seed.status_code == 202
    assert server.cancel(other_seed.json()["task_id"]).status_code == 200


def test_equal_requests_in_flight_share_one_generation(start: Callable[..., Server]) -> None:
    server = start(timed=0.05)
    server.wait_until_ready()
    tasks = [server.submit("shared") for _ in range(5)]
    assert len({task["task_id"] for task in tasks}) == 5
    ended = [server.wait_for_end(task["task_id"]) for task in tasks]
    assert {task["status"] for task in ended} == {"SUCCESS"}
    assert len({task["video_url"] for task in ended}) == 1
    assert server.logged().count("Generation starts") == 1


def test_a_video_that_is_gone_is_made_again(start: Callable[..., Server]) -> None:
    server = start()
    server.wait_until_ready()
    first = server.wait_for_end(server.submit("gone")["task_id"])
    for file in (server.data / "videos").rglob("*.mp4"):
        file.unlink()
    gone = server.session.get(first["video_url"], timeout=30)
    assert gone.status_code == 410
    assert gone.json()["code"] == "video_expired"
    second = server.submit("gone")
    assert not second["cached"]
    made = server.wait_for_end(second["task_id"])
    assert made["status"] == "SUCCESS"
    assert server.session.get(made["video_url"], timeout=30).status_code == 200

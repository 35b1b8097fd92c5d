"""Each pipeline on the default checkpoints, over HTTP, with pictures and videos of the world that they know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from server import MODEL, Server, wait_for
from world import distance, drawn, frames_of, mp4, png, scene

MODELS = ",".join(f"{MODEL}{suffix}" for suffix in ("", "-InP", "-Control"))
SIZE = {"width": 112, "height": 64, "num_frames": 17, "num_inference_steps": 10, "seed": 3}
# A balloon that stands still over the sea.
SCENE = next(i for i in range(1000) if scene(i).motion == 0)


def kept(server: Server, file: bytes) -> str:
    """The id of an uploaded file."""
    response = server.session.post(
        server.url + "/api/v1/uploads",
        data=file,
        headers={"Content-Type": "application/octet-stream"},
        timeout=60,
    )
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def made(server: Server, **fields: Any) -> tuple[dict[str, Any], bytes]:
    """The task and the video of a request."""
    task = server.wait_for_end(server.submit("a cat moving to the right", **(SIZE | fields))["task_id"], 120)
    assert task["status"] == "SUCCESS", task
    return task, server.session.get(task["video_url"], timeout=30).content


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    """A server with the default checkpoints."""
    server = start(timed=None, engine_models=MODELS)
    server.wait_until_ready()
    return server


def test_every_input_shapes_the_video_in_its_way(server: Server) -> None:
    frames, outline = drawn(SCENE)
    truth = frames / 255
    start, end = kept(server, png(frames[0])), kept(server, png(frames[-1]))
    clip, mask = kept(server, mp4(frames)), kept(server, mp4(outline))

    text, plain = made(server)
    assert text["model"] == "easyanimate-tiny"
    free = frames_of(plain)

    task, video = made(server, start_image=start)
    assert task["model"] == "easyanimate-tiny-InP"
    assert task["request"]["start_image"] == start
    assert distance(frames_of(video)[0], truth[0]) < distance(free[0], truth[0]) / 2

    task, video = made(server, start_image=start, end_image=end)
    both = frames_of(video)
    assert distance(both[0], truth[0]) < distance(free[0], truth[0]) / 2
    assert distance(both[-1], truth[-1]) < distance(free[-1], truth[-1])

    task, video = made(server, end_image=end)
    assert distance(frames_of(video)[-1], truth[-1]) < distance(free[-1], truth[-1])

    # The less of it is made anew, the nearer it stays.
    distances = []
    for strength in (0.2, 1.0):
        task, video = made(server, video=clip, strength=strength)
        assert (task["model"], task["request"]["strength"]) == ("easyanimate-tiny-InP", strength)
        distances.append(distance(frames_of(video), truth))
    assert distances[0] < distances[1]
    assert distances[0] < distance(free, truth) / 2

    task, video = made(server, control_video=mask)
    assert task["model"] == "easyanimate-tiny-Control"
    assert distance(frames_of(video), free) > 0.01
    task, video = made(server, control_video=mask, ref_image=start)
    assert task["request"]["ref_image"] == start


def test_other_inputs_are_other_requests_and_equal_ones_are_cached(server: Server) -> None:
    frames, _ = drawn(SCENE)
    start, other = kept(server, png(frames[0])), kept(server, png(np.flip(frames[0], 1)))
    fields = SIZE | {"num_inference_steps": 2, "num_frames": 5}
    first = server.wait_for_end(server.submit("a cat", **fields, start_image=start)["task_id"], 120)
    assert first["status"] == "SUCCESS"
    assert server.submit("a cat", **fields, start_image=start)["cached"]
    assert not server.submit("a cat", **fields, start_image=other)["cached"]


def test_sizes_and_lengths_follow_what_is_given(server: Server) -> None:
    frames, _ = drawn(SCENE)
    upright = kept(server, mp4(np.rot90(frames[:13], axes=(1, 2))))
    body = {"prompt": "a cat", "video": upright, "num_inference_steps": 1}
    task = server.post(body).json()
    assert (task["request"]["width"], task["request"]["height"]) == (384, 672)
    assert task["request"]["num_frames"] == 13
    server.cancel(task["task_id"])
    too_long = server.post(body | {"num_frames": 17})
    assert too_long.status_code == 422
    assert [entry["field"] for entry in too_long.json()["violations"]] == ["num_frames"]


def test_a_running_task_shows_a_preview_that_changes(server: Server) -> None:
    task = server.submit("一只猫在草地上玩耍", **(SIZE | {"num_inference_steps": 40, "num_frames": 49}))
    path = f"/api/v1/tasks/{task['task_id']}/preview"

    def shown(not_like: str | None = None) -> tuple[str, bytes] | None:
        response = server.get(path)
        if response.status_code == 404:
            assert response.json()["code"] == "preview_not_available"
            return None
        tag = response.headers["ETag"]
        return (tag, response.content) if tag != not_like else None

    tag, first = wait_for(shown, 90, "no preview")
    assert first[:4] == b"RIFF" and first[8:12] == b"WEBP"
    assert server.get(path, headers={"If-None-Match": tag}).status_code in {304, 200}
    _, second = wait_for(lambda: shown(tag), 60, "the preview does not change")
    assert second != first
    server.cancel(task["task_id"])
    assert wait_for(lambda: server.get(path).status_code == 404, 30, "the preview stays")

"""What a request can ask of the model besides a video: a step cache, LoRAs, a model by its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from server import MODEL, Server
from world import distance, frames_of

SIZE = {"width": 112, "height": 64, "num_frames": 17, "num_inference_steps": 20, "seed": 3, "cache": "off"}


def made(server: Server, **fields: Any) -> tuple[dict[str, Any], bytes]:
    """The sidecar and the video of a request that must succeed."""
    task = server.wait_for_end(server.submit("a cat on the grass", **(SIZE | fields))["task_id"], 120)
    assert task["status"] == "SUCCESS", task
    name = task["video_url"].rsplit("/", 1)[1].removesuffix(".mp4")
    sidecar = next((server.data / "videos").rglob(f"{name}.json"))
    return json.loads(sidecar.read_text()), server.session.get(task["video_url"], timeout=30).content


def test_a_step_cache_skips_steps_and_hardly_changes_the_video(start: Callable[..., Server]) -> None:
    server = start(timed=None)
    server.wait_until_ready()
    whole, video = made(server)
    fast, similar = made(server, step_cache="fast")
    assert whole["skipped_steps"] == 0 and fast["skipped_steps"] >= 4
    assert video != similar
    assert distance(frames_of(video), frames_of(similar)) < 0.02
    refused = server.post({"prompt": "a cat", "step_cache": "turbo"})
    assert [entry["field"] for entry in refused.json()["violations"]] == ["step_cache"]


def test_a_lora_shapes_its_own_video_and_no_other(start: Callable[..., Server], tmp_path: Path) -> None:
    folder = tmp_path / "loras"
    folder.mkdir()
    random = np.random.default_rng(1)
    layer = "transformer.transformer_blocks.0.attn1.to_q"
    matrices = {
        f"{layer}.lora_A.weight": random.standard_normal((4, 192), np.float32),
        f"{layer}.lora_B.weight": random.standard_normal((192, 4), np.float32),
    }
    save_file(matrices, folder / "ink.safetensors")
    (folder / "broken.safetensors").write_bytes(b"no safetensors")
    server = start(timed=None, engine_loras=folder)
    server.wait_until_ready()
    assert [lora["name"] for lora in server.get("/api/v1/models").json()["loras"]] == ["ink"]
    _, plain = made(server)
    _, inked = made(server, loras=[{"name": "ink", "scale": 0.5}])
    _, again = made(server)
    assert inked != plain and again == plain
    refused = server.post({"prompt": "a cat", "loras": [{"name": "chalk"}]})
    assert [entry["field"] for entry in refused.json()["violations"]] == ["loras"]


def test_a_model_is_chosen_by_its_name(start: Callable[..., Server]) -> None:
    server = start(timed=None, engine_models=f"{MODEL},{MODEL}-InP")
    server.wait_until_ready()
    assert server.submit("a cat", num_inference_steps=1)["model"] == "easyanimate-tiny"
    task = server.submit("a cat", num_inference_steps=1, model="easyanimate-tiny-InP")
    assert server.wait_for_end(task["task_id"])["model"] == "easyanimate-tiny-InP"
    refused = server.post({"prompt": "a cat", "model": "another"})
    assert [entry["field"] for entry in refused.json()["violations"]] == ["model"]

"""A second family through a real engine process, by the protocol: nothing in the engine knows that it is Wan."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import tiny_wan
from harness import Engine, request, start, wait_until_gone

STEPS = 6


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny checkpoint."""
    path = tmp_path_factory.mktemp("models") / tiny_wan.NAME
    tiny_wan.build(path)
    return path


@pytest.fixture(scope="module")
def engine(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with it, after its hello."""
    with start(tmp_path_factory.mktemp("log") / "engine.log", "--model", str(directory), "--device", "cpu") as engine:
        [model] = engine.receive()["models"]
        assert (model["name"], model["family"]) == (tiny_wan.NAME, "wan")
        yield engine


def ask(
    engine: Engine, output: Path, identifier: str, request_fields: dict[str, Any] | None = None, **fields: Any
) -> None:
    """Ask for a video of the tiny checkpoint."""
    body = request(num_inference_steps=STEPS, negative_prompt="rain")
    message = {"model": tiny_wan.NAME, "inputs": {}, "memory_mode": "full", **fields}
    engine.send("generate", id=identifier, request={**body, **(request_fields or {})}, output=str(output), **message)


def make(engine: Engine, output: Path, identifier: str, **fields: Any) -> bytes:
    """The file of a video that is made."""
    ask(engine, output, identifier, **fields)
    outcome = engine.outcome(identifier)
    assert outcome["type"] == "done", outcome
    assert outcome["resumed_step"] == 0
    return output.read_bytes()


def test_a_video_is_what_diffusers_makes(engine: Engine, directory: Path, tmp_path: Path) -> None:
    import torch
    from diffusers import WanPipeline

    from animato_engine.media import write_mp4

    made = make(engine, tmp_path / "made.mp4", "made")
    pipeline = WanPipeline.from_pretrained(directory)
    pipeline.set_progress_bar_config(disable=True)
    given = request()
    frames = pipeline(
        prompt=given["prompt"],
        negative_prompt="rain",
        width=given["width"],
        height=given["height"],
        num_frames=given["num_frames"],
        num_inference_steps=STEPS,
        guidance_scale=given["guidance_scale"],
        generator=torch.Generator("cpu").manual_seed(given["seed"]),
        output_type="np",
    ).frames[0]
    same = tmp_path / "same.mp4"
    pictures = ((frame * 255).round().astype(np.uint8) for frame in frames)
    write_mp4(pictures, same, (given["width"], given["height"]), given["fps"], lambda: None)
    assert made == same.read_bytes()


def test_a_cancel_stops_within_a_step_and_the_next_video_is_sound(engine: Engine, tmp_path: Path) -> None:
    first = make(engine, tmp_path / "first.mp4", "first")
    ask(engine, tmp_path / "cancelled.mp4", "cancelled", {"num_inference_steps": 100})
    engine.reaches("denoise", 2)
    engine.send("cancel", id="cancelled")
    outcome = engine.outcome("cancelled")
    assert (outcome["type"], outcome["kind"]) == ("failed", "cancelled")
    assert not (tmp_path / "cancelled.mp4").exists()
    assert make(engine, tmp_path / "second.mp4", "second") == first


def test_an_engine_that_is_killed_is_followed_by_one_that_goes_on_to_the_same_bytes(
    engine: Engine, directory: Path, tmp_path: Path
) -> None:
    whole = make(engine, tmp_path / "whole.mp4", "whole")
    keeping = {"checkpoint": {"file": str(tmp_path / "checkpoint"), "every": 2}}
    arguments = ("--model", str(directory), "--device", "cpu")
    with start(tmp_path / "killed.log", *arguments) as killed:
        ask(killed, tmp_path / "killed.mp4", "g", **keeping)
        killed.until(lambda message: message["type"] == "checkpointed" and message["step"] == 4)
    with start(tmp_path / "following.log", *arguments) as following:
        ask(following, tmp_path / "resumed.mp4", "g", **keeping)
        outcome = following.outcome("g")
        assert (outcome["type"], outcome["resumed_step"] >= 4) == ("done", True), outcome
        assert "resumed" in [message["type"] for message in following.messages]
    assert (tmp_path / "resumed.mp4").read_bytes() == whole


def test_8_bit_weights_and_previews_work_as_with_any_family(engine: Engine, tmp_path: Path) -> None:
    full = make(engine, tmp_path / "full.mp4", "full")
    preview = tmp_path / "preview.webp"
    fields = {"memory_mode": "model_offload_8bit", "preview": {"file": str(preview), "every": 2}}
    rounded = make(engine, tmp_path / "rounded.mp4", "rounded", **fields)
    assert rounded != full
    with av.open(str(preview)) as container:
        assert container.streams.video[0].codec_context.name == "webp"
    assert make(engine, tmp_path / "again.mp4", "again") == full


def test_two_devices_make_videos_together_also_after_the_second_was_lost(directory: Path, tmp_path: Path) -> None:
    with start(tmp_path / "log", "--model", str(directory), "--device", "cpu+cpu") as engine:
        hello = engine.receive()
        assert (hello["device"], hello["models"][0]["step_cache"]) == ("cpu+cpu", ["off"])
        first = make(engine, tmp_path / "first.mp4", "first")
        ask(engine, tmp_path / "lost.mp4", "lost", {"num_inference_steps": 100})
        engine.reaches("denoise", 2)
        [peer] = children(engine.process.pid)
        os.kill(peer, signal.SIGKILL)
        outcome = engine.outcome("lost")
        assert (outcome["kind"], outcome["code"]) == ("internal", "peer_lost")
        assert make(engine, tmp_path / "second.mp4", "second") == first
        [peer] = children(engine.process.pid)
        engine.process.kill()
        wait_until_gone(peer, 2)


def children(pid: int) -> list[int]:
    """The processes that process `pid` has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

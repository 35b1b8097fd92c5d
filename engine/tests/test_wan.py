"""Wan's adapter against diffusers' own pipeline, on a tiny random checkpoint."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler, WanPipeline

import tiny_wan
from animato_engine import checkpoint
from animato_engine.errors import Cancelled, Failure, Refused
from animato_engine.models import opening
from animato_engine.models.adapter import Generation, Work
from animato_engine.models.batching import evaluate
from animato_engine.models.wan import WAN
from animato_engine.models.wan_networks import WanAdapter
from animato_engine.parallel import GuidancePair
from animato_engine.peer_process import GuidancePeer, Network
from animato_engine.request import VideoRequest
from harness import request

STEPS = 5
SCHEDULERS = {
    "unipc": None,
    "unipc of a higher order": UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0, solver_order=3
    ),
    "euler": FlowMatchEulerDiscreteScheduler(shift=3.0),
}


@dataclass
class Parts:
    """The components of a pipeline of diffusers, as an adapter takes them."""

    pipeline: Any
    device = torch.device("cpu")
    dtype = torch.float32

    @property
    def settings(self) -> dict[str, Any]:
        """What the index says beside the components."""
        return {"expand_timesteps": self.pipeline.config.expand_timesteps}

    def get(self, name: str) -> Any:
        """The component."""
        return getattr(self.pipeline, name)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny checkpoint."""
    path = tmp_path_factory.mktemp("models") / tiny_wan.NAME
    tiny_wan.build(path)
    return path


@pytest.fixture(scope="module")
def pipeline(directory: Path) -> Any:
    """It, as diffusers loads it."""
    loaded = WanPipeline.from_pretrained(directory)
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture(params=list(SCHEDULERS))
def scheduled(pipeline: Any, request: pytest.FixtureRequest) -> Any:
    """The pipeline with each kind of scheduler."""
    own = pipeline.scheduler
    pipeline.scheduler = SCHEDULERS[request.param] or own
    yield pipeline
    pipeline.scheduler = own


def wanted(directory: Path, **changes: Any) -> VideoRequest:
    """A request to the tiny checkpoint."""
    raw = request(
        **{
            "width": 32,
            "height": 48,
            "num_inference_steps": STEPS,
            "negative_prompt": "rain",
            **changes,
        }
    )
    return VideoRequest.parse(raw, opening.open_checkpoint(str(directory)).description)


def begin(adapter: WanAdapter, given: VideoRequest) -> Generation:
    """The generation of a request."""
    negative = adapter.encode_text(given.negative_prompt) if given.guidance_scale > 1 else None
    return adapter.begin(Work(given, (given.width, given.height), adapter.encode_text(given.prompt), negative))


def own_call(pipeline: Any, given: VideoRequest, output_type: str) -> Any:
    """What diffusers makes of the request."""
    return pipeline(
        prompt=given.prompt,
        negative_prompt=given.negative_prompt,
        width=given.width,
        height=given.height,
        num_frames=given.num_frames,
        num_inference_steps=given.num_inference_steps,
        guidance_scale=given.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(given.seed),
        output_type=output_type,
    ).frames


def advance(generation: Generation, denoiser: Any, steps: int = STEPS) -> torch.Tensor:
    """The latents after so many steps."""
    for _ in range(steps):
        generation.advance(evaluate(denoiser, [generation])[0])
    return generation.latents


def test_the_checkpoint_is_described_as_published(directory: Path) -> None:
    description = opening.open_checkpoint(str(directory)).description
    assert (description.name, description.family) == (tiny_wan.NAME, "wan")
    assert (description.inputs, description.step_cache) == ((), ("off",))
    assert description.limits.max_pixels == 1280 * 720
    assert (description.limits.max_frames, description.limits.frame_step, description.limits.size_multiple) == (
        81,
        4,
        16,
    )
    assert (description.defaults.fps, description.defaults.guidance_scale) == (16, 5.0)
    assert description.defaults.negative_prompt.startswith("Bright tones")
    assert len(description.fingerprint) == 64


@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_the_latents_are_those_of_diffusers_bit_for_bit(scheduled: Any, directory: Path, guidance: float) -> None:
    given = wanted(directory, guidance_scale=guidance)
    with torch.no_grad():
        made = advance(begin(WanAdapter(Parts(scheduled)), given), scheduled.transformer)
    assert torch.equal(made, own_call(scheduled, given, "latent"))


def test_the_frames_are_those_of_diffusers_bit_for_bit(pipeline: Any, directory: Path) -> None:
    given = wanted(directory, num_frames=9)
    adapter = WanAdapter(Parts(pipeline))
    with torch.no_grad():
        video = adapter.decode(advance(begin(adapter, given), pipeline.transformer))
        adapter.clear()
    assert video.shape == (1, 3, 9, 48, 32)
    frames = pipeline.video_processor.postprocess_video(video=video, output_type="np")
    assert np.array_equal(frames, own_call(pipeline, given, "np"))


def test_the_small_model_of_2_2_gives_the_frames_of_diffusers_bit_for_bit(tmp_path: Path) -> None:
    tiny_wan.build(tmp_path, is_2_2=True)
    pipeline = WanPipeline.from_pretrained(tmp_path)
    pipeline.set_progress_bar_config(disable=True)
    description = opening.open_checkpoint(str(tmp_path)).description
    assert (description.limits.size_multiple, description.limits.max_frames) == (32, 121)
    given, adapter = wanted(tmp_path, width=64, height=96), WanAdapter(Parts(pipeline))
    assert (adapter.latent.channels, adapter.latent.spatial, adapter.latent.temporal) == (48, 16, 4)
    with torch.no_grad():
        latents = advance(begin(adapter, given), pipeline.transformer)
        video = adapter.decode(latents)
        assert adapter.encode_video(video).shape == latents.shape
    assert torch.equal(latents, own_call(pipeline, given, "latent"))
    frames = pipeline.video_processor.postprocess_video(video=video, output_type="np")
    assert np.array_equal(frames, own_call(pipeline, given, "np"))


def test_another_prompt_gives_another_video(pipeline: Any, directory: Path) -> None:
    adapter = WanAdapter(Parts(pipeline))
    with torch.no_grad():
        made = [
            advance(begin(adapter, wanted(directory, **changes)), pipeline.transformer)
            for changes in ({}, {"prompt": "a red ball"}, {"negative_prompt": "a red ball"}, {"seed": 8})
        ]
    assert all(not torch.equal(made[0], other) for other in made[1:])


@pytest.mark.parametrize("step", range(STEPS + 1))
def test_a_generation_goes_on_from_a_checkpoint_to_the_same_bits(
    scheduled: Any, directory: Path, tmp_path: Path, step: int
) -> None:
    given, adapter = wanted(directory), WanAdapter(Parts(scheduled))
    with torch.no_grad():
        whole = advance(begin(adapter, given), scheduled.transformer)
        first = begin(adapter, given)
        advance(first, scheduled.transformer, step)
        file = tmp_path / "checkpoint"
        state = checkpoint.Checkpoint("an identity", step, STEPS, dict(first.state()))
        checkpoint.save(file, checkpoint.copied(state))
        kept = checkpoint.load(file, "an identity")
        assert kept is not None
        second = begin(adapter, given)
        second.restore(kept.step, kept.tensors)
        assert torch.equal(advance(second, scheduled.transformer, STEPS - step), whole)


def test_a_state_that_is_not_of_this_generation_is_refused_and_changes_nothing(pipeline: Any, directory: Path) -> None:
    given, adapter = wanted(directory), WanAdapter(Parts(pipeline))
    with torch.no_grad():
        source = begin(adapter, given)
        advance(source, pipeline.transformer, 3)
        state = source.state()
        other = begin(adapter, wanted(directory, num_frames=9)).state()
        whole = advance(begin(adapter, given), pipeline.transformer)
        target = begin(adapter, given)
        for step, wrong in (
            (3, {}),
            (3, other),
            (3, {"latents": state["latents"]}),
            (3, {**state, "latents": state["latents"].half()}),
            (3, {**state, "scheduler.last_sample": other["latents"]}),
            (3, {**state, "scheduler.counts": torch.tensor([2, 7])}),
            (3, {**state, "scheduler.counts": torch.tensor(2)}),
            (1, state),
            (STEPS + 1, state),
        ):
            with pytest.raises(ValueError):
                target.restore(step, wrong)
        assert torch.equal(advance(target, pipeline.transformer), whole)


def test_a_decoding_that_is_broken_off_leaves_nothing_behind(pipeline: Any, directory: Path) -> None:
    adapter = WanAdapter(Parts(pipeline))
    latents = torch.randn(1, 16, 3, 6, 4, generator=torch.Generator().manual_seed(2))

    def cancel(*_: Any) -> None:
        raise Cancelled

    with torch.no_grad():
        before = adapter.decode(latents)
        hook = pipeline.vae.decoder.conv_out.register_forward_pre_hook(cancel)
        with pytest.raises(Cancelled):
            adapter.decode(latents)
        hook.remove()
        adapter.clear()
        assert all(kept is None for kept in pipeline.vae._feat_map)
        assert torch.equal(adapter.decode(latents), before)


def test_a_video_is_encoded_to_latents_as_the_denoiser_sees_them(pipeline: Any) -> None:
    adapter = WanAdapter(Parts(pipeline))
    with torch.no_grad():
        latents = adapter.encode_video(torch.zeros(1, 3, 9, 32, 48))
        again = adapter.encode_video(torch.zeros(1, 3, 9, 32, 48))
    assert latents.shape == (1, adapter.latent.channels, 3, 4, 6)
    assert torch.equal(latents, again)


def test_a_prompt_that_would_be_cut_is_refused_and_one_that_just_fits_is_not(pipeline: Any) -> None:
    adapter = WanAdapter(Parts(pipeline))
    count = 0
    while len(pipeline.tokenizer("q " * (count + 1)).input_ids) <= 512:
        count += 1
    adapter.check_text("prompt", "q " * count)
    with pytest.raises(Failure) as caught:
        adapter.check_text("prompt", "q " * (count + 1))
    assert caught.value.code == "prompt_too_long"


def test_two_devices_make_the_video_of_one_within_1e_4(pipeline: Any, directory: Path) -> None:
    given, adapter = wanted(directory), WanAdapter(Parts(pipeline))
    peer = GuidancePeer(Network(directory / "transformer", "WanTransformer3DModel", torch.float32), "cpu")
    try:
        peer.prepare("full")
        peer.wait_until_ready(lambda: None)
        with torch.no_grad():
            alone = advance(begin(adapter, given), pipeline.transformer)
            pair = GuidancePair(pipeline.transformer, peer, lambda: None)
            together = advance(begin(adapter, given), pair)
    finally:
        peer.close()
    assert (alone - together).abs().max() < 1e-4


def _edit(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("model_index.json", {"transformer_2": ["diffusers", "WanTransformer3DModel"]}),
        ("model_index.json", {"_class_name": "WanImageToVideoPipeline"}),
        ("model_index.json", {"text_encoder": ["transformers", "T5EncoderModel"]}),
        ("model_index.json", {"expand_timesteps": True}),
        ("model_index.json", {"boundary_ratio": 0.875}),
        ("transformer/config.json", {"in_channels": 48}),
        ("transformer/config.json", {"in_channels": 36}),
        ("transformer/config.json", {"in_channels": 16, "image_dim": 1280}),
        ("scheduler/scheduler_config.json", {"use_dynamic_shifting": True}),
        ("scheduler/scheduler_config.json", {"prediction_type": "epsilon"}),
    ],
)
def test_checkpoints_of_other_kinds_are_refused(
    directory: Path, tmp_path: Path, file: str, changes: dict[str, Any]
) -> None:
    model = tmp_path / "model"
    shutil.copytree(directory, model)
    _edit(model / file, lambda content: content.update(changes))
    with pytest.raises(Refused) as caught:
        opening.open_checkpoint(str(model))
    assert caught.value.code == "model_unsupported"


def test_the_large_model_of_2_1_is_offered_at_720p_too() -> None:
    from animato_engine.models.adapter import Facts

    def sizes(layers: int) -> tuple[tuple[int, int], ...]:
        configs = {"transformer": {"in_channels": 16, "num_layers": layers}, "scheduler": {}}
        return WAN.declare(Facts("WanPipeline", configs, {})).sizes

    assert sizes(30) == ((832, 480), (480, 832))
    assert (1280, 720) in sizes(40)

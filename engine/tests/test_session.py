"""One loaded model in this process: exactness against diffusers, and every failure survived."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import EasyAnimatePipeline

from animato_engine.errors import Cancelled
from animato_engine.models import easyanimate
from animato_engine.models.easyanimate import EasyAnimate
from animato_engine.models.easyanimate_pipeline import MAX_PROMPT_TOKENS, TextToVideo
from animato_engine.protocol import Generate, Message
from animato_engine.request import Metadata, VideoRequest
from animato_engine.session import Control, Session
from harness import request

Run = Callable[..., Message]


@pytest.fixture(scope="module")
def model(tiny: Path) -> EasyAnimate:
    """The tiny checkpoint."""
    return EasyAnimate(easyanimate.open_checkpoint(str(tiny)), "cpu", "auto")


@pytest.fixture(scope="module")
def session(model: EasyAnimate, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A session that has made a video, and so has loaded the model."""
    loaded = Session(model, lambda message: None)
    output = tmp_path_factory.mktemp("first") / "video.mp4"
    command = Generate("g", request(num_frames=1, num_inference_steps=1), str(output))
    assert loaded.run(command, threading.Event())["type"] == "done"
    return loaded


@pytest.fixture
def pipeline(model: EasyAnimate, session: Session) -> TextToVideo:
    """The pipeline within the model."""
    assert model._pipeline is not None
    return model._pipeline


@pytest.fixture
def run(session: Session, output: Path) -> Run:
    """Runs a request in a session and gives the outcome; the output is removed again."""

    def run_request(**changes: Any) -> Message:
        outcome = session.run(Generate("g", request(**changes), str(output)), threading.Event())
        if outcome["type"] == "failed":
            assert os.listdir(output.parent) == []
        output.unlink(missing_ok=True)
        return outcome

    return run_request


def frames(pipeline: TextToVideo, **changes: Any) -> Any:
    """The frames of a request, between 0 and 1."""
    raw = request(**changes)
    parsed = VideoRequest(**raw)
    control = Control(parsed.num_inference_steps, lambda stage, step: None, threading.Event())
    return pipeline.render_float(parsed, (parsed.width, parsed.height), control)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"guidance_scale": 1.0, "negative_prompt": "blurry"},
        {
            "width": 112,
            "num_frames": 9,
            "negative_prompt": "低质量,模糊",
            "prompt": "一只猫在草地上玩耍",
            "seed": 2**32 - 1,
        },
        {"num_frames": 1, "num_inference_steps": 1, "prompt": "", "seed": 2**32 - 1},
    ],
)
def test_the_frames_are_those_of_diffusers_own_call(tiny: Path, pipeline: TextToVideo, changes: dict[str, Any]) -> None:
    reference: Any = EasyAnimatePipeline.from_pretrained(tiny, dtype=torch.float32)
    reference.set_progress_bar_config(disable=True)
    arguments = request(**changes)
    arguments.pop("fps")
    generator = torch.Generator().manual_seed(arguments.pop("seed"))
    expected = reference(**arguments, generator=generator, output_type="np").frames[0]
    seen = frames(pipeline, **changes)
    assert seen.shape == expected.shape == (arguments["num_frames"], arguments["height"], arguments["width"], 3)
    assert np.abs(seen - expected).max() == 0
    assert expected.std() > 0.001


def test_tokens_are_counted_as_the_pipeline_counts_them(pipeline: TextToVideo, run: Run) -> None:
    text = "cat"
    while pipeline.count_tokens(f"{text} cat") <= MAX_PROMPT_TOKENS:
        text += " cat"
    seen: list[int] = []
    encoder = pipeline._pipeline.text_encoder
    hook = encoder.register_forward_pre_hook(
        lambda module, arguments, values: seen.append(int(values["attention_mask"].sum())), with_kwargs=True
    )
    assert run(prompt=text, num_frames=1, num_inference_steps=1)["type"] == "done"
    hook.remove()
    assert seen[0] == pipeline.count_tokens(text) <= MAX_PROMPT_TOKENS
    assert run(prompt=f"{text} cat")["code"] == "prompt_too_long"


def test_half_precision_gives_nearly_the_same_frames(tiny: Path, pipeline: TextToVideo) -> None:
    expected = frames(pipeline)
    half = TextToVideo(tiny, "cpu", "bfloat16")
    assert (pipeline.dtype, half.dtype) == ("float32", "bfloat16")
    assert 0 < np.abs(frames(half) - expected).mean() < 0.02


def fail_in(monkeypatch: pytest.MonkeyPatch, network: Any, error: Exception, at_call: int = 2) -> None:
    """Have the forward of `network` raise `error` at its call number `at_call`."""
    calls = iter(range(1, 1_000_000))
    original = network.forward

    def forward(*arguments: Any, **values: Any) -> Any:
        if next(calls) == at_call:
            raise error
        return original(*arguments, **values)

    monkeypatch.setattr(network, "forward", forward)


@pytest.mark.parametrize("part", ["text_encoder", "transformer", "vae.decoder"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), "out_of_memory"),
        (ValueError("a cat playing on the grass cannot be"), "internal"),
    ],
)
def test_a_failure_anywhere_is_reported_and_the_next_video_is_exact(
    pipeline: TextToVideo,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    part: str,
    error: Exception,
    kind: str,
) -> None:
    expected = frames(pipeline)
    network = pipeline._pipeline
    for name in part.split("."):
        network = getattr(network, name)
    with monkeypatch.context() as patch:
        fail_in(patch, network, error)
        outcome = run()
    assert (outcome["kind"], outcome["code"]) == (kind, kind)
    assert type(error).__name__ in outcome["message"]
    log = capsys.readouterr().err
    assert "Traceback" in log and "cat playing" not in log + outcome["message"]
    assert np.array_equal(frames(pipeline), expected)


def test_a_failed_decode_is_cleared_before_the_next_also_without_recovery(
    pipeline: TextToVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = frames(pipeline)
    with monkeypatch.context() as patch:
        fail_in(patch, pipeline._pipeline.vae.decoder, RuntimeError("half way"))
        with pytest.raises(RuntimeError):
            frames(pipeline)
    assert any(getattr(m, "prev_features", None) is not None for m in pipeline._pipeline.vae.modules())
    assert np.array_equal(frames(pipeline), expected)


def test_what_is_no_picture_is_no_video(pipeline: TextToVideo, run: Run) -> None:
    weight = pipeline._pipeline.vae.decoder.conv_out.bias
    kept = weight.detach().clone()
    for value in (float("nan"), float("inf")):
        with torch.no_grad():
            weight.fill_(value)
        outcome = run(num_frames=1, num_inference_steps=1)
        assert (outcome["kind"], outcome["code"]) == ("internal", "non_finite_output")
    with torch.no_grad():
        weight.copy_(kept)
    assert run(num_frames=1, num_inference_steps=1)["type"] == "done"


def test_a_cancel_is_seen_in_every_part_of_the_network(pipeline: TextToVideo) -> None:
    for part in ("text_encoder", "transformer", "vae.decoder"):
        network = pipeline._pipeline
        for name in part.split("."):
            network = getattr(network, name)
        cancelled = threading.Event()
        reached: list[str] = []
        parsed = VideoRequest(**request())

        def report(stage: str, step: int, reached: list[str] = reached) -> None:
            reached.append(stage)

        # Set at the entry of the network: only a look from within can stop it before its end.
        entry = network.register_forward_pre_hook(lambda module, arguments, flag=cancelled: flag.set())
        finished: list[bool] = []
        end = network.register_forward_hook(lambda module, arguments, result, done=finished: done.append(True))
        with pytest.raises(Cancelled):
            pipeline.render_float(parsed, (64, 64), Control(2, report, cancelled))
        entry.remove()
        end.remove()
        pipeline.recover()
        assert finished == []


class Broken:
    """A model that does not load."""

    def __init__(self, model: EasyAnimate, error: Exception) -> None:
        self.description = model.description
        self.error: Exception | None = error
        self.made = 0

    def load(self) -> None:
        """Fails once."""
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    def make(self, request: VideoRequest, metadata: Metadata, output: Path, control: Control) -> tuple[int, int]:
        """Writes one byte."""
        output.write_bytes(b"x")
        return 64, 64

    def recover(self) -> None:
        """Nothing to recover."""


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (ImportError("no module"), "load_failed", "dependencies_missing"),
        (OSError("bad file"), "load_failed", "model_load_failed"),
        (torch.OutOfMemoryError("CUDA out of memory"), "out_of_memory", "out_of_memory"),
    ],
)
def test_a_model_that_does_not_load_is_tried_again(
    model: EasyAnimate, output: Path, error: Exception, kind: str, code: str
) -> None:
    sent: list[Message] = []
    session = Session(Broken(model, error), sent.append)
    outcome = session.run(Generate("g", request(), str(output)), threading.Event())
    assert (outcome["kind"], outcome["code"]) == (kind, code)
    assert session.run(Generate("g", request(), str(output)), threading.Event())["type"] == "done"
    assert [message["type"] for message in sent] == ["loading", "loading", "loaded"]


def test_a_model_that_cannot_recover_ends_the_process(model: EasyAnimate, output: Path) -> None:
    broken = Broken(model, OSError("bad file"))

    def recover() -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")

    broken.recover = recover  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="device-side"):
        Session(broken, lambda message: None).run(Generate("g", request(), str(output)), threading.Event())

"""Generations in this process: every failure survived, every interruption taken up again, to the same frames."""

from __future__ import annotations

import os
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from animato_engine.control import Control, Signals
from animato_engine.description import Defaults, Limits, ModelDescription
from animato_engine.errors import Cancelled, Failure, Yielded
from animato_engine.models.easyanimate_networks import MAX_PROMPT_TOKENS
from animato_engine.models.house import House
from animato_engine.models.watch import Injection
from animato_engine.order import Order
from animato_engine.passing import Made, Pass
from animato_engine.protocol import Generate, Message
from animato_engine.session import Session, Studio
from harness import request
from studio import frames, house, loaded, order, picture, works


@pytest.fixture(scope="module")
def studio(tiny_inpaint: Path) -> House:
    """The tiny checkpoint that takes pictures."""
    return house(tiny_inpaint)


@pytest.fixture
def run(studio: House, output: Path) -> Callable[..., Message]:
    """Runs a request in a session and gives the outcome; the output is removed again."""

    def run_request(**changes: Any) -> Message:
        command = Generate(
            "g", request(**changes), model=next(iter(studio.models)), memory_mode="full", output=str(output)
        )
        outcome = carry_out(studio, command)
        if outcome["type"] == "failed":
            assert os.listdir(output.parent) == []
        output.unlink(missing_ok=True)
        return outcome

    return run_request


def carry_out(studio: Studio, command: Generate, signals: Signals | None = None) -> Message:
    """The outcome of `command` in a session."""
    sent: list[Message] = []
    session = Session(studio, sent.append)
    sent += session.run(command, {command.id: signals or Signals()})
    session.finish()
    assert sent[-1]["type"] in ("done", "failed")
    return sent[-1]


def network(studio: House, name: str) -> Any:
    """A part of the loaded model, such as `vae.decoder`."""
    part, *rest = name.split(".")
    found = loaded(studio, order(studio)).components.get(part)
    for attribute in rest:
        found = getattr(found, attribute)
    return found


def fail_in(monkeypatch: pytest.MonkeyPatch, part: Any, error: Exception, at_call: int = 2) -> None:
    """Have the forward of `part` raise `error` at its call number `at_call`."""
    calls = iter(range(1, 1_000_000))
    original = part.forward

    def forward(*arguments: Any, **values: Any) -> Any:
        if next(calls) == at_call:
            raise error
        return original(*arguments, **values)

    monkeypatch.setattr(part, "forward", forward)


@pytest.mark.parametrize("part", ["text_encoder", "transformer", "vae.decoder"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), "out_of_memory"),
        (ValueError("a cat playing on the grass cannot be"), "internal"),
    ],
)
def test_a_failure_anywhere_is_reported_and_the_next_video_is_exact(
    studio: House,
    run: Callable[..., Message],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    part: str,
    error: Exception,
    kind: str,
) -> None:
    expected = frames(studio, order(studio))
    works(studio)._texts.clear()
    with monkeypatch.context() as patch:
        fail_in(patch, network(studio, part), error)
        outcome = run()
    assert (outcome["kind"], outcome["code"]) == (kind, kind)
    assert type(error).__name__ in outcome["message"]
    if kind == "out_of_memory":
        stages = {"text_encoder": "encode", "transformer": "denoise", "vae.decoder": "decode"}
        assert outcome["stage"] == stages[part]
        assert outcome["free_bytes_after"] > outcome["free_bytes_before"] * 0.99
    log = capsys.readouterr().err
    assert "Traceback" in log and "cat playing" not in log + outcome["message"]
    assert np.array_equal(frames(studio, order(studio)), expected)


def test_a_failed_decode_is_cleared_before_the_next_also_without_recovery(
    studio: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = frames(studio, order(studio))
    with monkeypatch.context() as patch:
        fail_in(patch, network(studio, "vae.decoder"), RuntimeError("half way"))
        with pytest.raises(RuntimeError):
            frames(studio, order(studio))
    vae = network(studio, "vae")
    assert any(getattr(module, "prev_features", None) is not None for module in vae.modules())
    assert np.array_equal(frames(studio, order(studio)), expected)


def test_what_is_no_picture_is_no_video(studio: House, run: Callable[..., Message]) -> None:
    bias = network(studio, "vae.decoder.conv_out.bias")
    kept = bias.detach().clone()
    for value in (float("nan"), float("inf")):
        with torch.no_grad():
            bias.fill_(value)
        outcome = run(num_frames=1, num_inference_steps=1)
        assert (outcome["kind"], outcome["code"]) == ("internal", "non_finite_output")
    with torch.no_grad():
        bias.copy_(kept)
    assert run(num_frames=1, num_inference_steps=1)["type"] == "done"


@pytest.mark.parametrize("part", ["text_encoder", "vae.encoder", "transformer", "vae.decoder"])
def test_a_cancel_is_seen_in_every_part_of_the_network(studio: House, part: str) -> None:
    signals = Signals()
    frames(studio, order(studio, num_inference_steps=1))
    works(studio)._texts.clear()
    module = network(studio, part)
    # Set at the entry of the network: only a look from within can stop it before its end.
    entry = module.register_forward_pre_hook(lambda module, arguments: signals.cancel.set())
    finished: list[bool] = []
    end = module.register_forward_hook(lambda module, arguments, result: finished.append(True))
    with pytest.raises(Cancelled):
        frames(studio, order(studio), {"start_image": picture(1)}, signals)
    entry.remove()
    end.remove()
    assert finished == []


def test_tokens_are_counted_as_the_network_gets_them(studio: House, run: Callable[..., Message]) -> None:
    text = "cat"
    adapter = loaded(studio, order(studio)).adapter
    while True:
        try:
            adapter.check_text("prompt", f"{text} cat")
        except Failure:
            break
        text += " cat"
    frames(studio, order(studio, num_inference_steps=1))
    works(studio)._texts.clear()
    seen: list[int] = []
    hook = network(studio, "text_encoder").register_forward_pre_hook(
        lambda module, arguments, values: seen.append(int(values["attention_mask"].sum())), with_kwargs=True
    )
    assert run(prompt=text, num_frames=1, num_inference_steps=1)["type"] == "done"
    hook.remove()
    assert MAX_PROMPT_TOKENS - 2 <= seen[0] <= MAX_PROMPT_TOKENS
    assert run(prompt=f"{text} cat")["code"] == "prompt_too_long"


def test_the_text_encoder_is_not_even_loaded_for_texts_that_are_known(tiny_inpaint: Path, studio: House) -> None:
    expected = frames(studio, order(studio))
    other = house(tiny_inpaint)
    given = order(other)
    model = loaded(other, order(other))
    texts, reader = works(studio)._texts, model._reader()
    for text in (given.request.prompt, given.request.negative_prompt):
        works(other)._texts.put(reader, text, texts.get(reader, text) or ())
    del model.components._held["text_encoder"]
    assert other.is_ready(given)
    assert np.array_equal(frames(other, given), expected)
    assert not model.components.holds("text_encoder")


def test_half_precision_gives_nearly_the_same_frames(tiny_inpaint: Path, studio: House) -> None:
    half = house(tiny_inpaint, dtype="bfloat16")
    difference = frames(half, order(half)).astype(int) - frames(studio, order(studio))
    assert 0 < np.abs(difference).mean() < 5


def test_a_control_says_when_to_stop() -> None:
    def control(flag: str, stage: str, keeps: bool) -> Control:
        signals = Signals()
        made = Control("g", 5, lambda message: None, signals, keeps)
        made.enter(stage)
        getattr(signals, flag).set()
        return made

    for stage in ("encode", "denoise", "decode", "write"):
        with pytest.raises(Cancelled):
            control("cancel", stage, True).check()
    # Before the first step at once; between steps by itself; afterwards no more.
    with pytest.raises(Yielded):
        control("give_up", "encode", True).check()
    for stage in ("denoise", "decode"):
        control("give_up", stage, True).check()
    # A shutdown waits only for a step whose outcome can be kept.
    control("shutdown", "denoise", True).check()
    for stage, keeps in (("denoise", False), ("decode", True)):
        with pytest.raises(Yielded):
            control("shutdown", stage, keeps).check()
    # What waits to be written is given up, what is written is not.
    waiting = control("shutdown", "decode", True)
    waiting.close()
    with pytest.raises(Yielded):
        waiting.check()
    waiting.is_released = True
    waiting.check()


@pytest.mark.parametrize("text", ["decode:", "load", "decode:0", "denoise/x", "encode;decode"])
def test_an_injection_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Injection(text)


def test_an_injection_strikes_as_it_says() -> None:
    injection = Injection("encode:2,decode/3")
    assert [injection.strikes("encode") for _ in range(4)] == [True, True, False, False]
    assert [injection.strikes("decode") for _ in range(6)] == [False, False, True] * 2
    assert not injection.strikes("denoise") and not Injection("").strikes("encode")


# A studio that fails


class Broken:
    """A studio whose model does not load at first."""

    def __init__(self, error: Exception) -> None:
        model = ModelDescription("m", "f", "0" * 64, 0, Limits(min_width=64, min_height=64), Defaults())
        self.models = types.MappingProxyType({"m": model})
        self.loras: dict[str, Any] = {}
        self.error: Exception | None = error
        self.is_loaded = False

    def read(self, order: Order, check: Callable[[], None]) -> None:
        """There is nothing to read."""

    def total_steps(self, order: Order) -> int:
        """One."""
        return 1

    def is_ready(self, *orders: Order) -> bool:
        """Once it is loaded."""
        return self.is_loaded

    def load(self, *orders: Order) -> None:
        """Fails once."""
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.is_loaded = True

    def make(self, work: Pass, inputs: Any) -> None:
        """Writes one byte."""

        def write(check: Callable[[], None]) -> None:
            work.order.output.write_bytes(b"x")

        work.rows[0].made = Made((64, 64), write)

    def park(self) -> None:
        """There is nothing to move."""

    def recover(self, failure: Failure) -> None:
        """Nothing to recover."""

    def free_bytes(self) -> int:
        """Always the same."""
        return 5


def command(output: Path) -> Generate:
    """A valid one for `Broken`."""
    return Generate("g", request(), model="m", memory_mode="full", output=str(output))


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (ImportError("no module"), "load_failed", "dependencies_missing"),
        (OSError("bad file"), "load_failed", "model_load_failed"),
        (torch.OutOfMemoryError("CUDA out of memory"), "out_of_memory", "out_of_memory"),
    ],
)
def test_a_model_that_does_not_load_is_tried_again(output: Path, error: Exception, kind: str, code: str) -> None:
    sent: list[Message] = []
    session = Session(Broken(error), sent.append)
    (outcome,) = session.run(command(output), {"g": Signals()})
    assert (outcome["kind"], outcome["code"]) == (kind, code)
    if kind == "out_of_memory":
        assert (outcome["stage"], outcome["free_bytes_before"], outcome["free_bytes_after"]) == ("load", 5, 5)
    assert session.run(command(output), {"g": Signals()}) == []
    session.finish()
    types = [message["type"] for message in sent]
    assert types == ["loading", "loading", "loaded", "released", "progress", "done"]


def test_a_studio_that_cannot_recover_ends_the_process(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken(OSError("bad file"))

    def recover(failure: Failure) -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(broken, "recover", recover)
    with pytest.raises(RuntimeError, match="device-side"):
        Session(broken, lambda message: None).run(command(output), {"g": Signals()})

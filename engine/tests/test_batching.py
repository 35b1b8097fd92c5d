"""Several generations in one pass of the real pipeline: what each gets, against what it gets alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_resume import StopAfter, cached_copy

import tiny_wan
from animato_engine.control import Signals
from animato_engine.errors import Cancelled, Failure, Yielded
from animato_engine.models.house import House
from animato_engine.order import Order, Periodic
from animato_engine.protocol import Message
from harness import Engine, companion, own, start
from studio import Array, frames, house, loaded, order, rendered
from video import probe

NAMES = ("a", "b", "c")
STEPS = 6


@pytest.fixture(scope="module")
def studio(tiny: Path) -> House:
    """The tiny checkpoint."""
    return house(tiny)


@pytest.fixture(scope="module")
def wan(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One of another family, which evaluates the halves of a guided step one after the other."""
    path = tmp_path_factory.mktemp("models") / tiny_wan.NAME
    tiny_wan.build(path)
    return house(path)


def orders(studio: House, *names: str, **changes: Any) -> dict[str, Order]:
    """Orders that differ in their texts and seeds."""
    return {name: order(studio, **{"num_inference_steps": STEPS, **own(name), **changes}) for name in names}


def sharing() -> dict[str, Signals]:
    """What stops the generations of a pass."""
    first = Signals()
    return {name: first if name == NAMES[0] else Signals(first) for name in NAMES}


def furthest(one: Array, other: Array) -> int:
    """The largest difference of two colours."""
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def seen_by_denoiser(studio: House, work: Callable[[], object]) -> list[torch.Tensor]:
    """The latents that the denoiser was called with."""
    seen: list[torch.Tensor] = []
    model = loaded(studio, order(studio))
    hook = model.components.get("transformer").register_forward_pre_hook(
        lambda network, given, named: seen.append(named["hidden_states"].clone()), with_kwargs=True
    )
    work()
    hook.remove()
    return seen


@pytest.mark.parametrize("family", ["studio", "wan"])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_each_starts_from_its_own_noise_and_comes_to_its_own_video(
    family: str, guidance: float, request: pytest.FixtureRequest
) -> None:
    made: House = request.getfixturevalue(family)
    given = orders(made, *NAMES, guidance_scale=guidance)
    together: dict[str, tuple[Array, int]] = {}
    batches = seen_by_denoiser(made, lambda: together.update(rendered(made, given)))
    each = len(batches[0]) // len(NAMES)
    for index, name in enumerate(NAMES):
        alone: list[Array] = []
        noise = seen_by_denoiser(made, lambda one=given[name], to=alone: to.append(frames(made, one)))[0]  # type: ignore[misc]
        assert torch.equal(batches[0][index * each : (index + 1) * each], noise)
        assert furthest(together[name][0], alone[0]) <= 1
    assert furthest(together["a"][0], together["b"][0]) > 10


def test_one_that_is_cancelled_is_taken_out_of_the_batch(studio: House) -> None:
    given, signals = orders(studio, *NAMES), sharing()
    dropped: dict[str, Exception] = {}
    sent = StopAfter(2, signals["b"], "cancel")
    together: dict[str, tuple[Array, int]] = {}
    batches = seen_by_denoiser(studio, lambda: together.update(rendered(studio, given, None, signals, sent, dropped)))
    assert [len(batch) for batch in batches] == [6, 6, 4, 4, 4, 4]
    assert isinstance(dropped["b"], Cancelled) and sorted(together) == ["a", "c"]
    assert all(furthest(together[name][0], frames(studio, given[name])) <= 1 for name in ("a", "c"))


def test_a_cancel_in_the_decoding_of_one_leaves_the_others_whole(studio: House) -> None:
    given, signals = orders(studio, *NAMES), sharing()
    dropped: dict[str, Exception] = {}
    decoder = loaded(studio, *given.values()).components.get("vae").decoder
    calls = iter(range(100))
    hook = decoder.conv_out.register_forward_pre_hook(
        lambda layer, arguments: signals["b"].cancel.set() if next(calls) == 1 else None
    )
    together = rendered(studio, given, None, signals, dropped=dropped)
    hook.remove()
    assert isinstance(dropped["b"], Cancelled) and sorted(together) == ["a", "c"]
    assert all(furthest(together[name][0], frames(studio, given[name])) <= 1 for name in ("a", "c"))


def test_values_that_are_not_finite_end_the_one_that_has_them(studio: House, monkeypatch: pytest.MonkeyPatch) -> None:
    given = orders(studio, *NAMES)
    adapter = loaded(studio, *given.values()).adapter
    decode, calls = adapter.decode, iter(range(3))

    def broken(latents: torch.Tensor) -> torch.Tensor:
        video = decode(latents)
        return video * float("nan") if next(calls) == 1 else video

    monkeypatch.setattr(adapter, "decode", broken)
    dropped: dict[str, Exception] = {}
    assert sorted(rendered(studio, given, dropped=dropped)) == ["a", "c"]
    assert isinstance(dropped["b"], Failure) and dropped["b"].code == "non_finite_output"


@pytest.mark.parametrize("level", ["off", "fast"])
def test_what_a_pass_has_kept_of_each_goes_on_alone_and_with_others(tiny: Path, tmp_path: Path, level: str) -> None:
    studio = cached_copy(tiny, tmp_path / "model")
    keep = {name: Periodic(tmp_path / name, 100) for name in NAMES}

    def fresh() -> dict[str, Order]:
        return {
            name: order(studio, num_inference_steps=10, step_cache=level, checkpoint=keep[name], **own(name))
            for name in NAMES
        }

    whole = rendered(studio, fresh())
    for file in keep.values():
        file.file.unlink()
    signals = sharing()
    with pytest.raises(Yielded):
        rendered(studio, fresh(), None, signals, StopAfter(4, signals["c"], "give_up"))
    sent: list[Message] = []
    alone = {name: rendered(studio, {name: one}, sent=sent)[name] for name, one in fresh().items() if name != "c"}
    assert [message["step"] for message in sent if message["type"] == "resumed"] == [4, 4]
    for name, (video, skipped) in alone.items():
        assert furthest(video, whole[name][0]) <= 1 and skipped == whole[name][1]
    # One at its end, one in the middle, one at its beginning.
    keep["b"].file.unlink()
    sent.clear()
    mixed = rendered(studio, fresh(), sent=sent)
    resumed = {message["id"]: message["step"] for message in sent if message["type"] == "resumed"}
    assert resumed == {"a": 10, "c": 4}
    for name, (video, skipped) in mixed.items():
        assert furthest(video, whole[name][0]) <= 1 and skipped == whole[name][1]


def test_each_skips_the_steps_that_it_skips_alone(tiny: Path, tmp_path: Path) -> None:
    studio = cached_copy(tiny, tmp_path / "model", (0.0, 0.0, 0.0, 0.3, 0.0))
    given = orders(studio, *NAMES, num_inference_steps=20, step_cache="balanced")
    sizes: set[int] = set()
    block = loaded(studio, *given.values()).components.get("transformer").transformer_blocks[1]
    hook = block.register_forward_pre_hook(lambda module, arguments: sizes.add(len(arguments[0])))
    together = rendered(studio, given)
    hook.remove()
    # In some steps all are computed, in some only one or two of them.
    assert 6 in sizes and sizes & {2, 4}
    for name, one in given.items():
        (video, skipped) = rendered(studio, {name: one})[name]
        assert together[name][1] == skipped > 0
        assert furthest(together[name][0], video) <= 1


# A process


def test_a_pass_gives_the_videos_and_one_text_that_is_too_long_fails_alone(real: Engine, output: Path) -> None:
    long = companion(output.with_name("long"), "long", prompt="cat " * 400)
    short = companion(output.with_name("b"), "b")
    real.generate(output.with_name("a"), "a", companions=[long, short], **own("a"))
    assert real.outcome("long")["code"] == "prompt_too_long"
    assert real.released() == ["a", "b"]
    assert [outcome["type"] for outcome in real.outcomes("a", "b").values()] == ["done", "done"]
    assert all(probe(output.with_name(name)).frames == 5 for name in ("a", "b"))
    stages = [message.get("stage", message["type"]) for message in real.messages if "seconds" not in message]
    assert stages[-5:] == ["decode", "decode", "released", "write", "write"]


def test_previews_and_checkpoints_are_written_of_each(real: Engine, output: Path) -> None:
    files = {name: {"file": str(output.with_name(name)), "every": 1} for name in ("c1", "c2", "p1", "p2")}
    other = companion(output.with_name("b"), "b", checkpoint=files["c2"], preview=files["p2"])
    real.messages.clear()
    real.generate(output.with_name("a"), "a", checkpoint=files["c1"], preview=files["p1"], companions=[other])
    real.outcomes("a", "b")
    told = {
        kind: [(m["step"], m["id"]) for m in real.messages if m["type"] == kind] for kind in ("checkpointed", "preview")
    }
    assert told["checkpointed"] == [(step, name) for step in (1, 2) for name in ("a", "b")]
    # Another one is due when the first has taken little of the time.
    assert told["preview"][:2] == [(1, "a"), (1, "b")]


def test_out_of_memory_is_told_to_each_and_the_next_pass_works(tiny: Path, tmp_path: Path, output: Path) -> None:
    injected = {"ANIMATO_ENGINE_INJECT_OOM": "denoise:1"}
    with start(tmp_path / "log", "--model", str(tiny), "--device", "cpu", environment=injected) as engine:
        engine.receive()
        engine.generate_together(output.parent, "a", "b")
        outcomes = engine.outcomes("a", "b")
        assert {(m["kind"], m["stage"]) for m in outcomes.values()} == {("out_of_memory", "denoise")}
        assert all(m["free_bytes_after"] > m["free_bytes_before"] * 0.99 for m in outcomes.values())
        engine.generate_together(output.parent, "a", "b")
        assert {message["type"] for message in engine.outcomes("a", "b").values()} == {"done"}

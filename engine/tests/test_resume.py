"""Generations that are interrupted and taken up again, to the same frames; and what is written on the way."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animato_engine import checkpoint
from animato_engine.control import Signals
from animato_engine.errors import Failure, Yielded
from animato_engine.models import denoising
from animato_engine.models.house import House
from animato_engine.order import Periodic
from animato_engine.protocol import Message
from animato_engine.writing import Writer
from studio import Array, frames, house, order, picture, video

COEFFICIENTS = (0.0, 0.0, 0.0, 0.1, 0.0)
"""Of a step cache that skips a lot."""


@pytest.fixture(scope="module")
def studio(tiny_inpaint: Path) -> House:
    """The tiny checkpoint that takes pictures."""
    return house(tiny_inpaint)


@pytest.fixture(scope="module")
def cached(tiny_inpaint: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A studio whose model has a step cache."""
    return cached_copy(tiny_inpaint, tmp_path_factory.mktemp("cached"))


def cached_copy(directory: Path, target: Path, coefficients: tuple[float, ...] = COEFFICIENTS) -> House:
    """A studio with a copy of the checkpoint that says the coefficients of a step cache."""
    shutil.copytree(directory, target, dirs_exist_ok=True)
    file = target / "animato.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"step_cache": list(coefficients)}))
    return house(target)


class StopAfter(list[Message]):
    """A list of messages that sets a flag of `signals` when that step is over."""

    def __init__(self, step: int, signals: Signals, flag: str) -> None:
        super().__init__()
        self._step, self._flag = step, getattr(signals, flag)

    def append(self, message: Message) -> None:
        """Keep it."""
        super().append(message)
        if message["type"] == "progress" and (message["stage"], message["step"]) == ("denoise", self._step):
            self._flag.set()


CASES: dict[str, tuple[dict[str, Any], dict[str, Array]]] = {
    "text": ({}, {}),
    "pictures": ({}, {"start_image": picture(1), "end_image": picture(2)}),
    "video": ({"strength": 0.8, "num_inference_steps": 8}, {"video": video(1)}),
    "step cache": ({"step_cache": "balanced"}, {}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("flag", ["give_up", "shutdown"])
def test_a_generation_that_was_yielded_goes_on_to_the_same_frames(
    cached: House, tmp_path: Path, case: str, flag: str
) -> None:
    changes, inputs = CASES[case]
    changes = {"num_inference_steps": 6, **changes}
    keep = Periodic(tmp_path / "c", 100)
    expected = frames(cached, order(cached, **changes), inputs)
    given = order(cached, checkpoint=keep, **changes)
    signals = Signals()
    sent = StopAfter(3, signals, flag)
    with pytest.raises(Yielded):
        frames(cached, given, inputs, signals, sent)
    assert [m["step"] for m in sent if m["type"] == "checkpointed"] == [3]
    again: list[Message] = []
    assert np.array_equal(frames(cached, given, inputs, sent=again), expected)
    assert again[1] == {"type": "resumed", "id": "g", "step": 3}
    assert np.array_equal(frames(cached, given, inputs, sent=again), expected)
    assert again[-1]["step"] == again[-1]["total_steps"]


def test_a_step_cache_skips_and_leaves_nothing_behind(cached: House, studio: House) -> None:
    expected = frames(studio, order(studio, num_inference_steps=6))
    quick = frames(cached, order(cached, num_inference_steps=6, step_cache="fast"))
    assert not np.array_equal(quick, expected)
    assert np.array_equal(frames(cached, order(cached, num_inference_steps=6)), expected)


def test_a_checkpoint_of_another_generation_is_not_gone_on_from(studio: House, tmp_path: Path) -> None:
    keep = Periodic(tmp_path / "c", 1)
    pictures = {"start_image": picture(1)}
    frames(studio, order(studio, checkpoint=keep), pictures)
    for changes, inputs in (({"seed": 8}, pictures), ({}, {"start_image": picture(2)}), ({"prompt": "a dog"}, {})):
        expected = frames(studio, order(studio, **changes), inputs)
        sent: list[Message] = []
        assert np.array_equal(frames(studio, order(studio, checkpoint=keep, **changes), inputs, sent=sent), expected)
        assert all(message["type"] != "resumed" for message in sent)


def test_after_the_last_step_another_mode_decodes_what_one_has_denoised(studio: House, tmp_path: Path) -> None:
    keep = Periodic(tmp_path / "c", 1)
    expected = frames(studio, order(studio, checkpoint=keep))
    sent: list[Message] = []
    made = frames(studio, order(studio, "model_offload_8bit", checkpoint=keep), sent=sent)
    assert np.array_equal(made, expected)
    assert {"type": "resumed", "id": "g", "step": 2} in sent


def test_a_checkpoint_that_cannot_be_written_ends_nothing_but_a_yield(
    studio: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c").mkdir()
    keep = Periodic(tmp_path / "c", 1)
    assert np.array_equal(frames(studio, order(studio, checkpoint=keep)), frames(studio, order(studio)))
    assert "checkpoint of step 1 was not written" in capsys.readouterr().err
    signals = Signals()
    with pytest.raises(Failure) as caught:
        frames(studio, order(studio, checkpoint=keep), {}, signals, StopAfter(1, signals, "give_up"))
    assert caught.value.kind == "storage"


def test_a_checkpoint_is_in_place_before_a_later_step_is_told(
    studio: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, sent = Periodic(tmp_path / "c", 1), list[Message]()
    publish = checkpoint.publish

    def slowly(*arguments: Any) -> None:
        time.sleep(0.5)
        publish(*arguments)

    monkeypatch.setattr(checkpoint, "publish", slowly)
    frames(studio, order(studio, checkpoint=keep), sent=sent)
    told = [(m["type"], m["step"]) for m in sent if m["type"] == "checkpointed" or m.get("stage") == "denoise"]
    assert told == [
        ("progress", 0),
        ("progress", 1),
        ("checkpointed", 1),
        ("progress", 2),
        ("checkpointed", 2),
    ]


def test_previews_are_written_and_may_fail(studio: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = frames(studio, order(studio))
    sent: list[Message] = []
    made = frames(studio, order(studio, preview=Periodic(tmp_path / "p.webp", 2)), sent=sent)
    assert np.array_equal(made, expected)
    assert [(m["step"], m["bytes"]) for m in sent if m["type"] == "preview"] == [
        (2, (tmp_path / "p.webp").stat().st_size)
    ]
    assert (tmp_path / "p.webp").read_bytes()[8:12] == b"WEBP"
    (tmp_path / "d").mkdir()
    assert np.array_equal(frames(studio, order(studio, preview=Periodic(tmp_path / "d", 1))), expected)
    assert "a preview was not written" in capsys.readouterr().err


class AtOnce(Writer):
    """Is done with each piece when it comes back."""

    def begin(self, work: Callable[[], None]) -> None:
        """Do `work`."""
        super().begin(work)
        self.wait()


@pytest.mark.parametrize(("share", "steps"), [(1e9, [1, 2, 3]), (0, [1])])
def test_previews_take_no_more_than_their_share(
    studio: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, steps: list[int]
) -> None:
    monkeypatch.setattr(denoising, "PREVIEWS", share)
    monkeypatch.setattr(denoising, "Writer", AtOnce)
    sent: list[Message] = []
    frames(studio, order(studio, preview=Periodic(tmp_path / "p.webp", 1), num_inference_steps=3), sent=sent)
    assert [m["step"] for m in sent if m["type"] == "preview"] == steps


def test_a_checkpoint_says_what_it_is_of(studio: House, tmp_path: Path) -> None:
    keep = Periodic(tmp_path / "c", 1)
    frames(studio, order(studio, checkpoint=keep))
    assert checkpoint.load(keep.file, "another") is None

"""Which models stay loaded, and that those which do share what they have in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from animato_engine.models.keeping import Held, to_drop
from studio import frames, house, loaded, order, works

GB = 10**9


def held(name: str, size: int, on_device: bool = True, shared: int = 0) -> Held:
    """A model of `size` GB, and a text encoder of `shared` GB that all have in common."""
    return Held(name, {name: size * GB, "encoder": shared * GB}, on_device)


def test_models_stay_while_there_is_room_for_them_and_the_work() -> None:
    kept = [held("a", 20), held("b", 20)]
    assert to_drop(kept, held("c", 20), 75 * GB, 100 * GB) == []
    assert to_drop(kept, held("c", 20), 74 * GB, 100 * GB) == ["a"]
    assert to_drop(kept, held("c", 50), 80 * GB, 100 * GB) == ["a", "b"]


def test_what_models_share_counts_once() -> None:
    kept = [held("a", 10, shared=40)]
    assert to_drop(kept, held("b", 10, shared=40), 75 * GB, 100 * GB) == []


def test_a_model_that_is_asked_for_again_is_not_dropped_for_itself() -> None:
    assert to_drop([held("a", 60)], held("a", 60), 64 * GB, 100 * GB) == []


def test_a_model_in_an_offload_mode_has_the_device_for_itself() -> None:
    kept = [held("a", 1), held("b", 1, on_device=False)]
    assert to_drop(kept, held("c", 20, on_device=False), 24 * GB, 100 * GB) == ["a"]
    assert to_drop(kept, held("c", 20, on_device=False), 24 * GB, 26 * GB) == ["a", "b"]
    # One on the device leaves those in the machine's memory alone.
    assert to_drop(kept, held("c", 15), 24 * GB, 2 * GB) == []


def test_on_a_processor_there_is_one_memory() -> None:
    kept = [held("a", 20, on_device=False), held("b", 20)]
    assert to_drop(kept, held("c", 20, on_device=False), 75 * GB, None) == []
    assert to_drop(kept, held("c", 20), 60 * GB, None) == ["a"]


def test_loaded_models_share_equal_components_and_give_their_own_frames(tiny: Path, tiny_inpaint: Path) -> None:
    studio = house(tiny, tiny_inpaint)
    first, second = (order(studio, model=name) for name in studio.models)
    alone = [frames(house(directory), order(house(directory))) for directory in (tiny, tiny_inpaint)]
    for given, expected in ((first, alone[0]), (second, alone[1]), (first, alone[0])):
        assert np.array_equal(frames(studio, given), expected)
    components = [loaded(studio, given).components for given in (first, second)]
    for name in ("vae", "text_encoder", "tokenizer"):
        assert components[0].get(name) is components[1].get(name)
    assert components[0].get("transformer") is not components[1].get("transformer")


def test_a_model_that_shares_a_network_waits_for_its_mode_again(tiny: Path, tiny_inpaint: Path) -> None:
    studio = house(tiny, tiny_inpaint)
    names = list(studio.models)
    first = order(studio, model=names[0])
    expected = frames(studio, first)
    other = order(studio, "model_offload_8bit", names[1])
    frames(studio, other)
    assert not studio.is_ready(first) and studio.is_ready(other)
    assert np.array_equal(frames(studio, first), expected)


def test_a_model_that_there_is_no_room_for_beside_another_replaces_it(
    tiny: Path, tiny_inpaint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = house(tiny, tiny_inpaint)
    first, second = (order(studio, model=name) for name in studio.models)
    expected = frames(studio, first)
    monkeypatch.setattr(works(studio), "_device_bytes", 1)
    frames(studio, second)
    assert list(works(studio)._loaded) == [second.model.name]
    assert np.array_equal(frames(studio, first), expected)

"""A model whose networks are spread over two devices, as the engine has it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from transformers.modeling_outputs import BaseModelOutput

import studio
from animato_engine import devices
from animato_engine.abroad import Abroad, moved
from animato_engine.models import works
from animato_engine.models.keeping import WORKING_SHARE
from animato_engine.models.opening import open_checkpoint

META = torch.device("meta")
CPU = torch.device("cpu")


class Network(torch.nn.Module):
    """Notes where it was called with tensors of."""

    seen: Any = None

    def forward(self, value: torch.Tensor, *, mask: torch.Tensor | None = None) -> BaseModelOutput:
        """Two outputs in a mapping."""
        self.seen = (value.device, None if mask is None else mask.device)
        return BaseModelOutput(last_hidden_state=value * 2, hidden_states=(value, value))

    def encode(self, value: torch.Tensor) -> tuple[DiagonalGaussianDistribution]:
        """A distribution in a tuple."""
        self.seen = value.device
        return (DiagonalGaussianDistribution(value),)


def test_a_network_abroad_is_given_what_is_at_home_and_its_outputs_come_home() -> None:
    network = Network()
    abroad = Abroad(network, META, CPU)
    # What is on the device `meta` has no values that could come back.
    with pytest.raises(NotImplementedError):
        network(torch.ones(2), mask=torch.ones(2))
    assert network.seen == (META, META)
    abroad.remove()
    home = Abroad(network, CPU, META)
    output = network(torch.ones(2), mask=None)
    assert network.seen == (CPU, None)
    assert {tensor.device for tensor in (output.last_hidden_state, *output.hidden_states)} == {META}
    assert network.encode(torch.ones(1, 2))[0].mode().device == META
    home.remove()


def test_a_network_that_has_come_home_is_called_directly() -> None:
    network = Network()
    Abroad(network, CPU, META).remove()
    assert network(torch.ones(2)).last_hidden_state.device == CPU
    assert network.encode(torch.ones(1, 2))[0].mode().device == CPU
    assert not {"forward", "encode"} & network.__dict__.keys()


def test_what_holds_no_tensors_moves_as_it_is() -> None:
    assert moved({"return_dict": False, "size": (1, 2)}, META) == {"return_dict": False, "size": (1, 2)}


def test_a_spread_model_makes_the_video_of_one_device_and_comes_home_for_other_modes(
    tiny_inpaint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = {"start_image": studio.picture(1)}
    alone = studio.house(tiny_inpaint)
    expected = studio.frames(alone, studio.order(alone), inputs)
    room = room_for_transformer(tiny_inpaint)
    monkeypatch.setattr(devices, "memory_bytes", lambda name: room)
    spread = studio.house(tiny_inpaint, second="cpu")
    given = studio.order(spread)
    model = studio.loaded(spread, given)
    assert model.is_spread
    assert model.peer is None
    assert "decode" in model.components.get("vae").__dict__
    assert "forward" in model.components.get("text_encoder").__dict__
    assert np.array_equal(studio.frames(spread, given, inputs), expected)
    studio.loaded(spread, studio.order(spread, "model_offload_8bit"))
    assert "decode" not in model.components.get("vae").__dict__
    assert model.peer is not None
    assert np.array_equal(studio.frames(spread, given, inputs), expected)


def test_models_that_share_a_spread_network_take_turns_with_it(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny, other)
    overrides = json.loads((other / "animato.json").read_text())
    (other / "animato.json").write_text(json.dumps({**overrides, "name": "other"}))
    alone = studio.house(tiny)
    expected = studio.frames(alone, studio.order(alone))
    room = room_for_transformer(tiny)
    monkeypatch.setattr(devices, "memory_bytes", lambda name: room)
    spread = studio.house(tiny, other, second="cpu")
    # Neither is dropped for the other.
    monkeypatch.setattr(works, "to_drop", lambda *arguments: [])
    for name in ("other", None, "other", None):
        assert np.array_equal(studio.frames(spread, studio.order(spread, model=name)), expected)
    assert len(studio.works(spread)._loaded) == 2


def room_for_transformer(directory: Path) -> int:
    """The memory of a device that has room for the transformer in single precision and for nothing more."""
    # A fifth of a device is left free.
    return int(2 * open_checkpoint(str(directory)).weight_bytes["transformer"] / (1 - WORKING_SHARE)) + 1000

"""What goes where on two devices."""

from __future__ import annotations

import pytest

from animato_engine import devices
from animato_engine.errors import Refused
from animato_engine.placement import ComponentSizes, Placement, place

GIB = 1 << 30
# EasyAnimate V5.1 12B in half precision: Qwen2-VL-7B, the transformer, the VAE.
LARGE = ComponentSizes(text_encoder=16 * GIB, transformer=24 * GIB, vae=1 * GIB)
MODES = ("model_offload", "model_offload_8bit", "sequential_offload")


def full(first: int, second: int) -> Placement:
    """Where `LARGE` goes in the mode `full` on devices with room for so many GiB."""
    return place("full", LARGE, (first * GIB, second * GIB))


def test_two_large_devices_share_the_guidance_and_the_first_has_the_rest() -> None:
    assert full(64, 64) == Placement(0, 0, shares_guidance=True)


def test_the_text_encoder_goes_where_there_is_room() -> None:
    assert full(32, 64) == Placement(1, 0, shares_guidance=True)


def test_a_model_that_fits_on_neither_device_is_spread_over_both() -> None:
    assert full(26, 26) == Placement(1, 0, shares_guidance=False)
    assert full(24, 24) == Placement(1, 1, shares_guidance=False)


def test_a_second_device_that_is_not_needed_and_too_small_has_nothing() -> None:
    assert full(64, 20) == Placement(0, 0, shares_guidance=False)


def test_nothing_is_placed_beyond_either_device_unless_it_has_no_room_at_all() -> None:
    for first in range(0, 70, 2):
        for second in range(0, 70, 2):
            placement = full(first, second)
            used = [LARGE.transformer, LARGE.transformer * placement.shares_guidance]
            used[placement.text_encoder] += LARGE.text_encoder
            used[placement.vae] += LARGE.vae
            fits = used[0] <= first * GIB and used[1] <= second * GIB
            assert fits or placement == Placement(0, 0, shares_guidance=False)


def test_in_the_other_modes_the_second_device_helps_if_the_transformer_fits_as_it_is_then() -> None:
    for room, shares in ((30, (True, True, True)), (20, (False, True, True)), (5, (False, False, True))):
        placements = [place(mode, LARGE, (10 * GIB, room * GIB)) for mode in MODES]
        assert tuple(placement.shares_guidance for placement in placements) == shares
        assert all((placement.text_encoder, placement.vae) == (0, 0) for placement in placements)


def test_a_pair_of_devices_is_two_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "torch_cuda_version", lambda: "12.8")
    there = [devices.Device(f"cuda:{index}", "a", 1) for index in range(2)]
    monkeypatch.setattr(devices, "cuda_devices", lambda: there)
    assert devices.resolve_devices("auto") == ("cuda:0",)
    assert devices.resolve_devices("cuda:1+cuda:0") == ("cuda:1", "cuda:0")
    assert devices.resolve_devices("cpu+cpu") == ("cpu", "cpu")


@pytest.mark.parametrize(
    "wanted", ["cuda:0+cuda:0", "cuda:0+cuda:2", "cuda:0+cpu", "auto+auto", "cuda:0+", "cuda:0+cuda:1+cuda:2"]
)
def test_what_is_no_pair_of_devices_is_refused(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "torch_cuda_version", lambda: "12.8")
    there = [devices.Device(f"cuda:{index}", "a", 1) for index in range(2)]
    monkeypatch.setattr(devices, "cuda_devices", lambda: there)
    with pytest.raises(Refused) as caught:
        devices.resolve_devices(wanted)
    assert caught.value.code == "device_unavailable"

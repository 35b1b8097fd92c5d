"""What is computed where on two devices: a pure function of sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ComponentSizes:
    """The bytes of a pipeline's weights in the dtype that they are loaded in."""

    text_encoder: int
    transformer: int
    vae: int


@dataclass(frozen=True)
class Placement:
    """For each component the device that holds it: 0, the engine's first, or 1. The transformer is on 0."""

    text_encoder: int
    vae: int
    shares_guidance: bool
    """Whether device 1 holds the transformer too, for the half of each guided step without the prompt (`parallel`)."""


# By memory mode, what of the transformer's weights is on a device that has it for itself: in 8 bits half, taken layer
# by layer nothing to speak of.
_RESIDENT_PARTS: Mapping[str, float] = {"model_offload": 1.0, "model_offload_8bit": 0.5, "sequential_offload": 0.0}


def place(mode: str, sizes: ComponentSizes, rooms: tuple[int, int]) -> Placement:
    """Where to hold everything in the memory mode `mode`; `rooms` are the bytes that each device has for weights.

    In the mode `full`, what halves the time comes first: the transformer on both, the rest on the first device, or,
    where that has no room, wherever it has; VAE before text encoder, since the latents are on the first device. If the
    transformer has room once only, the second device takes what the first has no room for. In the other modes the
    components take turns on the first device.
    """
    if mode != "full":
        return Placement(0, 0, shares_guidance=sizes.transformer * _RESIDENT_PARTS[mode] <= rooms[1])
    for shares in (True, False):
        for text_encoder, vae in ((0, 0), (1, 0), (0, 1), (1, 1)):
            on_second = text_encoder * sizes.text_encoder + vae * sizes.vae
            on_first = sizes.text_encoder + sizes.vae - on_second
            if sizes.transformer + on_first <= rooms[0] and shares * sizes.transformer + on_second <= rooms[1]:
                return Placement(text_encoder, vae, shares)
    # No room: it is tried as on one device, and the outcome is an honest out of memory.
    return Placement(0, 0, shares_guidance=False)

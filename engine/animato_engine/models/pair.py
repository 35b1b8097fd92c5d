"""The second device of a model: what it holds in which memory mode."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from .. import devices
from ..peer_process import GuidancePeer, Network
from ..placement import ComponentSizes, Placement, place
from .keeping import WORKING_SHARE


class Pair:
    """Two devices for one model; the first is the engine's own."""

    def __init__(self, network: Network, weight_bytes: Mapping[str, int], names: tuple[str, str]) -> None:
        """Take the denoiser, the size of each component as checkpoints have it, in half precision, and the devices."""
        scale = network.dtype.itemsize / 2
        parts = {name: int(size * scale) for name, size in weight_bytes.items()}
        self._sizes = ComponentSizes(parts["text_encoder"], parts["transformer"], parts["vae"])
        first, second = (int(devices.memory_bytes(name) * (1 - WORKING_SHARE)) for name in names)
        self._rooms = first, second
        self._second = names[1]
        self._peer = GuidancePeer(network, names[1])

    @property
    def abroad(self) -> dict[str, torch.device]:
        """The networks that are on the second device in the mode `full`."""
        placement = self._place("full")
        places = {"text_encoder": placement.text_encoder, "vae": placement.vae}
        return {name: torch.device(self._second) for name, device in places.items() if device == 1}

    def settle(self, mode: str) -> None:
        """Begin to bring the second device to this mode, or make room there. To be called before anything is moved."""
        if self._place(mode).shares_guidance:
            self._peer.prepare(mode)
        else:
            self._peer.close()

    def is_ready(self, mode: str) -> bool:
        """Whether nothing is to be loaded or moved for this mode on the second device's side."""
        return self._peer.mode == mode or not self._place(mode).shares_guidance

    def peer(self, mode: str) -> GuidancePeer | None:
        """What shares guided steps in this mode; None if the second device has no room for the denoiser then."""
        return self._peer if self._place(mode).shares_guidance else None

    def close(self) -> None:
        """End the second device's process."""
        self._peer.close()

    def _place(self, mode: str) -> Placement:
        return place(mode, self._sizes, self._rooms)

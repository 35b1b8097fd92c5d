"""The models that this engine can be asked for. Torch is imported when the first one is loaded, and not before."""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..description import ModelDescription
from ..errors import Failure
from ..lora import LoRAFile
from ..order import Order
from ..passing import Pass
from .adapter import Pixels
from .opening import Checkpoint

if TYPE_CHECKING:
    from .works import Works

_VIDEOS = ("video", "control_video")


class House:
    """Satisfies `session.Studio`."""

    def __init__(
        self,
        checkpoints: Sequence[Checkpoint],
        loras: Sequence[LoRAFile],
        device: str,
        dtype: str = "auto",
        backend: str | None = None,
        second: str | None = None,
    ) -> None:
        """Take what can be asked for, with unlike names.

        `dtype` is `auto` or one of torch's; `backend` compiles the denoisers; `second` is a device that shares guided
        steps.
        """
        self.models: Mapping[str, ModelDescription] = types.MappingProxyType(
            {one.description.name: one.description for one in checkpoints}
        )
        self.loras: Mapping[str, LoRAFile] = types.MappingProxyType({lora.name: lora for lora in loras})
        self._checkpoints = {one.description.name: one for one in checkpoints}
        self._settings = (device, dtype, backend, second)
        self._works: Works | None = None

    def read(self, order: Order, check: Callable[[], None]) -> dict[str, Pixels]:
        """The inputs, at the size to render at."""
        if not order.inputs:
            return {}
        # Late: it brings libav, which `hello` need not wait for.
        from ..inputs import read_image, read_video

        request = order.request
        size = order.model.rendered_size(request.width, request.height)
        pixels: dict[str, Pixels] = {}
        for name, path in order.inputs.items():
            if name in _VIDEOS:
                pixels[name] = read_video(path, size, request.fps, request.num_frames, check)
            else:
                pixels[name] = read_image(path, size, check)
        return pixels

    def total_steps(self, order: Order) -> int:
        """As the model's family counts."""
        return self._checkpoints[order.model.name].family.total_steps(order.request, order.inputs)

    def is_ready(self, *orders: Order) -> bool:
        """Whether the model is loaded, in the memory mode of the pass of `orders`, with all that it needs."""
        return self._works is not None and self._works.is_ready(*orders)

    def load(self, *orders: Order) -> None:
        """Make the model ready; of a checkpoint from the hub, fetch the weights first.

        Raises:
            Failure: kind `load_failed`: the checkpoint is not the one that was described.
            Exception: anything else that goes wrong on the way.
        """
        if self._works is None:
            if not any(one.hub_id for one in self._checkpoints.values()):
                # Nothing of them is on the hub, so nothing may be looked for there.
                os.environ["HF_HUB_OFFLINE"] = "1"
            from .works import Works

            self._works = Works(tuple(self._checkpoints.values()), *self._settings)
        self._works.load(*orders)

    def make(self, work: Pass, inputs: Mapping[str, Pixels]) -> None:
        """Render at the size that the model was made for, to be written at the size that was asked for."""
        if self._works is None:
            raise RuntimeError("load comes before make")
        self._works.make(work, inputs)

    def recover(self, failure: Failure) -> None:
        """Clear what a generation that was broken off leaves behind, and give back its memory."""
        if self._works is not None:
            self._works.recover(failure)

    def park(self) -> None:
        """Move all weights from the device to the machine's memory."""
        if self._works is not None:
            self._works.park()

    def free_bytes(self) -> int | None:
        """What is free on the device; None before anything was loaded."""
        return self._works.free_bytes() if self._works is not None else None

"""The models of one engine on its device: loaded when they are asked for, kept while there is room.

What `house` needs torch for.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from .. import devices, memory
from ..errors import Failure
from ..media import write_mp4
from ..order import Order
from ..passing import Made, Pass
from ..process import log
from ..text_cache import TextCache
from .adapter import Pixels
from .denoising import Rendering
from .keeping import Held, to_drop
from .loaded import DENOISER, LoadedModel
from .opening import Checkpoint
from .parts import Components, Shelf, quiet_libraries
from .watch import INJECTION_VARIABLE, Injection, Watch


class Works:
    """Loads models and makes videos with them. For one thread."""

    def __init__(
        self,
        checkpoints: Sequence[Checkpoint],
        device: str,
        dtype: str,
        backend: str | None,
        second: str | None,
    ) -> None:
        """As `house.House`."""
        quiet_libraries()
        self._checkpoints = {one.description.name: one for one in checkpoints}
        self._device = torch.device(device)
        self._dtype = weight_dtype(self._device, dtype)
        self._backend = backend
        self._second = second
        self._device_bytes = devices.memory_bytes(device)
        self._watch = Watch(Injection(os.environ.get(INJECTION_VARIABLE, "")))
        self._shelf = Shelf(self._dtype, self._prepare)
        self._texts = TextCache()
        self._loaded: OrderedDict[str, LoadedModel] = OrderedDict()
        """Least recently used first."""
        self._loading: str | None = None

    def is_ready(self, *orders: Order) -> bool:
        """Whether the model is loaded, in the memory mode of the pass of `orders`, with all that it needs."""
        model = self._loaded.get(orders[0].model.name)
        return model is not None and model.is_ready(*orders)

    def load(self, *orders: Order) -> None:
        """Make the model ready; of a checkpoint from the hub, fetch the weights first.

        Raises:
            Failure: kind `load_failed`: the checkpoint is not the one that was described.
            Exception: anything else that goes wrong on the way.
        """
        order = orders[0]
        name = order.model.name
        checkpoint = self._checkpoints[name]
        model = self._loaded.get(name)
        if model is None:
            directory = checkpoint.complete_directory()
            kinds = checkpoint.family.components
            prints = {part: checkpoint.component_fingerprint(directory, part) for part in kinds}
            self._make_room(order, prints)
            self._loading = name
            components = Components(directory, kinds, prints, self._shelf, self._device, self._dtype)
            model = LoadedModel(checkpoint, components, self._texts, self._backend, self._second)
            self._loaded[name] = model
        else:
            self._make_room(order, model.components.fingerprints)
            self._loading = name
        for other in self._loaded.values():
            # One that is shared cannot be where two models want it.
            agrees = other.residency.mode == order.memory_mode and not (model.is_spread or other.is_spread)
            if other is not model and not agrees and model.shares_networks_with(other):
                other.residency.reset()
        model.settle(*orders)
        self._loading = None
        log(f"{name} is on {self._device} as {self._dtype}, {order.memory_mode}")

    def make(self, work: Pass, inputs: Mapping[str, Pixels]) -> None:
        """Render at the size that the model was made for, to be written at the size that was asked for."""
        order = work.order
        model, request = self._loaded[order.model.name], order.request
        self._loaded.move_to_end(order.model.name)
        size = order.model.rendered_size(request.width, request.height)
        memory.forget_peak(self._device)
        self._watch.begin(work)
        rendered = Rendering(model, work, size, inputs, self._watch.visit).run()
        self._watch.end()
        peak = memory.peak_bytes(self._device)
        for row in work.rows:
            frames, skipped = rendered[row.id]
            row.made = Made(size, partial(_write, row.order, frames), skipped, peak)

    def park(self) -> None:
        """Move all weights from the device to the machine's memory."""
        for model in self._loaded.values():
            model.park()
        memory.release(self._device)

    def recover(self, failure: Failure) -> None:
        """Clear what a generation that was broken off leaves behind, and give back its memory."""
        self._watch.end()
        if self._loading is not None:
            self._drop(self._loading)
            self._loading = None
        for model in self._loaded.values():
            model.adapter.clear()
        if self._device.type == "cuda":
            # Raises if the device is in a state that only a new process gets out of.
            torch.cuda.synchronize(self._device)
        memory.release(self._device)

    def free_bytes(self) -> int | None:
        """What is free on the device."""
        return memory.free_bytes(self._device)

    def _prepare(self, class_name: str, network: torch.nn.Module) -> None:
        # A compiler would follow the hooks; then a cancel is noticed between two steps.
        compiled = self._backend is not None and class_name in self._denoiser_classes()
        if not compiled:
            self._watch.attach(network)

    def _denoiser_classes(self) -> set[str]:
        return {name for one in self._checkpoints.values() for name in one.family.components[DENOISER].classes}

    def _make_room(self, order: Order, prints: Mapping[str, str]) -> None:
        """Drop models that `order` leaves no room for."""
        wanted = self._held(self._checkpoints[order.model.name], prints, order.memory_mode)
        held = [
            self._held(model.checkpoint, model.components.fingerprints, model.residency.mode)
            for model in self._loaded.values()
        ]
        host = None if self._device.type == "cpu" else devices.memory_bytes("cpu")
        for name in to_drop(held, wanted, self._device_bytes, host):
            self._drop(name)
        memory.release(self._device)

    def _held(self, checkpoint: Checkpoint, prints: Mapping[str, str], mode: str | None) -> Held:
        # Checkpoints are stored in half precision.
        scale = torch.empty(0, dtype=self._dtype).element_size() / 2
        parts = {prints[part]: int(size * scale) for part, size in checkpoint.weight_bytes.items()}
        return Held(checkpoint.description.name, parts, on_device=mode in ("full", None))

    def _drop(self, name: str) -> None:
        model = self._loaded.pop(name, None)
        if model is not None:
            model.close()
            log(f"{name} was dropped")


def _write(order: Order, frames: Sequence[NDArray[np.uint8]], check: Callable[[], None]) -> None:
    """Write `frames` as `order` says; in another thread than everything else here."""
    size = order.request.width, order.request.height
    write_mp4(frames, order.output, size, order.request.fps, check, metadata=order.metadata)
    # Generations of many sizes would leave the heap in pieces.
    memory.trim()


def weight_dtype(device: torch.device, wanted: str) -> torch.dtype:
    """The type to hold the weights in: what is `wanted`, or, for `auto`, what suits `device`."""
    if wanted != "auto":
        named: torch.dtype = getattr(torch, wanted)
        return named
    if device.type != "cuda":
        # Half precision is several times slower on a processor.
        return torch.float32
    # Emulated bfloat16 is slower than float16.
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16

"""A studio with tiny checkpoints in this process, for tests that look at tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from animato_engine.control import Control, Signals
from animato_engine.lora import LoRAFile
from animato_engine.models.denoising import Rendering
from animato_engine.models.house import House
from animato_engine.models.loaded import LoadedModel
from animato_engine.models.opening import open_checkpoint
from animato_engine.models.works import Works
from animato_engine.order import Order, Periodic
from animato_engine.request import VideoRequest
from harness import request

Array = NDArray[np.uint8]


def house(*directories: Path, loras: tuple[LoRAFile, ...] = (), **settings: Any) -> House:
    """A studio that can be asked for these checkpoints."""
    return House([open_checkpoint(str(directory)) for directory in directories], loras, "cpu", **settings)


def order(
    studio: House,
    mode: str = "full",
    model: str | None = None,
    checkpoint: Periodic | None = None,
    preview: Periodic | None = None,
    loras: tuple[tuple[LoRAFile, float], ...] = (),
    **changes: Any,
) -> Order:
    """An order of the standard request, changed by `changes`, to the first model or the one of that name."""
    description = studio.models[model or next(iter(studio.models))]
    parsed = VideoRequest.parse(request(**changes), description)
    return Order(description, parsed, mode, Path("/nowhere"), {}, {}, checkpoint, preview, loras)


def works(studio: House) -> Works:
    """What the studio has loaded; something has been made there."""
    assert studio._works is not None
    return studio._works


def loaded(studio: House, given: Order) -> LoadedModel:
    """The model of `given`, ready for it."""
    if not studio.is_ready(given):
        studio.load(given)
    return works(studio)._loaded[given.model.name]


def frames(
    studio: House,
    given: Order,
    inputs: Mapping[str, Array] | None = None,
    signals: Signals | None = None,
    sent: list[dict[str, Any]] | None = None,
) -> Array:
    """The frames of an order, rendered with these inputs."""
    model = loaded(studio, given)
    # Of the inputs only the names count here.
    named = {name: Path("/nowhere") for name in inputs or {}}
    given = Order(**{**given.__dict__, "inputs": named})
    keep: list[dict[str, Any]] = [] if sent is None else sent
    keeps = given.checkpoint is not None
    control = Control("g", studio.total_steps(given), keep.append, signals or Signals(), keeps)
    size = given.model.rendered_size(given.request.width, given.request.height)
    watch = works(studio)._watch
    watch.begin(control)
    rendered = Rendering(model, given, size, inputs or {}, control, watch.visit).run()
    watch.end()
    return np.stack(list(rendered.frames))


def picture(seed: int, width: int = 64, height: int = 64) -> Array:
    """A picture of smooth colours that depends on `seed`."""
    chance = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0, 3, width), np.linspace(0, 3, height))
    planes = [np.sin(x * a + y * b + c) * 127 + 128 for a, b, c in chance.random((3, 3)) * 3]
    return np.stack(planes, axis=-1).astype(np.uint8)


def video(seed: int, frames: int = 5) -> Array:
    """A video of pictures that differ."""
    return np.stack([picture(seed + index) for index in range(frames)])

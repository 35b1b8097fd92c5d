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
from animato_engine.passing import Pass, Row
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


def loaded(studio: House, *given: Order) -> LoadedModel:
    """The model of `given`, ready for them."""
    if not studio.is_ready(*given):
        studio.load(*given)
    return works(studio)._loaded[given[0].model.name]


def frames(
    studio: House,
    given: Order,
    inputs: Mapping[str, Array] | None = None,
    signals: Signals | None = None,
    sent: list[dict[str, Any]] | None = None,
) -> Array:
    """The frames of an order, rendered with these inputs."""
    # Of the inputs only the names count here.
    named = {name: Path("/nowhere") for name in inputs or {}}
    given = Order(**{**given.__dict__, "inputs": named})
    return rendered(studio, {"g": given}, inputs, {"g": signals or Signals()}, sent)["g"][0]


def rendered(
    studio: House,
    given: Mapping[str, Order],
    inputs: Mapping[str, Array] | None = None,
    signals: Mapping[str, Signals] | None = None,
    sent: list[dict[str, Any]] | None = None,
    dropped: dict[str, Exception] | None = None,
) -> dict[str, tuple[Array, int]]:
    """The frames of orders that share a pass, by their ids, and how many steps each has skipped.

    `dropped` gets those that end by themselves.
    """
    keep: list[dict[str, Any]] = [] if sent is None else sent
    gone: dict[str, Exception] = {} if dropped is None else dropped
    flags = signals or {name: Signals() for name in given}
    orders = list(given.values())
    model = loaded(studio, *orders)
    rows = []
    for name, one in given.items():
        keeps = one.checkpoint is not None
        control = Control(name, studio.total_steps(one), keep.append, flags[name], keeps)
        rows.append(Row(name, one, control))
    work = Pass(rows, lambda row, error: gone.update({row.id: error}))
    size = orders[0].model.rendered_size(orders[0].request.width, orders[0].request.height)
    watch = works(studio)._watch
    watch.begin(work)
    made = Rendering(model, work, size, inputs or {}, watch.visit).run()
    watch.end()
    return {row.id: (np.stack(made[row.id][0]), made[row.id][1]) for row in work.rows}


def picture(seed: int, width: int = 64, height: int = 64) -> Array:
    """A picture of smooth colours that depends on `seed`."""
    chance = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0, 3, width), np.linspace(0, 3, height))
    planes = [np.sin(x * a + y * b + c) * 127 + 128 for a, b, c in chance.random((3, 3)) * 3]
    return np.stack(planes, axis=-1).astype(np.uint8)


def video(seed: int, frames: int = 5) -> Array:
    """A video of pictures that differ."""
    return np.stack([picture(seed + index) for index in range(frames)])

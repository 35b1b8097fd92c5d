"""All that a `generate` says, checked against what this engine can do, before anything costs time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .description import ModelDescription
from .errors import Failure
from .lora import LoRAFile
from .modes import Mode
from .protocol import Generate
from .request import Metadata, VideoRequest, parse_metadata

_MAX_EVERY = 1000
# A video says every frame, so there is none left for a picture to say.
_TRACE = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""A `traceparent` of version 00, as the server writes it."""
_CONFLICTS = (("video", "start_image"), ("video", "end_image"))


@dataclass(frozen=True)
class Periodic:
    """A file that is written anew after every `every` steps."""

    file: Path
    every: int

    def due(self, step: int) -> bool:
        """Whether it is to be written after `step` steps."""
        return step % self.every == 0


@dataclass(frozen=True)
class Order:
    """A generation that may begin."""

    model: ModelDescription
    request: VideoRequest
    memory_mode: Mode
    output: Path
    inputs: Mapping[str, Path] = field(default_factory=dict)
    """By the names of the protocol; known to be files."""
    metadata: Metadata = field(default_factory=dict)
    checkpoint: Periodic | None = None
    preview: Periodic | None = None
    loras: tuple[tuple[LoRAFile, float], ...] = ()
    """Those that the request names, with their scales."""
    trace_id: str = ""
    """What the log names while this is made; empty: nothing."""


def parse_pass(
    members: Sequence[Generate], models: Mapping[str, ModelDescription], loras: Mapping[str, LoRAFile]
) -> list[Order | Failure]:
    """The order of each generation that is to share a pass, or why it cannot."""
    orders: list[Order | Failure] = []
    taken: set[Path] = set()
    for member in members:
        try:
            order = parse_order(member, models, loras)
            if len(members) > order.model.max_batch:
                raise Failure.invalid(f"At most {order.model.max_batch} generations of this model go together.")
            if len(members) > 1 and order.inputs:
                raise Failure.invalid("Generations with inputs have no companions.")
            files = {order.output, *(one.file for one in (order.checkpoint, order.preview) if one is not None)}
            if taken & files:
                raise Failure.invalid("output, checkpoint and preview must be files that no companion has.")
        except Failure as failure:
            orders.append(failure)
        else:
            taken |= files
            orders.append(order)
    return orders


def parse_order(command: Generate, models: Mapping[str, ModelDescription], loras: Mapping[str, LoRAFile]) -> Order:
    """The order in `command`, to one of `models`, with some of `loras`.

    Raises:
        Failure: kind `invalid_input`; the message names the field at fault. Kind `storage` if a directory is missing.
    """
    model = models.get(command.model) if isinstance(command.model, str) else None
    if model is None:
        raise Failure.invalid("model must be one that this engine has.")
    mode = next((mode for mode in model.memory_modes if mode == command.memory_mode), None)
    if mode is None:
        raise Failure.invalid(f"memory_mode must be one of {', '.join(model.memory_modes)}.")
    request = VideoRequest.parse(command.request, model)
    output = _file(command.output, "output")
    if output.exists():
        raise Failure.invalid("output must not exist.")
    return Order(
        model=model,
        request=request,
        memory_mode=mode,
        output=output,
        inputs=_inputs(command.inputs, model.inputs),
        metadata=parse_metadata(command.metadata),
        checkpoint=_periodic(command.checkpoint, "checkpoint"),
        preview=_periodic(command.preview, "preview"),
        loras=tuple((_lora(lora.name, loras), lora.scale) for lora in request.loras),
        trace_id=_trace_id(command.trace),
    )


def _inputs(raw: Any, known: tuple[str, ...]) -> dict[str, Path]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise Failure.invalid("inputs must be an object.")
    for name in raw:
        if name not in known:
            what = ", ".join(known) if known else "none"
            raise Failure.invalid(f"inputs of this model: {what}.")
    for one, other in _CONFLICTS:
        if one in raw and other in raw:
            raise Failure.invalid(f"{one} and {other} do not go together.")
    return {name: _input(path, name) for name, path in raw.items()}


def _input(raw: Any, name: str) -> Path:
    path = _absolute(raw, name)
    if not path.is_file():
        raise Failure.invalid(f"The file of {name} is not there.", "media_unreadable")
    return path


def _periodic(raw: Any, name: str) -> Periodic | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise Failure.invalid(f"{name} must be an object.")
    every = raw.get("every")
    if type(every) is not int or not 0 < every <= _MAX_EVERY:
        raise Failure.invalid(f"{name}.every must be an integer from 1 to {_MAX_EVERY}.")
    return Periodic(_file(raw.get("file"), name), every)


def _trace_id(raw: Any) -> str:
    if raw is None:
        return ""
    found = _TRACE.fullmatch(raw) if isinstance(raw, str) else None
    if found is None:
        raise Failure.invalid("trace must be a traceparent of version 00.")
    return found[1]


def _file(raw: Any, name: str) -> Path:
    """A path that can be written to."""
    path = _absolute(raw, name)
    if not path.parent.is_dir():
        raise Failure("storage", "write_failed", f"The directory of the {name} does not exist.")
    return path


def _absolute(raw: Any, name: str) -> Path:
    if not isinstance(raw, str) or not raw.startswith("/") or "\0" in raw:
        raise Failure.invalid(f"{name} must be an absolute path.")
    return Path(raw)


def _lora(name: str, loras: Mapping[str, LoRAFile]) -> LoRAFile:
    if name not in loras:
        raise Failure.invalid("This engine has no LoRA of that name.", "lora_unknown")
    return loras[name]

"""Which loaded models have to go for another one: pure functions of sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WORKING_SHARE = 0.2
"""Of a memory, what is left free for the work: latents, activations, the decoder's frames."""


@dataclass(frozen=True)
class Held:
    """The weights of one model."""

    name: str
    parts: Mapping[str, int]
    """Bytes by fingerprint: models that have a part in common hold it once."""
    on_device: bool
    """Whether the weights are on the device between two generations; otherwise they are in the machine's memory."""


def to_drop(held: Sequence[Held], wanted: Held, device_bytes: int, host_bytes: int | None) -> list[str]:
    """The names of those of `held` that have to go before `wanted` comes; least recently used first, as `held` is.

    `host_bytes` is the machine's memory, None if the device is the processor, whose memory it is. Weights stay as long
    as `WORKING_SHARE` is left. A model is in an offload mode since memory is short: it has the device for itself.
    """
    others = [model for model in held if model.name != wanted.name]
    if host_bytes is None:
        return _oldest(others, wanted, device_bytes)
    away = [model for model in others if not model.on_device]
    present = [model for model in others if model.on_device]
    if wanted.on_device:
        return _oldest(present, wanted, device_bytes)
    return [model.name for model in present] + _oldest(away, wanted, host_bytes)


def _oldest(models: Sequence[Held], wanted: Held, memory_bytes: int) -> list[str]:
    """The first of `models` without which the rest and `wanted` have room."""
    count = 0
    while count < len(models) and _size([*models[count:], wanted]) > memory_bytes * (1 - WORKING_SHARE):
        count += 1
    return [model.name for model in models[:count]]


def _size(models: Iterable[Held]) -> int:
    union: dict[str, int] = {}
    for model in models:
        union.update(model.parts)
    return sum(union.values())

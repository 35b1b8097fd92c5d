"""The memory modes and the levels of the step cache, by the names of the protocol. No torch."""

from __future__ import annotations

from typing import Literal, cast, get_args

Mode = Literal["full", "model_offload", "model_offload_8bit", "sequential_offload"]
MODES = cast(tuple[Mode, ...], get_args(Mode))
"""Fastest first."""

Level = Literal["off", "balanced", "fast"]
LEVELS = cast(tuple[Level, ...], get_args(Level))
"""The most exact first; the first always works."""


def supported_modes(device_type: str) -> tuple[Mode, ...]:
    """The modes that make a difference on a device of that type (`cpu`, `cuda`), fastest first."""
    # On a processor the offloads are no moves.
    return ("full", "model_offload_8bit") if device_type == "cpu" else MODES


def step_cache_levels(levels: tuple[Level, ...], devices: int) -> tuple[Level, ...]:
    """Those of `levels` that work when so many devices share each step."""
    return levels if devices == 1 else LEVELS[:1]

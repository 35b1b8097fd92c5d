"""What a model can make: the `model` object of `hello`."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from .modes import LEVELS, MODES, Level, Mode

Size = tuple[int, int]
"""Width and height in pixels."""

MAX_BATCH = 16
"""Generations in one pass."""

MAX_COEFFICIENTS = 9
"""Of the polynomial of a step cache."""

_MAX_SIDE = 1 << 16


@dataclass(frozen=True)
class Limits:
    """The bounds of a request. All are inclusive; sizes are in pixels."""

    min_width: int = 256
    max_width: int = 1344
    min_height: int = 256
    max_height: int = 1344
    size_multiple: int = 16
    max_pixels: int = 1_048_576
    min_frames: int = 1
    max_frames: int = 49
    frame_step: int = 4
    """The number of frames is `frame_step` times k, plus 1."""
    min_steps: int = 1
    max_steps: int = 100
    min_guidance: float = 1.0
    max_guidance: float = 20.0
    min_fps: int = 1
    max_fps: int = 60
    max_prompt_characters: int = 2000


@dataclass(frozen=True)
class Defaults:
    """What the server fills in where a request is silent."""

    width: int = 672
    height: int = 384
    num_frames: int = 49
    num_inference_steps: int = 50
    guidance_scale: float = 5.0
    fps: int = 8
    negative_prompt: str = ""
    strength: float = 0.7
    """Counts with the input `video` only."""


@dataclass(frozen=True)
class MemoryEntry:
    """What is known to fit: no more pixels and frames than these, in this mode, on a device of so much memory."""

    mode: Mode
    width: int
    height: int
    num_frames: int
    min_memory_bytes: int


@dataclass(frozen=True)
class ModelDescription:
    """One checkpoint, as the server sees it."""

    name: str
    family: str
    fingerprint: str
    """SHA-256 of the checkpoint, 64 hexadecimal digits."""
    weight_bytes: int
    limits: Limits
    defaults: Defaults
    inputs: tuple[str, ...] = ()
    """What a request may bring besides text."""
    step_cache: tuple[Level, ...] = LEVELS[:1]
    """The levels that work."""
    memory_modes: tuple[Mode, ...] = MODES[:1]
    """Those that work on the device, fastest first."""
    max_batch: int = MAX_BATCH
    """How many generations one pass may have."""
    memory_table: tuple[MemoryEntry, ...] = ()
    sizes: tuple[Size, ...] = ()
    """For requests that name no size."""
    native_shapes: tuple[Size, ...] = ()
    """Sizes that the model renders; empty if it renders every size as asked."""
    coefficients: tuple[float, ...] | None = None
    """Of the step cache's polynomial, highest degree first. The server need not know them."""

    def wire(self) -> dict[str, Any]:
        """The JSON object of the protocol."""
        wire = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        del wire["coefficients"]
        wire["sizes"] = [list(size) for size in self.sizes or [(self.defaults.width, self.defaults.height)]]
        if self.native_shapes:
            wire["native_shapes"] = [list(shape) for shape in self.native_shapes]
        else:
            del wire["native_shapes"]
        return wire

    def rendered_size(self, width: int, height: int) -> Size:
        """The size to render for a request: its own, or the native shape nearest to its aspect ratio."""
        if not self.native_shapes:
            return width, height
        # Logarithms make 2:1 and 1:2 equally far from 1:1.
        return min(self.native_shapes, key=lambda shape: abs(math.log(width / height) - math.log(shape[0] / shape[1])))


def with_overrides(description: ModelDescription, overrides: Any) -> ModelDescription:
    """`description` changed by the content of an `animato.json`.

    Known keys are `name`, `limits`, `defaults`, `sizes`, `native_shapes`, `step_cache` (the coefficients of its
    polynomial, highest degree first) and `recipe` (a note of who made the checkpoint).

    Raises:
        ValueError: a key is unknown, a value has the wrong type, or the outcome is no sound description.
    """
    if not isinstance(overrides, dict):
        raise ValueError("it must hold one object")
    unknown = overrides.keys() - {"name", "limits", "defaults", "sizes", "native_shapes", "step_cache", "recipe"}
    if unknown:
        raise ValueError(f"unknown key {min(unknown)!r}")
    name = overrides.get("name", description.name)
    if not isinstance(name, str) or not 0 < len(name) <= 100:
        raise ValueError("name must be a string of 1 to 100 characters")
    multiple = description.limits.size_multiple
    changed = replace(
        description,
        name=name,
        limits=replace(description.limits, **_typed(overrides.get("limits", {}), "limits", description.limits)),
        defaults=replace(
            description.defaults, **_typed(overrides.get("defaults", {}), "defaults", description.defaults)
        ),
        native_shapes=_shapes(overrides.get("native_shapes", []), "native_shapes", multiple),
    )
    if "sizes" in overrides:
        changed = replace(changed, sizes=_shapes(overrides["sizes"], "sizes", multiple))
    if "step_cache" in overrides:
        coefficients = _coefficients(overrides["step_cache"])
        changed = replace(changed, coefficients=coefficients, step_cache=LEVELS)
    _check_sound(changed, description.limits)
    return changed


def _typed(values: Any, where: str, current: Limits | Defaults) -> dict[str, Any]:
    """`values`, once each is known and has the type that `current` has there."""
    if not isinstance(values, dict):
        raise ValueError(f"{where} must be an object")
    kinds = {field.name: type(getattr(current, field.name)) for field in fields(current)}
    result: dict[str, Any] = {}
    for key, value in values.items():
        if key not in kinds:
            raise ValueError(f"unknown key {where}.{key}")
        if kinds[key] is float and type(value) is int:
            value = float(value)
        if type(value) is not kinds[key]:
            raise ValueError(f"{where}.{key} must be of type {kinds[key].__name__}")
        result[key] = value
    return result


def _shapes(values: Any, where: str, multiple: int) -> tuple[Size, ...]:
    """Sizes from JSON: a list of pairs that the pipeline renders without flooring them."""
    if not isinstance(values, list):
        raise ValueError(f"{where} must be a list of [width, height]")
    shapes: list[Size] = []
    for value in values:
        if not isinstance(value, list) or len(value) != 2 or any(type(side) is not int for side in value):
            raise ValueError(f"{where} must be a list of [width, height]")
        width, height = value
        if not all(0 < side <= _MAX_SIDE and side % multiple == 0 for side in value):
            raise ValueError(f"{where}: {width}x{height} is no multiple of {multiple}")
        shapes.append((width, height))
    return tuple(shapes)


def _coefficients(values: Any) -> tuple[float, ...]:
    if not isinstance(values, list) or not 0 < len(values) <= MAX_COEFFICIENTS:
        raise ValueError(f"step_cache must be a list of 1 to {MAX_COEFFICIENTS} numbers")
    if not all(type(value) in (int, float) and math.isfinite(value) for value in values):
        raise ValueError("step_cache must hold numbers")
    return tuple(float(value) for value in values)


def _check_sound(description: ModelDescription, declared: Limits) -> None:
    """Raise `ValueError` unless every range is a range, and the defaults and sizes are within the limits.

    `declared` are the limits of the architecture.
    """
    limits, defaults = description.limits, description.defaults
    ranges = (
        ("width", limits.min_width, defaults.width, limits.max_width),
        ("height", limits.min_height, defaults.height, limits.max_height),
        ("num_frames", limits.min_frames, defaults.num_frames, limits.max_frames),
        ("num_inference_steps", limits.min_steps, defaults.num_inference_steps, limits.max_steps),
        ("guidance_scale", limits.min_guidance, defaults.guidance_scale, limits.max_guidance),
        ("fps", limits.min_fps, defaults.fps, limits.max_fps),
    )
    for name, low, default, high in ranges:
        if not 0 < low <= default <= high <= _MAX_SIDE:
            raise ValueError(f"{name}: {low} <= default {default} <= {high} does not hold")
    if limits.size_multiple != declared.size_multiple or limits.frame_step != declared.frame_step:
        raise ValueError("size_multiple and frame_step belong to the architecture and cannot be changed")
    if defaults.width % limits.size_multiple or defaults.height % limits.size_multiple:
        raise ValueError(f"the default size is no multiple of {limits.size_multiple}")
    if defaults.width * defaults.height > limits.max_pixels:
        raise ValueError("the default size has more than max_pixels")
    if (defaults.num_frames - 1) % limits.frame_step:
        raise ValueError(f"the default num_frames is not {limits.frame_step}k+1")
    if not 0.05 <= defaults.strength <= 1:
        raise ValueError("the default strength must be from 0.05 to 1")
    for width, height in description.sizes:
        fits = limits.min_width <= width <= limits.max_width and limits.min_height <= height <= limits.max_height
        if not fits or width * height > limits.max_pixels:
            raise ValueError(f"the size {width}x{height} is outside of the limits")
    if limits.max_prompt_characters <= 0:
        raise ValueError("max_prompt_characters must be positive")

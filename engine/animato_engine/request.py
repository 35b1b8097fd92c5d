"""What to make: the `request` of a `generate`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from .description import ModelDescription
from .errors import Failure
from .modes import Level

MAX_SEED = 2**32 - 1
MAX_METADATA_CHARACTERS = 8000
MAX_LORAS = 8
MAX_LORA_SCALE = 4.0
MIN_STRENGTH = 0.05
METADATA_TAGS = ("title", "description", "comment")

Metadata = dict[str, str]
"""What a video is to say of itself, by the tags of an MP4; empty for nothing."""


@dataclass(frozen=True)
class LoRA:
    """A LoRA file by its name, and how much of it."""

    name: str
    scale: float


@dataclass(frozen=True)
class VideoRequest:
    """A request that is known to be within the limits of the model. Sizes are in pixels of the file."""

    prompt: str
    negative_prompt: str
    width: int
    height: int
    num_frames: int
    num_inference_steps: int
    guidance_scale: float
    fps: int
    seed: int
    strength: float = 1.0
    """So much of the input `video` is made anew."""
    step_cache: Level = "off"
    loras: tuple[LoRA, ...] = ()

    @property
    def secrets(self) -> tuple[str, str]:
        """What must never reach a log or a message."""
        return self.prompt, self.negative_prompt

    def canonical_bytes(self) -> bytes:
        """The same bytes for equal requests, other bytes for others."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def parse(cls, raw: dict[str, Any], model: ModelDescription) -> VideoRequest:
        """The request to `model` in `raw`.

        The pipeline floors sizes and frame counts without a word, so what does not fit is refused here, although the
        server has checked it before.

        Raises:
            Failure: kind `invalid_input`, code `invalid_request`; the message names the first field at fault.
        """
        limits = model.limits
        request = cls(
            prompt=_text(raw, "prompt", limits.max_prompt_characters),
            negative_prompt=_text(raw, "negative_prompt", limits.max_prompt_characters),
            width=_integer(raw, "width", limits.min_width, limits.max_width),
            height=_integer(raw, "height", limits.min_height, limits.max_height),
            num_frames=_integer(raw, "num_frames", limits.min_frames, limits.max_frames),
            num_inference_steps=_integer(raw, "num_inference_steps", limits.min_steps, limits.max_steps),
            guidance_scale=_number(raw, "guidance_scale", limits.min_guidance, limits.max_guidance),
            fps=_integer(raw, "fps", limits.min_fps, limits.max_fps),
            seed=_integer(raw, "seed", 0, MAX_SEED),
            strength=_number(raw, "strength", MIN_STRENGTH, 1.0),
            step_cache=_level(raw, model.step_cache),
            loras=_loras(raw.get("loras")),
        )
        for name in ("width", "height"):
            if getattr(request, name) % limits.size_multiple:
                raise Failure.invalid(f"{name} must be a multiple of {limits.size_multiple}.")
        if request.width * request.height > limits.max_pixels:
            raise Failure.invalid(f"width times height must be at most {limits.max_pixels}.")
        if (request.num_frames - 1) % limits.frame_step:
            raise Failure.invalid(f"num_frames must be {limits.frame_step}k+1.")
        return request


def parse_metadata(raw: Any) -> Metadata:
    """The metadata of a `generate`; tags that are not known are ignored.

    Raises:
        Failure: kind `invalid_input`, code `invalid_request`.
    """
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise Failure.invalid("metadata must be an object.")
    tags = {tag: _text(raw, tag, MAX_METADATA_CHARACTERS) for tag in METADATA_TAGS if tag in raw}
    # libav's strings end there.
    if any("\0" in text for text in tags.values()):
        raise Failure.invalid("metadata must hold no NUL.")
    return {tag: text for tag, text in tags.items() if text}


def _text(raw: dict[str, Any], name: str, longest: int) -> str:
    value = raw.get(name)
    if not isinstance(value, str):
        raise Failure.invalid(f"{name} must be a string.")
    if len(value) > longest:
        raise Failure.invalid(f"{name} must have at most {longest} characters.")
    # JSON can spell half a surrogate pair; no tokenizer takes it.
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise Failure.invalid(f"{name} must be valid Unicode.")
    return value


def _integer(raw: dict[str, Any], name: str, low: int, high: int) -> int:
    value = raw.get(name)
    if type(value) is not int or not low <= value <= high:
        raise Failure.invalid(f"{name} must be an integer from {low} to {high}.")
    return value


def _number(raw: dict[str, Any], name: str, low: float, high: float) -> float:
    value = raw.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Failure.invalid(f"{name} must be a number from {low} to {high}.")
    return float(value)


def _level(raw: dict[str, Any], known: tuple[Level, ...]) -> Level:
    for level in known:
        if raw.get("step_cache") == level:
            return level
    raise Failure.invalid(f"step_cache must be one of {', '.join(known)}.")


def _loras(raw: Any) -> tuple[LoRA, ...]:
    if not isinstance(raw, list) or len(raw) > MAX_LORAS or not all(isinstance(item, dict) for item in raw):
        raise Failure.invalid(f"loras must be a list of at most {MAX_LORAS} objects.")
    return tuple(
        LoRA(_text(item, "name", 200), _number(item, "scale", -MAX_LORA_SCALE, MAX_LORA_SCALE)) for item in raw
    )

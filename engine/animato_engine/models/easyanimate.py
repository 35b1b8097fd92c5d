"""EasyAnimate V5.1 without torch: which checkpoints are served, and what they can make.

Limits and sizes are those of the published model (README of aigc-apps/EasyAnimate, V5.1; diffusers' documentation of
its pipelines): 1 to 49 frames at 8 a second, 256 to 1,024 pixels a side and their aspect buckets, multiples of 16.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..description import Defaults, Limits, MemoryEntry
from ..errors import Refused
from ..modes import Mode
from ..request import VideoRequest
from .adapter import Adapter, ComponentKind, Declaration, Facts, Parts

TEXT_PIPELINE = "EasyAnimatePipeline"
INPAINT_PIPELINE = "EasyAnimateInpaintPipeline"
CONTROL_PIPELINE = "EasyAnimateControlPipeline"

# By pipeline: what the transformer reads (noisy latents of 16 channels; mask and given latents; control and reference
# latents), and what a request may bring.
_KINDS: dict[str, tuple[int, tuple[str, ...]]] = {
    TEXT_PIPELINE: (16, ()),
    INPAINT_PIPELINE: (33, ("start_image", "end_image", "video")),
    CONTROL_PIPELINE: (48, ("control_video", "ref_image")),
}
_CAMERA_CHANNELS = 38
"""Noisy and reference latents, and the six numbers of a camera's path."""

# The two published sizes by the bytes of their transformers in half precision; anything else is
# unknown.
_7B_BYTES = range(10_000_000_000, 18_000_000_000)
_12B_BYTES = range(18_000_000_000, 30_000_000_000)

# Of TeaCache's polynomial, highest degree first (easyanimate/models/transformer3d.py of V5.1).
_7B_COEFFICIENTS = (1.07862322, -4.19362456, 3.06725828, 0.33161686, 0.02374758)
_12B_COEFFICIENTS = (-10.47857366, 8.33844143, -0.78477557, 0.68798618, 0.0136149)

_SHAPES = ((672, 384, 25), (672, 384, 49), (1008, 576, 25), (1008, 576, 49), (1344, 768, 25), (1344, 768, 49))
# What cards that are sold as of 16, 24 and 40 GB have at least, after error correction and the driver.
_16_GB, _24_GB, _40_GB = 15_500_000_000, 23_500_000_000, 40_000_000_000
# The README's table for V5.1: per memory the mode of each of `_SHAPES`: M, Q or S for model_cpu_offload,
# model_cpu_offload_and_qfloat8 and sequential_cpu_offload; x: it has no room.
_7B_TABLE = {_16_GB: "QQSSxx", _24_GB: "MMMQQx", _40_GB: "MMMMMM"}
_12B_TABLE = {_16_GB: "QSSSxx", _24_GB: "QQQQQx", _40_GB: "MMMMMM"}
_MODES: dict[str, Mode] = {"M": "model_offload", "Q": "model_offload_8bit", "S": "sequential_offload"}
_WORKING_BYTES = 16_000_000_000
"""An estimate of what the largest of `_SHAPES` takes beside weights: `model_offload` makes it on 40 GB of which the 12B
transformer takes 24."""


class EasyAnimate:
    """The family. Satisfies `adapter.Family`."""

    name = "easyanimate"
    pipelines = tuple(_KINDS)
    components: Mapping[str, ComponentKind] = {
        "scheduler": ComponentKind("diffusers", ("FlowMatchEulerDiscreteScheduler",), weighted=False),
        "text_encoder": ComponentKind("transformers", ("Qwen2VLForConditionalGeneration",)),
        "tokenizer": ComponentKind("transformers", ("Qwen2Tokenizer", "Qwen2TokenizerFast"), weighted=False),
        "transformer": ComponentKind("diffusers", ("EasyAnimateTransformer3DModel",)),
        "vae": ComponentKind("diffusers", ("AutoencoderKLMagvit",)),
    }

    def declare(self, facts: Facts) -> Declaration:
        """What a checkpoint of one of the three pipelines can make."""
        expected, inputs = _KINDS[facts.pipeline]
        channels = facts.configs["transformer"].get("in_channels")
        if facts.pipeline == CONTROL_PIPELINE and channels == _CAMERA_CHANNELS:
            text = "Control by a camera's path is not served; use the checkpoint whose name ends in Control."
            raise Refused("model_unsupported", text)
        if channels != expected:
            text = f"The transformer takes {channels} channels; that of an {facts.pipeline} takes {expected}."
            raise Refused("model_unsupported", text)
        table, coefficients = _published(facts.weight_bytes)
        return Declaration(
            limits=Limits(),
            defaults=Defaults(),
            sizes=((672, 384), (512, 512), (384, 672)),
            inputs=inputs,
            memory_table=table,
            step_cache=coefficients,
        )

    def total_steps(self, request: VideoRequest, inputs: Collection[str]) -> int:
        """All, or, of a video that is made anew in part, as many as diffusers takes, and at least one."""
        steps = request.num_inference_steps
        return max(1, min(int(steps * request.strength), steps)) if "video" in inputs else steps

    def adapter(self, parts: Parts) -> Adapter:
        """The adapter of a checkpoint whose components are `parts`."""
        from .easyanimate_networks import EasyAnimateAdapter

        return EasyAnimateAdapter(parts)


def _published(weight_bytes: Mapping[str, int]) -> tuple[tuple[MemoryEntry, ...], tuple[float, ...] | None]:
    """The memory table and the step cache's coefficients of a checkpoint with weights of these sizes."""
    if weight_bytes["transformer"] in _7B_BYTES:
        cells, coefficients = _7B_TABLE, _7B_COEFFICIENTS
    elif weight_bytes["transformer"] in _12B_BYTES:
        cells, coefficients = _12B_TABLE, _12B_COEFFICIENTS
    else:
        return (), None
    everything = sum(weight_bytes.values()) + _WORKING_BYTES
    table = [MemoryEntry("full", *shape, everything) for shape in _SHAPES]
    for memory, modes in cells.items():
        table += [
            MemoryEntry(_MODES[mode], *shape, memory)
            for shape, mode in zip(_SHAPES, modes, strict=True)
            if mode in _MODES
        ]
    return tuple(table), coefficients


EASYANIMATE = EasyAnimate()

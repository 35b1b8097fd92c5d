"""Wan 2.1 and the small model of 2.2, text to video, without torch: which checkpoints are served, what they can make.

Limits, sizes and defaults are the published ones: `SUPPORTED_SIZES`, `sample_fps` and `frame_num` of Wan-Video/Wan2.1
and Wan2.2 (`wan/configs`), and the call and the example of `WanPipeline` in diffusers 0.42.1, whose negative prompt
this is. The large model of 2.2 has two transformers, one for each part of the way; there is place for one here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..description import Defaults, Limits, Size
from ..errors import Refused
from ..request import VideoRequest
from .adapter import Adapter, ComponentKind, Declaration, Facts, Parts

_UNIPC = "UniPCMultistepScheduler"
_LARGE_LAYERS = 40
"""Of the transformer of Wan 2.1 14B; that of 1.3B has 30."""

_480P = ((832, 480), (480, 832))
_720P = ((1280, 720), (720, 1280))
_720P_BY_32 = ((1280, 704), (704, 1280))

_NEGATIVE_PROMPT = (
    "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, static, overall "
    "gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, poorly drawn hands, "
    "poorly drawn faces, deformed, disfigured, misshapen limbs, fused fingers, still picture, messy background, three "
    "legs, many people in the background, walking backwards"
)


class Wan:
    """The family. Satisfies `adapter.Family`."""

    name = "wan"
    pipelines: tuple[str, ...] = ("WanPipeline",)
    components: Mapping[str, ComponentKind] = {
        "scheduler": ComponentKind("diffusers", (_UNIPC, "FlowMatchEulerDiscreteScheduler"), weighted=False),
        "text_encoder": ComponentKind("transformers", ("UMT5EncoderModel",)),
        "tokenizer": ComponentKind("transformers", ("T5Tokenizer", "T5TokenizerFast"), weighted=False),
        "transformer": ComponentKind("diffusers", ("WanTransformer3DModel",)),
        "vae": ComponentKind("diffusers", ("AutoencoderKLWan",)),
    }

    def declare(self, facts: Facts) -> Declaration:
        """What a checkpoint can make: up to 720p, 81 frames at 16 a second (2.1) or 121 at 24 (2.2)."""
        transformer = facts.configs["transformer"]
        channels = transformer.get("in_channels")
        # Wan 2.2 tells the time to every token.
        expands = facts.settings.get("expand_timesteps", False)
        is_text_to_video = transformer.get("image_dim") is None and facts.settings.get("boundary_ratio") is None
        if not is_text_to_video or (channels, expands) not in ((16, False), (48, True)):
            text = "Of Wan, text to video by 2.1 (1.3B and 14B) and 2.2 (TI2V 5B) is served, and nothing else."
            raise Refused("model_unsupported", text)
        _check_scheduler(facts.configs["scheduler"])
        if expands:
            return _declaration(_720P_BY_32, multiple=32, frames=121, fps=24)
        sizes = _480P + _720P if transformer.get("num_layers") == _LARGE_LAYERS else _480P
        return _declaration(sizes, multiple=16, frames=81, fps=16)

    def total_steps(self, request: VideoRequest, inputs: Collection[str]) -> int:
        """All of them."""
        return request.num_inference_steps

    def adapter(self, parts: Parts) -> Adapter:
        """The adapter of a checkpoint whose components are `parts`."""
        from .wan_networks import WanAdapter

        return WanAdapter(parts)


def _declaration(sizes: tuple[Size, ...], multiple: int, frames: int, fps: int) -> Declaration:
    width, height = sizes[0]
    return Declaration(
        limits=Limits(
            max_width=1280, max_height=1280, size_multiple=multiple, max_pixels=1280 * 720, max_frames=frames
        ),
        defaults=Defaults(
            width=width,
            height=height,
            num_frames=frames,
            num_inference_steps=50,
            guidance_scale=5.0,
            fps=fps,
            negative_prompt=_NEGATIVE_PROMPT,
        ),
        sizes=sizes,
    )


def _check_scheduler(config: Mapping[str, Any]) -> None:
    """Refuse schedulers that `WanPipeline` cannot run, and those that draw in every step or hide state of their own."""
    for key in ("use_dynamic_shifting", "stochastic_sampling", "solver_p"):
        if config.get(key):
            raise Refused("model_unsupported", f"The scheduler has {key}, which is not served.")
    if config.get("_class_name") == _UNIPC and config.get("prediction_type") != "flow_prediction":
        raise Refused("model_unsupported", "The scheduler must predict flows (prediction_type flow_prediction).")


WAN = Wan()

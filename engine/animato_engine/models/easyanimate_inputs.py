"""What EasyAnimate's transformer is told of pictures and videos, beside the noisy latents.

As in `EasyAnimateInpaintPipeline` and `EasyAnimateControlPipeline` of diffusers 0.42.1. Pixels are uint8 RGB of the
size to render at; tensors are (1, channels, frames, height, width).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers.pipelines.easyanimate.pipeline_easyanimate_inpaint import resize_mask

from ..errors import Failure
from .adapter import Parts, Pixels

Condition = dict[str, torch.Tensor]
"""Further inputs of the transformer, by their names in its call."""

_AUGMENTATION = 0.0563
"""How much noise is added to given frames where the transformer was trained with it; the pipeline's default."""


def video_tensor(video: Pixels) -> torch.Tensor:
    """(1, 3, frames, height, width) of float32 between -1 and 1, on the CPU."""
    scaled = torch.from_numpy(video.copy()).permute(3, 0, 1, 2).unsqueeze(0).float() / 255.0
    return 2.0 * scaled - 1.0


def reference_latents(parts: Parts, video: Pixels, generator: torch.Generator) -> torch.Tensor:
    """Latents drawn from the posterior of `video`: what a video that is made anew in part begins with."""
    vae = parts.get("vae")
    posterior = vae.encode(video_tensor(video).to(parts.device, parts.dtype))[0]
    latents: torch.Tensor = posterior.sample(generator=generator) * vae.config.scaling_factor
    return latents


def inpaint_condition(
    parts: Parts, latents: torch.Tensor, inputs: Mapping[str, Pixels], num_frames: int, generator: torch.Generator
) -> Condition:
    """A mask, 1 where a frame is given, and the latents of the given frames; all zeros where none is."""
    first, last = inputs.get("start_image"), inputs.get("end_image")
    if last is not None and num_frames == 1:
        raise Failure.invalid("end_image needs more than one frame.")
    if first is None and last is None:
        return {"inpaint_latents": torch.cat([torch.zeros_like(latents[:, :1]), torch.zeros_like(latents)], dim=1)}
    height, width = (first if first is not None else last).shape[:2]  # type: ignore[union-attr]
    # 1 where a frame is to be made; there the pixels are black.
    mask = torch.ones(1, 1, num_frames, height, width)
    video = torch.full((1, 3, num_frames, height, width), -1.0)
    for index, picture in ((0, first), (-1, last)):
        if picture is not None:
            mask[:, :, index] = 0
            video[:, :, index] = video_tensor(picture[None])[:, :, 0]
    vae = parts.get("vae")
    video = video.to(parts.device, parts.dtype)
    if parts.get("transformer").config.add_noise_in_inpaint_model:
        video = _augmented(video, generator)
    given = vae.encode(video)[0].mode() * vae.config.scaling_factor
    # The pipeline fails without the key, which diffusers itself does not write; the published checkpoints have it so.
    resized = resize_mask(1 - mask, given, vae.config.get("cache_mag_vae", True))
    resized = resized.to(parts.device, parts.dtype) * vae.config.scaling_factor
    return {"inpaint_latents": torch.cat([resized, given], dim=1)}


def control_condition(parts: Parts, latents: torch.Tensor, inputs: Mapping[str, Pixels]) -> Condition:
    """The latents of the control video, and those of the subject's picture at the first frame; zeros for none."""
    control, reference = torch.zeros_like(latents), torch.zeros_like(latents)
    if "control_video" in inputs:
        control = _latents(parts, inputs["control_video"])
    if "ref_image" in inputs:
        if latents.shape[2] == 1:
            raise Failure.invalid("ref_image needs more than one frame.")
        reference[:, :, :1] = _latents(parts, inputs["ref_image"][None])
    return {"control_latents": torch.cat([control, reference], dim=1)}


def _latents(parts: Parts, video: Pixels) -> Any:
    vae = parts.get("vae")
    return vae.encode(video_tensor(video).to(parts.device, parts.dtype))[0].mode() * vae.config.scaling_factor


def _augmented(video: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """`video` with noise on all pixels that are not black, as the pipeline's `add_noise_to_reference_video`.

    That one draws on the device, which fails with a generator of the CPU.
    """
    noise = torch.randn(video.shape, generator=generator, dtype=video.dtype).to(video.device)
    ratio = torch.ones(1, device=video.device, dtype=video.dtype) * _AUGMENTATION
    noise = torch.where(video == -1, torch.zeros_like(video), noise * ratio[:, None, None, None, None])
    return video + noise

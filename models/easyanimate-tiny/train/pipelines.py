"""The stock pipelines for the three tasks, called alike, one clip at a time."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import build
import numpy as np
import torch
from diffusers import EasyAnimateControlPipeline, EasyAnimateInpaintPipeline, EasyAnimatePipeline

from .basis import to_tensor
from .sprites import Array
from .world import Shape


class ControlPipeline(EasyAnimateControlPipeline):  # type: ignore[misc]
    """The stock one, which in diffusers 0.42.1 fails in two places (huggingface/diffusers#13638)."""

    def encode_prompt(self, *arguments: Any, text_encoder_index: int = 0, **named: Any) -> Any:
        """As the parent's, without the argument that it is called with and does not take."""
        return super().encode_prompt(*arguments, **named)

    def decode_latents(self, latents: Any) -> Any:
        """The video of `latents`; it is called and does not exist."""
        return self.vae.decode(latents / self.vae.config.scaling_factor).sample


KINDS = {"text": EasyAnimatePipeline, "inpaint": EasyAnimateInpaintPipeline, "control": ControlPipeline}


@dataclass(frozen=True)
class Settings:
    """How to sample."""

    steps: int = 20
    guidance: float = 3.0


class Maker:
    """Makes clips with one task's checkpoint, built from `weights` or, if None, random."""

    def __init__(self, weights: Path | None, task: str, settings: Settings) -> None:
        self._task, self._settings = task, settings
        with tempfile.TemporaryDirectory() as directory:
            build.write_checkpoint(Path(directory), task, weights)
            # As float32: half precision is slow on a processor.
            self._pipeline: Any = KINDS[task].from_pretrained(directory, dtype=torch.float32)
        self._pipeline.set_progress_bar_config(disable=True)

    def make(self, prompt: str, negative: str, shape: Shape, seed: int, given: Array | None = None) -> Array:
        """A clip (frames, h, w, 3), 0 to 1. `given`: the start image (1, h, w, 3) or the control video, per task."""
        pipeline = self._pipeline
        pipeline.vae._clear_conv_cache()
        named: dict[str, Any] = {}
        if given is not None and self._task == "control":
            named["control_video"] = (to_tensor([given]) + 1) / 2
        elif given is not None:
            video = torch.zeros(1, 3, shape.frames, shape.height, shape.width)
            video[:, :, :1] = (to_tensor([given]) + 1) / 2
            mask = torch.full((1, 1, shape.frames, shape.height, shape.width), 255.0)
            mask[:, :, 0] = 0
            named = {"video": video, "mask_video": mask}
        latents = pipeline(
            prompt,
            negative_prompt=negative,
            width=shape.width,
            height=shape.height,
            num_frames=shape.frames,
            num_inference_steps=self._settings.steps,
            guidance_scale=self._settings.guidance,
            generator=torch.Generator().manual_seed(seed),
            output_type="latent",
            **named,
        ).frames
        with torch.no_grad():
            video = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample[0]
        result: Array = np.clip((video.permute(1, 2, 3, 0).numpy() + 1) / 2, 0, 1)
        return result

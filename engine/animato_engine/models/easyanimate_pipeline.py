"""EasyAnimate's text-to-video pipeline: from a request to frames, stoppable anywhere, and sound after every failure."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from diffusers import EasyAnimatePipeline
from numpy.typing import NDArray

from ..description import Size
from ..errors import Failure
from ..request import VideoRequest
from ..session import Control

MAX_PROMPT_TOKENS = 256
"""What the pipeline pads and cuts every prompt to, chat template included."""


class TextToVideo:
    """A loaded pipeline. For one thread: the scheduler and the VAE keep state during a call."""

    def __init__(self, directory: Path, device: str, dtype: str) -> None:
        for library in (diffusers, transformers):
            library.utils.logging.disable_progress_bar()
            # Their warnings may quote a prompt.
            library.utils.logging.set_verbosity_error()
        self._device = torch.device(device)
        self._torch_dtype = _torch_dtype(self._device, dtype)
        pipeline: Any = EasyAnimatePipeline.from_pretrained(
            directory, dtype=self._torch_dtype, use_safetensors=True, local_files_only=True
        )
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline = pipeline.to(self._device)
        self._control: Control | None = None
        self._watch_for_cancel()

    @property
    def dtype(self) -> str:
        """The type of the weights: `float32`, `float16` or `bfloat16`."""
        return str(self._torch_dtype).removeprefix("torch.")

    def render(self, request: VideoRequest, size: Size, control: Control) -> Iterator[NDArray[np.uint8]]:
        """The frames of `request` at `size`, each (height, width, 3), RGB: exactly those of diffusers' own call.

        Raises:
            Failure: a prompt is too long, or the model gave what is no picture.
            Cancelled: `control` says so, at the latest after one block of the network.
        """
        video = self.render_float(request, size, control)
        return ((frame * 255).round().astype(np.uint8) for frame in video)

    def render_float(self, request: VideoRequest, size: Size, control: Control) -> NDArray[np.float32]:
        """As `render`, but (frames, height, width, 3) between 0 and 1."""
        self._check_prompts(request)
        # Whatever ran before, the first chunk of a video must not see features of another.
        self._pipeline.vae._clear_conv_cache()
        self._control = control
        try:
            with torch.no_grad():
                control.enter("encode")
                prompts = self._encode(request)
                control.enter("denoise")
                latents = self._denoise(request, size, prompts, control)
                control.enter("decode")
                return self._decode(latents)
        finally:
            self._control = None

    def recover(self) -> None:
        """Clear what a call leaves behind that was broken off by an exception.

        Raises:
            Exception: the device is in a state that only a new process gets out of.
        """
        # The causal convolutions keep features between chunks; with them every later call would fail or be wrong.
        self._pipeline.vae._clear_conv_cache()
        # The pipeline itself does this at the end of a call only.
        self._pipeline.maybe_free_model_hooks()
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            torch.cuda.empty_cache()

    def _check_prompts(self, request: VideoRequest) -> None:
        """Refuse prompts that the pipeline would cut without a word."""
        for name, text in (("prompt", request.prompt), ("negative_prompt", request.negative_prompt)):
            tokens = self.count_tokens(text)
            if tokens > MAX_PROMPT_TOKENS:
                message = f"{name} has {tokens} tokens; the model reads at most {MAX_PROMPT_TOKENS}."
                raise Failure.invalid(message, "prompt_too_long")

    def count_tokens(self, text: str) -> int:
        """The length of `text` as the pipeline hands it to the text encoder, chat template included."""
        tokenizer = self._pipeline.tokenizer
        message = {"role": "user", "content": [{"type": "text", "text": text}]}
        chat = tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
        return len(tokenizer(text=[chat]).input_ids[0])

    def _encode(self, request: VideoRequest) -> dict[str, Any]:
        """The prompts as the arguments that the pipeline's call takes in their place."""
        names = ("prompt_embeds", "negative_prompt_embeds", "prompt_attention_mask", "negative_prompt_attention_mask")
        # A negative prompt of None fails in the pipeline; an empty string does not.
        values = self._pipeline.encode_prompt(
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            do_classifier_free_guidance=request.guidance_scale > 1,
            device=self._device,
            dtype=self._pipeline.text_encoder.dtype,
        )
        return dict(zip(names, values, strict=True))

    def _denoise(self, request: VideoRequest, size: Size, prompts: dict[str, Any], control: Control) -> Any:
        """The latents of the video."""

        def on_step(pipeline: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            # Raises to stop: the pipeline's own interrupt would still decode, and return garbage.
            control.step(index + 1)
            return {}

        return self._pipeline(
            **prompts,
            width=size[0],
            height=size[1],
            num_frames=request.num_frames,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            # On the processor: the same seed starts from the same noise on every device.
            generator=torch.Generator("cpu").manual_seed(request.seed),
            output_type="latent",
            callback_on_step_end=on_step,
            callback_on_step_end_tensor_inputs=[],
        ).frames

    def _decode(self, latents: Any) -> NDArray[np.float32]:
        """The frames in `latents`, by the steps that the pipeline's call would take."""
        vae = self._pipeline.vae
        video = vae.decode(1 / vae.config.scaling_factor * latents, return_dict=False)[0]
        # Before clamping, which would make a picture of infinities.
        if not torch.isfinite(video).all():
            text = "The model gave values that are not finite. Another dtype may help."
            raise Failure("internal", "non_finite_output", text)
        frames: NDArray[np.float32] = self._pipeline.video_processor.postprocess_video(video=video, output_type="np")[0]
        return frames

    def _watch_for_cancel(self) -> None:
        """Look for a cancel before every block: one step, and all of the decoding, can take minutes."""
        pipeline = self._pipeline
        watched = [
            block
            for network in (pipeline.text_encoder, pipeline.transformer, pipeline.vae.decoder)
            for blocks in network.modules()
            if isinstance(blocks, torch.nn.ModuleList)
            for block in blocks
        ]
        watched += [layer for layer in pipeline.vae.decoder.modules() if isinstance(layer, torch.nn.Conv3d)]
        for block in watched:
            block.register_forward_pre_hook(self._stop_if_cancelled)

    def _stop_if_cancelled(self, block: Any, arguments: Any) -> None:
        if self._control is not None:
            self._control.check()


def _torch_dtype(device: Any, wanted: str) -> Any:
    """The type to hold the weights in: what is `wanted`, or what suits `device`."""
    if wanted != "auto":
        return getattr(torch, wanted)
    if device.type != "cuda":
        # Half precision is several times slower on a processor.
        return torch.float32
    # Emulated bfloat16 is slower than float16.
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16

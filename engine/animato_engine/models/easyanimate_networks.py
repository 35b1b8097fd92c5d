"""EasyAnimate's networks at work: the arithmetic of its three pipelines in diffusers 0.42.1, bit for bit.

What they do in common is here once; what they do to inputs is in `easyanimate_inputs`. The pipelines themselves are not
called: one of them does not run (huggingface/diffusers#13638), and none can stop, go on, or leave out the text encoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..errors import Failure
from ..preview import expected_end
from .adapter import Call, Embeddings, Generation, LatentGeometry, Parts, Work
from .easyanimate import EASYANIMATE
from .easyanimate_inputs import Condition, control_condition, inpaint_condition, reference_latents

MAX_PROMPT_TOKENS = 256
"""What the pipelines pad and cut every prompt to, chat template included."""

_TEXT, _INPAINT = "text", "inpaint"
_KINDS = {16: _TEXT, 33: _INPAINT, 48: "control"}
"""By what the transformer reads; see `easyanimate`."""


class EasyAnimateAdapter:
    """One loaded checkpoint of any of the three kinds. Satisfies `adapter.Adapter`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        vae = parts.get("vae")
        self.latent = LatentGeometry(
            vae.config.latent_channels, vae.spatial_compression_ratio, vae.temporal_compression_ratio
        )
        self._kind = _KINDS[parts.get("transformer").config.in_channels]

    def check_text(self, name: str, text: str) -> None:
        """Refuse a text that the pipeline would cut without a word."""
        tokens = len(self._parts.get("tokenizer")(text=[self._chat(text)]).input_ids[0])
        if tokens > MAX_PROMPT_TOKENS:
            message = f"{name} has {tokens} tokens; the model reads at most {MAX_PROMPT_TOKENS}."
            raise Failure.invalid(message, "prompt_too_long")

    def encode_text(self, text: str) -> Embeddings:
        """(1, 256, width of the encoder): what it makes of the text before its last layer."""
        tokens = self._parts.get("tokenizer")(
            text=[self._chat(text)],
            padding="max_length",
            max_length=MAX_PROMPT_TOKENS,
            truncation=True,
            return_attention_mask=True,
            padding_side="right",
            return_tensors="pt",
        ).to(self._parts.device)
        states = self._parts.get("text_encoder")(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask, output_hidden_states=True
        ).hidden_states
        # The transformer is not told the mask: it attends to the padding as well.
        return (states[-2].to(self._parts.dtype),)

    def begin(self, work: Work) -> Generation:
        """Draw the noise, then what the conditioning draws, in the order of the pipelines."""
        request, parts = work.request, self._parts
        generator = torch.Generator("cpu").manual_seed(request.seed)
        scheduler = _scheduler(parts, request.num_inference_steps)
        total = EASYANIMATE.total_steps(request, work.inputs)
        first = request.num_inference_steps - total
        scheduler.set_begin_index(first)
        width, height = work.size
        shape = (
            1,
            self.latent.channels,
            (request.num_frames - 1) // self.latent.temporal + 1,
            height // self.latent.spatial,
            width // self.latent.spatial,
        )
        latents = torch.randn(shape, generator=generator, dtype=parts.dtype).to(parts.device)
        if "video" in work.inputs and request.strength < 1:
            # Of a generator of its own, or the posterior would be drawn with the very noise that is added.
            given = reference_latents(parts, work.inputs["video"], torch.Generator("cpu").manual_seed(request.seed + 1))
            latents = scheduler.scale_noise(given, scheduler.timesteps[first : first + 1], latents)
        condition: Condition = {}
        if self._kind == _INPAINT:
            condition = inpaint_condition(parts, latents, work.inputs, request.num_frames, generator)
        elif self._kind != _TEXT:
            condition = control_condition(parts, latents, work.inputs)
        return _Denoising(latents, scheduler, total, work, condition)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """The video in `latents`, by the steps that the pipelines take."""
        vae = self._parts.get("vae")
        video: torch.Tensor = vae.decode(1 / vae.config.scaling_factor * latents, return_dict=False)[0]
        return video

    def encode_video(self, video: torch.Tensor) -> torch.Tensor:
        """The latents of `video`, as likely as any."""
        vae = self._parts.get("vae")
        latents: torch.Tensor = vae.encode(video.to(self._parts.device, self._parts.dtype))[0].mode()
        return latents * vae.config.scaling_factor

    def clear(self) -> None:
        """Drop what the VAE's causal convolutions keep between chunks, with which every later call fails."""
        self._parts.get("vae")._clear_conv_cache()

    def _chat(self, text: str) -> Any:
        message = {"role": "user", "content": [{"type": "text", "text": text}]}
        return self._parts.get("tokenizer").apply_chat_template([message], tokenize=False, add_generation_prompt=True)


class _Denoising:
    """Euler steps along the flow, with classifier-free guidance. Satisfies `adapter.Generation`."""

    def __init__(
        self, latents: torch.Tensor, scheduler: Any, total_steps: int, work: Work, condition: Condition
    ) -> None:
        self.latents = latents
        self.total_steps = total_steps
        self._scheduler = scheduler
        self._guidance = work.request.guidance_scale
        self._step = 0
        self._expected = latents
        self._guided = work.negative_prompt is not None
        prompts = (work.negative_prompt, work.prompt) if self._guided else (work.prompt,)
        texts = torch.cat([embeddings[0] for embeddings in prompts if embeddings is not None])
        self._inputs = {"encoder_hidden_states": texts}
        for name, tensor in condition.items():
            self._inputs[name] = torch.cat([tensor] * len(prompts))

    def calls(self) -> list[Call]:
        """One: both halves in one batch, without the prompt first."""
        given = torch.cat([self.latents] * 2) if self._guided else self.latents
        expanded = self._scheduler.timesteps[self._place].repeat(given.shape[0]).to(given.dtype)
        return [{"hidden_states": given, "timestep": expanded, **self._inputs}]

    def advance(self, answers: Sequence[torch.Tensor]) -> None:
        """One step."""
        (noise,) = answers
        place = self._place
        if noise.shape[1] != self.latents.shape[1]:
            # The second half is a variance, which nobody uses.
            noise = noise.chunk(2, dim=1)[0]
        if self._guided:
            without, with_prompt = noise.chunk(2)
            noise = without + self._guidance * (with_prompt - without)
        self._expected = expected_end(self.latents, noise, float(self._scheduler.sigmas[place]))
        self.latents = self._scheduler.step(noise, self._scheduler.timesteps[place], self.latents, return_dict=False)[0]
        self._step += 1

    @property
    def _place(self) -> int:
        """The scheduler's step at hand; a video that is made anew in part begins in the middle."""
        return len(self._scheduler.timesteps) - self.total_steps + self._step

    def expected(self) -> torch.Tensor:
        """Straight along the last flow."""
        return self._expected

    def state(self) -> dict[str, torch.Tensor]:
        """The latents: the scheduler's place follows from the step, and nothing more is drawn."""
        return {"latents": self.latents}

    def restore(self, step: int, state: Mapping[str, torch.Tensor]) -> None:
        """Go on after `step` steps."""
        latents = state.get("latents")
        if latents is None or (latents.shape, latents.dtype) != (self.latents.shape, self.latents.dtype):
            raise ValueError("the latents are of another shape or type")
        if not 0 <= step <= self.total_steps:
            raise ValueError("the step is out of range")
        self.latents = latents.to(self.latents.device)
        self._step = step
        self._scheduler.set_begin_index(len(self._scheduler.timesteps) - self.total_steps + step)


def _scheduler(parts: Parts, steps: int) -> Any:
    """A scheduler of this generation's own, ready for so many steps."""
    loaded = parts.get("scheduler")
    scheduler = type(loaded).from_config(loaded.config)
    # The shift counts with schedulers that take one by the size of the video; the pipelines' is always 1.
    scheduler.set_timesteps(steps, device=parts.device, mu=1)
    return scheduler

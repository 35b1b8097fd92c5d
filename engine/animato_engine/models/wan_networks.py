"""Wan's networks at work: the arithmetic of `WanPipeline` in diffusers 0.42.1, bit for bit.

The pipeline itself is not called: it cannot stop between two blocks, go on from a step, or leave out the text encoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers import UniPCMultistepScheduler
from diffusers.pipelines.wan.pipeline_wan import prompt_clean

from ..errors import Failure
from ..preview import expected_end
from .adapter import Call, Embeddings, Generation, LatentGeometry, Parts, Work

MAX_PROMPT_TOKENS = 512
"""What the pipeline cuts every prompt to, the closing token included (`max_sequence_length` of its call)."""

_LATENTS, _LAST, _COUNTS = "latents", "scheduler.last_sample", "scheduler.counts"


class WanAdapter:
    """One loaded checkpoint. Satisfies `adapter.Adapter`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        config = parts.get("vae").config
        self.latent = LatentGeometry(config.z_dim, config.scale_factor_spatial, config.scale_factor_temporal)

    def check_text(self, name: str, text: str) -> None:
        """Refuse a text that the pipeline would cut without a word."""
        tokens = len(self._parts.get("tokenizer")(prompt_clean(text)).input_ids)
        if tokens > MAX_PROMPT_TOKENS:
            message = f"{name} has {tokens} tokens; the model reads at most {MAX_PROMPT_TOKENS}."
            raise Failure.invalid(message, "prompt_too_long")

    def encode_text(self, text: str) -> Embeddings:
        """(1, 512, width of the encoder): its last layer, zeros behind the end of the text."""
        tokens = self._parts.get("tokenizer")(
            [prompt_clean(text)],
            padding="max_length",
            max_length=MAX_PROMPT_TOKENS,
            truncation=True,
            return_attention_mask=True,
            return_tensors="pt",
        ).to(self._parts.device)
        encoder = self._parts.get("text_encoder")
        states = encoder(tokens.input_ids, tokens.attention_mask).last_hidden_state.to(self._parts.dtype)
        # Overwritten and not multiplied: what stands there need not be finite.
        states[:, int(tokens.attention_mask.sum()) :] = 0
        return (states,)

    def begin(self, work: Work) -> Generation:
        """Draw the noise."""
        request = work.request
        width, height = work.size
        shape = (
            1,
            self.latent.channels,
            (request.num_frames - 1) // self.latent.temporal + 1,
            height // self.latent.spatial,
            width // self.latent.spatial,
        )
        # The latents are of single precision, whatever the networks are.
        generator = torch.Generator("cpu").manual_seed(request.seed)
        latents = torch.randn(shape, generator=generator, dtype=torch.float32).to(self._parts.device)
        tokens = None
        if self._parts.settings.get("expand_timesteps"):
            # One in each dimension for every two: the transformer's patches.
            tokens = latents[0, 0, :, ::2, ::2].numel()
        return _Denoising(latents, self._scheduler(request.num_inference_steps), self._parts.dtype, tokens, work)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """The video in `latents`, by the steps that the pipeline takes."""
        latents = latents.to(self._parts.device, self._parts.dtype)
        mean, scale = self._statistics(latents)
        video: torch.Tensor = self._parts.get("vae").decode(latents / scale + mean, return_dict=False)[0]
        return video

    def encode_video(self, video: torch.Tensor) -> torch.Tensor:
        """The latents of `video`, as likely as any."""
        given = video.to(self._parts.device, self._parts.dtype)
        latents: torch.Tensor = self._parts.get("vae").encode(given)[0].mode()
        mean, scale = self._statistics(latents)
        return (latents - mean) * scale

    def clear(self) -> None:
        """Drop the features that the VAE's causal convolutions keep between chunks; they hold memory."""
        self._parts.get("vae").clear_cache()

    def _statistics(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean and the inverse deviation of the VAE's latents, by channel."""
        config = self._parts.get("vae").config
        mean, deviation = (
            torch.tensor(values).view(1, config.z_dim, 1, 1, 1) for values in (config.latents_mean, config.latents_std)
        )
        return mean.to(like), 1.0 / deviation.to(like)

    def _scheduler(self, steps: int) -> Any:
        """A scheduler of one generation's own, ready for so many steps."""
        loaded = self._parts.get("scheduler")
        scheduler = type(loaded).from_config(loaded.config)
        scheduler.set_timesteps(steps, device=self._parts.device)
        scheduler.set_begin_index(0)
        return scheduler


class _Denoising:
    """Steps along the flow, with classifier-free guidance. Satisfies `adapter.Generation`."""

    def __init__(
        self, latents: torch.Tensor, scheduler: Any, dtype: torch.dtype, tokens: int | None, work: Work
    ) -> None:
        """Take how many tokens are told the time, if each of them is (Wan 2.2)."""
        self.latents = latents
        self._tokens = tokens
        self.total_steps = len(scheduler.timesteps)
        self._scheduler = scheduler
        self._dtype = dtype
        self._guidance = work.request.guidance_scale
        self._prompt = work.prompt[0]
        self._negative = None if work.negative_prompt is None else work.negative_prompt[0]
        self._step = 0
        self._expected = latents

    def calls(self) -> list[Call]:
        """One for each half, as the pipeline has them: without the prompt, if the request is guided, and with it."""
        timestep = self._scheduler.timesteps[self._step]
        given = {"hidden_states": self.latents.to(self._dtype), "timestep": self._clock(timestep)}
        texts = (self._prompt,) if self._negative is None else (self._negative, self._prompt)
        return [{**given, "encoder_hidden_states": text} for text in texts]

    def advance(self, answers: Sequence[torch.Tensor]) -> None:
        """One step."""
        timestep = self._scheduler.timesteps[self._step]
        noise = answers[-1]
        if self._negative is not None:
            noise = answers[0] + self._guidance * (noise - answers[0])
        self._expected = expected_end(self.latents, noise, float(self._scheduler.sigmas[self._step]))
        self.latents = self._scheduler.step(noise, timestep, self.latents, return_dict=False)[0]
        self._step += 1

    def expected(self) -> torch.Tensor:
        """Straight along the last flow."""
        return self._expected

    def _clock(self, timestep: torch.Tensor) -> torch.Tensor:
        """The time as the transformer is told it: once, or, as floats, for every token."""
        if self._tokens is None:
            return timestep.expand(1)
        return timestep.to(torch.float32).expand(1, self._tokens)

    def state(self) -> dict[str, torch.Tensor]:
        """The latents, and what the scheduler remembers of the steps before."""
        return {_LATENTS: self.latents, **_memory(self._scheduler)}

    def restore(self, step: int, state: Mapping[str, torch.Tensor]) -> None:
        """Go on after `step` steps."""
        if not 0 <= step <= self.total_steps:
            raise ValueError("the step is out of range")
        latents = state.get(_LATENTS)
        if latents is None or not _alike(latents, self.latents):
            raise ValueError("the latents are of another shape or type")
        device = self.latents.device
        placed = {name: tensor.to(device) for name, tensor in state.items()}
        _remember(self._scheduler, step, placed, self.latents)
        self._scheduler.set_begin_index(step)
        self.latents = placed[_LATENTS]
        self._step = step


def _memory(scheduler: Any) -> dict[str, torch.Tensor]:
    """What a UniPC scheduler remembers: the last steps' predictions of the end, the last sample, how many steps count.

    Before the first step, and of an Euler scheduler, there is nothing to remember but its place.
    """
    if not isinstance(scheduler, UniPCMultistepScheduler) or scheduler.last_sample is None:
        return {}
    outputs = {_output(index): tensor for index, tensor in enumerate(scheduler.model_outputs) if tensor is not None}
    counts = torch.tensor([scheduler.lower_order_nums, scheduler.this_order])
    return {**outputs, _LAST: scheduler.last_sample, _COUNTS: counts}


def _remember(scheduler: Any, step: int, state: Mapping[str, torch.Tensor], like: torch.Tensor) -> None:
    """Have a new `scheduler` remember what `_memory` gave after `step` steps; latents are `like` that.

    The scheduler's list of time steps is only ever written, so it is left empty.

    Raises:
        ValueError: these are not the memories of such a scheduler. Nothing has changed.
    """
    if not isinstance(scheduler, UniPCMultistepScheduler) or step == 0:
        return
    order = scheduler.config.solver_order
    counts, last = state.get(_COUNTS), state.get(_LAST)
    outputs = [state.get(_output(index)) for index in range(order)]
    known = [tensor for tensor in outputs if tensor is not None]
    if counts is None or counts.shape != (2,) or last is None or not all(_alike(one, like) for one in (*known, last)):
        raise ValueError("what the scheduler remembers is of another shape or type")
    filled, current = counts.tolist()
    if filled != len(known) or filled != min(step, order) or not 0 < current <= filled:
        raise ValueError("the scheduler's counts are out of range")
    scheduler.model_outputs = outputs
    scheduler.last_sample = last
    scheduler.lower_order_nums, scheduler.this_order = filled, current


def _output(index: int) -> str:
    return f"scheduler.output.{index}"


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool(one.shape == other.shape and one.dtype == other.dtype)

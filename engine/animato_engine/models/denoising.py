"""The course of one generation, the same for all families: stoppable anywhere, and resumable after every step."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .. import __version__, checkpoint, lora
from ..checkpoint import Checkpoint
from ..control import Control
from ..description import Size
from ..errors import Cancelled, Failure, Yielded, is_out_of_memory
from ..order import Order, Periodic
from ..parallel import GuidancePair
from ..preview import LatentPreview
from ..process import log
from ..step_cache import StepCache
from .adapter import Denoiser, Generation, Pixels, Work
from .loaded import DENOISER, VAE, LoadedModel

_SKIPPED = "skipped_steps"
"""In a checkpoint with a step cache: after the last step there is no cache to ask."""


@dataclass(frozen=True)
class Rendered:
    """What came of the steps."""

    frames: Iterator[NDArray[np.uint8]]
    """(height, width, 3) each."""
    skipped_steps: int


class Rendering:
    """One order at work on one model. For one thread, used once."""

    def __init__(
        self,
        model: LoadedModel,
        order: Order,
        size: Size,
        inputs: Mapping[str, Pixels],
        control: Control,
        visit: Callable[[], None],
    ) -> None:
        """Take the decoded `inputs`, of `size`; `visit` raises where the generation is to stop."""
        self._model = model
        self._order = order
        self._size = size
        self._inputs = inputs
        self._control = control
        self._visit = visit
        self._identity = identity(order, size, inputs, f"{model.components.dtype} {model.backend}")
        self._skipped = 0

    def run(self) -> Rendered:
        """Compute the video, as far as a checkpoint has not.

        Raises:
            Failure: the request cannot be made, or the outcome is no picture.
            Cancelled, Yielded: `control` says so, at the latest after one block of a network.
        """
        model, control = self._model, self._control
        # Whatever ran before, nothing of it may be seen.
        model.adapter.clear()
        model.tile(self._order.memory_mode, *self._size)
        with torch.no_grad():
            control.enter("encode")
            generation, saved = self._encode()
            control.enter("denoise")
            latents = self._denoise(generation, saved) if generation else _finished(saved, model.components.device)
            # Its tensors are of no more use, and decoding takes all the room that there is.
            del generation, saved
            control.enter("decode")
            with model.on_device(VAE):
                video = model.adapter.decode(latents)
        model.adapter.clear()
        # Before clamping, which would make a picture of infinities.
        if not torch.isfinite(video).all():
            text = "The model gave values that are not finite. Another dtype may help."
            raise Failure("internal", "non_finite_output", text)
        return Rendered(_frames(video), self._skipped)

    def _encode(self) -> tuple[Generation | None, Checkpoint | None]:
        """The generation as it begins or goes on, and the checkpoint that it goes on from.

        No generation if all steps are done.
        """
        model, order, request = self._model, self._order, self._order.request
        for name in ("prompt", "negative_prompt"):
            model.adapter.check_text(name, getattr(request, name))
        saved = self._load()
        if saved is not None and saved.step == saved.total_steps and "latents" in saved.tensors:
            self._control.resumed(saved.step)
            self._skipped = int(saved.tensors.get(_SKIPPED, torch.tensor(0)))
            return None, saved
        if model.peer is not None and request.guidance_scale > 1:
            model.peer.prepare(order.memory_mode, order.loras)
        prompt, negative = model.embeddings(request)
        self._visit()
        if order.preview is not None:
            self._fit_preview()
        work = Work(request, self._size, prompt, negative, self._inputs)
        with model.on_device(VAE) if self._inputs else contextlib.nullcontext():
            generation = model.adapter.begin(work)
        if saved is not None:
            try:
                generation.restore(saved.step, saved.tensors)
            except ValueError as error:
                log(f"checkpoint is not used: {error}")
                saved = None
            else:
                self._control.resumed(saved.step)
        return generation, saved

    def _denoise(self, generation: Generation, saved: Checkpoint | None) -> torch.Tensor:
        """The latents after the last step."""
        model, order, check = self._model, self._order, self._control.check
        network = model.components.get(DENOISER)
        done = saved.step if saved else 0
        with contextlib.ExitStack() as use:
            device = model.components.device
            use.enter_context(lora.merged(network, order.loras, model.residency.original, device, check))
            use.enter_context(model.on_device(DENOISER))
            cache = self._step_cache(network, saved)
            if cache is not None:
                use.enter_context(cache)
            denoiser: Denoiser = network
            if model.peer is not None and order.request.guidance_scale > 1:
                model.peer.wait_until_ready(check)
                denoiser = GuidancePair(network, model.peer, check)
            for step in range(done + 1, generation.total_steps + 1):
                self._visit()
                generation.advance(denoiser)
                self._control.step(step)
                self._after(step, generation, cache)
            self._skipped = cache.skipped if cache else 0
            return generation.latents

    def _after(self, step: int, generation: Generation, cache: StepCache | None) -> None:
        """Write what is due after `step`, and give up if that is asked for."""
        keep, preview = self._order.checkpoint, self._order.preview
        gives_up = self._control.is_to_yield
        last = step == generation.total_steps
        if keep is not None and (keep.due(step) or last or gives_up):
            state = generation.state() | (cache.state() if cache else {})
            if cache is not None:
                state[_SKIPPED] = torch.tensor(cache.skipped)
            self._save(keep, Checkpoint(self._identity, step, generation.total_steps, state), needed=gives_up)
        if gives_up and not last:
            raise Yielded
        if preview is not None and preview.due(step):
            self._write_preview(preview, generation.expected())

    def _step_cache(self, network: Any, saved: Checkpoint | None) -> StepCache | None:
        """The cache that the request asks for, as the checkpoint left it."""
        level, coefficients = self._order.request.step_cache, self._order.model.coefficients
        if level == "off" or coefficients is None:
            return None
        cache = StepCache(network, level, coefficients, self._control.total_steps)
        if saved is not None:
            cache.restore(saved.tensors)
        return cache

    def _load(self) -> Checkpoint | None:
        keep = self._order.checkpoint
        saved = checkpoint.load(keep.file, self._identity) if keep is not None else None
        return saved if saved is not None and saved.total_steps == self._control.total_steps else None

    def _save(self, keep: Periodic, state: Checkpoint, needed: bool) -> None:
        """Write the checkpoint. One that cannot be written ends the generation only if it is `needed`."""
        try:
            self._control.written("checkpointed", checkpoint.save(keep.file, state))
        except (Failure, ValueError) as error:
            if needed:
                raise
            log(f"the checkpoint of step {state.step} was not written: {error}")

    def _fit_preview(self) -> None:
        """Fit the map of previews, once for a model. Without one there are no previews."""
        model = self._model
        if model.preview is not None:
            return
        latent = model.adapter.latent
        try:
            with model.on_device(VAE):
                model.preview = LatentPreview.fit(
                    model.adapter.encode_video, latent.channels, latent.spatial, latent.temporal
                )
        except (Cancelled, Yielded):
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            model.adapter.clear()
            log(f"there will be no previews: {type(error).__name__}: {error}")

    def _write_preview(self, preview: Periodic, latents: torch.Tensor) -> None:
        if self._model.preview is None:
            return
        try:
            size = self._model.preview.write(latents, self._order.request.fps, preview.file)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            log(f"a preview was not written: {type(error).__name__}: {error}")
        else:
            self._control.written("preview", size)


def identity(order: Order, size: Size, inputs: Mapping[str, Pixels], arithmetic: str) -> str:
    """What a checkpoint has to be of to be gone on from: a SHA-256 over all that shapes the pixels.

    `arithmetic` tells apart how numbers are computed. The memory mode and the device are left out: after running out of
    memory, a slower mode goes on where the faster one ended.
    """
    digest = hashlib.sha256()
    facts = {
        "engine": __version__,
        "model": order.model.fingerprint,
        "arithmetic": arithmetic,
        "size": size,
        "loras": [[file.fingerprint, scale] for file, scale in order.loras],
        "inputs": {
            name: [*pixels.shape, hashlib.sha256(pixels.tobytes()).hexdigest()] for name, pixels in inputs.items()
        },
    }
    for part in (order.request.canonical_bytes(), json.dumps(facts, sort_keys=True).encode()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _finished(saved: Checkpoint | None, device: torch.device) -> torch.Tensor:
    """The latents of a checkpoint after the last step."""
    if saved is None:
        raise RuntimeError("nothing to go on from")
    return saved.tensors["latents"].to(device)


def _frames(video: torch.Tensor) -> Iterator[NDArray[np.uint8]]:
    """The frames of (1, 3, frames, height, width), about -1 to 1: as of diffusers' `postprocess_video`, rounded."""
    for frame in video[0].unbind(1):
        picture = (frame * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0).cpu().float().numpy()
        yield (picture * 255).round().astype(np.uint8)

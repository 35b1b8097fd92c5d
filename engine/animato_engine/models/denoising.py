"""The course of a pass, the same for all families: stoppable anywhere, and resumable after every step."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .. import lora
from ..checkpoint import Checkpoint
from ..description import Size
from ..errors import Cancelled, Failure, Yielded, is_out_of_memory
from ..order import Periodic
from ..pace import Pace
from ..parallel import GuidancePair
from ..passing import Pass
from ..preview import LatentPreview
from ..process import about, log
from ..step_cache import CachedSteps, StepCache
from ..writing import Writer
from .adapter import Denoiser, Generation, Pixels, Work
from .batching import evaluate
from .loaded import DENOISER, VAE, LoadedModel
from .strand import Strand, identity

Frames = list[NDArray[np.uint8]]
"""(height, width, 3) each, RGB."""


PREVIEWS = 0.01
"""Share of the time that previews may take. With easyanimate-tiny one after every fifth step took 3 to 4 %."""


class Rendering:
    """The orders of one pass at work on one model. For one thread, used once."""

    def __init__(
        self, model: LoadedModel, work: Pass, size: Size, inputs: Mapping[str, Pixels], visit: Callable[[], None]
    ) -> None:
        """Take the decoded `inputs`, of `size`; `visit` raises where `work` is to stop."""
        self._model = model
        self._work = work
        self._size = size
        self._inputs = inputs
        self._visit = visit
        arithmetic = f"{model.components.dtype} {model.backend}"
        self._checkpoints = Writer()
        self._previews = Writer()
        self._pace = Pace(PREVIEWS)
        self._strands = [Strand(row, identity(row.order, size, inputs, arithmetic)) for row in work.rows]

    def run(self) -> dict[str, tuple[Frames, int]]:
        """Compute the videos, as far as checkpoints have not: of each row the frames, and how many steps it skipped.

        Rows that end by themselves are let go by the pass.

        Raises:
            Failure: the last one cannot be made, or is no picture.
            Cancelled, Yielded: the pass says so, at the latest after one block of a network.
        """
        model, work = self._model, self._work
        # Whatever ran before, nothing of it may be seen.
        model.adapter.clear()
        model.tile(work.order.memory_mode, *self._size)
        with torch.no_grad():
            work.enter("encode")
            self._encode()
            work.enter("denoise")
            if any(strand.generation for strand in self._going()):
                try:
                    self._denoise()
                finally:
                    # Nothing is told of a generation whose outcome is known.
                    self._checkpoints.wait()
                    self._previews.wait()
            for row in work.rows:
                row.control.close()
            return self._decode()

    def _going(self) -> list[Strand]:
        """Those that have not ended by themselves."""
        return [strand for strand in self._strands if strand.row in self._work.rows]

    def _encode(self) -> None:
        """Have each generation as it begins or goes on; none of those of which all steps are done."""
        model, work = self._model, self._work
        for strand in self._going():
            with work.alone(strand.row):
                for name in ("prompt", "negative_prompt"):
                    model.adapter.check_text(name, getattr(strand.row.order.request, name))
                strand.open(model.components.device)
        strands = [strand for strand in self._going() if strand.latents is None]
        if not strands:
            return
        if model.peer is not None and work.order.request.guidance_scale > 1:
            model.peer.prepare(work.order.memory_mode, work.order.loras)
        texts = model.embeddings([strand.row.order for strand in strands], self._visit)
        if any(strand.row.order.preview for strand in strands):
            self._fit_preview()
        for strand, (prompt, negative) in zip(strands, texts, strict=True):
            with work.alone(strand.row):
                task = Work(strand.row.order.request, self._size, prompt, negative, self._inputs)
                self._visit()
                with model.on_device(VAE) if self._inputs else contextlib.nullcontext():
                    generation = model.adapter.begin(task)
                strand.begin(generation)

    def _denoise(self) -> None:
        """Do all steps that are left, one for each generation at a time."""
        model, order, check = self._model, self._work.order, self._work.check
        network = model.components.get(DENOISER)
        with contextlib.ExitStack() as use:
            device = model.components.device
            use.enter_context(lora.merged(network, order.loras, model.residency.original, device, check))
            use.enter_context(model.on_device(DENOISER))
            cached = self._step_caches(network)
            if cached is not None:
                use.enter_context(cached.installed())
            denoiser: Denoiser = network
            if model.peer is not None and order.request.guidance_scale > 1:
                model.peer.wait_until_ready(check)
                denoiser = GuidancePair(network, model.peer, check)
            while at_work := [(one, made) for one in self._going() if (made := one.generation) is not None]:
                self._visit()
                if cached is not None:
                    cached.caches = [one.cache for one, _ in at_work if one.cache is not None]
                answers = evaluate(denoiser, [generation for _, generation in at_work])
                for (_, generation), own in zip(at_work, answers, strict=True):
                    generation.advance(own)
                # Its tensors are of no more use, and saving and decoding take room of their own.
                del answers
                self._after(at_work)
                del at_work

    def _after(self, strands: Sequence[tuple[Strand, Generation]]) -> None:
        """Report a step, write what is due after it, and give up if that is asked for.

        What is due is written while the next step is computed. Before that one is reported, the checkpoint is in place.
        """
        work = self._work
        self._checkpoints.wait()
        for strand, _ in strands:
            strand.step += 1
            strand.row.control.step(strand.step)
        if len(strands) > 1:
            # Those that leave the others here are to be told of no more.
            self._previews.wait()
        work.leave()
        gives_up = work.is_to_yield
        strands = [(strand, generation) for strand, generation in strands if strand.row in work.rows]
        self._keep(strands, needed=gives_up)
        if gives_up and any(strand.step < work.total_steps for strand in self._going()):
            raise Yielded
        self._draw([(strand, generation) for strand, generation in strands if strand.shows])
        for strand, generation in strands:
            if strand.step == generation.total_steps:
                strand.finish(generation)

    def _keep(self, strands: Sequence[tuple[Strand, Generation]], needed: bool) -> None:
        """Write the checkpoints that are due, in another thread.

        One that is `needed` to go on from is written here; if that cannot be, the generation ends.
        """
        pieces: list[tuple[Strand, Checkpoint, Periodic]] = []
        for strand, generation in strands:
            keep = strand.row.order.checkpoint
            if keep is not None and (keep.due(strand.step) or strand.step == generation.total_steps or needed):
                with self._work.alone(strand.row):
                    state = strand.checkpoint(generation)
                    if needed:
                        strand.save(state, keep)
                    else:
                        pieces.append((strand, state, keep))
        if not pieces:
            return
        try:
            self._checkpoints.begin(partial(_save, pieces))
        except RuntimeError:
            # No thread is left.
            _save(pieces)

    def _decode(self) -> dict[str, tuple[Frames, int]]:
        """The frames of each, one after the other: the VAEs' own batches fail, and take room."""
        model, work = self._model, self._work
        rendered: dict[str, tuple[Frames, int]] = {}
        work.leave()
        for strand in self._going():
            with work.alone(strand.row):
                # Also of the one before, which may have been broken off.
                model.adapter.clear()
                strand.row.control.enter("decode")
                with model.on_device(VAE):
                    rendered[strand.row.id] = self._frames(strand), strand.skipped
                strand.row.control.close()
        model.adapter.clear()
        return rendered

    def _frames(self, strand: Strand) -> Frames:
        """The frames of one, off the device."""
        latents, strand.latents = strand.latents, None
        if latents is None:
            raise RuntimeError("nothing to decode")
        video = self._model.adapter.decode(latents)
        # Before clamping, which would make a picture of infinities.
        if not torch.isfinite(video).all():
            text = "The model gave values that are not finite. Another dtype may help."
            raise Failure("internal", "non_finite_output", text)
        frames: Frames = []
        for frame in video[0].unbind(1):
            self._visit()
            # As of diffusers' `postprocess_video`, rounded.
            picture = (frame * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0).cpu().float().numpy()
            frames.append((picture * 255).round().astype(np.uint8))
        return frames

    def _step_caches(self, network: Any) -> CachedSteps | None:
        """The caches that the request asks for, as the checkpoints left them."""
        order = self._work.order
        level, coefficients = order.request.step_cache, order.model.coefficients
        if level == "off" or coefficients is None:
            return None
        caches = []
        for strand in self._going():
            if strand.generation is not None:
                strand.cache = StepCache(level, coefficients, self._work.total_steps)
                if strand.saved is not None:
                    strand.cache.restore(strand.saved.tensors)
                caches.append(strand.cache)
        return CachedSteps(network, caches)

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

    def _draw(self, strands: Sequence[tuple[Strand, Generation]]) -> None:
        """Show what these have come to, in another thread; not while it is still at the ones before, nor too often."""
        shown = self._model.preview
        if shown is None or not strands or not self._previews.is_idle or not self._pace.is_due:
            return
        self._pace.begin()
        started = time.thread_time()
        pieces: list[tuple[Strand, int, Callable[[], int]]] = []
        try:
            for strand, generation in strands:
                if (preview := strand.row.order.preview) is not None:
                    write = shown.drawn(generation.expected(), strand.row.order.request.fps, preview.file)
                    pieces.append((strand, strand.step, write))
            self._pace.took(time.thread_time() - started)
            self._previews.begin(partial(_write, pieces, self._pace))
        except Exception as error:
            if is_out_of_memory(error):
                raise
            log(f"a preview was not drawn: {type(error).__name__}: {error}")


def _save(pieces: Sequence[tuple[Strand, Checkpoint, Periodic]]) -> None:
    for strand, state, keep in pieces:
        try:
            strand.save(state, keep)
        except Exception as error:
            with about(strand.row.order.trace_id):
                log(f"the checkpoint of step {state.step} was not written: {error}")


def _write(pieces: Sequence[tuple[Strand, int, Callable[[], int]]], pace: Pace) -> None:
    for strand, step, write in pieces:
        try:
            size = write()
        except Exception as error:
            with about(strand.row.order.trace_id):
                log(f"a preview was not written: {type(error).__name__}: {error}")
        else:
            strand.row.control.written("preview", size, step)
    # This thread does nothing else.
    pace.took(time.thread_time())

"""One generation on its way through the steps of a pass, and what it goes on from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from .. import __version__, checkpoint
from ..checkpoint import Checkpoint
from ..description import Size
from ..order import Order, Periodic
from ..passing import Row
from ..process import log
from ..step_cache import StepCache
from .adapter import Generation, Pixels

_SKIPPED = "skipped_steps"
"""In a checkpoint with a step cache: after the last step there is no cache to ask."""


@dataclass(eq=False)
class Strand:
    """The state of one row between two steps."""

    row: Row
    identity: str
    saved: Checkpoint | None = None
    """What it goes on from."""
    generation: Generation | None = None
    """None: before the first step, after the last, and if all steps were done before."""
    cache: StepCache | None = None
    step: int = 0
    """How many are done."""
    latents: torch.Tensor | None = None
    """After the last step."""
    skipped: int = 0

    @property
    def shows(self) -> bool:
        """Whether a preview is due."""
        preview = self.row.order.preview
        return preview is not None and preview.due(self.step)

    def open(self, device: torch.device) -> None:
        """Look for a checkpoint. If all steps are done in it, the latents are on `device` then."""
        keep, control = self.row.order.checkpoint, self.row.control
        saved = checkpoint.load(keep.file, self.identity) if keep is not None else None
        if saved is None or saved.total_steps != control.total_steps:
            return
        self.saved = saved
        if saved.step == saved.total_steps and "latents" in saved.tensors:
            control.resumed(saved.step)
            self.step = saved.step
            self.skipped = int(saved.tensors.get(_SKIPPED, torch.tensor(0)))
            self.latents = saved.tensors["latents"].to(device)

    def begin(self, generation: Generation) -> None:
        """Take up `generation`, where the checkpoint says."""
        self.generation = generation
        if self.saved is None:
            return
        try:
            generation.restore(self.saved.step, self.saved.tensors)
        except ValueError as error:
            log(f"checkpoint is not used: {error}")
            self.saved = None
        else:
            self.step = self.saved.step
            self.row.control.resumed(self.step)

    def finish(self, generation: Generation) -> None:
        """After the last step of `generation`: keep its latents, and nothing else that takes room."""
        self.latents, self.generation, self.saved = generation.latents, None, None
        self.skipped = self.cache.skipped if self.cache else 0

    def checkpoint(self, generation: Generation) -> Checkpoint:
        """Where `generation` is now, as it stays while that goes on."""
        tensors = generation.state()
        if self.cache is not None:
            tensors = tensors | self.cache.state() | {_SKIPPED: torch.tensor(self.cache.skipped)}
        return checkpoint.copied(Checkpoint(self.identity, self.step, generation.total_steps, tensors))

    def save(self, state: Checkpoint, keep: Periodic) -> None:
        """Write a checkpoint, and tell of it.

        Raises:
            Failure, ValueError: as `checkpoint.save`.
        """
        self.row.control.written("checkpointed", checkpoint.save(keep.file, state), state.step)


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

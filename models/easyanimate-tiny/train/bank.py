"""Latents of many clips, drawn once and kept on disk, for the training of the transformer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional

from . import places, sprites, world
from .basis import Basis, to_tensor
from .common import save_atomically
from .sprites import Array
from .world import Scene, Shape, draw, grid

LONGEST = 49
"""Frames of the clips in a bank. A shorter clip is the beginning of a longer one, and so are its latents."""


@dataclass(frozen=True)
class Bank:
    """Clips of one picture size, all of `LONGEST` frames, in half precision."""

    latents: Any
    """(clips, 16, 13, h/8, w/8)."""
    covered: Any
    """How much of each block is sprite, (clips, 1, 13, h/8, w/8)."""
    scenes: list[Scene]


def outline(video: Array) -> Array:
    """The edges of a clip (frames, h, w, 3), white on black: where brightness changes."""
    grey = video.mean(-1)
    edges = np.zeros_like(grey)
    edges[:, :, 1:] += np.abs(np.diff(grey, axis=2))
    edges[:, 1:] += np.abs(np.diff(grey, axis=1))
    return np.repeat(np.clip(4 * edges, 0, 1)[..., None], 3, -1)


def encoded(basis: Basis, pairs: list[tuple[Array, Array]]) -> tuple[Any, Any]:
    """Latents (clips, 16, t, h/8, w/8) of clips and masks, and how much of each block is sprite (clips, 1, t, ...)."""
    mask = torch.from_numpy(np.stack([mask for _, mask in pairs])).permute(0, 4, 1, 2, 3)
    mask = torch.cat([mask[:, :, :1].expand(-1, -1, 3, -1, -1), mask], 2)
    return basis.encode(to_tensor([video for video, _ in pairs])), functional.avg_pool3d(mask, (4, 8, 8))


def build(basis: Basis, size: tuple[int, int], scenes: Sequence[Scene], starts: int) -> Bank:
    """The bank of `scenes`: all choices of the grid (with so many `starts`) for each."""
    shape = Shape(*size, LONGEST)
    latents, covered, owners = [], [], []
    for scene in scenes:
        choices = grid(scene, shape, starts)
        parts = encoded(basis, [draw(scene, shape, choice) for choice in choices])
        latents.append(parts[0].half())
        covered.append(parts[1].half())
        owners += [scene] * len(choices)
    return Bank(torch.cat(latents), torch.cat(covered), owners)


def cached(
    directory: Path,
    basis: Basis,
    size: tuple[int, int],
    scenes: Sequence[Scene],
    starts: int,
) -> Bank:
    """`build`, or what it gave before for the same arguments and the same world."""
    digest = hashlib.sha256(repr((size, list(scenes), starts)).encode())
    for tensor in (basis.mean, basis.vectors, basis.scale):
        digest.update(tensor.numpy().tobytes())
    for file in (__file__, places.__file__, sprites.__file__, world.__file__, sprites.FILE):
        digest.update(Path(file).read_bytes())
    file = directory / "banks" / f"{digest.hexdigest()[:16]}.pt"
    if file.exists():
        latents, covered, owners = torch.load(file, weights_only=False)
        return Bank(latents, covered, [Scene(*numbers) for numbers in owners])
    bank = build(basis, size, scenes, starts)
    numbers = [(scene.subject, scene.place, scene.motion) for scene in bank.scenes]
    file.parent.mkdir(parents=True, exist_ok=True)
    save_atomically((bank.latents, bank.covered, numbers), file)
    return bank

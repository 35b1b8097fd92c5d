"""A judge without training: which sprite, laid over the place, comes nearest to what a clip shows."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional

from .sprites import SUBJECTS, Array, sprite
from .world import SPRITE, evenly

SIDES = (SPRITE - 8, SPRITE)
"""Of the sprites in clips from text."""
FREE_SIDES = tuple(range(36, 53, 4))
"""Of those in the free world."""
OUTSIDE = 0.35
"""How much a pixel beside the sprite counts, for one of the sprite 1."""
_EDGE = 16
_FLOOR = 1e-5


@cache
def _kernels(side: int) -> tuple[Any, Any, Any]:
    """For every subject, both ways round: kernels (20, 13, side, side), what is added and what all is divided by.

    With the place behind, p, the frame minus it, d, and a template of colour c (times alpha) and alpha a, the error
    is the sum of w |d - c + a p|^2, multiplied out by the planes that `best_template` stacks.
    """
    kernels, constants, weights = [], [], []
    for subject in range(len(SUBJECTS)):
        for flipped in (False, True):
            stamp = torch.from_numpy(sprite(subject, side, flipped).copy()).permute(2, 0, 1)
            colour, alpha = stamp[:3], stamp[3:]
            weight = alpha + OUTSIDE * (1 - alpha)
            planes = (
                weight,
                -2 * weight * colour,
                (2 * weight * alpha).expand(3, -1, -1),
                -2 * weight * alpha * colour,
                (weight * alpha.square()).expand(3, -1, -1),
            )
            kernels.append(torch.cat(planes))
            constants.append((weight * colour.square()).sum())
            weights.append(3 * weight.sum())
    return torch.stack(kernels), torch.stack(constants), torch.stack(weights)


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def best_template(video: Array, sides: tuple[int, ...] = SIDES, count: int = 3) -> int:
    """The subject whose picture fits `count` frames of `video` (frames, h, w, 3) best, wherever it is in each.

    A sprite that comes closer is small at first, so the frames are taken from the second half.
    """
    later = video[len(video) // 2 :]
    frames = torch.from_numpy(np.stack([later[index] for index in evenly(len(later), count)])).permute(0, 3, 1, 2)
    frames = functional.pad(frames, (_EDGE, _EDGE, _EDGE, _EDGE), mode="replicate")
    # The place behind the sprite: what most of each row shows.
    place = frames.median(-1, keepdim=True).values.expand_as(frames)
    other = frames - place
    planes = torch.cat([other.square().sum(1, keepdim=True), other, other * place, place, place.square()], 1)
    errors = torch.full((count, len(SUBJECTS)), torch.inf)
    for side in sides:
        kernels, constants, weights = _kernels(side)
        found = functional.conv2d(planes, kernels).flatten(2).amin(2)
        found = ((found + constants) / weights).view(count, len(SUBJECTS), 2).amin(2)
        errors = torch.minimum(errors, found)
    return int(errors.clamp_min(_FLOOR).log().mean(0).argmin())

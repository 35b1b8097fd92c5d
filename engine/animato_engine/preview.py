"""What a video will look like, from its latents and without its decoder: a linear map fitted to one VAE.

What one latent stands for (with EasyAnimate 8 x 8 pixels of 4 frames) becomes one colour of one frame.

Measured with easyanimate-tiny, 112 x 64 x 49, one core: 31 to 35 dB against the decoded frames made as small. Fitting
takes 0.3 s once, drawing a few milliseconds, and writing 10 to 45 ms, which another thread does; a step takes 118 ms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from .media import publish
from .pictures import moving_webp, webp

LONGEST_SIDE = 256
SHORTEST_SIDE = 128
"""Between these is the longer side of a preview, in pixels."""

_GRID = 12
"""Latents on a side of the pictures that the map is fitted to."""
_LATER = 2
"""Latent frames after the first one."""
_RIDGE = 1e-3
"""Of the mean power of the latents: keeps a channel that says nothing from being read as much."""
_PATCHES = 24
_SEED = 20250306


class LatentPreview:
    """The map of one VAE: RGB = latents * weights + bias.

    One for all frames: with a map of its own for the first latent frame, which is a single picture, that frame gained
    at most 0.1 dB with easyanimate-tiny.
    """

    def __init__(self, matrix: torch.Tensor, temporal: int) -> None:
        """Take a map of shape (C + 1, 3), the bias last, to colours between 0 and 1."""
        self._matrix = matrix
        self._temporal = temporal

    @classmethod
    def fit(
        cls, encode: Callable[[torch.Tensor], torch.Tensor], channels: int, spatial: int, temporal: int
    ) -> LatentPreview:
        """Fit the map to the VAE behind `encode`, by least squares on drawn pictures; always the same ones.

        `encode` is called once, with a video (1, 3, frames, height, width) of float32 on the CPU between -1 and 1, 96
        pixels square for a VAE of 8 x 8. It gives latents (1, channels, t, height / spatial, width / spatial) as the
        denoiser sees them (shifted and scaled), on any device: the first latent frame is the first frame, each later
        one is `temporal` frames.

        Raises:
            ValueError: the latents are not of that shape, or not finite.
        """
        pictures = _pictures(_GRID * spatial, temporal)
        latents = encode(pictures * 2 - 1).detach().to("cpu", torch.float32)
        if latents.shape != (1, channels, 1 + _LATER, _GRID, _GRID):
            raise ValueError(f"latents of shape {tuple(latents.shape)} are not those of {channels} channels")
        if not torch.isfinite(latents).all():
            raise ValueError("the latents are not finite")
        # What each latent stands for.
        first = functional.avg_pool3d(pictures[:, :, :1], (1, spatial, spatial))
        later = functional.avg_pool3d(pictures[:, :, 1:], (temporal, spatial, spatial))
        colours = torch.cat([first, later], 2)
        return cls(_solve(latents[0].flatten(1).T, colours[0].flatten(1).T), temporal)

    def frames(self, latents: torch.Tensor) -> NDArray[np.uint8]:
        """The colours of `latents`, (C, t, h, w) or (1, C, t, h, w): (t, h, w, 3), RGB."""
        return _bytes(self._colours(latents))

    def drawn(self, latents: torch.Tensor, fps: float, file: Path) -> Callable[[], int]:
        """What writes `latents` of a video of `fps` to `file` as a WebP that moves in its time, and gives its bytes.

        `latents` are (C, t, h, w) or (1, C, t, h, w), on any device, as in `fit`. What comes back holds none of them
        and may be called in any thread. Of one frame a still is made. The file is renamed into place, but not synced:
        nobody misses a preview after a power cut. It raises `Failure` of kind `storage`.
        """
        pictures = _bytes(_sized(self._colours(latents)))
        rate = Fraction(fps).limit_denominator(1000) / self._temporal

        def write() -> int:
            frames = [av.VideoFrame.from_ndarray(picture, format="rgb24") for picture in pictures]
            data = webp(frames[0]) if len(frames) == 1 else moving_webp(frames, rate)
            publish(file, lambda part: _write(part, data), synced=False)
            return len(data)

        return write

    def _colours(self, latents: torch.Tensor) -> torch.Tensor:
        """(t, h, w, 3), not bounded."""
        values = latents.detach().reshape(latents.shape[-4:]).to("cpu", torch.float32).permute(1, 2, 3, 0)
        return values @ self._matrix[:-1] + self._matrix[-1]


def expected_end(latents: torch.Tensor, flow: torch.Tensor, noise: float) -> torch.Tensor:
    """What `latents` will be after the last step, if `flow`, which the denoiser gave for them, holds; on their device.

    For flow matching, where latents are (1 - noise) * video + noise * random and the flow is random - video: `noise` is
    the scheduler's `sigmas[i]` before step i. Without it a preview is mostly noise for most of the steps: with
    easyanimate-tiny after 5 of 20 steps 11 to 15 dB against the final frames, with it 25 to 29 dB.

    Source: Liu et al., "Flow Straight and Fast", arXiv 2209.03003.
    """
    # In float32: the difference has few digits in half precision.
    return latents.float() - noise * flow.float()


def _solve(latents: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """The map (C + 1, 3) from latents (n, C) to colours (n, 3) by ridge regression.

    Normal equations of centred data; the bias, which belongs to no channel, is outside of the ridge.
    """
    given, wanted = latents.double(), colours.double()
    mean, colour = given.mean(0), wanted.mean(0)
    given = given - mean
    # Not below what can be divided by: latents that are all the same give the mean colour.
    power = given.square().mean().clamp(min=torch.finfo(torch.float32).tiny)
    ridge = _RIDGE * len(given) * power * torch.eye(given.shape[1], dtype=torch.float64)
    weights = torch.linalg.solve(given.T @ given + ridge, given.T @ (wanted - colour))
    return torch.cat([weights, (colour - mean @ weights)[None]]).float()


def _pictures(side: int, temporal: int) -> torch.Tensor:
    """A video (1, 3, 1 + temporal * _LATER, side, side) between 0 and 1: soft fields of colour with patches that move.

    The fields are sums of waves, weaker the shorter they are, as in photographs; the patches bring edges and full
    colours.
    """
    generator = torch.Generator("cpu").manual_seed(_SEED)
    count = 1 + temporal * _LATER
    time = torch.arange(count).view(-1, 1, 1) / temporal
    y, x = (torch.linspace(0, 1, side).view(shape) for shape in ((1, -1, 1), (1, 1, -1)))

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    video = torch.full((3, count, side, side), 0.5)
    for octave in range(5):
        for _ in range(3):
            direction, phase, speed = 2 * math.pi * draw(1), 2 * math.pi * draw(1), draw(1) - 0.5
            across = torch.cos(direction) * x + torch.sin(direction) * y
            wave = torch.sin(2 * math.pi * 2**octave * across + phase + speed * time)
            video += (draw(3, 1, 1, 1) - 0.5) * wave * 0.6 / 2 ** (octave / 2)
    for _ in range(_PATCHES):
        colour, extent, place = draw(3, 1, 1), 0.06 + 0.2 * draw(2), draw(2)
        move = (draw(2) - 0.5) * 0.1
        for frame in range(count):
            top, left = ((place + move * time[frame, 0]) * side).round().int().tolist()
            height, width = (extent * side).round().int().tolist()
            video[:, frame, max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = colour
    return video.clamp(0, 1)[None]


def _sized(colours: torch.Tensor) -> torch.Tensor:
    """(t, h, w, 3) with a longer side between `SHORTEST_SIDE` and `LONGEST_SIDE`."""
    pictures = colours.permute(0, 3, 1, 2)
    height, width = pictures.shape[-2:]
    longer = max(height, width)
    if longer < SHORTEST_SIDE:
        # By the smallest whole factor: more pixels would cost time and show nothing more.
        pictures = functional.interpolate(pictures, scale_factor=-(-SHORTEST_SIDE // longer), mode="bilinear")
    elif longer > LONGEST_SIDE:
        size = (max(1, height * LONGEST_SIDE // longer), max(1, width * LONGEST_SIDE // longer))
        pictures = functional.interpolate(pictures, size=size, mode="area")
    return pictures.permute(0, 2, 3, 1)


def _bytes(colours: torch.Tensor) -> NDArray[np.uint8]:
    # Latents that are no numbers show as grey: a preview judges nothing.
    bounded = colours.nan_to_num(0.5).clamp(0, 1)
    pixels: NDArray[np.uint8] = (bounded * 255).round().to(torch.uint8).contiguous().numpy()
    return pixels


def _write(part: Path, data: bytes) -> None:
    part.write_bytes(data)

"""A linear latent space with the shape of the autoencoder's: principal components of blocks of 4 frames x 8 x 8 pixels.

With it the transformer and the decoder train side by side from the first minute, and the encoder needs no training
(`encoder.py` writes it down). The first frame counts as four equal ones, so that all latent frames share one basis.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .sprites import Array
from .world import SCENES, TRAINED, Shape, draw_any

CHANNELS = 16
BLOCK = 3 * 4 * 8 * 8
FREEDOM = 0.25
"""Share of clips from the free world in everything that is fitted to pixels."""


def to_tensor(videos: list[Array]) -> Any:
    """Clips (frames, h, w, channels), 0 to 1, as one tensor (clips, channels, frames, h, w), -1 to 1."""
    return torch.from_numpy(np.stack(videos)).permute(0, 4, 1, 2, 3) * 2 - 1


def blocks(video: Any) -> Any:
    """(clips, 3, 4k+1, h, w) as (clips, k+1, h/8, w/8, 768), the first frame repeated to fill its block."""
    video = torch.cat([video[:, :, :1].expand(-1, -1, 3, -1, -1), video], 2)
    n, c, t, h, w = video.shape
    return (
        video.reshape(n, c, t // 4, 4, h // 8, 8, w // 8, 8)
        .permute(0, 2, 4, 6, 1, 3, 5, 7)
        .reshape(n, t // 4, h // 8, w // 8, BLOCK)
    )


class Basis:
    """Turns clips into latents and back. `mean` (768), `vectors` (768, 16), `scale` (16)."""

    def __init__(self, mean: Any, vectors: Any, scale: Any) -> None:
        self.mean, self.vectors, self.scale = mean, vectors, scale

    def encode(self, video: Any) -> Any:
        """Latents (clips, 16, k+1, h/8, w/8) of `video` (clips, 3, 4k+1, h, w)."""
        return (((blocks(video) - self.mean) @ self.vectors) / self.scale).permute(0, 4, 1, 2, 3).contiguous()

    def decode(self, latents: Any) -> Any:
        """The inverse of `encode`, as far as 16 components go."""
        flat = (latents.permute(0, 2, 3, 4, 1) * self.scale) @ self.vectors.T + self.mean
        n, t, h, w, _ = flat.shape
        video = flat.view(n, t, h, w, 3, 4, 8, 8).permute(0, 4, 1, 5, 2, 6, 3, 7).reshape(n, 3, t * 4, h * 8, w * 8)
        return torch.cat([video[:, :, :4].mean(2, keepdim=True), video[:, :, 4:]], 2)

    def black(self) -> Any:
        """The latents (16) of blocks of black, which stand for what is not shown."""
        return self.encode(torch.full((1, 3, 5, 8, 8), -1.0))[0, :, 1, 0, 0]

    def save(self, file: Path) -> None:
        """Write it to `file`."""
        torch.save({"mean": self.mean, "vectors": self.vectors, "scale": self.scale}, file)

    @classmethod
    def load(cls, file: Path) -> Basis:
        """What `save` wrote."""
        return cls(**torch.load(file))


def fit(seed: int = 3, clips: int = 500) -> Basis:
    """The basis for the world; most blocks are taken from sprites, which are a small part of the picture.

    Channels are scaled by the power 0.65 of their deviation (second study: the strong ones stay stronger), and all
    together to a deviation of 1.
    """
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    taken = []
    for shape, part in ((Shape(112, 64, 17), 0.6), (Shape(112, 64, 49), 0.4)):
        for _ in range(round(part * clips)):
            scene = TRAINED[random.integers(len(TRAINED))]
            video, mask = draw_any(scene, shape, random, FREEDOM)
            flat = blocks(to_tensor([video])).reshape(-1, BLOCK)
            covered = blocks(to_tensor([np.repeat(mask, 3, -1)])).reshape(-1, BLOCK).mean(1)
            inside, outside = flat[covered > -0.96], flat[covered <= -0.96]
            taken += [inside[torch.randperm(len(inside))[:70]], outside[torch.randperm(len(outside))[:15]]]
    sample = torch.cat(taken)
    mean = sample.mean(0)
    _, deviations, vectors = torch.pca_lowrank(sample - mean, CHANNELS + 8, center=False, niter=6)
    deviations = deviations[:CHANNELS] / len(sample) ** 0.5
    basis = Basis(mean, vectors[:, :CHANNELS].contiguous(), deviations**0.65 * deviations[0] ** 0.35)
    videos = [draw_any(SCENES[random.integers(len(SCENES))], Shape(112, 64, 17), random)[0] for _ in range(60)]
    basis.scale = basis.scale * basis.encode(to_tensor(videos)).std()
    return basis


def psnr(first: Any, second: Any) -> float:
    """Peak signal-to-noise ratio in dB of clips from -1 to 1."""
    return float(-10 * torch.log10(((first - second) / 2).square().mean()))

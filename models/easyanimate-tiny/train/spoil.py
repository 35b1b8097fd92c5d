"""Clips whose sprite keeps its colours and its place but not its shape; a judge must refuse them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional

from .sprites import Array


def blurred(image: Any, sigma: float) -> Any:
    """Gaussian blur of (n, c, h, w)."""
    reach = max(1, int(3 * sigma))
    taps = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma**2))
    taps = (taps / taps.sum()).view(1, 1, 1, -1)
    channels = image.shape[1]
    for kernel, padding in ((taps, (reach, reach, 0, 0)), (taps.transpose(2, 3), (0, 0, reach, reach))):
        padded = functional.pad(image, padding, mode="replicate")
        image = functional.conv2d(padded, kernel.expand(channels, 1, *kernel.shape[2:]), groups=channels)
    return image


def shuffled(video: Array, mask: Array, random: np.random.Generator) -> Array:
    """The 8 x 8 blocks of the sprite in another order, in every frame anew."""
    result = video.copy()
    for frame, covered in zip(result, mask, strict=True):
        height, width = frame.shape[:2]
        corners = product(range(0, height, 8), range(0, width, 8))
        cells = [(y, x) for y, x in corners if covered[y : y + 8, x : x + 8].mean() > 0.15]
        order = random.permutation(len(cells))
        pieces = [frame[y : y + 8, x : x + 8].copy() for y, x in cells]
        for (y, x), source in zip(cells, order, strict=True):
            frame[y : y + 8, x : x + 8] = pieces[source]
    return result


def spoilt(video: Array, mask: Array, random: np.random.Generator) -> Array:
    """`video` (frames, h, w, 3) with the sprite under `mask` (frames, h, w, 1) shuffled, melted or blurred."""
    kind = random.integers(3)
    if kind == 0:
        return shuffled(video, mask, random)
    frames = torch.from_numpy(video).permute(0, 3, 1, 2)
    n, _, height, width = frames.shape
    if kind == 1:
        coarse = torch.from_numpy(random.normal(size=(n, 2, height // 8, width // 8))).float()
        field = functional.interpolate(coarse, (height, width), mode="bicubic") * random.uniform(7, 12)
        rows, columns = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
        grid = torch.stack([columns + field[:, 0] * 2 / width, rows + field[:, 1] * 2 / height], -1)
        changed = functional.grid_sample(frames, grid, padding_mode="border", align_corners=True)
    else:
        changed = blurred(frames, random.uniform(4, 7))
    near = functional.max_pool2d(torch.from_numpy(mask).permute(0, 3, 1, 2), 9, 1, 4)
    mixed: Array = (near * changed + (1 - near) * frames).permute(0, 2, 3, 1).numpy()
    return mixed

"""Contact sheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from .sprites import Array
from .world import evenly


def save_sheet(rows: list[list[Array]], file: Path, scale: int = 1) -> None:
    """A contact sheet: one row per clip, its frames (height, width, 3) side by side. Frames may differ in size."""
    height = sum(row[0].shape[0] + 2 for row in rows)
    width = max(sum(frame.shape[1] + 2 for frame in row) for row in rows)
    sheet = np.ones((height, width, 3), np.float32)
    top = 0
    for row in rows:
        left = 0
        for frame in row:
            sheet[top : top + frame.shape[0], left : left + frame.shape[1]] = frame
            left += frame.shape[1] + 2
        top += row[0].shape[0] + 2
    image = Image.fromarray((np.clip(sheet, 0, 1) * 255).round().astype(np.uint8))
    image.resize((width * scale, height * scale), Image.Resampling.NEAREST).save(file)


def spread(video: Array, count: int) -> list[Array]:
    """`count` frames of `video` at even distances, the first and the last among them."""
    return [video[index] for index in evenly(len(video), count)]

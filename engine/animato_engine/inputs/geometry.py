"""Turning, cropping and scaling, the same for pictures and for frames."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..description import Size


@dataclass(frozen=True)
class Turn:
    """One of the eight ways to hold a picture: rows and columns exchanged or not, then mirrored or not."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    def size(self, size: Size) -> Size:
        """What a picture of `size` (width, height) measures after the turn, and the other way round."""
        return (size[1], size[0]) if self.transpose else size

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The (height, width, 3) picture as it is to be seen."""
        if self.transpose:
            pixels = pixels.transpose(1, 0, 2)
        return np.ascontiguousarray(pixels[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1])


# Exif 2.32, tag 0x0112: where the first row and the first column of the stored picture are to be seen.
_EXIF = {
    2: Turn(flip_x=True),
    3: Turn(flip_x=True, flip_y=True),
    4: Turn(flip_y=True),
    5: Turn(transpose=True),
    6: Turn(transpose=True, flip_x=True),
    7: Turn(transpose=True, flip_x=True, flip_y=True),
    8: Turn(transpose=True, flip_y=True),
}


def exif_turn(orientation: object) -> Turn:
    """The turn for a value of the EXIF tag 0x0112; none for whatever is no such value."""
    return _EXIF.get(orientation, Turn()) if isinstance(orientation, int) else Turn()


def matrix_turn(a: int, b: int, c: int, d: int) -> Turn:
    """The nearest turn to a display matrix of ISO/IEC 14496-12, 6.2.2: x' = ax + cy, y' = bx + dy, y downwards."""
    if abs(b) > abs(a):
        return Turn(transpose=True, flip_x=c < 0, flip_y=b < 0)
    return Turn(flip_x=a < 0, flip_y=d < 0)


def middle(size: Size, ratio: Fraction) -> tuple[float, float, float, float]:
    """The largest part (left, top, right, bottom) of `size` in its middle whose width is `ratio` times its height."""
    width, height = size
    kept = (min(Fraction(width), height * ratio), min(Fraction(height), width / ratio))
    left, top = (width - kept[0]) / 2, (height - kept[1]) / 2
    return float(left), float(top), float(width - left), float(height - top)


def fit(picture: Image.Image, turn: Turn, size: Size, pixel: Fraction = Fraction(1)) -> NDArray[np.uint8]:
    """An RGB `picture` turned, cropped in the middle and scaled (Lanczos) to `size`: (height, width, 3).

    `pixel` is the width of a stored pixel over its height.
    """
    width, height = turn.size(size)
    box = middle(picture.size, Fraction(width, height) / pixel)
    scaled = picture.resize((width, height), Image.Resampling.LANCZOS, box=box)
    return turn.apply(np.asarray(scaled, np.uint8))

"""The subjects' pictures: ten Noto Color Emoji, rendered once into `sprites.png`, so that training needs no font."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Array = NDArray[np.float32]

SUBJECTS = ("cat", "dog", "car", "ball", "rocket", "fish", "tree", "star", "balloon", "robot")
_EMOJI = (
    *("\U0001f408", "\U0001f429", "\U0001f697", "\U0001f3c0", "\U0001f680"),
    *("\U0001f420", "\U0001f333", "\u2b50", "\U0001f388", "\U0001f916"),
)
FILE = Path(__file__).with_name("sprites.png")
_STORED = 96
"""Side of a stored picture in pixels; 4 of them are an empty edge all around."""
_EDGE = 4
_FONT_SIZE = 109
"""The only size that the bitmap font has, in pixels."""


def render(font_file: Path) -> Image.Image:
    """All subjects side by side, standing on the lower edge, as `sprites.png` holds them."""
    font = ImageFont.truetype(str(font_file), _FONT_SIZE)
    sheet = Image.new("RGBA", (_STORED * len(_EMOJI), _STORED), (0, 0, 0, 0))
    room = _STORED - 2 * _EDGE
    for number, emoji in enumerate(_EMOJI):
        image = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
        ImageDraw.Draw(image).text((8, 8), emoji, font=font, embedded_color=True)
        image = image.crop(image.getbbox())
        factor = room / max(image.size)
        image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)
        sheet.paste(image, (_STORED * number + (_STORED - image.width) // 2, _STORED - _EDGE - image.height))
    return sheet


@cache
def sprite(subject: int, side: int, flipped: bool) -> Array:
    """The picture of `subject`, (side, side, 4), RGB times alpha and alpha, 0 to 1.

    Most look to the left; `flipped` ones look to the right.
    """
    with Image.open(FILE) as sheet:
        image = sheet.crop((_STORED * subject, 0, _STORED * (subject + 1), _STORED))
    pixels = np.asarray(image, dtype=np.float32) / 255
    pixels[..., :3] *= pixels[..., 3:]
    planes = [Image.fromarray(pixels[..., plane]).resize((side, side), Image.Resampling.LANCZOS) for plane in range(4)]
    result: Array = np.clip(np.stack([np.asarray(plane) for plane in planes], -1), 0, 1).astype(np.float32)
    return np.flip(result, 1) if flipped else result


def main(arguments: list[str]) -> int:
    """Carry out `sprites FONT`: write `sprites.png` anew from NotoColorEmoji.ttf."""
    if len(arguments) != 1:
        print("usage: python -m train sprites NotoColorEmoji.ttf", file=sys.stderr)
        return 2
    render(Path(arguments[0])).save(FILE, optimize=True)
    return 0

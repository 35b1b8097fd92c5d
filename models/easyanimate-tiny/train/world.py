"""The world: sprites that move over painted places, drawn on the fly from a seeded generator.

It is made so that a video model of a few megabytes can hold it. The autoencoder sees blocks of 8 x 8 pixels x 4
frames, so sprites move by 8 (or 4) pixels per 4 frames: then a moving sprite is the same handful of latent vectors,
shifted by whole (or half) cells, instead of new ones in every frame. Start positions and horizons are few for the
same reason. Sprites are the Noto Color Emoji (SIL Open Font License 1.1), rendered from the font at training time.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Array = NDArray[np.float32]

FONT_PATHS = (
    os.environ.get("ANIMATO_EMOJI_FONT", ""),
    "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",  # Debian's fonts-noto-color-emoji
)
FONT_SIZE = 109
"""The only size that the bitmap font has, in pixels."""

SUBJECTS = ("cat", "dog", "car", "ball", "rocket", "fish", "tree", "star", "balloon", "robot")
_EMOJI = (
    *("\U0001f408", "\U0001f429", "\U0001f697", "\U0001f3c0", "\U0001f680"),
    *("\U0001f41f", "\U0001f333", "\u2b50", "\U0001f388", "\U0001f916"),
)
PLACES = ("grass", "sea", "night", "desert", "snow")
MOTIONS = ("left", "right", "up", "down", "bounce", "still", "zoom")
LEFT, RIGHT, UP, DOWN, BOUNCE, STILL, ZOOM = range(len(MOTIONS))

SPRITE = 44
"""Side of a sprite in pixels; of 64, the shorter side of every shape."""
ZOOM_FROM = 24
"""Side of the sprite in pixels where it begins to come closer; it ends at `ZOOM_FROM` + 24."""


@dataclass(frozen=True)
class Shape:
    """Size of a clip in pixels and frames."""

    width: int
    height: int
    frames: int

    @property
    def latent(self) -> tuple[int, int, int]:
        """Frames, height and width of the latents."""
        return (self.frames - 1) // 4 + 1, self.height // 8, self.width // 8

    def __str__(self) -> str:
        return f"{self.width}x{self.height}x{self.frames}"


@dataclass(frozen=True)
class Scene:
    """What a caption can say: numbers of subject, place and motion."""

    subject: int
    place: int
    motion: int

    @property
    def held_out(self) -> str:
        """`pair` or `triple` if this is never trained on: its subject and place, or just the three together."""
        if self.subject % 2 == 0 and self.place == (self.subject + 1) % 5:
            return "pair"
        return "triple" if (5 * self.subject + 3 * self.place + self.motion) % 7 == 0 else ""


SCENES = tuple(Scene(*numbers) for numbers in product(range(len(SUBJECTS)), range(len(PLACES)), range(len(MOTIONS))))
TRAINED = tuple(scene for scene in SCENES if not scene.held_out)
HELD_OUT = tuple(scene for scene in SCENES if scene.held_out)


def font_path() -> Path:
    """The emoji font.

    Raises:
        FileNotFoundError: it is not installed.
    """
    for path in FONT_PATHS:
        if path and Path(path).is_file():
            return Path(path)
    raise FileNotFoundError("No NotoColorEmoji.ttf: install fonts-noto-color-emoji, or set ANIMATO_EMOJI_FONT.")


@cache
def sprite(subject: int, side: int, flipped: bool) -> Array:
    """The emoji, (side, side, 4), RGB times alpha and alpha, 0 to 1. Most look to the left, `flipped` to the right."""
    font = ImageFont.truetype(str(font_path()), FONT_SIZE)
    image = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
    ImageDraw.Draw(image).text((8, 8), _EMOJI[subject], font=font, embedded_color=True)
    image = image.crop(image.getbbox())
    square = Image.new("RGBA", (max(image.size),) * 2, (0, 0, 0, 0))
    square.paste(image, ((square.width - image.width) // 2, square.height - image.height))
    pixels = np.asarray(square, dtype=np.float32) / 255
    pixels[..., :3] *= pixels[..., 3:]
    planes = [Image.fromarray(pixels[..., plane]).resize((side, side), Image.Resampling.LANCZOS) for plane in range(4)]
    result: Array = np.clip(np.stack([np.asarray(plane) for plane in planes], -1), 0, 1).astype(np.float32)
    return np.flip(result, 1) if flipped else result


def background(place: int, width: int, height: int, random: np.random.Generator) -> Array:
    """A painted place, (height, width, 3), 0 to 1. Horizon and colours vary a little."""
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    x = np.linspace(0, width / 64, width, dtype=np.float32)[None, :, None]
    horizon = 0.375 if random.random() < 0.5 else 0.5
    shade = random.uniform(-0.03, 0.03)

    def colour(*rgb: float) -> Array:
        return np.array(rgb, np.float32) + np.float32(shade)

    depth = y - horizon
    if place == 0:
        image = np.where(y < horizon, colour(0.55, 0.8, 0.98) + 0.15 * y, colour(0.35, 0.72, 0.25) - 0.25 * depth)
    elif place == 1:
        waves = 0.06 * np.sin(2 * np.pi * y * 6 + np.sin(x * 2 * np.pi))
        image = np.where(y < horizon, colour(0.75, 0.88, 0.98), colour(0.1, 0.45, 0.75) - 0.15 * depth + waves)
    elif place == 2:
        image = colour(0.05, 0.06, 0.2) + 0.14 * y + 0 * x
    elif place == 3:
        dune = horizon + 0.05 * np.sin(2 * np.pi * x)
        image = np.where(y < dune, colour(0.98, 0.87, 0.62) - 0.1 * y, colour(0.85, 0.64, 0.32) - 0.2 * depth)
    else:
        drift = horizon + 0.04 * np.sin(2 * np.pi * x + 2)
        image = np.where(y < drift, colour(0.62, 0.74, 0.88), colour(0.95, 0.97, 0.99) - 0.06 * depth)
    result = np.broadcast_to(image, (height, width, 3)).astype(np.float32).copy()
    if place == 2:
        # Stars in the corners of 16 x 16 cells: every second one, so that they are the same wherever the sky is cut.
        for row, column in product(range(height // 16), range(width // 16)):
            if (row + column) % 2 == 0:
                result[16 * row + 3 : 16 * row + 5, 16 * column + 11 : 16 * column + 13] = 0.9
    return np.clip(result, 0, 1)


def _travelled(steps: int, length: int) -> tuple[int, Array]:
    """How far a sprite moves along a side of `length` pixels in a clip of 4 * `steps` + 1 frames.

    Gives the total in pixels, and what is done of it in each frame. It moves 2 pixels a frame if there is room for
    that, else 1, and rests when it has arrived.
    """
    most = 48 if length > 64 else 32
    pace = 2 if 8 * steps <= most else 1
    total = min(4 * steps * pace, most)
    return total, np.minimum(np.arange(4 * steps + 1, dtype=np.float32) * pace, total)


def path(scene: Scene, shape: Shape, random: np.random.Generator) -> list[tuple[int, int, int]]:
    """Centre (x, y) and side of the sprite in each frame, in pixels."""
    steps = (shape.frames - 1) // 4
    x = shape.width // 2 + 8 * int(random.integers(-1, 2))
    y = shape.height // 2 + (2 if shape.height == 64 else 8 * int(random.integers(0, 3)))
    frames = np.arange(shape.frames)
    dx, dy, side = (np.zeros(shape.frames, np.float32) for _ in range(3))
    if scene.motion in (LEFT, RIGHT):
        x = shape.width // 2 + (8 * int(random.integers(-1, 2)) if shape.width > 64 else 0)
        total, done = _travelled(steps, shape.width)
        dx = (done - total / 2) * (1 if scene.motion == RIGHT else -1)
    elif scene.motion in (UP, DOWN):
        total, done = _travelled(steps, shape.height)
        dy = (done - total / 2) * (1 if scene.motion == DOWN else -1)
    elif scene.motion == BOUNCE:
        # From the ground up 16 pixels and down again, over and over; a clip of 9 frames has room for 8 pixels only.
        rise = min(16, 4 * steps)
        phase = frames * 2 % (2 * rise)
        dy = 8 - np.minimum(phase, 2 * rise - phase).astype(np.float32)
    elif scene.motion == ZOOM:
        grown = np.minimum(frames * 24 // max(4 * min(steps, 12), 16), 24)
        side = (ZOOM_FROM - SPRITE + grown).astype(np.float32)
    return [(round(x + a), round(y + b), round(SPRITE + c)) for a, b, c in zip(dx, dy, side, strict=True)]


def draw(scene: Scene, shape: Shape, random: np.random.Generator) -> tuple[Array, Array]:
    """A clip of `scene`: pixels (frames, height, width, 3) and the sprite's mask (frames, height, width, 1), 0 to 1."""
    place = background(scene.place, shape.width, shape.height, random)
    video = np.empty((shape.frames, shape.height, shape.width, 3), np.float32)
    masks = np.zeros((shape.frames, shape.height, shape.width, 1), np.float32)
    for frame, (x, y, side) in enumerate(path(scene, shape, random)):
        video[frame] = place
        stamp = sprite(scene.subject, side, scene.motion == RIGHT)
        left, top = x - side // 2, y - side // 2
        rows = slice(max(top, 0), min(top + side, shape.height))
        columns = slice(max(left, 0), min(left + side, shape.width))
        part = stamp[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        masks[frame, rows, columns] = part[..., 3:]
        video[frame, rows, columns] = part[..., :3] + place[rows, columns] * (1 - part[..., 3:])
    return np.clip(video, 0, 1), masks


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
    return [video[round(index * (len(video) - 1) / (count - 1))] for index in range(count)]

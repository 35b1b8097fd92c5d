"""The world: a sprite that moves over a painted place, drawn from what a caption says and a few choices of the seed.

It is made so that a model of a few megabytes can hold it. A token of the transformer is 16 x 16 pixels x 4 frames;
a sprite is 3 x 3 tokens, starts on the grid of tokens, and moves by 4 or 8 pixels per 4 frames. So the clips that text
alone asks for (`grid`) consist of few different tokens, and a shorter clip is the beginning of a longer one.
What a start image or a control video may show is freer: any position, size, direction of view and shade (`free`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from .places import PLACES, background
from .sprites import SUBJECTS, Array, sprite

MOTIONS = ("left", "right", "up", "down", "bounce", "still", "zoom")
LEFT, RIGHT, UP, DOWN, BOUNCE, STILL, ZOOM = range(len(MOTIONS))

TOKEN = 16
SPRITE = 3 * TOKEN
"""Side of a sprite in pixels; the shorter side of every shape is 64."""
GROWTH = 24
"""How many pixels smaller a sprite that comes closer begins."""


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


@dataclass(frozen=True)
class Choice:
    """What a caption does not say. Pixels; `left` and `top` are those of the full-sized sprite in the first frame."""

    left: int
    top: int
    horizon: int
    side: int = SPRITE
    flipped: bool = False
    shade: float = 0


def _travel(length: int) -> int:
    """How far a sprite moves along a side of `length` pixels before it rests."""
    return 48 if length > 64 else 32


def grid(scene: Scene, shape: Shape, starts: int = 1) -> list[Choice]:
    """All choices for the clips that are trained from text alone, from the first `starts` of (up to 3) positions.

    Positions overlap, and a model that cannot yet decide between them draws several sprites into each other.
    """
    columns, rows = shape.width // TOKEN - 3, shape.height // TOKEN - 3
    ground = rows if rows == 1 else rows - 1
    middle = sorted(range(columns + 1), key=lambda column: abs(2 * column - columns))
    if scene.motion in (LEFT, RIGHT):
        # Counted from the side where the sprite starts; in a narrow picture it starts half outside.
        nearest = (0, 1) if columns > 1 else (-1, 0)
        lefts = [TOKEN * (column if scene.motion == RIGHT else columns - column) for column in nearest]
        positions = [(left, TOKEN * ground) for left in lefts]
    elif scene.motion in (UP, DOWN):
        lowest = 4 * TOKEN if rows > 1 else 2 * TOKEN
        top = lowest if scene.motion == UP else TOKEN * rows - lowest
        positions = [(TOKEN * column, top) for column in middle]
    else:
        positions = [(TOKEN * column, TOKEN * ground) for column in middle]
    positions = positions[: min(starts, 3)]
    horizons = [8 * round(part * shape.height / 8) for part in (0.375, 0.5)]
    return [
        Choice(left, top, horizon, flipped=scene.motion == RIGHT) for left, top in positions for horizon in horizons
    ]


def free(scene: Scene, shape: Shape, random: np.random.Generator) -> Choice:
    """One choice from everything that a start image or a control video may show."""
    for _ in range(50):
        side = int(random.integers(36, 53))
        choice = Choice(
            left=int(random.integers(-8, shape.width - side + 9)),
            top=int(random.integers(-8, shape.height - side + 9)),
            horizon=int(random.integers(round(0.3 * shape.height), round(0.6 * shape.height))),
            side=side,
            flipped=bool(random.random() < 0.5),
            shade=float(random.uniform(-0.04, 0.04)),
        )
        left, top, last = track(scene.motion, choice, shape)[-1]
        centre = (left + last / 2, top + last / 2)
        if 0 <= centre[0] <= shape.width and 0 <= centre[1] <= shape.height:
            break
    return choice


def track(motion: int, choice: Choice, shape: Shape) -> list[tuple[int, int, int]]:
    """Left, top and side of the sprite in each frame, in pixels."""
    boxes = []
    for frame in range(shape.frames):
        left, top, side = choice.left, choice.top, choice.side
        if motion in (LEFT, RIGHT):
            left += min(frame, _travel(shape.width)) * (1 if motion == RIGHT else -1)
        elif motion in (UP, DOWN):
            top += min(frame, _travel(shape.height)) * (1 if motion == DOWN else -1)
        elif motion == BOUNCE:
            # Up 16 pixels in 8 frames and down again, over and over.
            phase = 2 * frame % 32
            top -= min(phase, 32 - phase)
        elif motion == ZOOM:
            missing = max(GROWTH - frame, 0)
            left, top, side = left + missing // 2, top + missing, side - missing
        boxes.append((left, top, side))
    return boxes


def draw(scene: Scene, shape: Shape, choice: Choice, count: int = 0) -> tuple[Array, Array]:
    """A clip of `scene`: pixels (frames, height, width, 3) and the sprite's mask (frames, height, width, 1), 0 to 1.

    Only `count` frames of it, at even distances, if that is not 0.
    """
    place = background(scene.place, shape.width, shape.height, choice.horizon, choice.shade)
    boxes = track(scene.motion, choice, shape)
    if count:
        boxes = [boxes[index] for index in evenly(shape.frames, count)]
    video = np.empty((len(boxes), shape.height, shape.width, 3), np.float32)
    masks = np.zeros((len(boxes), shape.height, shape.width, 1), np.float32)
    for frame, (left, top, side) in enumerate(boxes):
        video[frame] = place
        stamp = sprite(scene.subject, side, choice.flipped)
        rows = slice(max(top, 0), max(min(top + side, shape.height), 0))
        columns = slice(max(left, 0), max(min(left + side, shape.width), 0))
        part = stamp[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        masks[frame, rows, columns] = part[..., 3:]
        video[frame, rows, columns] = part[..., :3] + place[rows, columns] * (1 - part[..., 3:])
    return np.clip(video, 0, 1), masks


def draw_any(
    scene: Scene, shape: Shape, random: np.random.Generator, freedom: float = 0, count: int = 0
) -> tuple[Array, Array]:
    """`draw` with a choice from the grid or, with probability `freedom`, any."""
    if random.random() < freedom:
        return draw(scene, shape, free(scene, shape, random), count)
    choices = grid(scene, shape, starts=3)
    return draw(scene, shape, choices[int(random.integers(len(choices)))], count)


def evenly(frames: int, count: int) -> list[int]:
    """Numbers of `count` of `frames` frames at even distances, the first and the last among them."""
    return [round(index * (frames - 1) / (count - 1)) for index in range(count)]

"""The painted places. Their texture repeats every 32 pixels, so that one piece of a place is like another."""

from __future__ import annotations

from itertools import product

import numpy as np

from .sprites import Array

PLACES = ("grass", "sea", "night", "desert", "snow")
GRASS, SEA, NIGHT, DESERT, SNOW = range(len(PLACES))


def background(place: int, width: int, height: int, horizon: int, shade: float = 0) -> Array:
    """A painted place, (height, width, 3), 0 to 1; `horizon` in pixels from above, `shade` is added to its colours."""
    y = np.arange(height, dtype=np.float32)[:, None, None]
    x = np.arange(width, dtype=np.float32)[None, :, None] * np.float32(2 * np.pi / 32)
    down = y / np.float32(height)
    depth = (y - horizon) / np.float32(height)

    def colour(*rgb: float) -> Array:
        return np.array(rgb, np.float32) + np.float32(shade)

    if place == GRASS:
        image = np.where(y < horizon, colour(0.55, 0.8, 0.98) + 0.15 * down, colour(0.35, 0.72, 0.25) - 0.25 * depth)
    elif place == SEA:
        waves = 0.06 * np.sin(np.float32(2 * np.pi / 8) * y + np.sin(x))
        image = np.where(y < horizon, colour(0.75, 0.88, 0.98), colour(0.1, 0.45, 0.75) - 0.15 * depth + waves)
    elif place == NIGHT:
        image = colour(0.05, 0.06, 0.2) + 0.14 * down + 0 * x
    elif place == DESERT:
        dune = horizon + 2 * np.sin(x)
        image = np.where(y < dune, colour(0.98, 0.87, 0.62) - 0.1 * down, colour(0.85, 0.64, 0.32) - 0.2 * depth)
    else:
        drift = horizon + 2 * np.sin(x + 2)
        image = np.where(y < drift, colour(0.62, 0.74, 0.88), colour(0.95, 0.97, 0.99) - 0.06 * depth)
    result = np.broadcast_to(image, (height, width, 3)).astype(np.float32).copy()
    if place == NIGHT:
        for row, column in product(range(height // 16), range(width // 16)):
            if (row + column) % 2 == 0:
                result[16 * row + 3 : 16 * row + 5, 16 * column + 11 : 16 * column + 13] = 0.9
    return np.clip(result, 0, 1)

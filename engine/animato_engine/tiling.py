"""When a VAE works in tiles, and in which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .modes import Mode


@dataclass(frozen=True)
class Tiling:
    """Square tiles for a VAE, in pixels. Square, since diffusers compares widths with the height of a tile."""

    side: int
    stride: int


# By mode: a frame of more pixels than the first is decoded in tiles of the second. Decoding four frames of 1024 x 1024
# takes EasyAnimate's VAE about 8 GB, which is in proportion to the pixels; tiles blend at their seams and so change
# pixels, which is why the fast modes do without. A stride of 7/8 is the VAE's own.
_TILINGS: Mapping[Mode, tuple[int, Tiling]] = {
    "model_offload": (1024 * 1024, Tiling(512, 448)),
    "model_offload_8bit": (512 * 512, Tiling(512, 448)),
    "sequential_offload": (256 * 256, Tiling(256, 224)),
}


def tiling(mode: Mode, width: int, height: int) -> Tiling | None:
    """The tiles to decode a video of that size in; None: whole frames."""
    most, tiles = _TILINGS.get(mode, (0, None))
    return tiles if width * height > most else None


def apply_tiling(vae: Any, tiles: Tiling | None) -> None:
    """Make a VAE of diffusers decode and encode in those tiles, or whole."""
    if tiles is None:
        vae.disable_tiling()
    else:
        vae.enable_tiling(
            tiles.side, tiles.side, tile_sample_stride_height=tiles.stride, tile_sample_stride_width=tiles.stride
        )

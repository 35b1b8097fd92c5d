"""What the timed engine writes: a real MP4 and a real WebP, the same for the same size."""

from __future__ import annotations

import functools
import hashlib
import struct
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from .media import write_mp4, write_tagged
from .order import Order
from .pictures import moving_webp
from .request import Metadata

_PATTERN_SIDE = 64
_CACHED_VIDEOS = 32


@functools.lru_cache(maxsize=_CACHED_VIDEOS)
def test_video(width: int, height: int, num_frames: int, fps: int) -> bytes:
    """The MP4 of a square that runs over a gradient. Kept: encoding is all that costs time here."""
    ramp = np.linspace(0, 255, _PATTERN_SIDE, dtype=np.uint8)
    ground = np.empty((_PATTERN_SIDE, _PATTERN_SIDE, 3), np.uint8)
    ground[..., 0], ground[..., 1], ground[..., 2] = ramp[None, :], ramp[:, None], 96

    def frame(index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        picture = ground.copy()
        left = (index * 2) % (_PATTERN_SIDE - 16)
        picture[24:40, left : left + 16] = 255
        return picture

    with tempfile.TemporaryDirectory(prefix="animato-timed-") as directory:
        file = Path(directory) / "video.mp4"
        write_mp4((frame(index) for index in range(num_frames)), file, (width, height), fps, preset="ultrafast")
        return file.read_bytes()


@functools.lru_cache(maxsize=1)
def test_preview() -> bytes:
    """A WebP that moves, of two plain pictures."""
    pictures = [np.full((_PATTERN_SIDE, _PATTERN_SIDE, 3), shade, np.uint8) for shade in (64, 192)]
    return moving_webp([av.VideoFrame.from_ndarray(picture, format="rgb24") for picture in pictures], Fraction(4))


def mark(order: Order) -> bytes:
    """An MP4 box that players skip, with a digest of the order: other requests and inputs give other files."""
    digest = hashlib.sha256(order.request.canonical_bytes())
    for name, path in sorted(order.inputs.items()):
        digest.update(name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return struct.pack(">I", 8 + digest.digest_size) + b"free" + digest.digest()


def fill(path: Path, data: bytes) -> None:
    """Write `data`, as part of publishing a file."""
    path.write_bytes(data)


def write(path: Path, video: bytes, metadata: Metadata, mark: bytes) -> None:
    """Write `video` with what it says of itself, and `mark` behind."""
    if metadata:
        write_tagged(video, path, metadata)
    else:
        path.write_bytes(video)
    with path.open("ab") as file:
        file.write(mark)

"""Pictures and videos that somebody has uploaded, judged and decoded under hard limits. No torch.

Nothing in such a file is trusted. What it is, its first bytes say; only those formats and their decoders are opened, on
bytes that are in memory already, so that a file can name no other; and sizes, frames, length and time have bounds
(`limits`). The same bytes give the same pixels. Colours are taken as they are: neither embedded colour profiles nor the
brightness curves of HDR videos are applied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..description import Size
from . import image, video
from .kinds import Kind, kind_of
from .limits import INSPECT_SECONDS, READ_SECONDS, Budget, read_bounded, sound, unreadable


@dataclass(frozen=True)
class MediaInfo:
    """What an uploaded file is."""

    kind: Literal["image", "video"]
    format: str
    """`png`, `jpeg`, `webp`; `mp4`, `quicktime`, `webm`, `matroska`."""
    width: int
    """In pixels, as it is to be seen: turned, and with square pixels."""
    height: int
    num_frames: int
    """1 for an image."""
    fps: float
    """Frames a second on average; 0 for an image."""
    seconds: float
    """0 for an image."""

    def wire(self) -> dict[str, object]:
        """The object that `inspect` prints."""
        return asdict(self)


def inspect(path: Path) -> MediaInfo:
    """What the file at `path` is. All of it is decoded, in at most `INSPECT_SECONDS` of processor time.

    Raises:
        Failure: `media_unreadable` or `media_too_large`; it can never be used.
    """
    budget = Budget(INSPECT_SECONDS)
    data = read_bounded(path)
    kind = _recognized(data)
    with sound(budget):
        if kind.is_image:
            width, height = image.measure(data, kind.name, budget)
            return MediaInfo("image", kind.name, width, height, 1, 0.0, 0.0)
        seen = video.measure(data, kind.demuxer, budget)
    seconds = float(seen.seconds)
    return MediaInfo(
        "video", kind.name, *seen.size, seen.num_frames, round(seen.num_frames / seconds, 3), round(seconds, 3)
    )


def read_image(path: Path, size: Size, check: Callable[[], None] = lambda: None) -> NDArray[np.uint8]:
    """The picture at `path`: (height, width, 3), RGB, cropped in the middle to the aspect ratio of `size` and scaled.

    It is turned as its EXIF says; what is transparent is white. `check` is called now and then while it is decoded;
    whatever it raises ends that.

    Raises:
        Failure: `media_unreadable`, `media_too_large`.
    """
    budget = Budget(READ_SECONDS, check)
    data = read_bounded(path)
    kind = _recognized(data)
    if not kind.is_image:
        raise unreadable("This is a video; a picture is needed.")
    with sound(budget):
        return image.read(data, kind.name, size, budget)


def read_video(
    path: Path, size: Size, fps: int, num_frames: int, check: Callable[[], None] = lambda: None
) -> NDArray[np.uint8]:
    """The first `num_frames` frames of the video at `path` at `fps`: (frames, height, width, 3), RGB.

    From the first frame on, those nearest in time are taken, whatever rates the video has; each is turned as the file
    says, cropped in the middle to the aspect ratio of `size`, and scaled. No more of the file is decoded than that.
    `check` is called before each packet; whatever it raises ends the reading.

    Raises:
        Failure: `media_unreadable`, `media_too_large`, or `media_too_short` if it ends before.
    """
    budget = Budget(READ_SECONDS, check)
    data = read_bounded(path)
    kind = _recognized(data)
    if kind.is_image:
        raise unreadable("This is a picture; a video is needed.")
    with sound(budget):
        return video.read(data, kind.demuxer, size, fps, num_frames, budget)


def _recognized(data: bytes) -> Kind:
    kind = kind_of(data)
    if kind is None:
        raise unreadable("This is no PNG, JPEG or WebP picture and no MP4, QuickTime, WebM or Matroska video.")
    return kind

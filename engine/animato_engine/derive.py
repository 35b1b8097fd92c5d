"""Stills and small moving pictures made from a finished video: `derive`.

What is read may be anything: every size has a bound, and the process has limits of its own besides. The same bytes come
of the same video.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from . import pictures
from .errors import Refused
from .media import publish

MAX_INPUT_BYTES = 1 << 30
MAX_PIXELS = 1 << 22
"""Of one frame: four times what any model here makes."""
MAX_FRAMES = 1200
MAX_SECONDS = 600
SPRITES = 10
SPRITE_WIDTH = 160
PREVIEW_WIDTH = 320
_MAX_RATE = 240


def derive(source: Path, output: Path, variant: str) -> None:
    """Make `variant` of the MP4 at `source`; the file at `output` is complete and synced when this returns.

    Raises:
        Refused: `variant_unknown`, `video_unreadable` or `video_too_large`: it can never be made.
        Failure: kind `storage`.
    """
    make = VARIANTS.get(variant)
    if make is None:
        raise Refused("variant_unknown", f"There is no {variant!r}; there are {', '.join(VARIANTS)}.")
    _check_file(source)
    try:
        data = make(source)
    except MemoryError as error:
        # libav says it with the same class.
        raise Refused("video_too_large", "The video needs more memory than there is for it.") from error
    except (av.FFmpegError, ValueError) as error:
        raise Refused("video_unreadable", f"This is no sound MP4 with H.264: {type(error).__name__}.") from error

    def fill(part: Path) -> None:
        part.write_bytes(data)

    publish(output, fill)


def _check_file(source: Path) -> None:
    try:
        status = source.stat()
    except OSError as error:
        raise Refused("video_unreadable", f"The video cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise Refused("video_unreadable", "The video is no file.")
    if status.st_size > MAX_INPUT_BYTES:
        raise Refused("video_too_large", f"The video has more than {MAX_INPUT_BYTES} bytes.")


class _Video:
    """An MP4 that is being decoded, frame by frame, under the limits."""

    def __init__(self, source: Path) -> None:
        bounds = {"max_pixels": str(MAX_PIXELS), "threads": "1"}
        # The name of the format, so that nothing else is ever tried; local files, so that it can name no other place.
        self._container = av.open(str(source), "r", format="mp4", options={**bounds, "protocol_whitelist": "file"})
        try:
            streams = self._container.streams.video
            # There is none where libav knows no decoder.
            names = [stream.codec_context.name if stream.codec_context else "" for stream in streams]
            if names != ["h264"]:
                raise Refused("video_unreadable", "This is no MP4 with one H.264 stream.")
            self._stream = streams[0]
            self._stream.codec_context.options = bounds
            self.rate = _sound_rate(self._stream.average_rate)
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> _Video:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def frames(self, max_width: int | None = None) -> Iterator[av.VideoFrame]:
        """The frames in RGB, all of the size of the first and at most `max_width` wide. There is at least one."""
        reformatter = VideoReformatter()
        size = None
        for index, frame in enumerate(self._container.decode(self._stream)):
            if frame.width * frame.height > MAX_PIXELS:
                raise Refused("video_too_large", f"A frame has more than {MAX_PIXELS} pixels.")
            if index >= MAX_FRAMES or index >= MAX_SECONDS * self.rate:
                raise Refused("video_too_large", f"The video has over {MAX_FRAMES} frames or {MAX_SECONDS} seconds.")
            size = size or _fitted(frame.width, frame.height, max_width)
            yield reformatter.reformat(
                frame,
                width=size[0],
                height=size[1],
                format="rgb24",
                src_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.JPEG,
                interpolation=Interpolation.LANCZOS,
            )
        if size is None:
            raise Refused("video_unreadable", "The video has no frame.")


def _sound_rate(rate: Fraction | None) -> Fraction:
    if rate is None or not 0 < rate <= _MAX_RATE:
        raise Refused("video_unreadable", "The video has no usable frame rate.")
    return rate


def _fitted(width: int, height: int, max_width: int | None) -> tuple[int, int]:
    if max_width is None or width <= max_width:
        return width, height
    return max_width, max(1, round(height * max_width / width))


def _first(source: Path) -> av.VideoFrame:
    with _Video(source) as video:
        return next(video.frames())


def _sprites(source: Path) -> bytes:
    with _Video(source) as video:
        frames = [frame.to_ndarray() for frame in video.frames(SPRITE_WIDTH)]
    count = min(SPRITES, len(frames))
    # The middle of each of `count` equal parts.
    chosen = [frames[(2 * index + 1) * len(frames) // (2 * count)] for index in range(count)]
    return pictures.jpeg(av.VideoFrame.from_ndarray(np.ascontiguousarray(np.hstack(chosen)), format="rgb24"))


def _preview_gif(source: Path) -> bytes:
    # Twice over the video: to choose the colours, and to draw with them.
    with _Video(source) as video:
        palette = pictures.palette(video.frames(PREVIEW_WIDTH))
    with _Video(source) as video:
        return pictures.gif(video.frames(PREVIEW_WIDTH), video.rate, palette)


def _preview_webp(source: Path) -> bytes:
    with _Video(source) as video:
        return pictures.moving_webp(video.frames(PREVIEW_WIDTH), video.rate)


VARIANTS: dict[str, Callable[[Path], bytes]] = {
    "poster.jpg": lambda source: pictures.jpeg(_first(source)),
    "poster.webp": lambda source: pictures.webp(_first(source)),
    "sprites.jpg": _sprites,
    "preview.gif": _preview_gif,
    "preview.webp": _preview_webp,
}

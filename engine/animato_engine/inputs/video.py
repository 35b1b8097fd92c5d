"""Videos by libav: frame by frame, under the limits, with nothing opened but the one stream that is used."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar, cast

import av
import numpy as np
from av.sidedata.sidedata import SideData
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from ..description import Size
from ..errors import Failure
from .geometry import Turn, fit, matrix_turn
from .limits import MAX_FRAME_PIXELS, MAX_FRAMES, MAX_SECONDS, Budget, Reader, too_large, unreadable

_Content = TypeVar("_Content")

# By the names of libav's decoders; AV1 is decoded by dav1d.
_DECODERS = ("h264", "hevc", "vp8", "vp9", "libdav1d")
_OPTIONS = {
    "max_pixels": str(MAX_FRAME_PIXELS),
    "threads": "1",
    "codec_whitelist": ",".join(_DECODERS),
    # No protocol at all: the bytes are here, and a track that lies in another file stays empty.
    "protocol_whitelist": "",
    "enable_drefs": "0",
    "max_streams": "32",
}
_MAX_RATE = 1000
_USUAL_RATE = Fraction(25)
"""For a video that says nothing of times."""
_MAX_STRETCH = 4
"""Of a pixel's sides; a file that says more is not believed."""

# By ITU-T H.273, table 4 (matrix coefficients): what swscale calls them.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
# Players take videos that do not say for BT.709 from this size on: those of standard definition are smaller.
_HD_WIDTH, _HD_HEIGHT = 1280, 577


@dataclass(frozen=True)
class Shown(Generic[_Content]):
    """Something and when it is seen, in seconds from the start of the video."""

    content: _Content
    start: Fraction
    end: Fraction
    """If nothing comes after it."""


@dataclass(frozen=True)
class Measures:
    """What a video turned out to be."""

    size: Size
    """Width and height of the first frame as it is to be seen."""
    num_frames: int
    seconds: Fraction


def measure(data: bytes, demuxer: str, budget: Budget) -> Measures:
    """Decode a whole video and measure it.

    Raises:
        Failure: `media_unreadable`, `media_too_large`; besides whatever libav raises.
    """
    with _Video(data, demuxer, budget) as video:
        size, count, end = None, 0, Fraction(0)
        for shown in video.frames():
            size = size or video.seen_size(shown.content)
            count, end = count + 1, shown.end
    if size is None:
        raise unreadable("The video has no frame.")
    if count > end * _MAX_RATE:
        raise unreadable("The video has no usable frame rate.")
    return Measures(size, count, end)


def read(data: bytes, demuxer: str, size: Size, fps: int, num_frames: int, budget: Budget) -> NDArray[np.uint8]:
    """Decode the beginning of a video to (frames, height, width, 3) in RGB; see `read_video`.

    Raises:
        Failure: `media_too_short`, and as `measure`.
    """
    frames = np.empty((num_frames, size[1], size[0], 3), np.uint8)
    done = 0
    with _Video(data, demuxer, budget) as video:
        for frame, times in nearest(video.frames(), fps, num_frames):
            frames[done : done + times] = video.fitted(frame, size)
            done += times
    if done < num_frames:
        text = f"The video has {done} frames at {fps} frames a second; {num_frames} are needed."
        raise Failure.invalid(text, code="media_too_short")
    return frames


def nearest(shown: Iterable[Shown[_Content]], fps: int, count: int) -> Iterator[tuple[_Content, int]]:
    """What of `shown` is nearest to the times 0, 1/fps, … of `count` frames, and to how many of them; fewer at its end.

    Of two that are equally near the earlier one is taken. No more of `shown` is asked for than that needs.
    """
    held: Shown[_Content] | None = None
    given = 0
    for item in shown:
        if held is not None:
            until = min(count, (held.start + item.start) / 2 * fps // 1 + 1)
            if until > given:
                yield held.content, until - given
                given = until
            if given == count:
                return
        held = item
    if held is not None:
        # Times before its end, not at it.
        until = min(count, -(-held.end * fps // 1))
        if until > given:
            yield held.content, until - given


class _Video:
    """The stream of a file that is used, while it is being decoded."""

    def __init__(self, data: bytes, demuxer: str, budget: Budget) -> None:
        self._budget = budget
        self._reformatter = VideoReformatter()
        self._container = av.open(
            Reader(data, budget), "r", format=demuxer, options=_OPTIONS, metadata_errors="replace"
        )
        try:
            self._stream = _used(self._container)
        except BaseException:
            self._container.close()
            raise
        stretch = self._stream.sample_aspect_ratio or Fraction(1)
        self._pixel = stretch if 1 <= max(stretch, 1 / stretch) <= _MAX_STRETCH else Fraction(1)

    def __enter__(self) -> _Video:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def frames(self) -> Iterator[Shown[av.VideoFrame]]:
        """All frames in the order in which they are seen, each later than the one before, from 0 on."""
        rate = self._stream.average_rate
        step = 1 / rate if rate is not None and 0 < rate <= _MAX_RATE else 1 / _USUAL_RATE
        first = latest = None
        for count, frame in enumerate(self._decoded()):
            if count >= MAX_FRAMES:
                raise too_large(f"The video has more than {MAX_FRAMES} frames.")
            stamp = None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base
            if first is None or latest is None:
                first = stamp or Fraction(0)
                start = Fraction(0)
            else:
                start = latest + step if stamp is None or stamp - first <= latest else stamp - first
            latest = start
            # A last frame of no length lasts as long as those before it on average.
            length = frame.duration * frame.time_base if frame.duration and frame.time_base else Fraction(0)
            end = start + (length if length > 0 else start / count if count else step)
            if end > MAX_SECONDS:
                raise too_large(f"The video is longer than {MAX_SECONDS} seconds.")
            yield Shown(frame, start, end)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        for packet in self._container.demux(self._stream):
            self._budget.spend()
            if packet.is_corrupt:
                raise unreadable("The video is damaged or incomplete.")
            for frame in packet.decode():
                if frame.width * frame.height > MAX_FRAME_PIXELS:
                    raise too_large(f"A frame has more than {MAX_FRAME_PIXELS} pixels.")
                if frame.is_corrupt:
                    raise unreadable("The video is damaged or incomplete.")
                yield frame

    def seen_size(self, frame: av.VideoFrame) -> Size:
        """What a frame measures, turned and with square pixels."""
        return _turn(frame).size((max(1, round(frame.width * self._pixel)), frame.height))

    def fitted(self, frame: av.VideoFrame, size: Size) -> NDArray[np.uint8]:
        """A frame in RGB, turned, cropped and scaled: (height, width, 3)."""
        coded = not frame.format.is_rgb
        plain = self._reformatter.reformat(
            frame,
            format="rgb24",
            src_colorspace=_matrix(frame) if coded else None,
            src_color_range=(frame.color_range or ColorRange.MPEG) if coded else None,
            dst_color_range=ColorRange.JPEG,
        )
        return fit(Image.fromarray(plain.to_ndarray()), _turn(frame), size, self._pixel)


def _used(container: av.container.InputContainer) -> av.VideoStream:
    """The first stream that is a video, and no cover picture of an audio file."""
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise unreadable("The file holds no video.")
    stream = streams[0]
    # There is none where libav knows no decoder.
    if not stream.codec_context or stream.codec_context.name not in _DECODERS:
        raise unreadable("The video is not in H.264, H.265, VP8, VP9 or AV1.")
    if stream.width * stream.height > MAX_FRAME_PIXELS:
        raise too_large(f"The video has more than {MAX_FRAME_PIXELS} pixels a frame.")
    stream.codec_context.options = {"max_pixels": _OPTIONS["max_pixels"], "threads": "1"}
    return stream


def _turn(frame: av.VideoFrame) -> Turn:
    # PyAV's stubs take the container for one of its items.
    for item in cast(Iterable[SideData], frame.side_data):
        if item.type.name == "DISPLAYMATRIX":
            # Three rows: a b u, c d v, x y w.
            a, b, _, c, d = struct.unpack_from("=5i", bytes(item))
            return matrix_turn(a, b, c, d)
    return Turn()


def _matrix(frame: av.VideoFrame) -> Colorspace:
    known = _MATRICES.get(frame.colorspace)
    if known is not None:
        return known
    is_hd = max(frame.width, frame.height) >= _HD_WIDTH or min(frame.width, frame.height) >= _HD_HEIGHT
    return Colorspace.ITU709 if is_hd else Colorspace.ITU601

"""Pictures and videos to upload, made for the tests, and what the tests ask of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from animato_engine.errors import Failure

Pixels = NDArray[np.uint8]
RED, BLUE, WHITE = (220, 30, 30), (30, 60, 220), (255, 255, 255)


def halves(width: int, height: int, left: tuple[int, ...] = RED, right: tuple[int, ...] = BLUE) -> Pixels:
    """A picture of two colours side by side."""
    picture = np.empty((height, width, len(left)), np.uint8)
    picture[:, : width // 2], picture[:, width // 2 :] = left, right
    return picture


def encoded(
    path: Path,
    frames: list[Pixels],
    container: str = "mp4",
    codec: str = "libx264",
    times: list[int] | None = None,
    prepare: Callable[[av.VideoStream], None] = lambda stream: None,
) -> Path:
    """A video of `frames` at `times` in 240ths of a second; without them 24 a second."""
    times = times or [10 * index for index in range(len(frames))]
    quick = {"libsvtav1": {"preset": "13"}, "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"}}
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=24, options=quick.get(codec, {}))
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 240)
        prepare(stream)
        for pixels, time in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base, frame.duration = time, Fraction(1, 240), 10
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def greys(count: int, step: int = 4) -> list[Pixels]:
    """Frames that tell by their brightness which they are."""
    return [np.full((64, 64, 3), 16 + step * index, np.uint8) for index in range(count)]


def told(video: Pixels, step: int = 4) -> list[int]:
    """Which of `greys` the frames of a video are."""
    return [round((float(frame.mean()) - 16) / step) for frame in video]


def refusal(act: Callable[[], object]) -> str:
    """The code that `act` fails with."""
    with pytest.raises(Failure) as caught:
        act()
    assert caught.value.kind == "invalid_input"
    assert "/" not in caught.value.message
    return caught.value.code


def saved(path: Path, picture: Image.Image, form: str, **options: object) -> Path:
    """A picture in a file."""
    picture.save(path, form, **options)
    return path


def png(width: int, height: int, data: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG by hand, grey of 8 bits."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), *more, (b"IDAT", data), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def near(pixels: Pixels, colour: tuple[int, ...], tolerance: int = 8) -> bool:
    """Whether all of `pixels` are of about one colour."""
    return bool(np.abs(pixels.astype(int) - colour).max() <= tolerance)

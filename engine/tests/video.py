"""What is in an MP4 file, by decoding all of it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import av


@dataclass(frozen=True)
class Video:
    """The facts of one file."""

    codec: str
    pixel_format: str
    size: tuple[int, int]
    frames: int
    fps: float
    index_first: bool
    """Whether it can be played while it is still loading."""


def tags(file: Path) -> dict[str, str]:
    """What the file says of itself, without what every file of libav's says."""
    with av.open(str(file)) as container:
        ours = ("title", "description", "comment")
        return {name: text for name, text in container.metadata.items() if name in ours}


def probe(file: Path) -> Video:
    """The facts of `file`."""
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        frames = [(frame.width, frame.height) for frame in container.decode(stream)]
        assert len(set(frames)) == 1 and stream.average_rate is not None
        boxes = box_names(file.read_bytes())
        return Video(
            codec=stream.codec_context.name,
            pixel_format=stream.codec_context.pix_fmt or "",
            size=frames[0],
            frames=len(frames),
            fps=float(stream.average_rate),
            index_first=boxes.index("moov") < boxes.index("mdat"),
        )


def box_names(data: bytes) -> list[str]:
    """The boxes of an MP4 file, in order. Fails unless they fill it exactly."""
    names, position = [], 0
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        assert length >= 8
        names.append(name.decode())
        position += length
    assert position == len(data)
    return names

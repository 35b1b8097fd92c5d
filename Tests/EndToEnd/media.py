"""Pictures and videos of the tests' own making."""

from __future__ import annotations

import io
import struct
import zlib

import av
import numpy


def picture(width: int = 160, height: int = 90, shade: int = 0) -> bytes:
    """A PNG with a colour gradient; another `shade` is another picture."""
    rows = numpy.zeros((height, width, 3), numpy.uint8)
    rows[..., 0] = numpy.linspace(0, 255, width, dtype=numpy.uint8)
    rows[..., 1] = numpy.linspace(0, 255, height, dtype=numpy.uint8)[:, None]
    rows[..., 2] = shade
    return _png(width, height, rows)


def bomb(side: int = 20_000) -> bytes:
    """A PNG of few bytes and very many pixels: one row of zeros, again and again."""
    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def clip(width: int = 128, height: int = 72, frames: int = 17, fps: int = 8) -> bytes:
    """An H.264 MP4 in which a bar moves."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            rows = numpy.zeros((height, width, 3), numpy.uint8)
            rows[:, index * width // frames :][:, :8] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rows, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def _png(width: int, height: int, rows: numpy.ndarray) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = numpy.concatenate([numpy.zeros((height, 1), numpy.uint8), rows.reshape(height, -1)], axis=1)
    data = zlib.compress(lines.tobytes())
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

"""MP4 files: written whole or not at all, and the same bytes for the same frames."""

from __future__ import annotations

import errno
import io
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from .description import Size
from .errors import Failure
from .request import Metadata

Frames = Iterable[NDArray[np.uint8]]
"""Frames of equal size, each (height, width, 3), RGB."""

_FAST_START = {"movflags": "+faststart"}
# H.264 numbers for BT.709: primaries, transfer, matrix. Written into the file, so that no player has to guess.
_BT709 = 1
_LIMITED_RANGE = 1
# So that the same frames always give the same bytes: with more threads than one they would depend on their number,
# and with the macroblock tree, where the width is no multiple of 128, on what the memory beside its rows held before.
# Without the tree 21 looks as 18 does with it (44.0 dB against 43.8 on a video of the tiny checkpoint), at 1.1 times
# the size; 18 would give 1.6 times the size.
_X264 = {"crf": "21", "threads": "1", "x264-params": "no-mbtree=1"}
# Numbers that libav also gives for reasons that are no fault of the storage.
_NOT_STORAGE = (errno.EINVAL, errno.ENOMEM, errno.EAGAIN)


def write_mp4(
    frames: Frames,
    output: Path,
    size: Size,
    fps: int,
    check: Callable[[], None] = lambda: None,
    preset: str = "medium",
    metadata: Metadata | None = None,
) -> None:
    """Write `frames` to `output` as H.264 in yuv420p, with the index in front.

    Frames of another size are scaled (Lanczos) to `size`, which must be even. The file is complete and synced when
    this returns. `check` is called before each frame; whatever it raises ends the writing. `metadata` goes into
    the tags that players show.

    Raises:
        Failure: kind `storage`; nothing is left.
    """
    publish(output, lambda part: _encode(frames, part, size, fps, check, preset, metadata or {}))


def write_tagged(video: bytes, path: Path, metadata: Metadata) -> None:
    """Write an MP4 with the frames of `video`, bit for bit, that says `metadata` of itself."""
    with (
        av.open(io.BytesIO(video), "r", format="mp4") as source,
        av.open(str(path), "w", format="mp4", options=_FAST_START) as target,
    ):
        target.metadata.update(metadata)
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            # The last one only says that there are no more.
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)


def publish(output: Path, fill: Callable[[Path], None], synced: bool = True) -> None:
    """Have `fill` write a file beside `output`, sync it, and give it its name; a file of that name is replaced.

    The temporary name is that of `output` with a dot, eight random letters and `.part` behind: on a shared disk two
    machines may write one file for a moment. It is removed on every failure; only a process that is killed leaves it. A
    file that is to be replaced stays as it is until the new one is complete. Without `synced`
    nobody waits for the disk: for what may be lost with the power.

    Raises:
        Failure: kind `storage`.
    """
    part = output.with_name(f"{output.name}.{secrets.token_hex(4)}.part")
    named = False
    try:
        fill(part)
        if synced:
            _sync(part)
        part.rename(output)
        named = True
        if synced:
            _sync(output.parent)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if named:
            output.unlink(missing_ok=True)
        if _is_storage(error):
            raise Failure.storage(error) from error
        raise


def _is_storage(error: BaseException) -> bool:
    if isinstance(error, av.FFmpegError):
        number = error.errno or 0
        # libav's own errors have numbers far above those of the system.
        return number not in _NOT_STORAGE and 0 < number < 1 << 12
    return isinstance(error, OSError)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _encode(
    frames: Frames,
    path: Path,
    size: Size,
    fps: int,
    check: Callable[[], None],
    preset: str,
    metadata: Metadata,
) -> None:
    width, height = size
    reformatter = VideoReformatter()
    with av.open(str(path), "w", format="mp4", options=_FAST_START) as container:
        container.metadata.update(metadata)
        stream = container.add_stream("libx264", rate=fps, options=_X264 | {"preset": preset})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED_RANGE
        for index, pixels in enumerate(frames):
            check()
            frame = reformatter.reformat(
                av.VideoFrame.from_ndarray(pixels, format="rgb24"),
                width=width,
                height=height,
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                interpolation=Interpolation.LANCZOS,
            )
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

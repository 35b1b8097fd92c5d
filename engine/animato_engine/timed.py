"""The engine without a model: the same protocol, a stated time per step, a real MP4. For tests and benchmarks only.

Words of the prompt that begin with `@` play faults, in the middle of denoising:

- `@step=SECONDS` takes that long per step instead of what the command line says;
- `@crash` dies at once, as if the kernel had killed the process;
- `@crash-once` does so the first time only: it leaves a file named `.crashed-…` in the parent of the output's
  directory, whose name depends on the prompt, and goes on where that is;
- `@hang` stops working for good, while the channel is still read;
- `@hang-hard` stops for good and holds the interpreter, so that not even the end of the channel is noticed;
- `@slow-cancel=SECONDS` takes that long for one step, and notices a cancel only afterwards;
- `@oom`, `@invalid`, `@disk-full`, `@internal` end the generation with that failure;
- `@garbage` sends a frame that is no JSON, and goes on;
- `@oversize` sends the header of a frame over the bound, and goes on.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import math
import os
import signal
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from .description import Defaults, Limits, ModelDescription, Size
from .errors import Failure
from .protocol import MAX_BODY_BYTES
from .request import Metadata, VideoRequest
from .session import Control

_PATTERN_SIDE = 64
_CACHED_VIDEOS = 32
_HANG_SECONDS = 1 << 20
_POLL_SECONDS = 0.005

Faults = dict[str, str]
"""Names of faults, without the `@`, and what stands behind their `=`."""


class TimedModel:
    """Takes `step_seconds` per denoising step, and writes a moving test pattern.

    Equal requests give equal bytes; requests that differ in anything, the seed among them, give other bytes.
    """

    def __init__(self, step_seconds: float, send_raw: Callable[[bytes], None]) -> None:
        self._step_seconds = step_seconds
        self._send_raw = send_raw
        self.description = ModelDescription(
            name="timed",
            family="timed",
            fingerprint=hashlib.sha256(b"animato timed engine, version 1").hexdigest(),
            weight_bytes=0,
            limits=Limits(min_width=64, min_height=64),
            defaults=Defaults(num_inference_steps=20, guidance_scale=3.0),
        )

    def load(self) -> None:
        """Nothing to load."""

    def make(self, request: VideoRequest, metadata: Metadata, output: Path, control: Control) -> Size:
        """Let the time pass, play the faults that the prompt asks for, write the pattern."""
        # Late, for a quick start: this module brings numpy and libav.
        from .media import publish

        faults = dict(word[1:].partition("=")[::2] for word in request.prompt.split() if word.startswith("@"))
        step_seconds = _seconds(faults.get("step"), self._step_seconds)
        control.enter("encode")
        control.enter("denoise")
        for step in range(1, request.num_inference_steps + 1):
            if step == (request.num_inference_steps + 1) // 2:
                self._play(faults, request, output)
            _pass_time(step_seconds, control)
            control.step(step)
        control.enter("decode")
        video = _test_video(request.width, request.height, request.num_frames, request.fps)
        control.enter("write")
        publish(output, lambda part: _write(part, video, metadata, _mark(request)))
        return request.width, request.height

    def recover(self) -> None:
        """Nothing to recover."""

    def _play(self, faults: Faults, request: VideoRequest, output: Path) -> None:
        """Play those faults that take effect between two steps."""
        if "crash" in faults or ("crash-once" in faults and _first_time(request, output)):
            os.kill(os.getpid(), signal.SIGKILL)
        if "hang" in faults:
            time.sleep(_HANG_SECONDS)
        if "hang-hard" in faults:
            # Called through PyDLL, a C function keeps the interpreter lock.
            ctypes.PyDLL(None).sleep(_HANG_SECONDS)
        if "slow-cancel" in faults:
            time.sleep(_seconds(faults["slow-cancel"], 1.0))
        if "garbage" in faults:
            self._send_raw(struct.pack(">I", 7) + b"garbage")
        if "oversize" in faults:
            self._send_raw(struct.pack(">I", MAX_BODY_BYTES + 1))
        if "oom" in faults:
            raise Failure("out_of_memory", "out_of_memory", "The timed engine plays out of memory.")
        if "invalid" in faults:
            raise Failure.invalid("The timed engine plays an invalid request.")
        if "disk-full" in faults:
            raise Failure("storage", "disk_full", "The timed engine plays a full disk.")
        if "internal" in faults:
            raise RuntimeError("the timed engine plays a fault of its own")


def _seconds(text: str | None, otherwise: float) -> float:
    """The seconds in `text`, or `otherwise` where there is none."""
    if not text:
        return otherwise
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not math.isfinite(seconds) or seconds < 0:
        raise Failure.invalid("A time in the prompt is no number of seconds.")
    return seconds


def _pass_time(seconds: float, control: Control) -> None:
    """Sleep in short pieces, so that a cancel is noticed within one."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _POLL_SECONDS))
        control.check()


def _first_time(request: VideoRequest, output: Path) -> bool:
    """Whether no engine has met this prompt before with outputs in this place. Leaves the mark that one has."""
    name = hashlib.sha256(request.prompt.encode()).hexdigest()[:16]
    try:
        (output.parent.parent / f".crashed-{name}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


@functools.lru_cache(maxsize=_CACHED_VIDEOS)
def _test_video(width: int, height: int, num_frames: int, fps: int) -> bytes:
    """The MP4 of a square that runs over a gradient. Kept: encoding is all that costs time here."""
    import numpy as np

    from .media import write_mp4

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


def _mark(request: VideoRequest) -> bytes:
    """An MP4 box that players skip, with a digest of the request: other requests give other files."""
    digest = hashlib.sha256(request.canonical_bytes()).digest()
    return struct.pack(">I", 8 + len(digest)) + b"free" + digest


def _write(path: Path, video: bytes, metadata: Metadata, mark: bytes) -> None:
    from .media import write_tagged

    if metadata:
        write_tagged(video, path, metadata)
    else:
        path.write_bytes(video)
    with path.open("ab") as file:
        file.write(mark)

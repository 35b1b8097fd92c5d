"""The engine without a model: the same protocol, a stated time per step, a real MP4. For tests and benchmarks only.

Words of the prompt that begin with `@` play faults, in the middle of denoising:

- `@step=SECONDS` takes that long per step instead of what the command line says;
- `@crash` dies at once, as if the kernel had killed the process;
- `@crash-once` does so the first time only: it leaves a file named `.crashed-…` in the parent of the output's
  directory, whose name depends on the prompt, and goes on where that is;
- `@crash-at=STEP` as `@crash-once`, but after that step, when its checkpoint and preview are written;
- `@hang` stops working for good, while the channel is still read;
- `@hang-hard` stops for good and holds the interpreter, so that not even the end of the channel is noticed;
- `@slow-cancel=SECONDS` takes that long for one step, and notices a cancel only afterwards;
- `@oom`, `@invalid`, `@disk-full`, `@internal` end the generation with that failure;
- `@oom=MODE,MODE` does so in these memory modes only;
- `@oom-stage=STAGE` with `@oom` plays it at the beginning of that stage (`encode`, `decode`);
- `@oom-leak` with `@oom` has a tenth less memory free afterwards;
- `@garbage` sends a frame that is no JSON, and goes on;
- `@oversize` sends the header of a frame over the bound, and goes on.

It takes all inputs and looks at none; a step cache skips every third (`balanced`) or every second (`fast`) step.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
import math
import os
import signal
import struct
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from .control import Control
from .description import Defaults, Limits, ModelDescription
from .errors import Failure, Yielded
from .lora import LoRAFile
from .modes import LEVELS, MODES
from .order import Order
from .protocol import MAX_BODY_BYTES
from .request import Metadata
from .session import Made

_PATTERN_SIDE = 64
_CACHED_VIDEOS = 32
_MAX_CHECKPOINT_BYTES = 4096
_HANG_SECONDS = 1 << 20
_POLL_SECONDS = 0.005
_SKIPPED_EVERY = {"off": 0, "balanced": 3, "fast": 2}

Faults = dict[str, str]
"""Names of faults, without the `@`, and what stands behind their `=`."""


class TimedStudio:
    """Takes `step_seconds` per denoising step, and writes a moving test pattern. Satisfies `session.Studio`.

    Equal requests give equal bytes; requests that differ in anything, the seed among them, give other bytes.
    """

    def __init__(
        self, step_seconds: float, send_raw: Callable[[bytes], None], memory_bytes: int, loras: Sequence[LoRAFile]
    ) -> None:
        self._step_seconds = step_seconds
        self._send_raw = send_raw
        self._memory_bytes = memory_bytes
        self._leaks = False
        self._is_loaded = False
        self.loras: Mapping[str, LoRAFile] = {lora.name: lora for lora in loras}
        model = ModelDescription(
            name="timed",
            family="timed",
            fingerprint=hashlib.sha256(b"animato timed engine, version 2").hexdigest(),
            weight_bytes=0,
            limits=Limits(min_width=64, min_height=64),
            defaults=Defaults(num_inference_steps=20, guidance_scale=3.0),
            inputs=("start_image", "end_image", "video", "control_video", "ref_image"),
            step_cache=LEVELS,
            memory_modes=MODES,
            sizes=((672, 384), (512, 512), (384, 672)),
        )
        self.models: Mapping[str, ModelDescription] = {model.name: model}

    def read(self, order: Order, check: Callable[[], None]) -> None:
        """Inputs are not looked at; that their files are there is known."""

    def total_steps(self, order: Order) -> int:
        """All that the request asks for, also of a video that is made anew in part."""
        return order.request.num_inference_steps

    def is_ready(self, order: Order) -> bool:
        """From the second video on, as of a model."""
        return self._is_loaded

    def load(self, order: Order) -> None:
        """There is nothing to load."""
        self._is_loaded = True

    def make(self, order: Order, inputs: object, control: Control) -> Made:
        """Let the time pass, play the faults that the prompt asks for, write the pattern."""
        # Late, for a quick start: this module brings numpy and libav.
        from .media import publish

        request = order.request
        self._leaks = False
        faults = dict(word[1:].partition("=")[::2] for word in request.prompt.split() if word.startswith("@"))
        step_seconds = _seconds(faults.get("step"), self._step_seconds)
        control.enter("encode")
        self._play_memory(faults, "encode", order)
        done = _load_step(order)
        if done:
            control.resumed(done)
        control.enter("denoise")
        for step in range(done + 1, request.num_inference_steps + 1):
            if step == (request.num_inference_steps + 1) // 2:
                self._play(faults, order)
            _pass_time(step_seconds, control)
            control.step(step)
            _after(step, order, control)
            if faults.get("crash-at") == str(step) and _first_time(order):
                os.kill(os.getpid(), signal.SIGKILL)
        control.enter("decode")
        self._play_memory(faults, "decode", order)
        video = _test_video(request.width, request.height, request.num_frames, request.fps)
        control.enter("write")
        publish(order.output, lambda part: _write(part, video, order.metadata, _mark(order)))
        return Made((request.width, request.height), _skipped(order))

    def recover(self, failure: Failure) -> None:
        """Nothing to recover."""

    def free_bytes(self) -> int:
        """All of the memory, or, after a leak that was played, a tenth less."""
        return self._memory_bytes * 9 // 10 if self._leaks else self._memory_bytes

    def _play(self, faults: Faults, order: Order) -> None:
        """Play those faults that take effect between two steps."""
        if "crash" in faults or ("crash-once" in faults and _first_time(order)):
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
        self._play_memory(faults, "denoise", order)
        if "invalid" in faults:
            raise Failure.invalid("The timed engine plays an invalid request.")
        if "disk-full" in faults:
            raise Failure("storage", "disk_full", "The timed engine plays a full disk.")
        if "internal" in faults:
            raise RuntimeError("the timed engine plays a fault of its own")

    def _play_memory(self, faults: Faults, stage: str, order: Order) -> None:
        """Run out of memory, if that is to be played in this stage and mode."""
        if "oom" not in faults or stage != faults.get("oom-stage", "denoise"):
            return
        if not faults["oom"] or order.memory_mode in faults["oom"].split(","):
            self._leaks = "oom-leak" in faults
            raise Failure("out_of_memory", "out_of_memory", "The timed engine plays out of memory.")


def _after(step: int, order: Order, control: Control) -> None:
    """Write what is due after `step`, and give up if that is asked for."""
    from .media import publish

    last = step == order.request.num_inference_steps
    keep, preview = order.checkpoint, order.preview
    if keep is not None and (keep.due(step) or last or control.is_to_yield):
        state = json.dumps({"identity": _identity(order), "step": step}).encode()
        publish(keep.file, lambda part: _fill(part, state))
        control.written("checkpointed", len(state))
    if control.is_to_yield and not last:
        raise Yielded
    if preview is not None and preview.due(step):
        picture = _test_preview()
        publish(preview.file, lambda part: _fill(part, picture), synced=False)
        control.written("preview", len(picture))


def _load_step(order: Order) -> int:
    """The step of the checkpoint, if there is one of this order; 0 if not."""
    if order.checkpoint is None:
        return 0
    try:
        with order.checkpoint.file.open("rb") as file:
            saved = json.loads(file.read(_MAX_CHECKPOINT_BYTES))
        step = saved["step"] if saved["identity"] == _identity(order) else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return step if type(step) is int and 0 <= step <= order.request.num_inference_steps else 0


def _identity(order: Order) -> str:
    return hashlib.sha256(_mark(order)).hexdigest()


def _skipped(order: Order) -> int:
    """How many steps its step cache would have skipped."""
    every = _SKIPPED_EVERY[order.request.step_cache]
    return order.request.num_inference_steps // every if every else 0


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


def _first_time(order: Order) -> bool:
    """Whether no engine has met this prompt before with outputs in this place. Leaves the mark that one has."""
    name = hashlib.sha256(order.request.prompt.encode()).hexdigest()[:16]
    try:
        (order.output.parent.parent / f".crashed-{name}").touch(exist_ok=False)
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


@functools.lru_cache(maxsize=1)
def _test_preview() -> bytes:
    """A WebP that moves, of two plain pictures."""
    import av
    import numpy as np

    from .pictures import moving_webp

    pictures = [np.full((_PATTERN_SIDE, _PATTERN_SIDE, 3), shade, np.uint8) for shade in (64, 192)]
    return moving_webp([av.VideoFrame.from_ndarray(picture, format="rgb24") for picture in pictures], Fraction(4))


def _mark(order: Order) -> bytes:
    """An MP4 box that players skip, with a digest of the order: other requests and inputs give other files."""
    digest = hashlib.sha256(order.request.canonical_bytes())
    for name, path in sorted(order.inputs.items()):
        digest.update(name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return struct.pack(">I", 8 + digest.digest_size) + b"free" + digest.digest()


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _write(path: Path, video: bytes, metadata: Metadata, mark: bytes) -> None:
    from .media import write_tagged

    if metadata:
        write_tagged(video, path, metadata)
    else:
        path.write_bytes(video)
    with path.open("ab") as file:
        file.write(mark)

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

While the file is written:

- `@write=SECONDS` takes that long; otherwise it takes what the file takes, a few milliseconds;
- `@write-full` finds the disk full;
- `@crash-write` dies there, as `@crash-once` does.

`@peak=BYTES` says that the pass had so much allocated.

Of several generations in one pass, a step takes as long as the slowest of them says; `@invalid` and `@disk-full` end
the one that says so, the other faults all of them. It takes all inputs and looks at none; a step cache skips every
third (`balanced`) or every second (`fast`) step.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib
import json
import math
import os
import signal
import struct
import time
from collections.abc import Callable, Mapping, Sequence

from .description import Defaults, Limits, ModelDescription
from .errors import Failure, Yielded
from .lora import LoRAFile
from .modes import LEVELS, MODES
from .order import Order
from .passing import Made, Pass, Row
from .protocol import MAX_BODY_BYTES

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

    def is_ready(self, *orders: Order) -> bool:
        """From the second video on, as of a model, until it is parked."""
        return self._is_loaded

    def load(self, *orders: Order) -> None:
        """There is no model to load, but numpy and libav, for which `hello` need not wait."""
        importlib.import_module(".pattern", __package__)
        self._is_loaded = True

    def park(self) -> None:
        """There is nothing to move."""
        self._is_loaded = False

    def make(self, work: Pass, inputs: object) -> None:
        """Let the time pass, play the faults that the prompts ask for, prepare the patterns."""
        self._leaks = False
        faults = {row.id: _faults(row.order) for row in work.rows}
        work.enter("encode")
        self._play_memory(faults, "encode", work)
        done: dict[str, int] = {}
        for row in work.rows:
            done[row.id] = _load_step(row.order)
            if done[row.id]:
                row.control.resumed(done[row.id])
        work.enter("denoise")
        while working := [row for row in work.rows if done[row.id] < work.total_steps]:
            for row in working:
                done[row.id] += 1
                if done[row.id] == (work.total_steps + 1) // 2:
                    self._play_memory({row.id: faults[row.id]}, "denoise", work)
                    with work.alone(row):
                        self._play(faults[row.id], row.order)
            steps = [_seconds(faults[row.id].get("step"), self._step_seconds) for row in working if row in work.rows]
            _pass_time(max(steps, default=0.0), work.check)
            _after(work, [row for row in working if row in work.rows], done)
            for row in working:
                if faults[row.id].get("crash-at") == str(done[row.id]) and _first_time(row.order):
                    os.kill(os.getpid(), signal.SIGKILL)
        work.enter("decode")
        self._play_memory(faults, "decode", work)
        for row in tuple(work.rows):
            with work.alone(row):
                row.made = _made(row.order, faults[row.id])

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
        if "invalid" in faults:
            raise Failure.invalid("The timed engine plays an invalid request.")
        if "disk-full" in faults:
            raise Failure("storage", "disk_full", "The timed engine plays a full disk.")
        if "internal" in faults:
            raise RuntimeError("the timed engine plays a fault of its own")

    def _play_memory(self, faults: Mapping[str, Faults], stage: str, work: Pass) -> None:
        """Run out of memory, if that is to be played in this stage and mode."""
        for one in faults.values():
            if "oom" not in one or stage != one.get("oom-stage", "denoise"):
                continue
            if not one["oom"] or work.order.memory_mode in one["oom"].split(","):
                self._leaks = "oom-leak" in one
                raise Failure("out_of_memory", "out_of_memory", "The timed engine plays out of memory.")


def _faults(order: Order) -> Faults:
    """What the prompt asks for."""
    return dict(word[1:].partition("=")[::2] for word in order.request.prompt.split() if word.startswith("@"))


def _after(work: Pass, rows: Sequence[Row], done: Mapping[str, int]) -> None:
    """Report the step of `rows`, write what is due after it, and give up if that is asked for."""
    from .media import publish
    from .pattern import fill, test_preview

    for row in rows:
        row.control.step(done[row.id])
    work.leave()
    gives_up = work.is_to_yield
    going = [row for row in rows if row in work.rows]
    for row in going:
        step, keep = done[row.id], row.order.checkpoint
        if keep is not None and (keep.due(step) or step == work.total_steps or gives_up):
            state = json.dumps({"identity": _identity(row.order), "step": step}).encode()
            with work.alone(row):
                publish(keep.file, functools.partial(fill, data=state))
                row.control.written("checkpointed", len(state))
    if gives_up and any(done[row.id] < work.total_steps for row in work.rows):
        raise Yielded
    for row in going:
        preview = row.order.preview
        if preview is not None and preview.due(done[row.id]):
            picture = test_preview()
            publish(preview.file, functools.partial(fill, data=picture), synced=False)
            row.control.written("preview", len(picture))


def _made(order: Order, faults: Faults) -> Made:
    """The pattern of `order`, to be written as `faults` say."""
    from .media import publish
    from .pattern import mark, test_video, write

    request = order.request
    size = request.width, request.height
    video = test_video(*size, request.num_frames, request.fps)
    seconds = _seconds(faults.get("write"), 0.0)

    def publish_video(check: Callable[[], None]) -> None:
        _pass_time(seconds, check)
        if "crash-write" in faults and _first_time(order):
            os.kill(os.getpid(), signal.SIGKILL)
        if "write-full" in faults:
            raise Failure("storage", "disk_full", "The timed engine plays a full disk.")
        publish(order.output, lambda part: write(part, video, order.metadata, mark(order)))

    peak = int(_seconds(faults["peak"], 0.0)) if "peak" in faults else None
    return Made(size, publish_video, _skipped(order), peak)


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
    from .pattern import mark

    return hashlib.sha256(mark(order)).hexdigest()


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


def _pass_time(seconds: float, check: Callable[[], None]) -> None:
    """Sleep in short pieces, so that a cancel is noticed within one."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _POLL_SECONDS))
        check()


def _first_time(order: Order) -> bool:
    """Whether no engine has met this prompt before with outputs in this place. Leaves the mark that one has."""
    name = hashlib.sha256(order.request.prompt.encode()).hexdigest()[:16]
    try:
        (order.output.parent.parent / f".crashed-{name}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True

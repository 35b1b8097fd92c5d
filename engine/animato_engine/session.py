"""The generations of one engine, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from . import protocol
from .control import Control, Signals
from .description import ModelDescription, Size
from .errors import Failure, classify, is_out_of_memory, traceback_text
from .lora import LoRAFile
from .order import Order, parse_order
from .process import log
from .protocol import Generate, Message


@dataclass(frozen=True)
class Made:
    """What there is to say of a video that is written."""

    rendered: Size
    skipped_steps: int = 0
    """By the step cache."""


class Studio(Protocol):
    """What makes videos on one device: loaded models, or the timed stand-in. Used by one thread only."""

    models: Mapping[str, ModelDescription]
    """By name; known before anything is loaded."""
    loras: Mapping[str, LoRAFile]
    """By name."""

    def read(self, order: Order, check: Callable[[], None]) -> Any:
        """The inputs of `order`, decoded; given to `make` as they are.

        Raises:
            Failure: kind `invalid_input`: they cannot be used.
        """

    def total_steps(self, order: Order) -> int:
        """How many steps `order` takes."""

    def is_ready(self, order: Order) -> bool:
        """Whether the model is loaded, in the memory mode of `order`."""

    def load(self, order: Order) -> None:
        """Make the model ready; called when it is not, and again after it failed."""

    def make(self, order: Order, inputs: Any, control: Control) -> Made:
        """Write the video of `order`.

        Reports its stages through `control`, and calls `control.check` often. Whatever it raises, nothing is left at
        `order.output`.
        """

    def recover(self, failure: Failure) -> None:
        """Make everything usable again after `read`, `load` or `make` ended in `failure`.

        Raises:
            Exception: it cannot be; the process has to end.
        """

    def free_bytes(self) -> int | None:
        """What is free on the device; None where it cannot be told."""


class Session:
    """Runs commands and turns every outcome into the message that reports it."""

    def __init__(self, studio: Studio, send: Callable[[Message], None]) -> None:
        self._studio = studio
        self._send = send

    def run(self, command: Generate, signals: Signals) -> Message:
        """Carry out `command` and give its `done` or `failed`; everything before it has been sent.

        Setting one of `signals` from another thread stops it within one step.

        Raises:
            OSError: the server is gone.
            Exception: the studio could not recover from a failure; the process has to end.
        """
        secrets = [
            text for text in (command.request.get(k) for k in ("prompt", "negative_prompt")) if type(text) is str
        ]
        course = _Course()
        try:
            return self._run(command, signals, course)
        except Exception as error:
            failure = classify(error, secrets)
            if failure.kind not in ("cancelled", "yielded", "invalid_input"):
                log(traceback_text(error, secrets))
        # Only here, after the handler, is the traceback gone, and with it the tensors of the failed generation.
        self._studio.recover(failure)
        message = protocol.failed(command.id, failure.kind, failure.code, failure.message)
        if failure.kind == "out_of_memory":
            message |= {"stage": course.stage, **course.free_bytes(self._studio.free_bytes())}
        return message

    def _run(self, command: Generate, signals: Signals, course: _Course) -> Message:
        studio = self._studio
        order = parse_order(command, studio.models, studio.loras)
        keeps = order.checkpoint is not None
        control = Control(command.id, studio.total_steps(order), self._send, signals, keeps)
        course.control = control
        control.check()
        begin = time.monotonic()
        inputs = studio.read(order, control.check)
        control.seconds["encode"] = time.monotonic() - begin
        course.before = studio.free_bytes()
        if not studio.is_ready(order):
            self._load(order, control)
            # Weights that stay are no leak.
            course.before = studio.free_bytes()
        made = studio.make(order, inputs, control)
        control.close()
        request = order.request
        return {
            "type": "done",
            "id": command.id,
            "file": str(order.output),
            "bytes": order.output.stat().st_size,
            "width": request.width,
            "height": request.height,
            "rendered_width": made.rendered[0],
            "rendered_height": made.rendered[1],
            "num_frames": request.num_frames,
            "fps": request.fps,
            "seed": request.seed,
            "memory_mode": order.memory_mode,
            "resumed_step": control.resumed_step,
            "skipped_steps": made.skipped_steps,
            "seconds": {stage: round(seconds, 4) for stage, seconds in control.seconds.items()},
        }

    def _load(self, order: Order, control: Control) -> None:
        """Make the model ready, and say so."""
        control.enter("load")
        self._send({"type": "loading"})
        try:
            self._studio.load(order)
        except Failure:
            raise
        except ImportError as error:
            raise Failure("load_failed", "dependencies_missing", f"{type(error).__name__}: {error}") from error
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise Failure("load_failed", "model_load_failed", f"{type(error).__name__}: {error}") from error
        control.close()
        self._send({"type": "loaded", "seconds": round(control.seconds["load"], 4)})


class _Course:
    """How far a generation came, for the report of its failure."""

    def __init__(self) -> None:
        self.control: Control | None = None
        self.before: int | None = None

    @property
    def stage(self) -> str:
        """The stage in which it ended."""
        return (self.control.stage if self.control else "") or "encode"

    def free_bytes(self, after: int | None) -> Message:
        """What was free before and is free now, where both can be told."""
        if self.before is None or after is None:
            return {}
        return {"free_bytes_before": self.before, "free_bytes_after": after}

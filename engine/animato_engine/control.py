"""What a running generation says of itself, and how it learns that it is to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from . import protocol
from .errors import Cancelled, Yielded
from .protocol import Message

STAGES = ("load", "encode", "denoise", "decode", "write")


class Signals:
    """What other threads ask of one generation. Setting a flag is safe anywhere, also in a signal handler."""

    def __init__(self, companion: Signals | None = None) -> None:
        """Take another generation of the same pass, if there is one: both yield together."""
        self.cancel = threading.Event()
        """Stop within one step."""
        self.give_up: threading.Event = companion.give_up if companion else threading.Event()
        """Yield: after the step at hand; before the first one, at once; after the last one, no more."""
        self.shutdown: threading.Event = companion.shutdown if companion else threading.Event()
        """Yield, and where there is no step whose outcome could be kept, at once. Not while the file is written."""


class Control:
    """One generation's way to the server and back. For one thread at a time: first the one that computes."""

    def __init__(
        self, identifier: str, total_steps: int, send: Callable[[Message], None], signals: Signals, keeps: bool = False
    ) -> None:
        """Take where to `send` messages; `keeps` says whether there is a checkpoint to write."""
        self.total_steps = total_steps
        self.seconds = dict.fromkeys(STAGES, 0.0)
        """Time spent in each stage so far."""
        self.stage = ""
        """The stage at hand; empty before the first, after the last, and while the generation waits between two."""
        self.reached = ""
        """The last stage that was entered."""
        self.is_released = False
        """Whether it has left the device; only its file remains."""
        self.resumed_step = 0
        self._id = identifier
        self._send = send
        self._signals = signals
        self._keeps = keeps
        self._entered = 0.0
        self._step = 0

    @property
    def reason(self) -> type[Cancelled | Yielded] | None:
        """Why the generation is to stop here; None: it is not."""
        if self._signals.cancel.is_set():
            return Cancelled
        if self.is_released:
            return None
        if self._signals.give_up.is_set() and self.reached in ("", "load", "encode"):
            return Yielded
        # What a step has brought can be kept; of a decoded frame nothing can.
        if self._signals.shutdown.is_set() and not (self.stage == "denoise" and self._keeps):
            return Yielded
        return None

    def check(self) -> None:
        """Raise `Cancelled` or `Yielded` if the generation is to stop here. Cheap: to be called in every loop."""
        reason = self.reason
        if reason is not None:
            raise reason

    @property
    def is_to_yield(self) -> bool:
        """Whether to give up now that a step is over."""
        return self._signals.give_up.is_set() or self._signals.shutdown.is_set()

    def enter(self, stage: str) -> None:
        """A stage of `STAGES` begins; the one before is over. Of the stage `load` the server is told otherwise."""
        self.close()
        self.stage = self.reached = stage
        self._entered = time.monotonic()
        if stage != "load":
            self._report()

    def step(self, finished: int) -> None:
        """`finished` denoising steps are done."""
        self._step = finished
        self._report()

    def resumed(self, step: int) -> None:
        """The generation goes on from a checkpoint. To be called in the stage `encode`."""
        self._step = self.resumed_step = step
        self._send(protocol.resumed(self._id, step))

    def written(self, what: str, size: int, step: int | None = None) -> None:
        """A file of `step`, or of the last one, is in place: `checkpointed` or `preview`, of `size` bytes."""
        self._send(protocol.written(what, self._id, self._step if step is None else step, size))

    def close(self) -> None:
        """The stage at hand is over."""
        if self.stage:
            self.seconds[self.stage] += time.monotonic() - self._entered
            self.stage = ""

    def _report(self) -> None:
        self._send(protocol.progress(self._id, self.stage, self._step, self.total_steps))

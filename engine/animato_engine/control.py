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

    def __init__(self) -> None:
        self.cancel = threading.Event()
        """Stop within one step."""
        self.give_up = threading.Event()
        """Yield: after the step at hand; before the first one, at once; after the last one, no more."""
        self.shutdown = threading.Event()
        """Yield, and where there is no step whose outcome could be kept, at once."""


class Control:
    """One generation's way to the server and back. For the thread that computes."""

    def __init__(
        self, identifier: str, total_steps: int, send: Callable[[Message], None], signals: Signals, keeps: bool = False
    ) -> None:
        """Take where to `send` messages; `keeps` says whether there is a checkpoint to write."""
        self.total_steps = total_steps
        self.seconds = dict.fromkeys(STAGES, 0.0)
        """Time spent in each stage so far."""
        self.stage = ""
        """The stage at hand; empty before the first and after the last."""
        self.resumed_step = 0
        self._id = identifier
        self._send = send
        self._signals = signals
        self._keeps = keeps
        self._entered = 0.0
        self._step = 0

    def check(self) -> None:
        """Raise `Cancelled` or `Yielded` if the generation is to stop here. Cheap: to be called in every loop."""
        if self._signals.cancel.is_set():
            raise Cancelled
        begun = self.stage not in ("", "load", "encode")
        if self._signals.give_up.is_set() and not begun:
            raise Yielded
        # What a step has brought can be kept; of a decoded frame nothing can.
        if self._signals.shutdown.is_set() and not (self.stage == "denoise" and self._keeps):
            raise Yielded

    @property
    def is_to_yield(self) -> bool:
        """Whether to give up now that a step is over."""
        return self._signals.give_up.is_set() or self._signals.shutdown.is_set()

    def enter(self, stage: str) -> None:
        """A stage of `STAGES` begins; the one before is over. Of the stage `load` the server is told otherwise."""
        self.check()
        self.close()
        self.stage, self._entered = stage, time.monotonic()
        if stage != "load":
            self._report()

    def step(self, finished: int) -> None:
        """`finished` denoising steps are done."""
        self._step = finished
        self._report()
        self.check()

    def resumed(self, step: int) -> None:
        """The generation goes on from a checkpoint. To be called in the stage `encode`."""
        self._step = self.resumed_step = step
        self._send(protocol.resumed(self._id, step))

    def written(self, what: str, size: int) -> None:
        """A file of the last step is in place: `checkpointed` or `preview`, of `size` bytes."""
        self._send(protocol.written(what, self._id, self._step, size))

    def close(self) -> None:
        """The last stage is over."""
        if self.stage:
            self.seconds[self.stage] += time.monotonic() - self._entered
            self.stage = ""

    def _report(self) -> None:
        self._send(protocol.progress(self._id, self.stage, self._step, self.total_steps))

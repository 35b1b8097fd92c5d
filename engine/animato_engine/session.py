"""The generations of one engine: one pass at a time on the device, one at a time being written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from . import protocol
from .control import Control, Signals
from .description import ModelDescription
from .errors import Cancelled, Failure, classify, is_out_of_memory, traceback_text
from .lora import LoRAFile
from .order import Order, parse_pass
from .passing import Made, Pass, Row
from .process import about, log
from .protocol import Generate, Message
from .writing import Writer

_POLL_SECONDS = 0.02
"""How soon a cancel is noticed by a pass that waits for the writer."""


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

    def is_ready(self, *orders: Order) -> bool:
        """Whether the model is loaded for a pass of `orders`, in their memory mode."""

    def load(self, *orders: Order) -> None:
        """Make the model ready; called when it is not, and again after it failed."""

    def make(self, work: Pass, inputs: Any) -> None:
        """Compute the videos of `work`, so that each of its rows is `made`.

        Reports their stages through their controls, and calls `work.check` often. A row that ends by itself is let go
        by `work`.
        """

    def recover(self, failure: Failure) -> None:
        """Make everything usable again after `read`, `load`, `make` or `park` ended in `failure`.

        Raises:
            Exception: it cannot be; the process has to end.
        """

    def park(self) -> None:
        """Move all weights from the device to the machine's memory, until the next `load`."""

    def free_bytes(self) -> int | None:
        """What is free on the device; None where it cannot be told."""


class Session:
    """Runs commands and turns every outcome into the message that reports it."""

    def __init__(self, studio: Studio, send: Callable[[Message], None]) -> None:
        """Take where to `send` messages, from this thread and from the writer's."""
        self._studio = studio
        self._send = send
        self._writer = Writer()

    def run(self, command: Generate, signals: Mapping[str, Signals]) -> list[Message]:
        """Carry out `command` on the device, and give the `failed` with which its pass ended.

        None of them if `released` was sent: the outcomes of what is then written are sent when they are there. All
        other messages have been sent. `signals` are by the ids of the command; setting one from another thread stops
        its generation within one step.

        Raises:
            OSError: the server is gone.
            Exception: the studio could not recover from a failure; the process has to end.
        """
        members = command.members()
        secrets = _secrets(members)
        rows, refused = self._open(members, signals, secrets)
        if not rows:
            return refused
        for message in refused:
            self._send(message)
        # What concerns all of a pass is logged under the trace of the first.
        with about(rows[0].order.trace_id):
            return self._carry_out(rows, secrets)

    def _carry_out(self, rows: Sequence[Row], secrets: Sequence[str]) -> list[Message]:
        """The pass of `rows`, and the `failed` with which it ended."""

        def drop(row: Row, error: Exception) -> None:
            with about(row.order.trace_id):
                self._send(_failed(row.id, _classified(error, secrets)))

        work = Pass(rows, drop)
        before = _Before()
        try:
            self._run(work, before, secrets)
            return []
        except Exception as error:
            failure = _classified(error, secrets)
        for row in work.rows:
            row.made = None
        # Only here, after the handler, is the traceback gone, and with it the tensors of the failed pass.
        self._studio.recover(failure)
        memory = {}
        if failure.kind == "out_of_memory":
            memory = {"stage": work.stage or "encode", **before.beside(self._studio.free_bytes())}
        return [_failed(row.id, _own(failure, row)) | memory for row in work.rows]

    def park(self) -> Message:
        """Move the weights off the device, and give the `parked` that says so.

        Raises:
            Exception: as `run`.
        """
        try:
            self._studio.park()
        except Exception as error:
            # Wherever the weights are now, the next `load` finds them there.
            failure = _classified(error, [])
            self._studio.recover(failure)
        free = self._studio.free_bytes()
        return {"type": "parked"} | ({} if free is None else {"free_bytes": free})

    def finish(self) -> None:
        """Wait until nothing is being written."""
        self._writer.wait()

    def _open(
        self, members: Sequence[Generate], signals: Mapping[str, Signals], secrets: Sequence[str]
    ) -> tuple[list[Row], list[Message]]:
        """What can begin of a pass, and the `failed` of what cannot."""
        rows: list[Row] = []
        refused: list[Message] = []
        orders = parse_pass(members, self._studio.models, self._studio.loras)
        for member, order in zip(members, orders, strict=True):
            if isinstance(order, Failure):
                refused.append(_failed(member.id, _classified(order, secrets)))
                continue
            total, keeps = self._studio.total_steps(order), order.checkpoint is not None
            rows.append(Row(member.id, order, Control(member.id, total, self._send, signals[member.id], keeps)))
        return rows, refused

    def _run(self, work: Pass, before: _Before, secrets: Sequence[str]) -> None:
        """All of a pass until it leaves the device."""
        studio = self._studio
        work.leave()
        begin = time.monotonic()
        inputs = studio.read(work.order, work.check)
        seconds = time.monotonic() - begin
        for row in work.rows:
            row.control.seconds["encode"] = seconds
        before.free_bytes = studio.free_bytes()
        orders = [row.order for row in work.rows]
        if not studio.is_ready(*orders):
            self._load(work, orders)
            # Weights that stay are no leak.
            before.free_bytes = studio.free_bytes()
        studio.make(work, inputs)
        for row in work.rows:
            row.control.close()
        work.leave()
        while not self._writer.wait(_POLL_SECONDS):
            work.leave()
        for row in work.rows:
            row.control.is_released = True
        self._send(protocol.released([row.id for row in work.rows]))
        self._writer.begin(partial(self._write, tuple(work.rows), secrets))

    def _load(self, work: Pass, orders: Sequence[Order]) -> None:
        """Make the model ready, and say so."""
        work.enter("load")
        self._send({"type": "loading"})
        try:
            self._studio.load(*orders)
        except Failure:
            raise
        except ImportError as error:
            raise Failure("load_failed", "dependencies_missing", f"{type(error).__name__}: {error}") from error
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise Failure("load_failed", "model_load_failed", f"{type(error).__name__}: {error}") from error
        for row in work.rows:
            row.control.close()
        self._send({"type": "loaded", "seconds": round(work.rows[0].control.seconds["load"], 4)})

    def _write(self, rows: Sequence[Row], secrets: Sequence[str]) -> None:
        """Write what a pass has made; in the writer's thread."""
        for row in rows:
            made, row.made = row.made, None
            try:
                if made is None:
                    raise RuntimeError("nothing was made")
                row.control.check()
                row.control.enter("write")
                made.write(row.control.check)
                row.control.close()
                outcome = _done(row, made)
            except Exception as error:
                with about(row.order.trace_id):
                    failure = _classified(error, secrets)
                outcome = _failed(row.id, failure) | ({"stage": "write"} if failure.kind == "out_of_memory" else {})
            # Its frames.
            del made
            self._send(outcome)


class _Before:
    """What was free on the device when a pass began."""

    def __init__(self) -> None:
        self.free_bytes: int | None = None

    def beside(self, after: int | None) -> Message:
        """What was free before and is free now, where both can be told."""
        if self.free_bytes is None or after is None:
            return {}
        return {"free_bytes_before": self.free_bytes, "free_bytes_after": after}


def _secrets(members: Sequence[Generate]) -> list[str]:
    """The texts that no log and no message may hold."""
    found = [member.request.get(name) for member in members for name in ("prompt", "negative_prompt")]
    return [text for text in found if type(text) is str]


def _classified(error: Exception, secrets: Sequence[str]) -> Failure:
    """What to report for `error`, which is logged if it is no outcome that was to be expected."""
    failure = classify(error, secrets)
    if failure.kind not in ("cancelled", "yielded", "invalid_input"):
        log(traceback_text(error, secrets))
    return failure


def _own(failure: Failure, row: Row) -> Failure:
    """How one of a pass that ended in `failure` ended: in a pass that yields, some may have been cancelled."""
    if failure.kind == "yielded" and row.control.reason is Cancelled:
        return classify(Cancelled(), [])
    return failure


def _failed(identifier: str, failure: Failure) -> Message:
    return protocol.failed(identifier, failure.kind, failure.code, failure.message)


def _done(row: Row, made: Made) -> Message:
    """The report of a video that is written."""
    order, control = row.order, row.control
    request = order.request
    message = {
        "type": "done",
        "id": row.id,
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
    return message | ({} if made.peak_bytes is None else {"peak_bytes": made.peak_bytes})

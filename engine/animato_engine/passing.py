"""Generations that share one use of the device: from their orders to what is to be written."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .control import STAGES, Control
from .description import Size
from .errors import Cancelled, Failure, Yielded
from .order import Order


@dataclass(frozen=True)
class Made:
    """A video that only has to be written."""

    rendered: Size
    write: Callable[[Callable[[], None]], None]
    """Writes it to the order's output. For another thread: it uses neither the device nor a model. It is given what to
    call before each frame; whatever that raises ends the writing, and nothing is left at the output.

    Raises:
        Failure: kind `storage`.
    """
    skipped_steps: int = 0
    """By the step cache."""
    peak_bytes: int | None = None
    """The most that the pass had allocated on the device at once; None where it cannot be told."""


@dataclass(eq=False)
class Row:
    """One generation of a pass."""

    id: str
    order: Order
    control: Control
    made: Made | None = None
    """Once it is decoded."""


class Pass:
    """The generations of one `generate`. For the thread that computes.

    What one of them is alone at work on is done `alone`: its failure or its cancel then ends that one only. Everything
    else ends all of them.
    """

    def __init__(self, rows: Sequence[Row], on_drop: Callable[[Row, Exception], None]) -> None:
        """Take at least one; `on_drop` is told of each that ends before the others."""
        self.rows = list(rows)
        """Those that are still at it, in the order of the `generate`; at least one."""
        self._on_drop = on_drop
        self._alone: Row | None = None

    @property
    def order(self) -> Order:
        """What all of them have in common: model, memory mode, LoRAs, and of the request all but texts and seed."""
        return self.rows[0].order

    @property
    def total_steps(self) -> int:
        """The same for all."""
        return self.rows[0].control.total_steps

    @property
    def stage(self) -> str:
        """The stage that the first of them has come to; empty before the first stage."""
        return max((row.control.reached for row in self.rows), key=("", *STAGES).index)

    @property
    def is_to_yield(self) -> bool:
        """Whether to give up now that a step is over."""
        return self.rows[0].control.is_to_yield

    def check(self) -> None:
        """Raise `Cancelled` or `Yielded` if this work is to stop here. Cheap: the networks call it in every block.

        The work of one row stops when that one is cancelled; that of all, when there is none that goes on.
        """
        if self._alone is not None and self._alone.control.reason is Cancelled:
            raise Cancelled
        reasons = [row.control.reason for row in self.rows]
        if None not in reasons:
            raise Yielded if Yielded in reasons else Cancelled

    def leave(self) -> None:
        """Let those go that are cancelled while others go on; raises as `check`."""
        self.check()
        for row in tuple(self.rows):
            if row.control.reason is Cancelled:
                with self.alone(row):
                    raise Cancelled

    @contextlib.contextmanager
    def alone(self, row: Row) -> Iterator[None]:
        """For work on one row: a `Failure` or a `Cancelled` inside ends that row, unless it is the last one.

        Afterwards `rows` may be without it.
        """
        self._alone = row
        try:
            yield
        except (Failure, Cancelled) as error:
            if len(self.rows) == 1 or (isinstance(error, Failure) and error.kind == "out_of_memory"):
                raise
            self.rows.remove(row)
            row.made = None
            self._on_drop(row, error)
        finally:
            self._alone = None

    def enter(self, stage: str) -> None:
        """All of them begin `stage`."""
        self.leave()
        for row in self.rows:
            row.control.enter(stage)

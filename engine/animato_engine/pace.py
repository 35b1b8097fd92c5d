"""How often something may be done that is worth no more than a share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """Says when to do something again, by what it took the last time. What it took may be told from any one thread."""

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow for `share` of the time by `clock`, in seconds."""
        self._share = share
        self._clock = clock
        self._begun: float | None = None
        self._taken = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it may be done now: the first time always."""
        return self._begun is None or (self._clock() - self._begun) * self._share >= self._taken

    def begin(self) -> None:
        """Note that it is done from now on."""
        self._begun = self._clock()
        self._taken = 0.0

    def took(self, seconds: float) -> None:
        """Add so many seconds of a processor to what it has taken since `begin`."""
        self._taken += seconds

"""A thread that writes files while the device is at what comes next."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .errors import EX_FAILURE, traceback_text
from .process import leave, log


class Writer:
    """Does one piece of work at a time, in a thread of its own. To be used by one thread."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the last piece is done, no longer than `seconds`; whether it is."""
        if self._thread is not None:
            self._thread.join(seconds)
            if self._thread.is_alive():
                return False
            self._thread = None
        return True

    @property
    def is_idle(self) -> bool:
        """Whether the last piece is done."""
        return self.wait(0)

    def begin(self, work: Callable[[], None]) -> None:
        """Start `work`, once the last piece is done. Should it raise, the process ends: nobody would hear of it.

        Raises:
            RuntimeError: the system has no thread left.
        """
        self.wait()
        thread = threading.Thread(target=_run, args=(work,), name="writer", daemon=True)
        thread.start()
        self._thread = thread


def _run(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:
        # What goes wrong with a video is reported by the work itself; what is left is the channel.
        log(traceback_text(error, []))
        leave(EX_FAILURE)

"""How large a file may be, how long it may take, and how one that is too much, or is none, is reported."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import av
from PIL import Image

from ..errors import Failure

MAX_BYTES = 64 << 20
MAX_PICTURE_PIXELS = 1 << 24
MAX_FRAME_PIXELS = 1 << 22
MAX_FRAMES = 1200
MAX_SECONDS = 600
INSPECT_SECONDS = 40.0
"""Of processor time, below the bound that kills the process: so the file still gets its code."""
READ_SECONDS = 20.0
"""Of processor time, for one file of a request."""

# What Pillow and libav raise for a file that is not sound. Pillow has no common class, and parses much in Python.
_UNSOUND = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    struct.error,
    zlib.error,
    av.FFmpegError,
)


def unreadable(message: str) -> Failure:
    """The file is not what can be used."""
    return Failure.invalid(message, code="media_unreadable")


def too_large(message: str) -> Failure:
    """The file is beyond a limit."""
    return Failure.invalid(message, code="media_too_large")


class Budget:
    """The processor time that the calling thread may spend on one file, counted from here.

    Not time by the clock: a file is refused for good, and that must not depend on what else runs. Everything is in
    memory, so there is nothing to wait for.
    """

    def __init__(self, seconds: float, check: Callable[[], None] = lambda: None) -> None:
        self._check = check
        self._end = time.thread_time() + seconds

    def spend(self) -> None:
        """To be called often: raises what `check` raises, and `media_too_large` when the time is over."""
        self._check()
        if time.thread_time() > self._end:
            raise too_large("The file takes too long to decode.")


class Reader(io.BytesIO):
    """Bytes in memory for a decoder, which looks at the budget whenever it wants more of them."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        super().__init__(data)
        self._budget = budget

    def read(self, size: int | None = -1, /) -> bytes:
        """As every file's; raises what the budget raises."""
        self._budget.spend()
        return super().read(size)


def read_bounded(path: Path) -> bytes:
    """The whole file, read once: whoever changes it later changes nothing that was judged.

    Raises:
        Failure: `media_unreadable`, `media_too_large`.
    """
    try:
        # Without waiting: a pipe would keep this open until somebody writes.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise unreadable("This is no file.")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise unreadable(f"The file cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise too_large(f"The file has more than {MAX_BYTES} bytes.")
    return data


@contextlib.contextmanager
def sound(budget: Budget) -> Iterator[None]:
    """Report what a decoder raises as `media_unreadable`, and a lack of memory as `media_too_large`."""
    try:
        yield
    except (MemoryError, Image.DecompressionBombError) as error:
        # libav says it with the same class.
        raise too_large("The file needs more memory than there is for it.") from error
    except _UNSOUND as error:
        # A decoder may answer the budget's exception with one of its own.
        budget.spend()
        raise unreadable(f"The file is damaged or incomplete: {type(error).__name__}.") from error

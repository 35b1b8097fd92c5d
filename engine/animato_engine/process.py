"""What the process owes its server: a clean channel, and not to outlive it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import stat
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import NoReturn

from .errors import EX_OK, EX_USAGE

PARENT_VARIABLE = "ANIMATO_ENGINE_PARENT"
_PR_SET_PDEATHSIG = 1

_DERIVING_LIMITS = {
    resource.RLIMIT_AS: 2 << 30,
    resource.RLIMIT_CPU: 50,
    resource.RLIMIT_FSIZE: 64 << 20,
    resource.RLIMIT_CORE: 0,
}
"""Bytes of memory, seconds of processor time, bytes of output and of a core dump."""


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies; exit at once if the parent is already another.

    The kernel's signal also ends an engine that hangs in a long call and never reads its channel again. Without
    `ANIMATO_ENGINE_PARENT` (started by hand) only the first half applies. Elsewhere than on Linux the end of the
    channel alone has to do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    expected = os.environ.get(PARENT_VARIABLE)
    # The parent may have died before the call above; then nobody would ever send the signal.
    if expected is not None and expected != str(os.getppid()):
        log("the server is gone; exiting")
        leave(EX_OK)


def take_channel() -> socket.socket:
    """The socket that the server passed as descriptor 0, moved out of the way of everything else.

    Afterwards descriptor 0 is empty and descriptor 1 is standard error: a stray `print`, in Python or in a library,
    ends in the log instead of in the protocol.
    """
    if not stat.S_ISSOCK(os.fstat(0).st_mode):
        log("standard input must be a stream socket; the server starts this process")
        raise SystemExit(EX_USAGE)
    # A duplicate is not inherited by children, unlike descriptors 0 to 2.
    stream = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return stream


def limit_resources() -> None:
    """Bound what this process takes, whatever its input makes of it. To be called before libav and numpy are imported.

    For a process that makes something of a video and ends. Where less is allowed already, that stays.
    """
    # Each thread of numpy's would reserve memory that nobody uses.
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    for kind, most in _DERIVING_LIMITS.items():
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


_trace: ContextVar[str] = ContextVar("trace", default="")


@contextlib.contextmanager
def about(trace_id: str) -> Iterator[None]:
    """Name a trace at the beginning of each line that this thread logs meanwhile; an empty one names none."""
    token = _trace.set(trace_id)
    try:
        yield
    finally:
        _trace.reset(token)


def log(text: str) -> None:
    """Write lines to the log. Never a prompt."""
    if trace_id := _trace.get():
        text = "\n".join(f"trace_id={trace_id} {line}" for line in text.splitlines())
    # The reader of the log may be gone before the end of the channel is seen; that must not keep anyone from leaving.
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def leave(status: int) -> NoReturn:
    """End the process now, whatever its other threads do."""
    os._exit(status)

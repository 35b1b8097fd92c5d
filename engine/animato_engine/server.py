"""The loop: one thread reads the channel, the main thread computes."""

from __future__ import annotations

import queue
import signal
import threading
from dataclasses import dataclass, field
from types import FrameType

from . import protocol
from .control import Signals
from .errors import EX_OK, EX_PROTOCOL, BrokenPeer
from .process import leave, log
from .protocol import Cancel, Channel, Generate, Message, Shutdown, Yield
from .session import Session


@dataclass(frozen=True)
class _Job:
    """An accepted command, and the flags that stop it."""

    command: Generate
    signals: Signals = field(default_factory=Signals)


class Server:
    """Takes commands from the channel, one generation at a time.

    The reading thread never computes, so it notices a cancel, and the end of the channel, while the main thread is
    deep in a long call.
    """

    def __init__(self, channel: Channel, session: Session) -> None:
        self._channel = channel
        self._session = session
        # A signal handler may put into it at any moment: of the queues only this one is reentrant.
        self._accepted: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._job: _Job | None = None
        self._stopping = threading.Event()

    def run(self, hello: Message) -> int:
        """Say `hello`, serve until `shutdown`, SIGTERM or SIGINT, and give the exit status. For the main thread.

        The end of the channel and a broken peer end the process from within.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        # Only now: whoever has read it may send a signal.
        self._channel.send(hello)
        threading.Thread(target=self._read, name="channel", daemon=True).start()
        while not self._stopping.is_set():
            job = self._accepted.get()
            if job is None:
                break
            outcome = self._session.run(job.command, job.signals)
            # Free before the outcome is sent: the answer to it may be the next command.
            with self._lock:
                self._job = None
            self._channel.send(outcome)
        return EX_OK

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Stop as for `shutdown`. Takes no lock: the main thread, in which this runs, may hold it."""
        job = self._job
        self._stop(job)

    def _stop(self, job: _Job | None) -> None:
        self._stopping.set()
        if job is not None:
            job.signals.shutdown.set()
        self._accepted.put(None)

    def _read(self) -> None:
        """Carry out what arrives, until the process ends."""
        try:
            while (message := self._channel.receive()) is not None:
                self._take(protocol.parse_command(message))
        except BrokenPeer as error:
            log(f"the server broke the protocol: {error}")
            leave(EX_PROTOCOL)
        except OSError:
            log("the channel is broken; exiting")
        # Without a server there is nobody to work for, and the main thread may be in a call that never returns.
        leave(EX_OK)

    def _take(self, command: protocol.Command) -> None:
        match command:
            case Generate():
                job = _Job(command)
                with self._lock:
                    busy = self._job is not None
                    if not busy:
                        self._job = job
                if busy:
                    text = "This engine makes one video at a time."
                    self._channel.send(protocol.failed(command.id, "internal", "engine_busy", text))
                else:
                    self._accepted.put(job)
            case Cancel() | Yield():
                with self._lock:
                    if self._job is not None and self._job.command.id == command.id:
                        signals = self._job.signals
                        (signals.cancel if isinstance(command, Cancel) else signals.give_up).set()
            case Shutdown():
                with self._lock:
                    job_now = self._job
                self._stop(job_now)

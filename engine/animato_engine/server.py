"""The loop: one thread reads the channel, the main thread computes."""

from __future__ import annotations

import queue
import signal
import threading
from dataclasses import dataclass
from types import FrameType

from . import protocol
from .control import Signals
from .errors import EX_OK, EX_PROTOCOL, BrokenPeer
from .process import leave, log
from .protocol import Cancel, Channel, Generate, Message, Park, Shutdown, Yield
from .session import Session, Studio


@dataclass(frozen=True)
class _Job:
    """An accepted command, and the flags that stop its generations, by their ids."""

    command: Generate
    signals: dict[str, Signals]

    def shut_down(self) -> None:
        """Have the pass yield; its generations share the flag."""
        self.signals[self.command.id].shutdown.set()


class Server:
    """Takes commands from the channel, one pass on the device at a time.

    The reading thread never computes, so it notices a cancel, and the end of the channel, while the main thread is
    deep in a long call.
    """

    def __init__(self, channel: Channel, studio: Studio) -> None:
        self._channel = channel
        self._session = Session(studio, self._send)
        # A signal handler may put into it at any moment: of the queues only this one is reentrant.
        self._accepted: queue.SimpleQueue[_Job | Park | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._job: _Job | None = None
        """What is on the device, or about to be."""
        self._parking = False
        """Whether a `park` is not carried out yet."""
        self._signals: dict[str, Signals] = {}
        """Of every generation without an outcome: at most one pass on the device, and one that is being written."""
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
        try:
            while not self._stopping.is_set():
                accepted = self._accepted.get()
                if accepted is None:
                    break
                self._carry_out(accepted)
        finally:
            # Also when the device is lost: what is being written does not need it.
            self._session.finish()
        return EX_OK

    def _carry_out(self, accepted: _Job | Park) -> None:
        if isinstance(accepted, Park):
            parked = self._session.park()
            with self._lock:
                self._parking = False
            self._send(parked)
            return
        outcomes = self._session.run(accepted.command, accepted.signals)
        # Free before the outcome is sent: the answer to it may be the next command.
        self._free(accepted)
        for outcome in outcomes:
            self._send(outcome)

    def _send(self, message: Message) -> None:
        """Send what the session has to say, once this server is ready for the answer."""
        match message["type"]:
            case "released":
                self._free(self._job)
            case "done" | "failed":
                with self._lock:
                    self._signals.pop(message["id"], None)
        self._channel.send(message)

    def _free(self, job: _Job | None) -> None:
        """`job` is not on the device any more; if it has been for some time, another one may be."""
        with self._lock:
            if self._job is job:
                self._job = None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Stop as for `shutdown`. Takes no lock: the main thread, in which this runs, may hold it."""
        job = self._job
        self._stop(job)

    def _stop(self, job: _Job | None) -> None:
        self._stopping.set()
        if job is not None:
            job.shut_down()
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
                if not self._accept(command):
                    text = "This engine makes one pass at a time."
                    for identifier in command.ids:
                        self._channel.send(protocol.failed(identifier, "internal", "engine_busy", text))
            case Cancel() | Yield():
                with self._lock:
                    signals = self._signals.get(command.id)
                if signals is not None:
                    (signals.cancel if isinstance(command, Cancel) else signals.give_up).set()
            case Park():
                with self._lock:
                    is_idle = self._job is None and not self._parking
                    self._parking = self._parking or is_idle
                if is_idle:
                    self._accepted.put(command)
            case Shutdown():
                with self._lock:
                    job_now = self._job
                self._stop(job_now)

    def _accept(self, command: Generate) -> bool:
        """Whether `command` will be carried out: not if a pass is on the device.

        Raises:
            BrokenPeer: one of its generations has no outcome yet.
        """
        first = Signals()
        signals = {name: first if name == command.id else Signals(first) for name in command.ids}
        with self._lock:
            if not self._signals.keys().isdisjoint(signals):
                raise BrokenPeer("a generate has an id that is at work")
            if self._job is not None:
                return False
            self._job = _Job(command, signals)
            self._signals |= signals
            self._accepted.put(self._job)
        return True

"""The engine's end of its peer process (`parallel`, `peer`): starts it, asks it, and ends it when anything fails."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import BrokenPeer, Failure
from .lora import LoRAFile
from .process import PARENT_VARIABLE, log
from .tensor_channel import TensorChannel, TensorMessage

if TYPE_CHECKING:
    import torch

_KILL_SECONDS = 10.0


@dataclass(frozen=True)
class Bounds:
    """How long the engine waits for its peer, in seconds; a peer that takes longer is killed."""

    prepare: float = 1800.0
    """To start, read the weights and merge LoRAs."""
    step: float = 600.0
    """For its half of one step, beyond the time that the own half takes."""
    drop: float = 60.0
    """To give up a half that nobody wants any more: at most one block of the network."""
    send: float = 30.0
    """To take what it is sent, which it always waits for."""


@dataclass(frozen=True)
class Network:
    """What a peer loads: the component in `directory`, of a class in `peer.NETWORKS`."""

    directory: Path
    class_name: str
    dtype: torch.dtype
    """Of the weights."""
    backend: str | None = None
    """Of `torch.compile`, if the blocks are to be compiled."""


class GuidancePeer:
    """The peer process: started when it is first needed, killed when it fails, and started again for the next use.

    For one thread, which must be the one that lives as long as the process: the kernel kills the peer when the thread
    that started it ends. What it writes to standard error goes into this process's log.
    """

    def __init__(self, network: Network, device: str, bounds: Bounds | None = None) -> None:
        self._network = network
        self._device = device
        self._bounds = bounds or Bounds()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: TensorChannel | None = None
        self._awaited = 0
        """Answers that are still to come; all but the last are to what was given up."""
        self._mode: str | None = None
        self._preparing: str | None = None

    @property
    def mode(self) -> str | None:
        """The memory mode in which it was last ready; None since it has ended, or is being prepared."""
        return None if self._has_ended else self._mode

    @property
    def pid(self) -> int | None:
        """The process id; None while none runs."""
        return None if self._process is None else self._process.pid

    def prepare(self, mode: str, loras: Sequence[tuple[LoRAFile, float]] = ()) -> None:
        """Have the network loaded in the memory mode `mode` with exactly `loras` merged. To be called before each use.

        Does not wait, so that this process can load meanwhile: `wait_until_ready` does.

        Raises:
            Failure: code `peer_lost`.
        """
        self._mode = None
        if self._has_ended:
            # While nobody used it, so that nothing is lost.
            self.close()
        if self._process is None:
            self._start()
        network = {
            "directory": str(self._network.directory),
            "class_name": self._network.class_name,
            "dtype": str(self._network.dtype).removeprefix("torch."),
            "backend": self._network.backend,
            "device": self._device,
        }
        merged = [{**asdict(lora), "file": str(lora.file), "scale": scale} for lora, scale in loras]
        self._ask({"type": "prepare", "network": network, "mode": mode, "loras": merged})
        self._preparing = mode

    def wait_until_ready(self, check: Callable[[], None]) -> None:
        """Wait for what `prepare` has begun.

        Raises:
            Failure: what went wrong there, as it would be here; or code `peer_lost`.
            Exception: what `check` raised.
        """
        try:
            self._answer(self._bounds.prepare, check)
        except Failure:
            raise
        except BaseException:
            # Not waited for: a load is finished, which may take minutes, and then of use.
            self._send_drop()
            raise
        self._mode = self._preparing

    def begin(self, inputs: Mapping[str, Any]) -> None:
        """Have the network called with `inputs`, tensors by their names in its call.

        Raises:
            Failure: code `peer_lost`.
        """
        self._ask({"type": "evaluate"}, inputs)

    def finish(self, check: Callable[[], None]) -> Any:
        """The output of the call that `begin` began, on the CPU.

        Raises:
            Failure: what went wrong there, as it would be here; or code `peer_lost`.
            Exception: what `check` raised. To be followed by `drop`.
        """
        return self._answer(self._bounds.step, check).tensors["output"]

    def drop(self) -> None:
        """Give up whatever was begun; the peer is ready for the next use, or gone. Raises nothing."""
        self._send_drop()
        if self._awaited:
            with contextlib.suppress(Failure):
                self._answer(self._bounds.drop, lambda: None)

    def close(self) -> None:
        """End the process. Raises nothing; can be called at any time."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_KILL_SECONDS)
        self._channel = self._process = self._mode = None
        self._awaited = 0

    @property
    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # In this process's group: the server kills the whole group.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "animato_engine.peer"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={**os.environ, PARENT_VARIABLE: str(os.getpid())},
            )
        self._channel = TensorChannel(ours)

    def _ask(self, fields: Mapping[str, Any], tensors: Mapping[str, Any] | None = None) -> None:
        """Send a command; there is one answer to each."""
        if self._channel is None:
            self._lose("it does not run")
        try:
            self._channel.send(fields, tensors or {}, self._bounds.send)
        except OSError as error:
            self._lose(str(error), error)
        self._awaited += 1

    def _answer(self, seconds: float, check: Callable[[], None]) -> TensorMessage:
        """The answer to the last command, once it is known to be a good one; within `seconds` of the one before it."""
        while True:
            if self._channel is None:
                self._lose("it does not run")
            try:
                message = self._channel.receive(seconds, check)
            except (OSError, BrokenPeer) as error:
                self._lose(str(error), error)
            if message is None:
                self._lose("it ended")
            self._awaited -= 1
            if self._awaited:
                continue
            if message.fields["type"] == "failed":
                raise Failure(message.fields["kind"], message.fields["code"], message.fields["message"])
            return message

    def _send_drop(self) -> None:
        if self._channel is not None and self._awaited:
            try:
                self._channel.send({"type": "drop"}, {}, self._bounds.send)
            except OSError:
                self.close()

    def _lose(self, reason: str, error: BaseException | None = None) -> NoReturn:
        self.close()
        log(f"the peer on {self._device} is lost: {reason}")
        raise Failure("internal", "peer_lost", f"The process on the second device is lost: {reason}.") from error

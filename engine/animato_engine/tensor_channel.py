"""Messages with tensors over a stream socket, between an engine and its peer (`parallel`).

A frame is two big-endian unsigned 32-bit lengths, then a JSON object of the first and safetensors of the second length.
Tensors travel by way of the CPU and arrive there, bit for bit. Both ends are this package, so nothing here is
versioned; the limits are there so that a damaged stream ends in an error and not in memory running out.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import BrokenPeer

MAX_OBJECT_BYTES = 1 << 20
MAX_TENSOR_BYTES = (1 << 32) - 1

_LENGTHS = struct.Struct(">II")
_CHUNK_BYTES = 1 << 20
_LOOK_SECONDS = 0.05
"""How often a wait looks whether it is to end."""


@dataclass(frozen=True)
class TensorMessage:
    """One frame: what it says, and the tensors that belong to it by name."""

    fields: dict[str, Any]
    tensors: dict[str, Any] = field(default_factory=dict)


class TensorChannel:
    """One end of the socket. For one thread."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._received = bytearray()

    def send(self, fields: Mapping[str, Any], tensors: Mapping[str, Any], seconds: float) -> None:
        """Send one frame; the other end has to take it within `seconds`.

        Raises:
            OSError: the other end is gone, or does not read (`TimeoutError`). The channel cannot be used any more.
        """
        from safetensors.torch import save

        body = json.dumps(fields).encode()
        # Copies: safetensors refuses tensors that share memory.
        stored = save({name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}) if tensors else b""
        if len(body) > MAX_OBJECT_BYTES or len(stored) > MAX_TENSOR_BYTES:
            raise ValueError(f"a message of {len(body)} and {len(stored)} bytes is too large")
        self._stream.settimeout(seconds)
        self._stream.sendall(_LENGTHS.pack(len(body), len(stored)) + body)
        self._stream.sendall(stored)

    def receive(self, seconds: float | None = None, check: Callable[[], None] = lambda: None) -> TensorMessage | None:
        """The next frame, its tensors on the CPU; None at the end of the stream.

        Waits for `seconds`, calling `check` every 50 ms; None: until the other end is gone, without a check. If that
        raises, nothing is lost: a later call goes on where this one was.

        Raises:
            TimeoutError: the frame was not there in time.
            OSError: the other end is gone.
            BrokenPeer: what arrived is no frame.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        if not self._fill(_LENGTHS.size, deadline, check):
            return None
        body, stored = _LENGTHS.unpack_from(self._received)
        if body > MAX_OBJECT_BYTES:
            raise BrokenPeer(f"a message of {body} bytes")
        end = _LENGTHS.size + body + stored
        if not self._fill(end, deadline, check):
            return None
        frame = bytes(self._received[_LENGTHS.size : end])
        del self._received[:end]
        return _parse(frame[:body], frame[body:])

    def has_news(self) -> bool:
        """Whether something has arrived, or the stream has ended. Does not wait; costs a system call."""
        return bool(self._received) or bool(select.select([self._stream], [], [], 0)[0])

    def close(self) -> None:
        """Close this end; the other one sees the end of the stream."""
        self._stream.close()

    def _fill(self, wanted: int, deadline: float | None, check: Callable[[], None]) -> bool:
        """Have `wanted` bytes received; False if the stream ends before."""
        while len(self._received) < wanted:
            check()
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError("the other end does not answer")
            self._stream.settimeout(None if deadline is None else _LOOK_SECONDS)
            try:
                chunk = self._stream.recv(_CHUNK_BYTES)
            except TimeoutError:
                continue
            if not chunk:
                return False
            self._received += chunk
        return True


def _parse(body: bytes, stored: bytes) -> TensorMessage:
    """The message in the two parts of a frame."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        fields = json.loads(body)
        tensors = load(stored) if stored else {}
    except (ValueError, RecursionError, SafetensorError) as error:
        raise BrokenPeer(f"a message that cannot be read: {type(error).__name__}") from error
    if not isinstance(fields, dict):
        raise BrokenPeer("a message that is no object")
    return TensorMessage(fields, tensors)

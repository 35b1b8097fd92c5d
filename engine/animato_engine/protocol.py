"""Frames and messages: the wire of `docs/engine-protocol.md`, and nothing else."""

from __future__ import annotations

import json
import socket
import struct
import threading
from dataclasses import dataclass, replace
from typing import Any

from .errors import BrokenPeer

PROTOCOL_VERSION = 3
MAX_BODY_BYTES = 1_048_576
_MAX_ID_CHARACTERS = 200
_MAX_MESSAGE_CHARACTERS = 4000
_HEADER = struct.Struct(">I")
_OWN_REQUEST = ("prompt", "negative_prompt", "seed")
_OWN_FIELDS = ("output", "metadata", "checkpoint", "preview", "trace")
"""What a companion says of itself; the rest is that of its `generate`."""

Message = dict[str, Any]
"""A JSON object with a `type`."""


@dataclass(frozen=True)
class Generate:
    """Make a video. What it says of itself is as received: `order` parses it, where the models are known."""

    id: str
    request: Message
    model: Any = None
    inputs: Any = None
    memory_mode: Any = None
    output: Any = None
    metadata: Any = None
    checkpoint: Any = None
    preview: Any = None
    trace: Any = None
    companions: tuple[Message, ...] = ()
    """What is to be made in the same pass: objects with an `id`, as received."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all generations of the pass, in its order; each once."""
        return self.id, *(companion["id"] for companion in self.companions)

    def members(self) -> list[Generate]:
        """Each generation of the pass as a command of its own."""
        own = [replace(self, companions=())]
        for companion in self.companions:
            request = self.request | {name: companion.get(name) for name in _OWN_REQUEST}
            fields: dict[str, Any] = {name: companion.get(name) for name in _OWN_FIELDS}
            own.append(replace(own[0], id=companion["id"], request=request, **fields))
        return own


@dataclass(frozen=True)
class Cancel:
    """Stop the generation `id`."""

    id: str


@dataclass(frozen=True)
class Yield:
    """Give the generation `id` up after the step at hand, with its checkpoint on disk."""

    id: str


@dataclass(frozen=True)
class Park:
    """Move the weights off the device."""


@dataclass(frozen=True)
class Shutdown:
    """Yield what is on the device, finish what is being written, and exit."""


Command = Generate | Cancel | Yield | Park | Shutdown


def encode_frame(message: Message) -> bytes:
    """The frame of `message`.

    Raises:
        ValueError: the body is over the bound, or the message is no JSON.
    """
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii")
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"a body of {len(body)} bytes is over the bound of {MAX_BODY_BYTES}")
    return _HEADER.pack(len(body)) + body


def body_length(header: bytes) -> int:
    """The length that a four-byte header announces, in bytes.

    Raises:
        BrokenPeer: the length is 0 or over the bound.
    """
    (length,) = _HEADER.unpack(header)
    if not 0 < length <= MAX_BODY_BYTES:
        raise BrokenPeer(f"a frame announces a body of {length} bytes")
    return int(length)


def decode_body(body: bytes) -> Message:
    """The message in `body`.

    Raises:
        BrokenPeer: it is not one JSON object in UTF-8 with a `type`.
    """
    try:
        message = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        # The error's text would quote the body, and with it a prompt.
        raise BrokenPeer(f"a frame is no JSON in UTF-8 ({type(error).__name__})") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BrokenPeer("a frame is no JSON object with a type")
    return message


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def parse_command(message: Message) -> Command:
    """The command in a message from the server.

    Raises:
        BrokenPeer: the type is unknown, or what every command of that type carries is missing.
    """
    match message["type"]:
        case "generate":
            request = message.get("request")
            if not isinstance(request, dict):
                raise BrokenPeer("a generate has no request")
            rest = {name: message.get(name) for name in ("model", "inputs", "memory_mode", *_OWN_FIELDS)}
            command = Generate(_identifier(message), request, companions=_companions(message), **rest)
            if len(set(command.ids)) != len(command.ids):
                raise BrokenPeer("a generate has an id twice")
            return command
        case "cancel":
            return Cancel(_identifier(message))
        case "yield":
            return Yield(_identifier(message))
        case "park":
            return Park()
        case "shutdown":
            return Shutdown()
        case _:
            raise BrokenPeer("a frame has an unknown type")


def _identifier(message: Message) -> str:
    value = message.get("id")
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_ID_CHARACTERS:
        raise BrokenPeer("a command has no usable id")
    return value


def _companions(message: Message) -> tuple[Message, ...]:
    companions = message.get("companions")
    if companions is None:
        return ()
    if not isinstance(companions, list) or not all(isinstance(one, dict) for one in companions):
        raise BrokenPeer("companions are no list of objects")
    for companion in companions:
        _identifier(companion)
    return tuple(companions)


def hello(
    engine_version: str, pid: int, device: str, memory_bytes: int, models: list[Message], loras: list[Message]
) -> Message:
    """The first message of an engine that can work."""
    return {
        "type": "hello",
        "protocol": PROTOCOL_VERSION,
        "engine_version": engine_version,
        "pid": pid,
        "device": device,
        "memory_bytes": memory_bytes,
        "models": models,
        "loras": loras,
    }


def refused(code: str, message: str) -> Message:
    """The only message of an engine that can never work."""
    return {"type": "refused", "code": code, "message": message[:_MAX_MESSAGE_CHARACTERS]}


def progress(identifier: str, stage: str, step: int, total_steps: int) -> Message:
    """`step` finished denoising steps of `total_steps`, in `stage`."""
    return {"type": "progress", "id": identifier, "stage": stage, "step": step, "total_steps": total_steps}


def released(identifiers: list[str]) -> Message:
    """Only the files of these generations remain to be written."""
    return {"type": "released", "ids": identifiers}


def resumed(identifier: str, step: int) -> Message:
    """The checkpoint was good; `step` steps are done already."""
    return {"type": "resumed", "id": identifier, "step": step}


def written(what: str, identifier: str, step: int, size: int) -> Message:
    """The file of `step` is in place: `what` is `checkpointed` or `preview`; `size` is in bytes."""
    return {"type": what, "id": identifier, "step": step, "bytes": size}


def failed(identifier: str, kind: str, code: str, message: str) -> Message:
    """The generation ended without a video."""
    text = message[:_MAX_MESSAGE_CHARACTERS]
    return {"type": "failed", "id": identifier, "kind": kind, "code": code, "message": text}


class Channel:
    """Frames over a stream socket. One thread may receive; any may send."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        """Send one message whole.

        Raises:
            OSError: the peer is gone.
        """
        self.send_raw(encode_frame(message))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are; for the faults that the timed engine plays."""
        with self._sending:
            self._stream.sendall(data)

    def receive(self) -> Message | None:
        """The next message, or None at the end of the stream, also in the middle of a frame.

        Raises:
            BrokenPeer: the frame or its body is not what the protocol allows.
        """
        header = self._read(_HEADER.size)
        if header is None:
            return None
        body = self._read(body_length(header))
        return None if body is None else decode_body(body)

    def _read(self, length: int) -> bytes | None:
        """Exactly `length` bytes, or None if the stream ends before."""
        data = bytearray()
        while len(data) < length:
            try:
                part = self._stream.recv(min(length - len(data), 1 << 16))
            except ConnectionError:
                return None
            if not part:
                return None
            data += part
        return bytes(data)

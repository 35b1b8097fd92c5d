"""The wire: what is accepted, what is not, and that nothing else can happen."""

from __future__ import annotations

import json
import random
import socket
import struct

import pytest

from animato_engine import protocol
from animato_engine.errors import BrokenPeer
from animato_engine.protocol import (
    MAX_BODY_BYTES,
    Cancel,
    Channel,
    Generate,
    Park,
    Shutdown,
    Yield,
    decode_body,
    encode_frame,
)


def receive(data: bytes) -> protocol.Message | None:
    """What a channel makes of `data` and the end of the stream."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        return Channel(ours).receive()


def test_a_message_survives_the_wire() -> None:
    message = {"type": "cancel", "id": "一只猫 🐈 \n\0"}
    assert receive(encode_frame(message)) == message


def test_a_message_may_arrive_in_pieces() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        frame = encode_frame({"type": "shutdown"})
        channel = Channel(ours)
        for index in range(len(frame) - 1):
            theirs.send(frame[index : index + 1])
        theirs.send(frame[-1:] + frame)
        assert channel.receive() == channel.receive() == {"type": "shutdown"}


def test_the_largest_body_is_accepted_and_the_next_is_not() -> None:
    room = MAX_BODY_BYTES - len(json.dumps({"type": "x", "a": ""}, separators=(",", ":")))
    frame = encode_frame({"type": "x", "a": "a" * room})
    assert protocol.body_length(frame[:4]) == MAX_BODY_BYTES
    assert len(decode_body(frame[4:])["a"]) == room
    with pytest.raises(ValueError, match="over the bound"):
        encode_frame({"type": "x", "a": "a" * (room + 1)})
    with pytest.raises(BrokenPeer):
        protocol.body_length(struct.pack(">I", MAX_BODY_BYTES + 1))


@pytest.mark.parametrize("length", [0, MAX_BODY_BYTES + 1, 2**32 - 1])
def test_a_length_out_of_bounds_is_a_broken_peer(length: int) -> None:
    with pytest.raises(BrokenPeer):
        receive(struct.pack(">I", length) + b"{}")


@pytest.mark.parametrize(
    "body",
    [
        b"garbage",
        b"\xff\xfe",
        b"[]",
        b"1",
        b"null",
        b'"type"',
        b"{}",
        b'{"type":1}',
        b'{"type":"cancel","id":NaN}',
        b'{"type":"x"}{"type":"x"}',
        b"[" * 100_000,
        b'{"type":"cancel","id":' + b"1" * 10_000 + b"}",
    ],
)
def test_a_body_that_is_no_message_is_a_broken_peer(body: bytes) -> None:
    with pytest.raises(BrokenPeer) as caught:
        receive(struct.pack(">I", len(body)) + body)
    assert "garbage" not in str(caught.value)


@pytest.mark.parametrize("cut", [1, 3, 4, 5])
def test_a_stream_that_ends_in_a_frame_has_ended(cut: int) -> None:
    assert receive(encode_frame({"type": "shutdown"})[:cut]) is None


def test_an_empty_stream_has_ended() -> None:
    assert receive(b"") is None


def test_random_bytes_give_a_message_an_end_or_a_broken_peer() -> None:
    chance = random.Random(1)
    valid = encode_frame({"type": "generate", "id": "g", "request": {"prompt": "p", "seed": 1}, "output": "/o"})
    for _ in range(2000):
        data = bytearray(valid)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.5:
            data = bytearray(chance.randbytes(chance.randrange(64)))
        try:
            message = receive(bytes(data))
            if message is not None:
                protocol.parse_command(message)
        except BrokenPeer:
            pass


def test_commands_are_parsed_and_unknown_fields_ignored() -> None:
    generate = {"type": "generate", "id": "g", "request": {"prompt": "p"}, "output": "/o", "later": True}
    assert protocol.parse_command(generate) == Generate("g", {"prompt": "p"}, output="/o")
    rest = {"model": "m", "inputs": {}, "memory_mode": "full", "metadata": {}, "checkpoint": {}, "preview": {}}
    assert protocol.parse_command({**generate, **rest}) == Generate("g", {"prompt": "p"}, output="/o", **rest)
    together = {**generate, "companions": [{"id": "h", "prompt": "q", "output": "/p", "width": 1}]}
    command = protocol.parse_command({**together, **rest})
    assert isinstance(command, Generate) and command.ids == ("g", "h")
    first, second = command.members()
    assert first == Generate("g", {"prompt": "p"}, output="/o", **rest)
    own = {"prompt": "q", "negative_prompt": None, "seed": None}
    assert second == Generate("h", own, output="/p", model="m", inputs={}, memory_mode="full")
    assert protocol.parse_command({"type": "park"}) == Park()
    assert protocol.parse_command({"type": "yield", "id": "g"}) == Yield("g")
    assert protocol.parse_command({"type": "cancel", "id": "g", "why": 1}) == Cancel("g")
    assert protocol.parse_command({"type": "shutdown"}) == Shutdown()


@pytest.mark.parametrize(
    "message",
    [
        {"type": "unknown"},
        {"type": "hello"},
        {"type": "cancel"},
        {"type": "cancel", "id": 1},
        {"type": "yield"},
        {"type": "cancel", "id": ""},
        {"type": "cancel", "id": "a" * 201},
        {"type": "generate", "id": "g", "output": "/o"},
        {"type": "generate", "id": "g", "request": [], "output": "/o"},
        {"type": "generate", "request": {}, "output": "/o"},
        {"type": "generate", "id": "g", "request": {}, "companions": {}},
        {"type": "generate", "id": "g", "request": {}, "companions": ["h"]},
        {"type": "generate", "id": "g", "request": {}, "companions": [{"prompt": "q"}]},
        {"type": "generate", "id": "g", "request": {}, "companions": [{"id": "g"}]},
        {"type": "generate", "id": "g", "request": {}, "companions": [{"id": "h"}, {"id": "h"}]},
    ],
)
def test_a_command_without_what_it_needs_is_a_broken_peer(message: protocol.Message) -> None:
    with pytest.raises(BrokenPeer):
        protocol.parse_command(message)


def test_a_long_reason_is_cut_to_fit_a_frame() -> None:
    encode_frame(protocol.failed("g", "internal", "internal", "🐈" * MAX_BODY_BYTES))
    encode_frame(protocol.refused("model_unsupported", "🐈" * MAX_BODY_BYTES))

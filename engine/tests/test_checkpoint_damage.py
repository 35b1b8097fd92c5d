"""What lies in the place of a checkpoint and is none: never an error, never a wait."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from test_checkpoint_file import IDENTITY, sample, save

from animato_engine.checkpoint import MAX_BYTES, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A path for a checkpoint."""
    return tmp_path / "g.safetensors"


def test_a_file_cut_at_any_length_is_no_checkpoint(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    size = save(file, sample())
    for length in reversed(range(size)):
        os.truncate(file, length)
        assert load(file, IDENTITY) is None, length
    assert capfd.readouterr().err.count("g.safetensors is not used") == size


def test_a_file_with_a_bit_flipped_anywhere_is_no_checkpoint(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    size = save(file, sample())
    data = file.read_bytes()
    with file.open("r+b", buffering=0) as target:
        for place in range(size):
            # Another bit in each byte: all of them would take half a minute.
            os.pwrite(target.fileno(), bytes([data[place] ^ 1 << place % 8]), place)
            assert load(file, IDENTITY) is None, place
            os.pwrite(target.fileno(), data[place : place + 1], place)
    assert capfd.readouterr().err.count("g.safetensors is not used") == size
    assert load(file, IDENTITY) is not None


def test_a_file_with_more_behind_it_is_no_checkpoint(file: Path) -> None:
    save(file, sample())
    with file.open("ab") as target:
        target.write(b"\0")
    assert load(file, IDENTITY) is None


def directory(file: Path) -> None:
    """A directory."""
    file.mkdir()


def fifo(file: Path) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(file)


def listener(file: Path) -> None:
    """A socket."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.bind(str(file))


def loop(file: Path) -> None:
    """A link to itself."""
    file.symlink_to(file)


def endless(file: Path) -> None:
    """A device that never ends."""
    file.symlink_to("/dev/zero")


def huge(file: Path) -> None:
    """More than is read, of which nothing is on the disk."""
    with file.open("wb") as target:
        target.truncate(MAX_BYTES + 1)


def huge_header(file: Path) -> None:
    """A header that is said to be larger than any memory."""
    file.write_bytes((1 << 62).to_bytes(8, "little") + b"{}")


def signed(header: object, file: Path) -> None:
    """A file with a digest that fits, and `header`."""
    text = json.dumps(header, separators=(",", ":")).encode()
    data = len(text).to_bytes(8, "little") + text
    digest = hashlib.sha256(data).hexdigest().encode()
    file.write_bytes(data.replace(b"0" * 64, digest))


def without_steps(file: Path) -> None:
    """A file of this program's making in which something is missing."""
    signed({"__metadata__": {"version": "1", "identity": IDENTITY, "sha256": "0" * 64}}, file)


def with_a_wrong_step(file: Path) -> None:
    """A step after the last one."""
    steps = {"step": "11", "total_steps": "10"}
    signed({"__metadata__": {"version": "1", "identity": IDENTITY, **steps, "sha256": "0" * 64}}, file)


def with_a_tensor_outside(file: Path) -> None:
    """A tensor that lies behind the end."""
    tensor = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    steps = {"step": "1", "total_steps": "10"}
    metadata = {"version": "1", "identity": IDENTITY, **steps, "sha256": "0" * 64}
    signed({"__metadata__": metadata, "latents": tensor}, file)


def too_deep(file: Path) -> None:
    """Deeper than a parser goes."""
    text = b'{"sha256":"' + b"0" * 64 + b'","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    data = len(text).to_bytes(8, "little") + text
    file.write_bytes(data.replace(b"0" * 64, hashlib.sha256(data).hexdigest().encode()))


@pytest.mark.parametrize(
    "make",
    [
        directory,
        fifo,
        listener,
        loop,
        endless,
        huge,
        huge_header,
        without_steps,
        with_a_wrong_step,
        with_a_tensor_outside,
        too_deep,
    ],
)
def test_whatever_else_lies_there_is_no_checkpoint(
    make: Callable[[Path], None], file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make(file)
    assert load(file, IDENTITY) is None
    assert capfd.readouterr().err.startswith("checkpoint g.safetensors is not used: ")

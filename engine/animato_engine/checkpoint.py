"""Where a generation was: a file that is whole and of this very generation, or as good as none.

A safetensors file. Its metadata say version, identity, step, number of steps and `sha256`: over the file as it is, with
64 zeros in the digest's own place. So every byte counts: lengths, names, types, shapes, tensors, and the metadata.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes

from .media import publish
from .process import log

MAX_BYTES = 1 << 30
"""Nothing larger is written or read. Latents of 49 frames at 1024 x 1024 take 14 MB, a step cache far more."""

_VERSION = "1"
_MAX_HEADER_BYTES = 1 << 20
_LENGTH_BYTES = 8
"""A safetensors file starts with the length of its header, little-endian."""
_NO_DIGEST = b"0" * 64
# A quote inside a JSON string has a backslash before it, so this is found nowhere but at the key of the metadata.
_DIGEST = re.compile(rb'(?<!\\)"sha256":"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Checkpoint:
    """What a generation needs to go on as if it had never stopped."""

    identity: str
    """Tells everything apart that shapes the pixels: request, model, inputs, versions. A digest, never a prompt."""
    step: int
    """Denoising steps that are done, 0 to `total_steps`."""
    total_steps: int
    tensors: dict[str, torch.Tensor]
    """By the names that the model's adapter gave them, of any dtype of safetensors."""


class _Unusable(ValueError):
    """Why a file is as good as none."""


def copied(checkpoint: Checkpoint) -> Checkpoint:
    """The same with tensors of its own on the CPU, whatever becomes of those of `checkpoint` and wherever they are."""
    # A copy each: safetensors takes neither views of one storage nor anything but the order of rows.
    tensors = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in checkpoint.tensors.items()
    }
    return replace(checkpoint, tensors=tensors)


def save(file: Path, checkpoint: Checkpoint) -> int:
    """Write `checkpoint`, which is `copied`, to `file`, synced, in the place of the one before; the size in bytes.

    Until the new file is complete the one before stays; where it cannot be completed, for good. The tensors are kept
    bit for bit.

    Raises:
        Failure: kind `storage`.
        ValueError: it would be larger than `MAX_BYTES`, its names and types larger than 1 MiB, or its step is none of
            `total_steps`.
    """
    if not 0 <= checkpoint.step <= checkpoint.total_steps:
        raise ValueError(f"step {checkpoint.step} is none of {checkpoint.total_steps}")
    size = sum(tensor.nbytes for tensor in checkpoint.tensors.values())
    if size > MAX_BYTES - _MAX_HEADER_BYTES - _LENGTH_BYTES:
        raise ValueError(f"a checkpoint of {size} bytes; at most {MAX_BYTES} are kept")
    data = _serialize(checkpoint)
    publish(file, lambda part: _write(part, data))
    return len(data)


def load(file: Path, identity: str) -> Checkpoint | None:
    """The checkpoint in `file` if it is whole and of `identity`; its tensors are on the CPU and as they were saved.

    None if there is none, and for whatever else may be there: damaged, of another identity or version, larger than
    `MAX_BYTES`, no file, not readable. The log then says why.
    """
    try:
        return _parse(_read(file), identity)
    except FileNotFoundError:
        return None
    except _Unusable as reason:
        log(f"checkpoint {file.name} is not used: {reason}")
    except OSError as error:
        log(f"checkpoint {file.name} is not used: {error.strerror or type(error).__name__}")
    return None


def _serialize(checkpoint: Checkpoint) -> bytearray:
    metadata = {
        "version": _VERSION,
        "identity": checkpoint.identity,
        "step": str(checkpoint.step),
        "total_steps": str(checkpoint.total_steps),
        "sha256": _NO_DIGEST.decode(),
    }
    data = bytearray(to_bytes(checkpoint.tensors, metadata))
    start, end = _digest_place(data)
    data[start:end] = hashlib.sha256(data).hexdigest().encode()
    return data


def _write(part: Path, data: bytearray) -> None:
    part.write_bytes(data)


def _read(file: Path) -> bytearray:
    """All of `file`, which must be a regular one."""
    # Without blocking: opening a FIFO would wait for a writer.
    with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as source:
        status = os.fstat(source.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _Unusable("it is no regular file")
        if status.st_size > MAX_BYTES:
            raise _Unusable(f"it has {status.st_size} bytes; at most {MAX_BYTES} are read")
        data = bytearray(status.st_size)
        if source.readinto(data) != status.st_size or source.read(1):
            raise _Unusable("it changed while it was read")
    return data


def _parse(data: bytearray, identity: str) -> Checkpoint:
    """The checkpoint in `data`.

    Nothing is parsed before the digest has shown that this program wrote it.
    """
    start, end = _digest_place(data)
    digest = bytes(data[start:end])
    data[start:end] = _NO_DIGEST
    if hashlib.sha256(data).hexdigest().encode() != digest:
        raise _Unusable("it is damaged: its digest does not fit")
    try:
        metadata = json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + _header_bytes(data)])["__metadata__"]
        version, saved = metadata["version"], metadata["identity"]
        step, total_steps = int(metadata["step"]), int(metadata["total_steps"])
        tensors = from_bytes(bytes(data)) if (version, saved) == (_VERSION, identity) else {}
    except (ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
        raise _Unusable(f"it is no checkpoint: {type(error).__name__}") from error
    if version != _VERSION:
        raise _Unusable("it is of another version of the engine")
    if saved != identity:
        raise _Unusable("it is of another generation")
    if not 0 <= step <= total_steps:
        raise _Unusable("its step is none of its steps")
    return Checkpoint(identity, step, total_steps, tensors)


def _digest_place(data: bytearray) -> tuple[int, int]:
    """From where to where the digest stands in the header of `data`."""
    found = _DIGEST.search(data, _LENGTH_BYTES, _LENGTH_BYTES + _header_bytes(data))
    if found is None:
        raise _Unusable("it is no checkpoint: there is no digest")
    return found.span(1)


def _header_bytes(data: bytearray) -> int:
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if not 0 < length <= min(_MAX_HEADER_BYTES, len(data) - _LENGTH_BYTES):
        raise _Unusable("it is damaged: its header does not fit")
    return length

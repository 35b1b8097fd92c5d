"""The identity of a checkpoint: SHA-256 over the files that the pipeline reads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

WHOLE_FILE_BYTES = 64 << 20
"""Files up to this size count whole."""
_HEAD_BYTES = 1 << 20
_BLOCK_BYTES = 64 << 10
_BLOCKS = 64


def fingerprint(directory: Path, names: Iterable[str]) -> str:
    """SHA-256 over names, sizes and contents of the files `names` in `directory`, 64 hexadecimal digits.

    Names are relative, with forward slashes, and count in the order of their UTF-8 bytes. Per file the digest takes
    name, NUL, size in decimal, newline, content. Of a file over 64 MiB, whose safetensors header at its start already
    names every tensor, the content is its first MiB and 64 blocks of 64 KiB, the first at the start and the last at the
    end, so that a checkpoint of 30 GB takes well under a second.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for name in sorted(names, key=os.fsencode):
        with open(directory / name, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(os.fsencode(name) + b"\0" + str(size).encode() + b"\n")
            for part in _whole(file) if size <= WHOLE_FILE_BYTES else _sample(file, size):
                digest.update(part)
    return digest.hexdigest()


def _whole(file: BinaryIO) -> Iterator[bytes]:
    while part := file.read(_HEAD_BYTES):
        yield part


def _sample(file: BinaryIO, size: int) -> Iterator[bytes]:
    yield file.read(_HEAD_BYTES)
    for index in range(_BLOCKS):
        file.seek(index * (size - _BLOCK_BYTES) // (_BLOCKS - 1))
        yield file.read(_BLOCK_BYTES)

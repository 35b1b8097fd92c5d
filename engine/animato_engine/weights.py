"""Single weights of a network, read again from the files that it was loaded from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open

from .errors import Failure

_SUFFIX = ".safetensors"


class WeightFiles:
    """The safetensors files of one component in diffusers' layout, whole or in shards with an index.

    Remembers which files they were when it was made: weights of other files must never mix with those that are loaded.
    """

    def __init__(self, directory: Path) -> None:
        self._stamps = {file: _stamp(file) for file in sorted(directory.glob(f"*{_SUFFIX}"))}
        self._files: dict[str, Path] = {}
        indexes = sorted(directory.glob(f"*{_SUFFIX}.index.json"))
        if indexes:
            weight_map = json.loads(indexes[0].read_text(encoding="utf-8"))["weight_map"]
            self._files = {str(name): directory / str(part) for name, part in weight_map.items()}
            return
        for file in self._stamps:
            with safe_open(file, framework="pt") as stored:
                self._files.update(dict.fromkeys(stored.keys(), file))

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def read(self, name: str) -> Any:
        """The tensor `name` in the dtype that it is stored in, on the CPU.

        Raises:
            Failure: kind `load_failed`, code `model_changed`: the file is no longer the one that was loaded.
            KeyError: there is no such tensor.
        """
        file = self._files[name]
        try:
            if _stamp(file) == self._stamps.get(file):
                with safe_open(file, framework="pt") as stored:
                    return stored.get_tensor(name)
        except FileNotFoundError:
            pass
        text = "The checkpoint has changed since this engine started. Restart the engine."
        raise Failure("load_failed", "model_changed", text)


def _stamp(file: Path) -> tuple[int, int, int]:
    """What changes when `file` is written or replaced."""
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns

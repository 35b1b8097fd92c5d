"""Loads single components of checkpoints, and shares equal ones between models."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from .adapter import ComponentKind
from .opening import settings_of

_LIBRARIES = {"diffusers": diffusers, "transformers": transformers}


def quiet_libraries() -> None:
    """Keep the libraries' bars and warnings, which may quote a prompt, out of the log."""
    for library in _LIBRARIES.values():
        library.utils.logging.disable_progress_bar()
        library.utils.logging.set_verbosity_error()


class Shelf:
    """The components that any model holds, by the fingerprint of their files; those that none holds are gone."""

    def __init__(self, dtype: torch.dtype, prepare: Callable[[str, torch.nn.Module], None]) -> None:
        """Take the type to load weights in, and what to do with each network, by its class, once it is loaded."""
        self._dtype = dtype
        self._prepare = prepare
        self._components: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()

    def get(self, fingerprint: str, directory: Path, class_name: str, kind: ComponentKind) -> Any:
        """The component in `directory`: one of that fingerprint that is here, or loaded now, on the CPU."""
        found = self._components.get(fingerprint)
        if found is None:
            found = self._load(directory, class_name, kind)
            self._components[fingerprint] = found
        return found

    def _load(self, directory: Path, class_name: str, kind: ComponentKind) -> Any:
        component_class = getattr(_LIBRARIES[kind.library], class_name)
        if not kind.weighted:
            return component_class.from_pretrained(directory, local_files_only=True)
        network = component_class.from_pretrained(
            directory, dtype=self._dtype, use_safetensors=True, local_files_only=True
        )
        network.eval()
        self._prepare(class_name, network)
        return network


class Components:
    """The components of one checkpoint, each loaded when it is first needed. Satisfies `adapter.Parts`."""

    def __init__(
        self,
        directory: Path,
        kinds: Mapping[str, ComponentKind],
        fingerprints: Mapping[str, str],
        shelf: Shelf,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Take where the checkpoint is, and the fingerprint of each of its components."""
        self.device = device
        self.dtype = dtype
        self.directory = directory
        self.fingerprints = fingerprints
        self._kinds = kinds
        self._shelf = shelf
        self._held: dict[str, Any] = {}
        index = json.loads((directory / "model_index.json").read_text(encoding="utf-8"))
        self.classes: dict[str, str] = {name: index[name][1] for name in kinds}
        self.settings: Mapping[str, Any] = settings_of(index)

    def get(self, name: str) -> Any:
        """The component `name`, loaded if it is not yet."""
        if name not in self._held:
            kind, identity = self._kinds[name], self.fingerprints[name]
            self._held[name] = self._shelf.get(identity, self.directory / name, self.classes[name], kind)
        return self._held[name]

    def holds(self, name: str) -> bool:
        """Whether it is loaded."""
        return name in self._held

"""Checkpoints in diffusers' layout: which are served, where their files are, and what they say of themselves.

Nothing here imports torch.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..description import ModelDescription, with_overrides
from ..errors import Failure, Refused
from ..fingerprint import fingerprint
from ..modes import LEVELS, step_cache_levels, supported_modes
from .adapter import Facts, Family
from .registry import FAMILIES, family_of

OVERRIDES = "animato.json"
MAX_MODELS = 16
_CONFIG_SUFFIXES = (".json", ".txt", ".jinja", ".model")
_WEIGHT_SUFFIX = ".safetensors"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that this engine can serve."""

    description: ModelDescription
    family: Family
    directory: Path
    """Where its files are, or, for one from the hub, those that are here so far."""
    weight_bytes: Mapping[str, int]
    """By component, as they are stored."""
    hub_id: str | None = None
    """`org/name`, for one from the hub; `commit` then pins its content."""
    commit: str | None = None

    def complete_directory(self) -> Path:
        """Where all files of the checkpoint are, and are still those that `hello` spoke of; fetched if need be.

        Raises:
            Failure: kind `load_failed`.
        """
        if self.hub_id is not None:
            try:
                directory = fetch(self.hub_id, self.commit, self.family, weights=True)
                _check_complete(directory, self.family)
            except Refused as error:
                raise Failure("load_failed", "model_load_failed", error.message) from error
            return directory
        if fingerprint(self.directory, _file_names(self.directory, self.family)) != self.description.fingerprint:
            text = "The checkpoint has changed since this engine started. Restart the engine."
            raise Failure("load_failed", "model_changed", text)
        return self.directory

    def component_fingerprint(self, directory: Path, component: str) -> str:
        """The identity of one component's files in `directory`: equal components of two checkpoints have the same."""
        names = [name for name in _file_names(directory, self.family) if name.startswith(f"{component}/")]
        return fingerprint(directory, names)


def open_checkpoint(model: str, device: str = "cpu") -> Checkpoint:
    """The checkpoint in the directory `model`, or, if there is none, of that id on the hub; as `device` can run it.

    Of one on the hub only the small files are fetched here; the weights follow when it is loaded.

    Raises:
        Refused: `model_not_found` or `model_unsupported`.
    """
    directory = Path(model)
    if directory.is_dir():
        family = _check_classes(_read(directory / "model_index.json"))
        _check_complete(directory, family)
        try:
            identity = fingerprint(directory, _file_names(directory, family))
        except OSError as error:
            raise Refused("model_unsupported", f"{directory} cannot be read: {error}") from error
        return _checkpoint(directory, family, directory.resolve().name, identity, device)
    if not _HUB_ID.fullmatch(model):
        raise Refused("model_not_found", f"There is no directory {model!r}, and it is no id on the hub (org/name).")
    directory = fetch(model, None, None, weights=False)
    family = _check_classes(_read(directory / "model_index.json"))
    commit = directory.name
    # The commit pins every byte, so the weights need not be here to know which they are.
    identity = hashlib.sha256(f"hub\0{model}\0{commit}".encode()).hexdigest()
    opened = _checkpoint(directory, family, model.partition("/")[2], identity, device)
    return replace(opened, hub_id=model, commit=commit)


def open_checkpoints(models: Sequence[str], devices: Sequence[str]) -> list[Checkpoint]:
    """The checkpoints of one engine, as its one or two `devices` can run them.

    Raises:
        Refused: as `open_checkpoint`; or there are too many, or two of one name.
    """
    if len(models) > MAX_MODELS:
        raise Refused("model_unsupported", f"An engine takes at most {MAX_MODELS} models.")
    opened = [open_checkpoint(model, devices[0]) for model in models]
    names = [one.description.name for one in opened]
    for name in names:
        if names.count(name) > 1:
            raise Refused("model_unsupported", f"Two models have the name {name!r}; give one another in {OVERRIDES}.")
    return [replace(one, description=_shared(one.description, len(devices))) for one in opened]


def _shared(description: ModelDescription, devices: int) -> ModelDescription:
    """`description` of a model of which so many devices share each step."""
    # Two devices share the halves of one guided evaluation, and know nothing of others.
    batch = description.max_batch if devices == 1 else 1
    return replace(description, step_cache=step_cache_levels(description.step_cache, devices), max_batch=batch)


def fetch(hub_id: str, commit: str | None, family: Family | None, weights: bool) -> Path:
    """The snapshot of `hub_id` at `commit` (None: the newest), with or without its weights, fetched if need be.

    Without a `family`, all that any family would read.

    Raises:
        Refused: code `model_not_found`: it is neither reachable nor here.
    """
    import huggingface_hub

    suffixes = (*_CONFIG_SUFFIXES, _WEIGHT_SUFFIX) if weights else _CONFIG_SUFFIXES
    parts = {part for known in ([family] if family else FAMILIES) for part in known.components}
    patterns = ["model_index.json", OVERRIDES, *(f"{part}/*{suffix}" for part in sorted(parts) for suffix in suffixes)]
    try:
        return Path(huggingface_hub.snapshot_download(hub_id, revision=commit, allow_patterns=patterns))
    except Exception as error:
        text = f"{hub_id} could not be fetched from the hub: {type(error).__name__}: {error}"
        raise Refused("model_not_found", text) from error


def _checkpoint(directory: Path, family: Family, name: str, identity: str, device: str) -> Checkpoint:
    """The checkpoint in `directory`, described."""
    sizes = _weight_bytes(directory, family)
    # The index has been checked.
    index = _read(directory / "model_index.json")
    declared = family.declare(Facts(index["_class_name"], _configs(directory, family), sizes, settings_of(index)))
    on_gpu = device.startswith("cuda")
    description = ModelDescription(
        name=name,
        family=family.name,
        fingerprint=identity,
        weight_bytes=sum(sizes.values()),
        limits=declared.limits,
        defaults=declared.defaults,
        inputs=declared.inputs,
        step_cache=LEVELS if declared.step_cache else LEVELS[:1],
        memory_modes=supported_modes(device.partition(":")[0]),
        # Measured on GPUs, in half precision.
        memory_table=declared.memory_table if on_gpu else (),
        sizes=declared.sizes,
        coefficients=declared.step_cache,
    )
    if (directory / OVERRIDES).is_file():
        try:
            description = with_overrides(description, _read(directory / OVERRIDES))
        except ValueError as error:
            raise Refused("model_unsupported", f"{directory / OVERRIDES}: {error}") from error
    return Checkpoint(description, family, directory, sizes)


def settings_of(index: Mapping[str, Any]) -> dict[str, Any]:
    """What `index`, a `model_index.json`, says beside the components."""
    return {key: value for key, value in index.items() if not key.startswith("_") and not isinstance(value, list)}


def _configs(directory: Path, family: Family) -> dict[str, Mapping[str, Any]]:
    """The configuration of each component."""
    configs: dict[str, Mapping[str, Any]] = {}
    for component, kind in family.components.items():
        file = directory / component / ("config.json" if kind.weighted else f"{component}_config.json")
        config = _read(file) if kind.weighted or file.is_file() else {}
        if not isinstance(config, dict):
            raise Refused("model_unsupported", f"{file} holds no object.")
        configs[component] = config
    return configs


def _file_names(directory: Path, family: Family) -> list[str]:
    """The files that the pipeline reads, relative to `directory`, with forward slashes."""
    names = [name for name in ("model_index.json", OVERRIDES) if (directory / name).is_file()]
    for component in family.components:
        for file in (directory / component).glob("*"):
            if file.suffix in (*_CONFIG_SUFFIXES, _WEIGHT_SUFFIX) and file.is_file():
                names.append(f"{component}/{file.name}")
    return names


def _check_complete(directory: Path, family: Family) -> None:
    """Raise `Refused` if a component has no weights, or its index names a file that is not there."""
    names = _file_names(directory, family)
    for component, kind in family.components.items():
        if not kind.weighted:
            continue
        if not any(name.startswith(f"{component}/") and name.endswith(_WEIGHT_SUFFIX) for name in names):
            raise Refused("model_unsupported", f"{directory / component} holds no {_WEIGHT_SUFFIX} file.")
        for name in names:
            if name.startswith(f"{component}/") and name.endswith(f"{_WEIGHT_SUFFIX}.index.json"):
                missing = {f"{component}/{part}" for part in _shards(_read(directory / name))} - set(names)
                if missing:
                    raise Refused("model_unsupported", f"{directory / min(missing)} is missing.")


def _shards(index: Any) -> Iterator[str]:
    """The files that the index of a sharded checkpoint names."""
    weight_map = index.get("weight_map") if isinstance(index, dict) else None
    if isinstance(weight_map, dict):
        yield from (str(part) for part in weight_map.values())


def _check_classes(index: Any) -> Family:
    """The family of the pipeline in `index` (a `model_index.json`), once its components are those of the family.

    Anything else could be code of the checkpoint's own, and is never loaded.
    """
    if not isinstance(index, dict):
        raise Refused("model_unsupported", "model_index.json holds no object.")
    pipeline = index.get("_class_name")
    family = family_of(pipeline) if isinstance(pipeline, str) else None
    if family is None:
        served = ", ".join(name for known in FAMILIES for name in known.pipelines)
        raise Refused("model_unsupported", f"The pipeline is {pipeline!r}; served are {served}.")
    for component, kind in family.components.items():
        given = index.get(component)
        if not isinstance(given, list) or len(given) != 2 or given[0] != kind.library or given[1] not in kind.classes:
            known = f"{kind.library} {' or '.join(kind.classes)}"
            raise Refused("model_unsupported", f"The {component} is {given}; it must be {known}.")
    for key, value in index.items():
        # Older checkpoints list components that they do not have; others list plain settings.
        is_component = isinstance(value, list) and value != [None, None]
        if key not in family.components and not key.startswith("_") and is_component:
            raise Refused("model_unsupported", f"The pipeline has a component {key!r} that is not known.")
    return family


def _weight_bytes(directory: Path, family: Family) -> dict[str, int]:
    """The size of each component's weights on disk; for those that are not here yet, what their index says."""
    total: dict[str, int] = {}
    for component, kind in family.components.items():
        if kind.weighted:
            sizes = [file.stat().st_size for file in (directory / component).glob(f"*{_WEIGHT_SUFFIX}")]
            indexes = [_read(file) for file in (directory / component).glob(f"*{_WEIGHT_SUFFIX}.index.json")]
            stated = [index["metadata"]["total_size"] for index in indexes if _states_size(index)]
            total[component] = max(sum(sizes), max(stated, default=0))
    return total


def _states_size(index: Any) -> bool:
    metadata = index.get("metadata") if isinstance(index, dict) else None
    return isinstance(metadata, dict) and type(metadata.get("total_size")) is int


def _read(file: Path) -> Any:
    """The JSON in `file`."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused("model_not_found", f"{file} is missing: this is no checkpoint in diffusers' layout.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise Refused("model_unsupported", f"{file} cannot be read: {error}") from error

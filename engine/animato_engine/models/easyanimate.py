"""EasyAnimate V5.1 without its pipeline: which checkpoints are served, what they can make, where their files are.

Nothing here imports torch; `easyanimate_pipeline` does, once the model is loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..description import Defaults, Limits, ModelDescription, Size, with_overrides
from ..errors import Failure, Refused
from ..fingerprint import fingerprint
from ..process import log
from ..request import Metadata, VideoRequest
from ..session import Control

if TYPE_CHECKING:
    from .easyanimate_pipeline import TextToVideo

OVERRIDES = "animato.json"
_PIPELINE = "EasyAnimatePipeline"
_OTHER_PIPELINES = ("EasyAnimateInpaintPipeline", "EasyAnimateControlPipeline")
_TEXT_TO_VIDEO_CHANNELS = 16
# Library and classes of each component. Anything else could be code of the checkpoint's own, and is never loaded.
_COMPONENTS = {
    "scheduler": ("diffusers", ("FlowMatchEulerDiscreteScheduler",)),
    "text_encoder": ("transformers", ("Qwen2VLForConditionalGeneration",)),
    "tokenizer": ("transformers", ("Qwen2Tokenizer", "Qwen2TokenizerFast")),
    "transformer": ("diffusers", ("EasyAnimateTransformer3DModel",)),
    "vae": ("diffusers", ("AutoencoderKLMagvit",)),
}
_WEIGHTED = ("text_encoder", "transformer", "vae")
_CONFIG_SUFFIXES = (".json", ".txt", ".jinja")
_WEIGHT_SUFFIX = ".safetensors"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that this engine can serve."""

    description: ModelDescription
    directory: Path
    """Where its files are, or, for one from the hub, those that are here so far."""
    hub_id: str | None = None
    """`org/name`, for one from the hub; `commit` then pins its content."""
    commit: str | None = None


def open_checkpoint(model: str) -> Checkpoint:
    """The checkpoint in the directory `model`, or, if there is none, of that id on the hub.

    Of one on the hub only the small files are fetched here; the weights follow when it is loaded.

    Raises:
        Refused: `model_not_found` or `model_unsupported`.
    """
    directory = Path(model)
    if directory.is_dir():
        _check_classes(_read(directory / "model_index.json"))
        names = _file_names(directory)
        _check_complete(directory, names)
        try:
            identity = fingerprint(directory, names)
        except OSError as error:
            raise Refused("model_unsupported", f"{directory} cannot be read: {error}") from error
        return Checkpoint(_describe(directory, directory.resolve().name, identity), directory)
    if not _HUB_ID.fullmatch(model):
        raise Refused("model_not_found", f"There is no directory {model!r}, and it is no id on the hub (org/name).")
    directory = fetch(model, None, weights=False)
    _check_classes(_read(directory / "model_index.json"))
    commit = directory.name
    # The commit pins every byte, so the weights need not be here to know which they are.
    identity = hashlib.sha256(f"hub\0{model}\0{commit}".encode()).hexdigest()
    description = _describe(directory, model.partition("/")[2], identity)
    return Checkpoint(description, directory, model, commit)


def fetch(hub_id: str, commit: str | None, weights: bool) -> Path:
    """The snapshot of `hub_id` at `commit` (None: the newest), with or without its weights, fetched if need be.

    Raises:
        Refused: code `model_not_found`: it is neither reachable nor here.
    """
    import huggingface_hub

    suffixes = (*_CONFIG_SUFFIXES, _WEIGHT_SUFFIX) if weights else _CONFIG_SUFFIXES
    patterns = ["model_index.json", OVERRIDES, *(f"{part}/*{suffix}" for part in _COMPONENTS for suffix in suffixes)]
    try:
        return Path(huggingface_hub.snapshot_download(hub_id, revision=commit, allow_patterns=patterns))
    except Exception as error:
        text = f"{hub_id} could not be fetched from the hub: {type(error).__name__}: {error}"
        raise Refused("model_not_found", text) from error


def _file_names(directory: Path) -> list[str]:
    """The files that the pipeline reads, relative to `directory`, with forward slashes."""
    names = [name for name in ("model_index.json", OVERRIDES) if (directory / name).is_file()]
    for component in _COMPONENTS:
        for file in (directory / component).glob("*"):
            if file.suffix in (*_CONFIG_SUFFIXES, _WEIGHT_SUFFIX) and file.is_file():
                names.append(f"{component}/{file.name}")
    return names


def _check_complete(directory: Path, names: list[str]) -> None:
    """Raise `Refused` unless the weights of every component are there, in safetensors files."""
    for component in _WEIGHTED:
        parts = [name for name in names if name.startswith(f"{component}/")]
        if not any(name.endswith(_WEIGHT_SUFFIX) for name in parts):
            raise Refused("model_unsupported", f"{directory / component} has no {_WEIGHT_SUFFIX} file.")
        for name in parts:
            if name.endswith(f"{_WEIGHT_SUFFIX}.index.json"):
                missing = {f"{component}/{part}" for part in _shards(_read(directory / name))} - set(names)
                if missing:
                    raise Refused("model_unsupported", f"{directory / min(missing)} is missing.")


def _shards(index: Any) -> Iterator[str]:
    """The files that the index of a sharded checkpoint names."""
    weight_map = index.get("weight_map") if isinstance(index, dict) else None
    if isinstance(weight_map, dict):
        yield from (str(part) for part in weight_map.values())


def _describe(directory: Path, name: str, identity: str) -> ModelDescription:
    """What the checkpoint in `directory` can make."""
    transformer = _read(directory / "transformer" / "config.json")
    channels = transformer.get("in_channels") if isinstance(transformer, dict) else None
    if channels != _TEXT_TO_VIDEO_CHANNELS:
        text = f"The transformer takes {channels} channels; text to video takes {_TEXT_TO_VIDEO_CHANNELS}."
        raise Refused("model_unsupported", text)
    description = ModelDescription(
        name=name,
        family="easyanimate",
        fingerprint=identity,
        weight_bytes=_weight_bytes(directory),
        limits=Limits(),
        defaults=Defaults(),
    )
    if not (directory / OVERRIDES).is_file():
        return description
    try:
        return with_overrides(description, _read(directory / OVERRIDES))
    except ValueError as error:
        raise Refused("model_unsupported", f"{directory / OVERRIDES}: {error}") from error


def _check_classes(index: Any) -> None:
    """Raise `Refused` unless `index` (a `model_index.json`) names the text-to-video pipeline and its components."""
    if not isinstance(index, dict):
        raise Refused("model_unsupported", "model_index.json holds no object.")
    pipeline = index.get("_class_name")
    if pipeline in _OTHER_PIPELINES:
        text = f"This is a checkpoint for {pipeline}; only text to video is served: use the one without InP or Control."
        raise Refused("model_unsupported", text)
    if pipeline != _PIPELINE:
        raise Refused("model_unsupported", f"The pipeline is {pipeline!r}; only {_PIPELINE} is served.")
    for component, (library, classes) in _COMPONENTS.items():
        given = index.get(component)
        if not isinstance(given, list) or len(given) != 2 or given[0] != library or given[1] not in classes:
            raise Refused(
                "model_unsupported", f"The {component} is {given}; it must be {library} {' or '.join(classes)}."
            )
    for key, value in index.items():
        # Older checkpoints list components that they do not have.
        if key not in _COMPONENTS and not key.startswith("_") and value != [None, None]:
            raise Refused("model_unsupported", f"The pipeline has a component {key!r} that is not known.")


def _weight_bytes(directory: Path) -> int:
    """The size of the weights on disk; for those that are not here yet, what their index says."""
    total = 0
    for component in _WEIGHTED:
        sizes = [file.stat().st_size for file in (directory / component).glob(f"*{_WEIGHT_SUFFIX}")]
        indexes = [_read(file) for file in (directory / component).glob(f"*{_WEIGHT_SUFFIX}.index.json")]
        stated = [index["metadata"]["total_size"] for index in indexes if _states_size(index)]
        total += max(sum(sizes), max(stated, default=0))
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


class EasyAnimate:
    """Text to video with one checkpoint on one device. Satisfies `session.VideoModel`."""

    def __init__(self, checkpoint: Checkpoint, device: str, dtype: str) -> None:
        self.description = checkpoint.description
        self._checkpoint = checkpoint
        self._device = device
        self._dtype = dtype
        self._pipeline: TextToVideo | None = None

    def load(self) -> None:
        """Bring the weights onto the device; of a checkpoint from the hub, fetch them first.

        Raises:
            Failure: kind `load_failed`: the checkpoint is not the one that was described.
            Exception: anything else that goes wrong on the way.
        """
        directory = self._complete_directory()
        from .easyanimate_pipeline import TextToVideo

        self._pipeline = TextToVideo(directory, self._device, self._dtype)
        log(f"loaded {self.description.name} on {self._device} as {self._pipeline.dtype}")

    def make(self, request: VideoRequest, metadata: Metadata, output: Path, control: Control) -> Size:
        """Render at the size that the model was made for, and write the video at the size that was asked for."""
        from ..media import write_mp4

        assert self._pipeline is not None, "load comes before make"
        size = self.description.rendered_size(request.width, request.height)
        frames = self._pipeline.render(request, size, control)
        control.enter("write")
        write_mp4(frames, output, (request.width, request.height), request.fps, control.check, metadata=metadata)
        return size

    def recover(self) -> None:
        """Clear what a generation that was broken off leaves in the pipeline."""
        if self._pipeline is not None:
            self._pipeline.recover()

    def _complete_directory(self) -> Path:
        """Where all files of the checkpoint are, and are still those that `hello` spoke of."""
        checkpoint = self._checkpoint
        if checkpoint.hub_id is not None:
            try:
                directory = fetch(checkpoint.hub_id, checkpoint.commit, weights=True)
                _check_complete(directory, _file_names(directory))
            except Refused as error:
                raise Failure("load_failed", "model_load_failed", error.message) from error
            return directory
        # Nothing of it is on the hub, so nothing may be looked for there.
        os.environ["HF_HUB_OFFLINE"] = "1"
        if fingerprint(checkpoint.directory, _file_names(checkpoint.directory)) != self.description.fingerprint:
            text = "The checkpoint has changed since this engine started. Restart the engine."
            raise Failure("load_failed", "model_changed", text)
        return checkpoint.directory

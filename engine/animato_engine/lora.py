"""LoRA files: which there are, and how they are merged into a network for one generation and taken out again.

Only safetensors are read, in the layouts of `lora_layout`. To the weight of a layer `scale * alpha / rank * up @ down`
is added (Hu et al., arXiv 2106.09685); without an alpha, the rank stands for it. Nothing here imports torch before
something is merged.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .errors import Failure
from .fingerprint import fingerprint
from .lora_layout import Pair, check_pair, file_alpha, layer_pairs, read_header
from .process import log

if TYPE_CHECKING:
    import torch

SUFFIX = ".safetensors"
MAX_FILES = 256
MAX_FILE_BYTES = 2 << 30
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True)
class LoRAFile:
    """A file that requests may name."""

    name: str
    """The file's name without its suffix."""
    fingerprint: str
    """`fingerprint.fingerprint` of the file: for a result key, and to notice a change before it is used."""
    bytes: int
    file: Path

    def wire(self) -> dict[str, Any]:
        """The JSON object of the protocol."""
        return {"name": self.name, "fingerprint": self.fingerprint, "bytes": self.bytes}


@dataclass(frozen=True)
class _Update:
    """What one file adds to one weight."""

    file: Path
    pair: Pair
    scale: float
    """The request's; alpha and rank come on top."""
    default_alpha: float | None
    """The file's own, for layers without one; None: the rank."""


def scan(directory: Path) -> list[LoRAFile]:
    """The LoRA files in `directory`, by name, at most 256; what is none, or leads out of it, is logged and left out.

    Raises:
        OSError: the directory cannot be read.
    """
    root = directory.resolve()
    candidates = sorted(file for file in directory.iterdir() if file.suffix == SUFFIX)
    found: list[LoRAFile] = []
    for file in candidates:
        if len(found) == MAX_FILES:
            log(f"only the first {MAX_FILES} LoRA files are used")
            break
        try:
            found.append(_open(file, root))
        except (OSError, ValueError) as error:
            log(f"the LoRA file {file.name!r} is left out: {error}")
    return found


def _open(file: Path, root: Path) -> LoRAFile:
    """`file` as one that requests may name; `OSError` or `ValueError` says why not."""
    if not _NAME.fullmatch(file.stem):
        raise ValueError("its name may have letters, digits, dots, underscores and hyphens, at most 200")
    target = file.resolve(strict=True)
    if not target.is_relative_to(root) or not target.is_file():
        raise ValueError("it is no file in this folder")
    size = target.stat().st_size
    if size > MAX_FILE_BYTES:
        raise ValueError(f"it is larger than {MAX_FILE_BYTES} bytes")
    read_header(target)
    return LoRAFile(file.stem, fingerprint(target.parent, [target.name]), size, target)


class merged(contextlib.AbstractContextManager[None]):
    """Has LoRAs merged into a network for the time of a `with`.

    On entry every file is checked against the network before anything is touched. The sums are computed in float32 and
    written, rounded once, into the weights in place. On exit, and after an error on entry, the touched weights have the
    bits that they had: copies of them, and of no others, are kept on the CPU meanwhile.

    - module: the denoiser, with its weights where they are between two generations (`Residency`).
    - loras: files and their scales; several add up, in any order of layouts.
    - original: gives a parameter's full-precision value by name where the network stores it in 8 bits
      (`Residency.original`). Merging then gives what merging first and storing in 8 bits afterwards would.
    - device: where to compute; without one, where each weight is.
    - check: called before each weight; may raise to stop.

    Raises:
        Failure: kind `invalid_input`, code `lora_unsupported`: a file does not fit the network, or has changed since
            `scan`; the message names the LoRA and the first fault.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        loras: Sequence[tuple[LoRAFile, float]],
        original: Callable[[str], Any] | None = None,
        device: torch.device | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._module = module
        self._loras = loras
        self._original = original
        self._device = device
        self._check = check
        self._kept: list[tuple[Any, Any]] = []

    def __enter__(self) -> None:
        updates: dict[str, list[_Update]] = {}
        for lora, scale in self._loras:
            for name, update in _plan(lora, scale, self._module).items():
                updates.setdefault(name, []).append(update)
        try:
            for name, additions in updates.items():
                self._check()
                self._merge(name, additions)
        except BaseException:
            self._restore()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _merge(self, name: str, additions: list[_Update]) -> None:
        """Add `additions` to one weight."""
        import torch

        weight = self._module.get_parameter(name).data
        base = self._original(name) if self._original else weight
        total = base.to(self._device or weight.device, torch.float32, copy=True)
        for addition in additions:
            total += _delta(addition, total)
        self._kept.append((weight, weight.to("cpu", copy=True)))
        weight.copy_(total.to(base.dtype))

    def _restore(self) -> None:
        while self._kept:
            weight, copy = self._kept[-1]
            weight.copy_(copy)
            self._kept.pop()


def _delta(update: _Update, like: Any) -> Any:
    """What `update` adds, in the shape, dtype and on the device of `like`."""
    from safetensors import safe_open

    with safe_open(update.file, framework="pt") as stored:
        down, up = (stored.get_tensor(key).to(like).flatten(1) for key in (update.pair.down, update.pair.up))
        alpha = float(stored.get_tensor(update.pair.alpha)) if update.pair.alpha else update.default_alpha
    rank = down.shape[0]
    factor = update.scale * (rank if alpha is None else alpha) / rank
    return (up @ down).mul_(factor).reshape(like.shape)


def _plan(lora: LoRAFile, scale: float, module: torch.nn.Module) -> dict[str, _Update]:
    """What `lora` adds to which parameters of `module`; everything about it is checked here."""
    from safetensors import SafetensorError, safe_open

    def refuse(fault: str) -> Failure:
        return Failure.invalid(f"The LoRA {lora.name} cannot be used: {fault}.", "lora_unsupported")

    try:
        if fingerprint(lora.file.parent, [lora.file.name]) != lora.fingerprint:
            raise ValueError("its file has changed since the engine started")
        header = read_header(lora.file)
        default_alpha = file_alpha(header.metadata)
        # Also checks that the data are as long as the header says.
        with safe_open(lora.file, framework="pt"):
            pairs, ignored = layer_pairs(header, _layer_names(module))
        if not pairs:
            raise ValueError("it holds nothing for this network")
        for layer, pair in pairs.items():
            check_pair(layer, pair, tuple(module.get_submodule(layer).weight.shape), header)
    except OSError as error:
        raise refuse(f"its file cannot be read ({error.strerror})") from error
    except SafetensorError as error:
        raise refuse("its file is damaged") from error
    except ValueError as error:
        raise refuse(str(error)) from error
    if ignored:
        log(f"the LoRA {lora.name}: {ignored} tensors for other networks are ignored")
    return {f"{layer}.weight": _Update(lora.file, pair, scale, default_alpha) for layer, pair in pairs.items()}


def _layer_names(module: torch.nn.Module) -> list[str]:
    """The layers that can be changed."""
    import torch

    layers = (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
    return [name for name, layer in module.named_modules() if isinstance(layer, layers)]

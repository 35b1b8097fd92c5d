"""Where the weights of a pipeline are: the memory modes of the protocol, and what is free on a device.

A mode never changes what a later generation in another mode gives: every switch puts back the weights as they were
loaded, bit for bit. The 8-bit mode does not keep them in memory, which would take more than it saves; they are read
again from the checkpoint's files.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from .abroad import Abroad
from .modes import Mode
from .weights import WeightFiles

_STORED_DTYPE = torch.float8_e4m3fn
# The layers whose weights are worth storing in 8 bits, and the parts that lose too much by it: as in diffusers'
# `apply_layerwise_casting`, whose hooks cannot be taken off again. The results are equal.
_CASTED_LAYERS = (
    torch.nn.Linear,
    torch.nn.Conv1d,
    torch.nn.Conv2d,
    torch.nn.Conv3d,
    torch.nn.ConvTranspose1d,
    torch.nn.ConvTranspose2d,
    torch.nn.ConvTranspose3d,
)
_UNCASTED_NAMES = ("pos_embed", "patch_embed", "norm", "^proj_in$", "^proj_out$")


def free_bytes(device: torch.device) -> int | None:
    """What is free on `device`; None where it cannot be told.

    For the CPU: the machine's memory without what this process holds. What other processes hold changes by itself, and
    would hide whether this one gives back what it took.
    """
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
        return os.sysconf("SC_PAGE_SIZE") * (os.sysconf("SC_PHYS_PAGES") - resident_pages)
    except (OSError, ValueError, IndexError):
        return None


def forget_peak(device: torch.device) -> None:
    """Begin to note anew how much is allocated on `device` at most."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int | None:
    """The most that was allocated on `device` at once since `forget_peak`; None where it cannot be told."""
    return int(torch.cuda.max_memory_allocated(device)) if device.type == "cuda" else None


def release(device: torch.device) -> None:
    """Give back to the device or the machine what nothing refers to any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.ipc_collect()
    trim()


def trim() -> None:
    """Give back to the machine what the process has freed; takes milliseconds."""
    # Only glibc has it, and only glibc keeps freed memory by the gigabyte.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class Residency:
    """Keeps the networks of one pipeline where a memory mode wants them. For one thread.

    `networks` are by their names in the pipeline; `denoiser` names the one that `model_offload_8bit` stores in 8 bits,
    and `weights` are its files. It begins in no mode, with the networks wherever they were loaded: `switch` is first.

    While a network is away from the device its parameters are on the CPU, so a pipeline must be told its device and
    not take it from them (`_execution_device`). Code that changes weights has to write into the tensors in place.

    Networks that `abroad` names are on another device in the mode `full`, and are called as if they were on this one.
    """

    def __init__(
        self,
        networks: Mapping[str, torch.nn.Module],
        device: torch.device,
        denoiser: str,
        weights: WeightFiles,
        abroad: Mapping[str, torch.device] | None = None,
    ) -> None:
        self._networks = dict(networks)
        self._abroad = dict(abroad or {})
        self._device = device
        self._denoiser = denoiser
        self._weights = weights
        self._mode: Mode | None = None
        self._homes: dict[str, _Home] = {}
        self._hooks: list[Any] = []
        self._casted: dict[str, torch.dtype] = {}

    @property
    def mode(self) -> Mode | None:
        """The mode of the last `switch`; None before the first, and after one that failed."""
        return self._mode

    def switch(self, mode: Mode) -> None:
        """Bring everything to where `mode` wants it between two uses.

        After an error (there may be no room) no mode is set, nothing is lost, and another switch can be tried.

        Raises:
            Failure: the files of the weights that 8 bits do not keep have changed.
        """
        if mode == self._mode:
            return
        self._mode = None
        self._undo()
        if mode == "model_offload_8bit":
            self._cast()
        for name in self._networks:
            self._settle(name, mode)
        self._mode = mode

    def add(self, name: str, network: torch.nn.Module) -> None:
        """Have one more network, and bring it to where the mode wants it.

        After an error (there may be no room) no mode is set, and the network is not had.
        """
        self._networks[name] = network
        mode, self._mode = self._mode, None
        if mode is not None:
            try:
                self._settle(name, mode)
            except BaseException:
                self._undo()
                del self._networks[name]
                raise
            self._mode = mode

    def reset(self) -> None:
        """Be in no mode, so that a network can be used by another pipeline in a mode of its own."""
        self._mode = None
        self._undo()

    def park(self) -> None:
        """Have nothing on the device. In the mode `full` everything leaves it, and no mode is set any more.

        In the other modes the weights are on the CPU already, between two uses.
        """
        if self._mode == "full":
            self.reset()
            for network in self._networks.values():
                network.to("cpu")

    @contextlib.contextmanager
    def on_device(self, *names: str) -> Iterator[None]:
        """Have these networks on the device for the time, and, in the offload modes, no others. Does not nest.

        Whatever happens inside, they have left the device afterwards (in the mode `full` they stay).
        """
        if self._mode is None:
            raise RuntimeError("no memory mode has been set")
        # In the mode `full` there are no homes; in `sequential_offload` every layer comes by itself.
        moving = [] if self._mode == "sequential_offload" else [self._homes[name] for name in names if self._homes]
        try:
            for home in moving:
                home.bring(self._device)
            yield
        finally:
            for home in moving:
                home.leave()

    def original(self, name: str) -> Any:
        """The denoiser's parameter `name` as it was loaded, also where it is stored in 8 bits now."""
        if name in self._casted:
            return self._weights.read(name).to(self._casted[name])
        return self._networks[self._denoiser].get_parameter(name).data

    def _settle(self, name: str, mode: Mode) -> None:
        """Bring one network to where `mode` wants it between two uses."""
        network = self._networks[name]
        if mode == "full":
            network.to(self._abroad.get(name, self._device))
            if name in self._abroad:
                self._hooks.append(Abroad(network, self._abroad[name], self._device))
            return
        self._homes[name] = _Home([*network.parameters(), *network.buffers()], self._device)
        if mode == "sequential_offload":
            self._hook_modules(network)

    def _undo(self) -> None:
        """Take back all that a mode has done; the weights are then on the CPU, or, after `full`, where they are."""
        while self._hooks:
            self._hooks.pop().remove()
        for home in self._homes.values():
            home.leave()
        self._homes.clear()
        parameters = dict(self._networks[self._denoiser].named_parameters())
        for name in tuple(self._casted):
            parameters[name].data = self.original(name)
            del self._casted[name]

    def _cast(self) -> None:
        """Store the denoiser's large layers in 8 bits; each has its weights in their own dtype while it computes."""
        for name, layer in _casted_layers(self._networks[self._denoiser]):
            visits = []
            for part, parameter in layer.named_parameters(recurse=False):
                full_name = f"{name}.{part}"
                if full_name in self._weights:
                    # Noted first: whatever fails from here on can be undone.
                    self._casted[full_name] = parameter.dtype
                    visits.append((parameter, parameter.dtype))
                    parameter.data = parameter.data.cpu().to(_STORED_DTYPE)
            self._hooks += _Visit(visits).attach(layer)

    def _hook_modules(self, network: torch.nn.Module) -> None:
        """Have every module bring its own tensors to the device while it computes."""
        for module in network.modules():
            own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
            self._hooks += _Visit([(tensor, self._device) for tensor in own]).attach(module)


class _Home:
    """The tensors of one network as they are while it is not at work: on the CPU, pinned for a CUDA device."""

    def __init__(self, tensors: Iterable[Any], device: torch.device) -> None:
        self._tensors: list[tuple[Any, Any]] = []
        for tensor in tensors:
            home = tensor.data.cpu()
            tensor.data = home.pin_memory() if device.type == "cuda" else home
            self._tensors.append((tensor, tensor.data))

    def bring(self, device: torch.device) -> None:
        """Copy them to `device`; the homes stay as they are."""
        for tensor, home in self._tensors:
            tensor.data = home.to(device, non_blocking=True)

    def leave(self) -> None:
        """Drop the copies."""
        for tensor, home in self._tensors:
            tensor.data = home


class _Visit:
    """Has tensors in another dtype, or on another device, just while one module computes."""

    def __init__(self, targets: list[tuple[Any, Any]]) -> None:
        self._targets = targets
        self._stored: list[tuple[Any, Any]] = []

    def attach(self, module: torch.nn.Module) -> list[Any]:
        """Hook it to `module`; gives the handles that remove it."""
        if not self._targets:
            return []
        # First of all before the module computes, and also after it failed.
        enter = module.register_forward_pre_hook(self._enter, prepend=True)
        return [enter, module.register_forward_hook(self._leave, always_call=True)]

    def _enter(self, module: Any, arguments: Any) -> None:
        for tensor, target in self._targets:
            self._stored.append((tensor, tensor.data))
            tensor.data = tensor.data.to(target, non_blocking=True)

    def _leave(self, module: Any, arguments: Any, output: Any) -> None:
        while self._stored:
            tensor, stored = self._stored.pop()
            tensor.data = stored


def _casted_layers(network: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    """The layers that are stored in 8 bits, by name; the network's class may name more parts that are not."""
    skipped = [*_UNCASTED_NAMES]
    for attribute in ("_keep_in_fp32_modules", "_skip_layerwise_casting_patterns"):
        skipped += getattr(network, attribute, None) or ()
    for name, layer in network.named_modules():
        ancestors = [name[:end] for end in (*(m.start() for m in re.finditer(r"\.", name)), len(name))]
        if isinstance(layer, _CASTED_LAYERS) and not any(re.search(p, a) for p in skipped for a in ancestors):
            yield name, layer

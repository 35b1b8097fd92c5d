"""What is on this machine, found without importing torch: that takes seconds, and `hello` must not wait for it."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import __version__
from .errors import Refused
from .protocol import PROTOCOL_VERSION

MODEL_PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "numpy", "av")
TIMED_PACKAGES = ("numpy", "av")
MEDIA_PACKAGES = (*TIMED_PACKAGES, "PIL")


@dataclass(frozen=True)
class Device:
    """One device that can hold a model."""

    id: str
    """`cpu` or `cuda:N`."""
    name: str
    total_memory_bytes: int


def require(packages: tuple[str, ...]) -> None:
    """Raise `Refused` (`dependencies_missing`) unless every one of `packages` can be imported."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        message = f"Python packages are missing: {', '.join(missing)}. Install the engine: pip install ./engine"
        raise Refused("dependencies_missing", message)


def resolve_device(wanted: str) -> str:
    """The id of the device that `wanted` (`auto`, `cpu` or `cuda:N`) means here.

    Raises:
        Refused: code `device_unavailable`.
    """
    if wanted == "cpu":
        return wanted
    usable = cuda_devices() if torch_cuda_version() else []
    if wanted == "auto":
        return usable[0].id if usable else "cpu"
    if not re.fullmatch(r"cuda:\d+", wanted):
        raise Refused("device_unavailable", f"There is no device {wanted!r}: use auto, cpu or cuda:N.")
    if any(device.id == wanted for device in usable):
        return wanted
    if not torch_cuda_version():
        raise Refused("device_unavailable", f"{wanted} cannot be used: the installed torch is built without CUDA.")
    raise Refused("device_unavailable", f"{wanted} is not there: {len(usable)} CUDA devices are visible.")


def resolve_devices(wanted: str) -> tuple[str, ...]:
    """The one or two devices that `wanted` means here: as `resolve_device`, or two of them joined by `+`.

    Both may be the processor, which is of use to tests only.

    Raises:
        Refused: code `device_unavailable`.
    """
    names = wanted.split("+")
    if len(names) == 1:
        return (resolve_device(wanted),)
    if len(names) != 2 or "auto" in names or names[0] == names[1] != "cpu":
        raise Refused("device_unavailable", f"{wanted!r} is no pair of devices: use for example cuda:0+cuda:1.")
    if names.count("cpu") == 1:
        raise Refused("device_unavailable", f"{wanted}: a processor would keep the other device waiting.")
    return resolve_device(names[0]), resolve_device(names[1])


def torch_cuda_version() -> str | None:
    """The CUDA version that the installed torch is built for; None for a build without CUDA or no torch."""
    spec = importlib.util.find_spec("torch")
    for location in (spec.submodule_search_locations or []) if spec else []:
        file = Path(location) / "version.py"
        found = re.search(r"^cuda\b.*=\s*'([^']+)'", file.read_text() if file.is_file() else "", re.MULTILINE)
        if found:
            return found[1]
    return None


def cuda_devices() -> list[Device]:
    """The CUDA devices that this process may use, as the driver numbers them; none without a driver.

    The driver is asked and not NVML, because only the driver honours `CUDA_VISIBLE_DEVICES`.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return []
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return []
    devices = []
    for index in range(count.value):
        handle, name, memory = ctypes.c_int(), ctypes.create_string_buffer(256), ctypes.c_size_t()
        if (
            driver.cuDeviceGet(ctypes.byref(handle), index) == 0
            and driver.cuDeviceGetName(name, len(name), handle) == 0
            and driver.cuDeviceTotalMem_v2(ctypes.byref(memory), handle) == 0
        ):
            devices.append(Device(f"cuda:{index}", name.value.decode(errors="replace"), memory.value))
    return devices


def cpu_device() -> Device:
    """This machine's processor and its memory."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text() if info.is_file() else "", re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Device("cpu", found[1] if found else name, memory)


def memory_bytes(device: str) -> int:
    """The memory of the device `device`, in bytes; of two devices joined by `+`, that of the smaller one."""
    sizes = {known.id: known.total_memory_bytes for known in (cpu_device(), *cuda_devices())}
    return min(sizes[name] for name in device.split("+"))


def report() -> dict[str, Any]:
    """What an operator needs to know before starting an engine here; JSON."""
    # Late: it brings half of the standard library, which `hello` need not wait for.
    from importlib import metadata

    packages: dict[str, str | None] = {}
    for name in MODEL_PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            packages[name] = None
    return {
        "protocol": PROTOCOL_VERSION,
        "engine_version": __version__,
        "python": platform.python_version(),
        "packages": packages,
        "missing": [name for name, version in packages.items() if version is None],
        "torch_cuda": torch_cuda_version(),
        "devices": [
            {"id": device.id, "name": device.name, "total_memory_bytes": device.total_memory_bytes}
            for device in [cpu_device(), *cuda_devices()]
        ],
    }

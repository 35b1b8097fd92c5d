"""What is found on a machine, before anything is loaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from animato_engine import devices
from animato_engine.errors import Refused


def test_missing_packages_are_named() -> None:
    with pytest.raises(Refused, match="no_such_package") as caught:
        devices.require(("json", "no_such_package"))
    assert caught.value.code == "dependencies_missing"


def test_devices_are_reported() -> None:
    command = [sys.executable, "-m", "animato_engine", "devices"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert report["protocol"] == 3 and report["missing"] == []
    assert report["packages"]["torch"].startswith("2.")
    assert report["devices"][0]["id"] == "cpu" and report["devices"][0]["total_memory_bytes"] > 1 << 28


def test_devices_are_chosen_among_those_that_torch_can_use(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = [devices.Device(f"cuda:{index}", "card", 1 << 34) for index in range(2)]
    monkeypatch.setattr(devices, "cuda_devices", lambda: pair)
    monkeypatch.setattr(devices, "torch_cuda_version", lambda: "12.8")
    assert devices.resolve_device("auto") == "cuda:0"
    assert devices.resolve_device("cuda:1") == "cuda:1"
    assert devices.resolve_device("cpu") == "cpu"
    with pytest.raises(Refused, match="2 CUDA devices"):
        devices.resolve_device("cuda:2")
    monkeypatch.setattr(devices, "torch_cuda_version", lambda: None)
    assert devices.resolve_device("auto") == "cpu"
    with pytest.raises(Refused, match="without CUDA"):
        devices.resolve_device("cuda:0")


DRIVER = """
#include <stddef.h>
#include <stdio.h>
int cuInit(unsigned flags) { return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGet(int *device, int index) { *device = 40 + index; return 0; }
int cuDeviceGetName(char *name, int size, int device) { snprintf(name, size, "Card %d", device); return 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t)device << 30; return 0; }
"""


def test_the_driver_is_asked_for_the_cards(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler to build a stand-in for the CUDA driver with")
    (tmp_path / "driver.c").write_text(DRIVER)
    library = tmp_path / "libcuda.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(tmp_path / "driver.c")], check=True)
    command = [sys.executable, "-m", "animato_engine", "devices"]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
    report = json.loads(subprocess.run(command, check=True, capture_output=True, env=environment).stdout)
    assert report["devices"][1:] == [
        {"id": "cuda:0", "name": "Card 40", "total_memory_bytes": 40 << 30},
        {"id": "cuda:1", "name": "Card 41", "total_memory_bytes": 41 << 30},
    ]

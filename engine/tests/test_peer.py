"""The peer process by itself: its end, and what it refuses. It has loaded nothing yet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from animato_engine.errors import Failure
from animato_engine.models.opening import open_checkpoints
from animato_engine.modes import step_cache_levels
from animato_engine.peer import resident_mode
from animato_engine.peer_process import Bounds, GuidancePeer, Network
from harness import wait_until_gone

CLASS = "EasyAnimateTransformer3DModel"
PATIENT = 2.0


def test_a_peer_that_hangs_is_killed_when_its_time_is_up(tmp_path: Path) -> None:
    hanging = GuidancePeer(Network(tmp_path, CLASS, torch.float32), "cpu", Bounds(prepare=0.3))
    hanging.prepare("full")
    pid = hanging.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Failure) as caught:
        hanging.wait_until_ready(lambda: None)
    assert (caught.value.kind, caught.value.code) == ("internal", "peer_lost")
    assert hanging.pid is None
    wait_until_gone(pid, PATIENT)


def test_a_peer_that_cannot_load_says_so(tmp_path: Path) -> None:
    unable = GuidancePeer(Network(tmp_path, "AutoModel", torch.float32), "cpu")
    unable.prepare("full")
    with pytest.raises(Failure) as caught:
        unable.wait_until_ready(lambda: None)
    assert (caught.value.kind, caught.value.code) == ("load_failed", "model_load_failed")
    unable.close()


def test_the_peer_does_not_outlive_an_engine_that_is_killed(tmp_path: Path) -> None:
    program = f"""
import pathlib, time, torch
from animato_engine.peer_process import GuidancePeer, Network
peer = GuidancePeer(Network(pathlib.Path({str(tmp_path)!r}), {CLASS!r}, torch.float32), "cpu")
peer.prepare("full")
print(peer.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None
        pid = int(engine.stdout.readline())
        engine.kill()
    wait_until_gone(pid, PATIENT)


def test_the_second_network_does_not_make_way_for_anything() -> None:
    assert [resident_mode(mode) for mode in ("full", "model_offload", "model_offload_8bit", "sequential_offload")] == [
        "full",
        "full",
        "model_offload_8bit",
        "sequential_offload",
    ]


def test_the_step_cache_is_for_one_device() -> None:
    assert step_cache_levels(("off", "fast"), 1) == ("off", "fast")
    assert step_cache_levels(("off", "fast"), 2) == ("off",)


def test_two_devices_make_one_generation_at_a_time(tiny: Path) -> None:
    batches = [open_checkpoints([str(tiny)], devices)[0].description.max_batch for devices in (["cpu"], ["cpu"] * 2)]
    assert batches == [16, 1]

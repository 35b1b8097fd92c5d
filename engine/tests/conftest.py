"""What the tests share: the tiny checkpoint, and engines that are ready."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import Engine, start

# For this process, and inherited by every engine: one core is what a test may use.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

BUILD = Path(__file__).parents[2] / "models" / "easyanimate-tiny" / "build.py"


@pytest.fixture(scope="session")
def tiny(pytestconfig: pytest.Config) -> Path:
    """The tiny checkpoint with random weights: `ANIMATO_TEST_MODEL`, or one built here and kept between runs."""
    if given := os.environ.get("ANIMATO_TEST_MODEL"):
        return Path(given).absolute()
    return build(pytestconfig, "text")


@pytest.fixture(scope="session")
def tiny_inpaint(pytestconfig: pytest.Config) -> Path:
    """The one that takes start and end images and videos."""
    return build(pytestconfig, "inpaint")


@pytest.fixture(scope="session")
def tiny_control(pytestconfig: pytest.Config) -> Path:
    """The one that takes control videos."""
    return build(pytestconfig, "control")


def build(pytestconfig: pytest.Config, task: str) -> Path:
    """A checkpoint with random weights, kept between runs."""
    scripts = b"".join(file.read_bytes() for file in sorted(BUILD.parent.glob("*.py")))
    recipe = hashlib.sha256(scripts).hexdigest()[:16]
    assert pytestconfig.cache is not None
    kept = pytestconfig.cache.mkdir("easyanimate-tiny")
    directory = kept / f"{recipe}-{task}"
    # Of the processes that share the tests, one builds it.
    with (kept / f"{task}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "animato.json").is_file():
            subprocess.run([sys.executable, str(BUILD), str(directory), "--task", task, "--random"], check=True)
    return directory


@pytest.fixture
def timed(tmp_path: Path) -> Iterator[Engine]:
    """A timed engine that takes no time, after its hello."""
    with start(tmp_path / "engine.log", "--timed", "0") as engine:
        assert engine.receive()["type"] == "hello"
        yield engine


@pytest.fixture(scope="module")
def real(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with the tiny checkpoint, after its hello; shared, since loading takes seconds."""
    log = tmp_path_factory.mktemp("real") / "engine.log"
    with start(log, "--model", str(tiny), "--device", "cpu") as engine:
        assert engine.receive()["type"] == "hello"
        yield engine


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A path for a video, in a directory of its own."""
    directory = tmp_path / "videos"
    directory.mkdir()
    return directory / "video.mp4"

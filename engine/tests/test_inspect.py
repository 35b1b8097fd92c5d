"""The command `inspect` as the server runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animato_engine.media import write_mp4


def run(path: Path) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "animato_engine", "inspect", "--input", str(path)],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def refusal(path: Path) -> tuple[int, str]:
    """The status and the code that the command ends with; it prints nothing else."""
    ended = run(path)
    said = json.loads(ended.stderr.strip().splitlines()[-1])
    assert ended.stdout == "" and set(said) == {"code", "message"}
    return ended.returncode, said["code"]


def test_a_picture_and_a_video_are_told_as_one_line_of_json(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "p", "PNG")
    ended = run(tmp_path / "p")
    assert (ended.returncode, ended.stderr, ended.stdout.count("\n")) == (0, "", 1)
    assert json.loads(ended.stdout) == {
        "kind": "image", "format": "png", "width": 40, "height": 30, "num_frames": 1, "fps": 0, "seconds": 0,
    }  # fmt: skip
    write_mp4([np.zeros((64, 96, 3), np.uint8)] * 12, tmp_path / "v", (96, 64), 8)
    assert json.loads(run(tmp_path / "v").stdout) == {
        "kind": "video", "format": "mp4", "width": 96, "height": 64, "num_frames": 12, "fps": 8, "seconds": 1.5,
    }  # fmt: skip


def test_the_largest_picture_fits_into_the_bounds_of_the_process(tmp_path: Path) -> None:
    picture = Image.linear_gradient("L").resize((4096, 4096)).convert("RGB")
    for form in ("PNG", "JPEG", "WEBP"):
        picture.save(tmp_path / "p", form, quality=50, method=0, compress_level=1)
        assert run(tmp_path / "p").returncode == 0


def test_what_is_no_media_ends_with_status_78(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_text("no picture")
    assert refusal(tmp_path / "p.png") == (78, "media_unreadable")


def test_what_is_too_large_ends_with_status_78(tmp_path: Path) -> None:
    with (tmp_path / "p").open("wb") as file:
        file.truncate((64 << 20) + 1)
    assert refusal(tmp_path / "p") == (78, "media_too_large")


@pytest.mark.parametrize("name", ["pipe", ".", "missing"])
def test_what_is_no_file_ends_with_status_78(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / name) == (78, "media_unreadable")


def test_torch_is_not_loaded(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "p", "PNG")
    code = (
        "import sys; from animato_engine.__main__ import main\n"
        f"sys.argv = ['x', 'inspect', '--input', {str(tmp_path / 'p')!r}]\n"
        "assert main() == 0 and 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

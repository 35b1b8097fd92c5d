"""The command line, as a person uses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from check_video import problems
from server import MODEL, PYTHON, REPOSITORY, Server, run


def test_generate_saves_a_video_from_a_running_server(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    output = tmp_path / "videos" / "cat.mp4"
    done = run(
        *("generate", "a cat", "--width", "128", "--height", "64", "--num-frames", "9"),
        *("--server", server.url, "--output", str(output)),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(output)
    assert problems(output, width=128, height=64, frames=9) == []


def test_generate_prints_everything_that_is_wrong(start: Callable[..., Server]) -> None:
    server = start()
    refused = run("generate", " ", "--width", "65", "--num-frames", "50", "--server", server.url)
    assert refused.returncode == 1
    for field in ("prompt", "width", "num_frames"):
        assert re.search(rf"^  {field}: ", refused.stderr, re.MULTILINE)


def test_generate_says_that_a_task_failed(start: Callable[..., Server]) -> None:
    server = start()
    failed = run("generate", "@oom", "--server", server.url)
    assert failed.returncode == 1
    assert "out_of_memory" in failed.stderr


def test_generate_without_a_server_says_so() -> None:
    nobody = run("generate", "a cat", "--server", "http://127.0.0.1:9")
    assert nobody.returncode == 69
    assert "http://127.0.0.1:9" in nobody.stderr


def test_generate_local_starts_everything_itself(tmp_path: Path) -> None:
    output = tmp_path / "cat.mp4"
    done = run(
        *("generate", "a cat moving to the left on the grass", "--local", "--width", "64", "--height", "64"),
        *("--num-frames", "17", "--steps", "4"),
        *("--data", str(tmp_path / "data"), "--model", str(MODEL), "--set", f"engine.python={PYTHON}"),
        *("--output", str(output)),
    )
    assert done.returncode == 0, done.stderr
    assert problems(output, width=64, height=64, frames=17) == []


def test_doctor_finds_everything_there(tmp_path: Path) -> None:
    settings = ("--model", str(MODEL), "--set", f"engine.python={PYTHON}", "--data", str(tmp_path))
    good = run("doctor", *settings)
    assert good.returncode == 0, good.stdout + good.stderr
    for part in ("Python", "torch", "easyanimate-tiny", "cpu", "free"):
        assert part in good.stdout


def test_doctor_says_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    bad = run("doctor", "--model", str(tmp_path / "none"), "--set", "engine.python=/none/python", "--data", "/proc/no")
    assert bad.returncode == 1
    assert "/none/python" in bad.stdout
    assert "make setup" in bad.stdout
    no_model = run("doctor", "--model", str(tmp_path / "none"), "--set", f"engine.python={PYTHON}")
    assert no_model.returncode == 1
    assert str(tmp_path / "none") in no_model.stdout


def test_the_documented_settings_are_the_real_ones() -> None:
    table = run("settings").stdout.strip()
    assert table in (REPOSITORY / "docs/configuration.md").read_text()


def test_every_command_has_help() -> None:
    for command in ([], ["serve"], ["generate"], ["doctor"], ["settings"]):
        shown = run(*command, "--help")
        assert shown.returncode == 0
        assert "USAGE" in shown.stdout

"""The command line, as a person uses it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from check_video import problems
from server import BINARY, ENDED, MODEL, PYTHON, REPOSITORY, Server, run, wait_for
from terminal import ORDER, Terminal
from world import drawn, png

SMALL = ("--width", "64", "--height", "64", "--num-frames", "5")


@pytest.fixture
def on_terminal() -> Iterator[Callable[..., Terminal]]:
    """Starts commands on terminals of their own; what still runs at the end is killed."""
    terminals: list[Terminal] = []

    def start_one(*arguments: str, **options: object) -> Terminal:
        terminal = Terminal(*arguments, **options)  # type: ignore[arg-type]
        terminals.append(terminal)
        return terminal

    yield start_one
    for terminal in terminals:
        terminal.close()


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


def test_generate_says_how_urgent_it_is_and_what_may_be_reduced(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    floors = ("--degrade", "allow", "--min-steps", "2", "--min-frames", "5", "--min-height", "64")
    done = run(
        *("generate", "a cat", "--width", "64", "--height", "64", "--num-frames", "5", "--steps", "4"),
        *("--priority", "batch", "--deterministic", *floors),
        *("--server", server.url, "--output", str(tmp_path / "cat.mp4")),
    )
    assert done.returncode == 0, done.stderr
    (task,) = server.get("/api/v1/tasks").json()["tasks"]
    assert (task["priority"], task["deterministic"]) == ("batch", True)
    request = task["request"]
    assert request["degrade"] == "allow"
    assert (request["min_steps"], request["min_frames"], request["min_height"]) == (2, 5, 64)
    refused = run("generate", "a cat", "--min-steps", "2", "--server", server.url)
    assert refused.returncode == 1 and "min_steps" in refused.stderr


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


def test_generate_shows_progress_on_one_line_as_wide_as_the_terminal(
    start: Callable[..., Server], on_terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    server = start(timed=0.05)
    output = tmp_path / "cat.mp4"
    arguments = ("generate", "a cat", *SMALL, "--steps", "30", "--server", server.url, "--output", str(output))
    terminal = on_terminal(*arguments, columns=60)
    seen = terminal.read_until(r"denoise  █+░+  \d+/30  \d+ s") + terminal.read_until(r"cat\.mp4")
    assert terminal.end() == 0
    *drawn, _ = ORDER.sub("", seen).split("\r\n")
    lines = [line for part in drawn for line in part.split("\r") if line]
    assert len(lines) > 5 and all(len(line) < 60 for line in lines)
    # One line, left once.
    assert len(drawn) == 1
    assert problems(output, width=64, height=64, frames=5) == []


def test_generate_follows_by_events_and_says_what_is_new_where_no_terminal_is(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(timed=0.01, log_level="debug")
    done = run(
        *("generate", "a cat", *SMALL, "--steps", "40"),
        *("--server", server.url, "--output", str(tmp_path / "cat.mp4")),
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    steps = [line for line in lines if line.startswith("denoise")]
    assert 1 <= len(steps) <= 11 and len(set(lines)) == len(lines)
    # One stream, and hardly a question beside it.
    assert len(re.findall(r"route=/api/v1/tasks/{task_id}/events", server.logged())) == 1
    assert len(re.findall(r"route=/api/v1/tasks/{task_id} ", server.logged())) <= 5


def test_generate_follows_a_task_without_events(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start(timed=0.05, http_maxStreams=1)
    server.wait_until_ready()
    # It makes way for what is more urgent, and its stream has the only place meanwhile.
    holder = server.submit("@step=0.5 a dog", num_inference_steps=100, priority="batch")["task_id"]
    with server.get(f"/api/v1/tasks/{holder}/events", stream=True) as stream:
        assert stream.status_code == 200
        done = run(
            *("generate", "a cat", *SMALL, "--steps", "20", "--priority", "interactive"),
            *("--server", server.url, "--output", str(tmp_path / "cat.mp4")),
        )
        assert server.task(holder)["status"] not in ENDED
    assert done.returncode == 0, done.stderr


def test_generate_goes_on_when_the_server_is_restarted(start: Callable[..., Server], tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = start(timed=0.1, http_port=port)
    server.wait_until_ready()
    output = tmp_path / "cat.mp4"
    command = subprocess.Popen(
        [BINARY, "generate", "a cat", *SMALL, "--steps", "30", "--server", server.url, "--output", output],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        task = wait_for(lambda: server.get("/api/v1/tasks").json()["tasks"], 30, "nothing was submitted")[0]
        server.wait_for_step(task["task_id"])
        server.kill()
        start(timed=0.01, http_port=port)
        _, errors = command.communicate(timeout=60)
    finally:
        command.kill()
    assert command.returncode == 0, errors
    assert problems(output, width=64, height=64, frames=5) == []


@pytest.mark.parametrize("way", ["signal", "key"])
def test_an_interrupted_generate_cancels_its_task(
    start: Callable[..., Server], on_terminal: Callable[..., Terminal], tmp_path: Path, way: str
) -> None:
    server = start(timed=0.2)
    terminal = on_terminal("generate", "a cat", *SMALL, "--steps", "100", "--server", server.url)
    terminal.read_until("denoise")
    if way == "key":
        terminal.type("\x03")
    else:
        terminal.process.send_signal(signal.SIGTERM)
    terminal.read_until("Cancelled")
    assert terminal.end() == 130
    (task,) = server.get("/api/v1/tasks").json()["tasks"]
    assert task["status"] == "CANCELLED"


def test_an_interrupted_local_generate_leaves_nothing_behind(tmp_path: Path) -> None:
    settings = {"engine.python": PYTHON, "engine.timedStepSeconds": 0.2, "data.directory": tmp_path / "data"}
    flags = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    command = subprocess.Popen(
        [BINARY, "generate", "a cat", *SMALL, "--steps", "100", "--local", *flags],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert command.stderr is not None
        seen = ""
        while "denoise" not in seen:
            line = command.stderr.readline()
            assert line, seen
            seen += line
        command.send_signal(signal.SIGINT)
        _, errors = command.communicate(timeout=60)
    finally:
        command.kill()
    assert command.returncode == 130, seen + errors
    assert "Cancelled" in errors


def test_generate_as_json_prints_the_task_and_nothing_else(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    output = tmp_path / "cat.mp4"
    done = run("generate", "a cat", *SMALL, "--json", "--server", server.url, "--output", str(output))
    assert done.returncode == 0, done.stderr
    task = json.loads(done.stdout)
    assert task["status"] == "SUCCESS" and task == server.task(task["task_id"])
    assert output.exists()
    failed = run("generate", "@oom", *SMALL, "--json", "--server", server.url)
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["error"]["code"] == "out_of_memory"
    refused = run("generate", "a cat", "--width", "65", "--json", "--server", server.url)
    assert refused.returncode == 1
    problem = json.loads(refused.stdout)
    assert (problem["status"], problem["violations"][0]["field"]) == (422, "width")
    nobody = run("generate", "a cat", "--json", "--server", "http://127.0.0.1:9")
    assert nobody.returncode == 69
    assert json.loads(nobody.stdout)["code"] == "unreachable"


def test_generate_leaves_once_the_task_is_accepted(start: Callable[..., Server]) -> None:
    server = start(timed=0.2)
    left = run("generate", "a cat", *SMALL, "--steps", "100", "--no-wait", "--server", server.url)
    assert left.returncode == 0, left.stderr
    assert server.task(left.stdout.strip())["status"] not in ENDED
    accepted = run("generate", "a dog", *SMALL, "--no-wait", "--json", "--server", server.url)
    assert json.loads(accepted.stdout)["status"] == "PENDING"
    wrong = run("generate", "a cat", "--no-wait", "--open", "--server", server.url)
    assert wrong.returncode == 64 and "--open" in wrong.stderr


def test_generate_opens_the_video_with_the_program_of_the_desktop(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    opened = tmp_path / "opened"
    opener = tmp_path / "bin/xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\nprintf "%s" "$1" > "{opened}.part" && mv "{opened}.part" "{opened}"\n')
    opener.chmod(0o755)
    output = tmp_path / "cat.mp4"
    arguments = ("generate", "a cat", *SMALL, "--open", "--server", server.url, "--output", str(output))
    done = run(*arguments, environment={"PATH": f"{opener.parent}:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stderr
    wait_for(opened.exists, 10, "nothing was opened")
    assert opened.read_text() == str(output)
    without = run(*arguments, environment={"PATH": str(tmp_path)})
    assert without.returncode == 0 and "xdg-open" in without.stderr


def test_many_commands_at_once_all_end_well(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start(timed=0)
    server.wait_until_ready()

    def generate(number: int) -> subprocess.CompletedProcess[str]:
        # Most are answered at once: the server ends the stream of events while the command leaves it.
        return run(
            "generate", f"cat {number % 4}", *SMALL, "--server", server.url, "--output", f"{tmp_path}/{number}.mp4"
        )

    with ThreadPoolExecutor(8) as threads:
        ends = list(threads.map(generate, range(120)))
    assert [end.stderr for end in ends if end.returncode != 0] == []
    assert len(list(tmp_path.glob("*.mp4"))) == 120 and not list(tmp_path.glob("*.part"))


def test_generate_takes_a_first_frame_as_image(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    picture = tmp_path / "first.png"
    picture.write_bytes(png(drawn(0)[0][0]))
    for option in ("--image", "--start-image"):
        output = tmp_path / f"cat{option}.mp4"
        done = run("generate", "a cat", *SMALL, option, str(picture), "--server", server.url, "--output", str(output))
        assert done.returncode == 0, done.stderr
    newest = server.get("/api/v1/tasks").json()["tasks"][0]
    assert newest["request"]["start_image"]


def test_tasks_are_listed_and_cancelled(start: Callable[..., Server], on_terminal: Callable[..., Terminal]) -> None:
    server = start(timed=0.5)
    server.wait_until_ready()
    first, *others = [server.submit(f"一只猫 {index}", num_inference_steps=100)["task_id"] for index in range(5)]
    server.wait_for_step(first)
    listed = run("tasks", "--server", server.url)
    assert listed.returncode == 0, listed.stderr
    heading, *rows = listed.stdout.splitlines()
    assert heading.split() == ["TASK", "STATUS", "PRIORITY", "SIZE", "PROGRESS", "PROMPT"]
    assert [row.split()[0] for row in rows] == [*reversed(others), first]
    assert rows[0].endswith("一只猫 4") and "denoise" in rows[-1]
    running = json.loads(run("tasks", "--status", "running", "--json", "--server", server.url).stdout)
    assert [task["task_id"] for task in running["tasks"]] == [first]
    assert len(run("tasks", "--limit", "2", "--server", server.url).stdout.splitlines()) == 3
    assert "default" in run("tasks", "--all", "--server", server.url).stdout
    done = run("cancel", others[0], others[1], "--server", server.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{others[0]} cancelled", f"{others[1]} cancelled"]
    # One that is there is cancelled, whatever becomes of the other.
    again = run("cancel", others[0], others[2], "--server", server.url)
    assert again.returncode == 1 and others[0] in again.stderr
    assert server.task(others[2])["status"] == "CANCELLED"
    unasked = run("cancel", "--all", "--server", server.url)
    assert unasked.returncode == 64 and "--yes" in unasked.stderr
    asked = on_terminal("cancel", "--all", "--server", server.url)
    asked.read_until(re.escape("Cancel 2 tasks? [y/N] "))
    asked.type("n\n")
    asked.read_until("Nothing was cancelled")
    assert asked.end() == 1
    assert server.task(first)["status"] == "RUNNING"
    everything = run("cancel", "--all", "--yes", "--server", server.url)
    assert everything.returncode == 0, everything.stderr
    assert {server.task(task)["status"] for task in (first, *others)} == {"CANCELLED"}
    assert run("cancel", "--all", "--yes", "--server", server.url).stdout == "No task waits or runs.\n"


@pytest.mark.parametrize("leave", ["q", "\x03"])
def test_top_shows_the_server_live_and_leaves_the_terminal_as_it_was(
    start: Callable[..., Server], on_terminal: Callable[..., Terminal], leave: str
) -> None:
    server = start(timed=0.2)
    server.wait_until_ready()
    top = on_terminal("top", "--interval", "0.2", "--server", server.url, columns=100)
    top.read_until(r"\x1b\[\?1049h")
    top.read_until("No task waits or runs")
    task = server.submit("a cat", num_inference_steps=100)["task_id"]
    server.wait_for_step(task, 2)
    top.read_until(r"denoise \d+/100")
    top.read_until(rf"{task} +RUNNING")
    top.resize(40, 12)
    frame = top.read_until(r"(?s)\x1b\[H(?:(?!\x1b\[H).)*…(?:(?!\x1b\[H).)*\x1b\[J")
    *_, last = frame.split("\x1b[H")
    lines = ORDER.sub("", last).replace("\r", "").split("\n")
    assert len(lines) <= 12 and all(len(line) <= 40 for line in lines)
    assert not top.is_as_before()
    top.type(leave)
    top.read_until(r"\x1b\[\?25h\x1b\[\?1049l")
    assert top.end() == 0
    assert top.is_as_before()


def test_top_leaves_when_the_server_goes(start: Callable[..., Server], on_terminal: Callable[..., Terminal]) -> None:
    server = start()
    top = on_terminal("top", "--interval", "0.2", "--server", server.url)
    top.read_until("No task waits or runs")
    server.kill()
    top.read_until(r"\x1b\[\?25h\x1b\[\?1049l")
    top.read_until("does not answer")
    assert top.end() == 69
    assert top.is_as_before()


def test_top_without_a_terminal_is_one_frame(start: Callable[..., Server]) -> None:
    server = start(access_adminKey="animato-admin-key-of-this-test-alone")
    key = {"ANIMATO_KEY": "animato-admin-key-of-this-test-alone"}
    refused = run("top", "--server", server.url)
    assert refused.returncode == 1 and "key" in refused.stderr
    shown = run("top", "--server", server.url, environment=key)
    assert shown.returncode == 0, shown.stderr
    assert "\x1b" not in shown.stdout
    assert "DEVICE" in shown.stdout and "0 waiting" in shown.stdout


def test_doctor_finds_everything_there(
    start: Callable[..., Server], on_terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    settings = ("--model", str(MODEL), "--set", f"engine.python={PYTHON}", "--data", str(tmp_path / "d"), "--port", "0")
    good = run("doctor", *settings)
    assert good.returncode == 0, good.stdout + good.stderr
    *lines, summary = good.stdout.splitlines()
    assert all(re.match(r"(✓ ok {5}|! warning)  [\w: -]+: ", line) for line in lines), good.stdout
    for part in ("Python", "torch", "easyanimate-tiny", "cpu", "free", "data directory", "port", "open files"):
        assert part in good.stdout
    assert summary == "This machine can make videos: easyanimate-tiny on cpu."
    answer = json.loads(run("doctor", "--json", *settings).stdout)
    assert (answer["summary"], len(answer["findings"])) == (summary, len(lines))
    coloured = on_terminal("doctor", *settings)
    coloured.read_until("\x1b\\[32m✓ ok")
    plain = on_terminal("doctor", *settings, environment={"NO_COLOR": "1"})
    assert plain.end(60) == 0 and "\x1b" not in plain.text
    server = start()
    port = server.url.rpartition(":")[2]
    beside = run("doctor", *settings[:4], "--data", str(server.data), "--port", port)
    assert beside.returncode == 0, beside.stdout
    assert "a server runs on it" in beside.stdout and f"listens on 127.0.0.1:{port}" in beside.stdout


def test_doctor_says_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        bad = run(
            *("doctor", "--model", str(tmp_path / "none"), "--set", "engine.python=/none/python"),
            *("--data", "/proc/no", "--port", port, "--store", "redis://:hush@127.0.0.1:1"),
        )
    assert bad.returncode == 1
    assert "/none/python" in bad.stdout
    assert "make setup" in bad.stdout
    assert f"✗ missing  port: 127.0.0.1:{port}" in bad.stdout
    assert "✗ missing  data directory" in bad.stdout
    assert "✗ missing  Redis: redis://127.0.0.1:1/0" in bad.stdout and "hush" not in bad.stdout
    assert bad.stdout.splitlines()[-1].startswith("This machine cannot run a server yet")
    no_model = run(
        *("doctor", "--model", str(tmp_path / "none"), "--set", f"engine.python={PYTHON}"),
        *("--data", str(tmp_path / "data")),
    )
    assert no_model.returncode == 1
    assert str(tmp_path / "none") in no_model.stdout


def test_the_documented_settings_are_the_real_ones() -> None:
    table = run("settings").stdout.strip()
    assert table in (REPOSITORY / "docs/configuration.md").read_text()


def commands() -> list[list[str]]:
    """Every command of the program, as its help names them."""

    def below(command: list[str]) -> list[list[str]]:
        shown = run(*command, "--help")
        assert shown.returncode == 0 and "USAGE" in shown.stdout
        _, _, list_of = shown.stdout.partition("SUBCOMMANDS:")
        names = [[*command, name] for name in re.findall(r"^  (\w+)  ", list_of, re.MULTILINE)]
        return names + [found for name in names for found in below(name)]

    return below([])


def test_every_command_has_help_and_a_section() -> None:
    documented = re.findall(r"^### `animato (.+)`$", (REPOSITORY / "docs/cli.md").read_text(), re.MULTILINE)
    assert sorted(" ".join(command) for command in commands()) == sorted(documented)


def test_the_documented_exit_codes_are_in_the_help() -> None:
    shown = " ".join(run("--help").stdout.split())
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", (REPOSITORY / "docs/cli.md").read_text(), re.MULTILINE)
    assert len(rows) == 6
    for code, meaning in rows:
        assert f"{code} {meaning}" in shown
    assert run("tasks", "--limit", "0").returncode == 64
    assert run("nonsense").returncode == 64
    assert run("serve", "--set", "http.port=x").returncode == 78


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(shell: str) -> None:
    printed = run("completion", shell)
    assert printed.returncode == 0 and "animato" in printed.stdout
    assert run("--generate-completion-script", shell).stdout.strip() == printed.stdout.strip()


def test_bash_completes_commands(tmp_path: Path) -> None:
    script = tmp_path / "animato.bash"
    script.write_text(run("completion", "bash").stdout)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    ask = (
        f"PATH={BINARY.parent}:$PATH; source {script}; COMP_WORDS=(animato ge); COMP_CWORD=1; COMP_LINE='animato ge'; "
        "COMP_POINT=10; COMPREPLY=(); _animato animato ge animato 2>&1; printf '%s\n' \"${COMPREPLY[@]}\""
    )
    answer = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, timeout=30, check=False)
    assert answer.stdout.split() == ["generate"], answer

"""The process, its channel and its end, with the engine that has no model."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from animato_engine import __version__
from animato_engine.errors import BrokenPeer
from animato_engine.protocol import MAX_BODY_BYTES, Message
from harness import Engine, companion, request, start, wait_until_gone
from video import box_names, probe, tags


def is_progress(message: Message) -> bool:
    """Whether it is a progress."""
    return bool(message["type"] == "progress")


def test_hello_says_who_it_is(tmp_path: Path) -> None:
    with start(tmp_path / "log", "--timed", "0", "--device", "cuda:3") as engine:
        hello = engine.receive()
        assert hello["protocol"] == 3
        assert hello["engine_version"] == __version__
        assert hello["pid"] == engine.process.pid
        assert hello["device"] == "cuda:3"
        assert hello["memory_bytes"] > 1 << 28 and hello["loras"] == []
        (model,) = hello["models"]
        assert model["name"] == "timed" and len(model["fingerprint"]) == 64
        assert model["max_batch"] == 16
        assert model["limits"]["min_width"] == 64 and model["limits"]["frame_step"] == 4
        assert "native_shapes" not in model


def test_the_wire_is_what_the_file_says(timed: Engine, output: Path) -> None:
    saved = {name: {"file": str(output.with_name(name)), "every": 1} for name in ("checkpoint", "preview")}
    timed.run(output, num_inference_steps=1, **saved)
    timed.run(output.with_name("a"), num_inference_steps=1, **saved)
    timed.run(output.with_name("b"), "h", prompt="@oom", num_inference_steps=1)
    timed.send("park")
    timed.until(lambda message: message["type"] == "parked")
    other = companion(output.with_name("d"), "j", prompt="@peak=5")
    timed.generate(output.with_name("c"), "i", prompt="@peak=5", num_inference_steps=1, companions=[other])
    timed.outcomes("i", "j")
    # What differs from run to run.
    varying = {"pid": 1, "seconds": 0, "file": "/videos/video.mp4", "bytes": 1, "memory_bytes": 16}
    varying |= dict.fromkeys(("free_bytes", "free_bytes_before", "free_bytes_after"), 16)
    seen = [{key: varying.get(key, value) for key, value in message.items()} for message in timed.messages]
    assert seen == json.loads((Path(__file__).parent / "wire.json").read_text())


def test_a_generation_loads_once_reports_each_step_and_leaves_the_video(timed: Engine, output: Path) -> None:
    done = timed.run(output, num_inference_steps=4, width=768, height=448, num_frames=49)
    assert [message["type"] for message in timed.messages[:3]] == ["hello", "loading", "loaded"]
    seen = [(m["stage"], m["step"], m["total_steps"], m["id"]) for m in timed.messages if is_progress(m)]
    steps = [("denoise", step, 4, "g") for step in range(5)]
    assert seen == [("encode", 0, 4, "g"), *steps, ("decode", 4, 4, "g"), ("write", 4, 4, "g")]
    expected = {
        "type": "done",
        "id": "g",
        "file": str(output),
        "bytes": output.stat().st_size,
        "width": 768,
        "height": 448,
        "rendered_width": 768,
        "rendered_height": 448,
        "num_frames": 49,
        "fps": 8,
        "seed": 7,
        "memory_mode": "full",
        "resumed_step": 0,
        "skipped_steps": 0,
    }
    assert expected.items() <= done.items()
    assert set(done["seconds"]) == {"load", "encode", "denoise", "decode", "write"}
    video = probe(output)
    assert (video.codec, video.size, video.frames, video.fps) == ("h264", (768, 448), 49, 8)
    assert video.index_first and box_names(output.read_bytes())[-1] == "free"
    assert os.listdir(output.parent) == [output.name]
    timed.messages.clear()
    timed.run(output.with_name("again.mp4"))
    assert {message["type"] for message in timed.messages} == {"progress", "released", "done"}


def test_equal_requests_give_equal_bytes_and_others_do_not(timed: Engine, output: Path) -> None:
    videos = []
    for index, seed in enumerate((1, 1, 2)):
        file = output.with_name(str(index))
        timed.run(file, seed=seed)
        videos.append(file.read_bytes())
    assert videos[0] == videos[1] != videos[2]


def test_a_generation_takes_well_under_twenty_milliseconds(timed: Engine, output: Path) -> None:
    timed.run(output)
    # The best of several batches: in others the machine may have been another's.
    seconds = []
    for batch in range(10):
        begin = time.monotonic()
        for index in range(10):
            assert timed.run(output.with_name(f"{batch}-{index}"), f"{batch}-{index}")["type"] == "done"
        seconds.append(time.monotonic() - begin)
    assert min(seconds) < 0.2, seconds


def test_a_step_takes_its_time(tmp_path: Path, output: Path) -> None:
    with start(tmp_path / "log", "--timed", "0.05") as engine:
        engine.receive()
        assert 0.25 <= engine.run(output, num_inference_steps=5)["seconds"]["denoise"] < 2
        quick = engine.run(output.with_name("b"), num_inference_steps=5, prompt="@step=0 cat")
        assert quick["seconds"]["denoise"] < 0.1


def test_a_cancel_ends_the_generation_at_once_and_only_the_one_it_names(timed: Engine, output: Path) -> None:
    timed.generate(output, prompt="@step=60")
    timed.reaches("denoise")
    timed.send("cancel", id="other")
    with pytest.raises(TimeoutError):
        timed.stream.settimeout(0.2)
        timed.receive()
    timed.stream.settimeout(10)
    begin = time.monotonic()
    timed.send("cancel", id="g")
    outcome = timed.outcome()
    assert (outcome["kind"], outcome["code"]) == ("cancelled", "cancelled")
    assert time.monotonic() - begin < 1
    assert os.listdir(output.parent) == []
    timed.send("cancel", id="g")
    assert timed.run(output)["type"] == "done"


def test_a_cancel_right_behind_its_generate_counts(timed: Engine, output: Path) -> None:
    for index in range(50):
        timed.generate(output.with_name(str(index)), str(index), prompt="@step=60")
        timed.send("cancel", id=str(index))
        assert timed.outcome(str(index))["kind"] == "cancelled"


def test_a_second_generate_is_answered_busy_and_disturbs_nothing(timed: Engine, output: Path) -> None:
    timed.generate(output, "first", prompt="@step=0.2")
    timed.reaches("denoise")
    busy = timed.run(output.with_name("b"), "second")
    assert (busy["kind"], busy["code"]) == ("internal", "engine_busy")
    assert timed.outcome("first")["type"] == "done"
    assert timed.run(output.with_name("b"), "second")["type"] == "done"


@pytest.mark.parametrize(
    ("word", "kind", "code"),
    [
        ("@oom", "out_of_memory", "out_of_memory"),
        ("@invalid", "invalid_input", "invalid_request"),
        ("@disk-full", "storage", "disk_full"),
        ("@internal", "internal", "internal"),
        ("@step=soon", "invalid_input", "invalid_request"),
    ],
)
def test_a_failure_is_reported_and_the_engine_goes_on(
    timed: Engine, output: Path, word: str, kind: str, code: str
) -> None:
    failed = timed.run(output, prompt=f"{word} secret-cat")
    assert (failed["type"], failed["kind"], failed["code"]) == ("failed", kind, code)
    assert os.listdir(output.parent) == []
    assert timed.run(output)["type"] == "done"
    assert "secret-cat" not in timed.log + json.dumps(timed.messages)


def test_an_unusable_request_is_refused_before_any_work(timed: Engine, output: Path) -> None:
    assert timed.run(output, num_frames=4)["code"] == "invalid_request"
    timed.send("generate", id="g", model="timed", memory_mode="full", request={}, output=str(output))
    assert timed.outcome()["kind"] == "invalid_input"
    assert all(message["type"] in ("hello", "failed") for message in timed.messages)


@pytest.mark.parametrize("path", [None, 5, "", "video.mp4", "/tmp/\0"])
def test_an_output_that_is_no_absolute_path_is_refused(timed: Engine, path: object) -> None:
    timed.send("generate", id="g", model="timed", memory_mode="full", request=request(), output=path)
    assert timed.outcome()["code"] == "invalid_request"


def test_an_output_that_exists_or_has_no_directory_is_refused(timed: Engine, output: Path) -> None:
    output.write_bytes(b"mine")
    assert timed.run(output)["code"] == "invalid_request"
    assert output.read_bytes() == b"mine"
    missing = timed.run(output.parent / "missing" / "video.mp4")
    assert (missing["kind"], missing["code"]) == ("storage", "write_failed")


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", 0),
        struct.pack(">I", MAX_BODY_BYTES + 1),
        struct.pack(">I", 7) + b"garbage",
        struct.pack(">I", 16) + b'{"type":"hello"}',
    ],
    ids=["empty", "oversize", "no JSON", "unknown type"],
)
def test_a_server_that_breaks_the_protocol_ends_the_engine(timed: Engine, data: bytes) -> None:
    timed.stream.sendall(data)
    assert timed.exit_status() == 70
    assert "garbage" not in timed.log


def test_a_broken_frame_ends_it_also_while_it_works(timed: Engine, output: Path) -> None:
    timed.generate(output, prompt="@hang")
    timed.reaches("denoise")
    timed.stream.sendall(struct.pack(">I", 0))
    assert timed.exit_status(1) == 70


def test_shutdown_ends_it_with_status_0_idle_or_busy(tmp_path: Path, output: Path) -> None:
    for prompt in (None, "@step=60"):
        with start(tmp_path / "log", "--timed", "0") as engine:
            engine.receive()
            if prompt:
                engine.generate(output, prompt=prompt)
                engine.reaches("denoise")
            engine.send("shutdown")
            if prompt:
                assert engine.outcome()["kind"] == "yielded"
            assert engine.exit_status(2) == 0
            assert os.listdir(output.parent) == []


def test_sigterm_is_a_shutdown_idle_or_busy(tmp_path: Path, output: Path) -> None:
    for prompt in (None, "@step=60"):
        with start(tmp_path / "log", "--timed", "0") as engine:
            engine.receive()
            if prompt:
                engine.generate(output, prompt=prompt)
                engine.reaches("denoise")
            engine.process.send_signal(signal.SIGTERM)
            if prompt:
                assert engine.outcome()["kind"] == "yielded"
            assert engine.exit_status(2) == 0


def test_sigterm_right_behind_hello_is_a_shutdown(tmp_path: Path) -> None:
    for _ in range(10):
        with start(tmp_path / "log", "--timed", "0") as engine:
            engine.receive()
            engine.process.send_signal(signal.SIGTERM)
            assert engine.exit_status(2) == 0


@pytest.mark.parametrize("prompt", [None, "@step=60", "@hang"])
def test_the_end_of_the_channel_ends_it_idle_busy_or_hung(timed: Engine, output: Path, prompt: str | None) -> None:
    if prompt:
        timed.generate(output, prompt=prompt)
        timed.reaches("denoise")
        time.sleep(0.05)
    timed.stream.close()
    timed.exit_status(1)


def test_a_crash_is_the_end_of_the_channel(timed: Engine, output: Path) -> None:
    timed.generate(output, prompt="@crash")
    with pytest.raises(AssertionError, match="gone"):
        timed.outcome()
    assert timed.exit_status(1) == -signal.SIGKILL
    assert os.listdir(output.parent) == []


def test_crash_once_crashes_once(tmp_path: Path, output: Path) -> None:
    with start(tmp_path / "log", "--timed", "0") as engine:
        engine.receive()
        engine.generate(output, prompt="@crash-once cat")
        assert engine.exit_status() == -signal.SIGKILL
    with start(tmp_path / "log", "--timed", "0") as engine:
        engine.receive()
        assert engine.run(output, prompt="@crash-once cat")["type"] == "done"
    assert os.listdir(output.parent) == [output.name]


def test_a_slow_cancel_is_noticed_later(timed: Engine, output: Path) -> None:
    timed.generate(output, prompt="@slow-cancel=0.4")
    timed.reaches("denoise")
    begin = time.monotonic()
    timed.send("cancel", id="g")
    assert timed.outcome()["kind"] == "cancelled"
    assert time.monotonic() - begin > 0.2


@pytest.mark.parametrize("word", ["@garbage", "@oversize"])
def test_a_broken_frame_can_be_played(timed: Engine, output: Path, word: str) -> None:
    timed.generate(output, prompt=word)
    with pytest.raises(BrokenPeer):
        timed.outcome()


PARENT = """
import os, socket, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from harness import start
with start(Path(sys.argv[2]), *sys.argv[5:]) as engine:
    engine.receive()
    if sys.argv[4]:
        engine.generate(Path(sys.argv[3]), prompt=sys.argv[4], num_inference_steps=100, num_frames=49)
        engine.reaches("denoise")
    print(engine.process.pid, flush=True)
    time.sleep(60)
"""


def outlives(tmp_path: Path, output: Path, prompt: str, *arguments: str) -> float:
    """How long an engine lives on, in seconds, when its server is killed while it works on `prompt`."""
    tests = str(Path(__file__).parent)
    command = [sys.executable, "-c", PARENT, tests, str(tmp_path / "log"), str(output), prompt, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        engine = int(parent.stdout.readline())
        time.sleep(0.1)
        parent.kill()
        return wait_until_gone(engine, 1)


@pytest.mark.parametrize("prompt", ["", "@step=60", "@hang", "@hang-hard"])
def test_no_engine_outlives_its_server(tmp_path: Path, output: Path, prompt: str) -> None:
    outlives(tmp_path, output, prompt, "--timed", "0")


def test_an_engine_whose_server_is_already_gone_exits_at_once(tmp_path: Path) -> None:
    with start(tmp_path / "log", "--timed", "0", environment={"ANIMATO_ENGINE_PARENT": "1"}) as engine:
        assert engine.exit_status(5) == 0
        assert engine.channel.receive() is None


def test_a_stray_print_goes_to_the_log(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom animato_engine.process import take_channel\nchannel = take_channel()\n"
        "print('stray'); os.write(1, b'raw\\n'); os.system('echo child')\n"
        "channel.sendall(os.read(0, 1) + b'clean')"
    )
    ours, theirs = socket.socketpair()
    with ours, theirs, (tmp_path / "log").open("wb") as log:
        subprocess.run([sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=log, check=True)
        theirs.close()
        assert ours.recv(100) == b"clean" and ours.recv(100) == b""
    assert (tmp_path / "log").read_text().split() == ["stray", "raw", "child"]


def test_without_a_socket_it_says_so() -> None:
    command = [sys.executable, "-m", "animato_engine", "serve", "--timed", "0"]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert result.returncode == 64 and "socket" in result.stderr


@pytest.mark.parametrize("arguments", [["--timed", "-1"], ["--timed", "nan"], ["--timed", "0", "--model", "x"], []])
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "animato_engine", "serve", *arguments]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


def test_a_storage_failure_on_a_real_limit_leaves_nothing(timed: Engine, output: Path) -> None:
    resource.prlimit(timed.process.pid, resource.RLIMIT_FSIZE, (16384, 16384))
    failed = timed.run(output, width=768, height=448, num_frames=49)
    assert (failed["kind"], failed["code"]) == ("storage", "write_failed")
    assert os.listdir(output.parent) == []


def test_a_video_says_of_itself_what_it_is_told_and_its_frames_stay(timed: Engine, output: Path) -> None:
    metadata = {"title": "猫", "description": "a cat", "comment": "seed=7"}
    files = [output.with_name(name) for name in ("a", "b", "c")]
    for index, file in enumerate(files):
        assert timed.run(file, str(index), metadata=metadata if index < 2 else None)["type"] == "done"
    assert files[0].read_bytes() == files[1].read_bytes() != files[2].read_bytes()
    assert tags(files[0]) == metadata and tags(files[2]) == {}
    assert probe(files[0]) == probe(files[2])
    assert box_names(files[0].read_bytes())[-1] == "free"
    refused = timed.run(output, "d", metadata={"title": "a\0b"})
    assert (refused["kind"], refused["code"]) == ("invalid_input", "invalid_request")

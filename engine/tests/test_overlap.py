"""A pass leaves the device before its files are written, and the next one does not wait for them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from animato_engine.protocol import Message
from harness import Engine, start
from video import probe

SLOW = "@write=0.4"
STUCK = "@write=60"


def places(engine: Engine, *kinds: str) -> list[tuple[str, ...]]:
    """The messages of these kinds, or stages of progress, in the order in which they came."""
    seen: list[tuple[str, ...]] = []
    for message in engine.messages:
        kind = message["stage"] if message["type"] == "progress" else message["type"]
        if kind in kinds:
            seen.append((kind, *message.get("ids", [message.get("id")])))
    return seen


def index(engine: Engine, **fields: object) -> int:
    """The place of the first message with these fields."""
    return next(i for i, message in enumerate(engine.messages) if fields.items() <= message.items())


def test_a_pass_is_released_after_its_decoding_and_before_its_writing(timed: Engine, output: Path) -> None:
    timed.run(output)
    assert places(timed, "decode", "released", "write", "done") == [
        ("decode", "g"),
        ("released", "g"),
        ("write", "g"),
        ("done", "g"),
    ]


def test_the_next_pass_denoises_while_the_last_one_is_written(timed: Engine, output: Path) -> None:
    timed.generate(output, "first", prompt=SLOW)
    assert timed.released() == ["first"]
    timed.generate(output.with_name("b"), "second")
    done = timed.outcomes("first", "second")
    assert {message["type"] for message in done.values()} == {"done"}
    assert done["first"]["seconds"]["write"] >= 0.4 > done["second"]["seconds"]["write"]
    denoised = index(timed, type="progress", id="second", stage="denoise", step=2)
    assert denoised < index(timed, type="done", id="first")
    # It has waited for its turn to be written.
    assert index(timed, type="done", id="first") < index(timed, type="released", ids=["second"])
    assert all(probe(file).frames == 5 for file in (output, output.with_name("b")))


def test_the_real_pipeline_denoises_while_a_large_file_is_written(real: Engine, output: Path) -> None:
    real.run(output.with_name("warm"), num_inference_steps=1, num_frames=1)
    real.messages.clear()
    real.generate(output, "large", num_inference_steps=1, num_frames=49, width=1344, height=768)
    assert real.released() == ["large"]
    real.generate(output.with_name("small"), "small")
    outcomes = real.outcomes("large", "small")
    assert [outcomes[name]["type"] for name in ("large", "small")] == ["done", "done"]
    denoised = index(real, type="progress", id="small", stage="denoise", step=1)
    assert denoised < index(real, type="done", id="large")
    alone = output.with_name("alone")
    real.run(alone)
    assert alone.read_bytes() == output.with_name("small").read_bytes()
    assert (probe(output).frames, probe(output).size) == (49, (1344, 768))


def test_a_cancel_stops_the_writing_and_the_pass_on_the_device_goes_on(timed: Engine, output: Path) -> None:
    timed.generate(output, "first", prompt=STUCK)
    timed.released()
    timed.generate(output.with_name("b"), "second", prompt="@step=0.05")
    timed.reaches("denoise", identifier="second")
    timed.send("cancel", id="first")
    outcomes = timed.outcomes("first", "second")
    assert (outcomes["first"]["kind"], outcomes["second"]["type"]) == ("cancelled", "done")
    assert os.listdir(output.parent) == ["b"]


def test_a_real_file_that_is_being_written_can_be_cancelled(real: Engine, output: Path) -> None:
    real.generate(output, "large", num_inference_steps=1, num_frames=49, width=1344, height=768)
    real.reaches("write")
    real.send("cancel", id="large")
    assert real.outcome("large")["kind"] == "cancelled"
    assert os.listdir(output.parent) == []


def test_a_pass_that_waits_for_the_writer_can_be_cancelled(timed: Engine, output: Path) -> None:
    timed.generate(output, "first", prompt=STUCK)
    timed.released()
    timed.generate(output.with_name("b"), "second")
    timed.reaches("decode", identifier="second")
    timed.send("cancel", id="second")
    assert timed.outcome("second")["kind"] == "cancelled"
    timed.send("cancel", id="first")
    assert timed.outcome("first")["kind"] == "cancelled"
    assert places(timed, "released") == [("released", "first")]
    assert timed.run(output)["type"] == "done"


def test_a_yield_of_what_is_being_written_is_ignored(timed: Engine, output: Path) -> None:
    timed.generate(output, prompt=SLOW)
    timed.reaches("write")
    timed.send("yield", id="g")
    assert timed.outcome()["type"] == "done"


def test_a_file_that_cannot_be_written_disturbs_nothing(timed: Engine, output: Path) -> None:
    timed.generate(output, "first", prompt=f"{SLOW} @write-full secret-cat")
    timed.released()
    timed.generate(output.with_name("b"), "second", prompt="@step=0.3")
    outcomes = timed.outcomes("first", "second")
    assert (outcomes["first"]["kind"], outcomes["first"]["code"]) == ("storage", "disk_full")
    assert outcomes["second"]["type"] == "done"
    assert index(timed, type="failed", id="first") < index(timed, type="released", ids=["second"])
    assert os.listdir(output.parent) == ["b"] and "secret-cat" not in timed.log


@pytest.mark.parametrize("how", ["shutdown", "sigterm"])
def test_an_engine_that_is_to_stop_finishes_what_it_writes(timed: Engine, output: Path, how: str) -> None:
    timed.generate(output, "first", prompt=SLOW)
    timed.released()
    timed.generate(output.with_name("b"), "second", prompt="@step=60")
    timed.reaches("denoise", identifier="second")
    if how == "shutdown":
        timed.send("shutdown")
    else:
        timed.process.send_signal(signal.SIGTERM)
    outcomes = timed.outcomes("first", "second")
    assert (outcomes["first"]["type"], outcomes["second"]["kind"]) == ("done", "yielded")
    assert timed.exit_status() == 0
    assert os.listdir(output.parent) == [output.name]


def test_a_pass_that_waits_for_the_writer_yields_to_a_shutdown(timed: Engine, output: Path) -> None:
    timed.generate(output, "first", prompt=SLOW)
    timed.released()
    timed.generate(output.with_name("b"), "second")
    timed.reaches("decode", identifier="second")
    timed.send("shutdown")
    outcomes = timed.outcomes("first", "second")
    assert (outcomes["first"]["type"], outcomes["second"]["kind"]) == ("done", "yielded")
    assert timed.exit_status() == 0


def test_a_crash_while_a_file_is_written_loses_both_and_leaves_no_video(tmp_path: Path, output: Path) -> None:
    with start(tmp_path / "log", "--timed", "0") as engine:
        engine.receive()
        engine.generate(output, "first", prompt="@write=0.2 @crash-write")
        engine.released()
        engine.generate(output.with_name("b"), "second", prompt="@step=60")
        with pytest.raises(AssertionError, match="gone"):
            engine.outcomes("first", "second")
        assert engine.exit_status() == -signal.SIGKILL
    assert os.listdir(output.parent) == []
    with start(tmp_path / "log", "--timed", "0") as engine:
        engine.receive()
        assert engine.run(output, prompt="@write=0.2 @crash-write")["type"] == "done"


def test_the_end_of_the_channel_does_not_wait_for_the_writing(timed: Engine, output: Path) -> None:
    timed.generate(output, prompt=STUCK)
    timed.reaches("write")
    timed.stream.close()
    assert timed.exit_status(1) == 0


def test_an_id_that_is_at_work_breaks_the_protocol(timed: Engine, output: Path) -> None:
    timed.generate(output, prompt=STUCK)
    timed.released()
    timed.generate(output.with_name("b"))
    assert timed.exit_status() == 70


def test_an_id_can_be_used_again_after_its_outcome(timed: Engine, output: Path) -> None:
    for name in ("a", "b", "c"):
        assert timed.run(output.with_name(name))["type"] == "done"


# Parking


def parked(engine: Engine) -> Message:
    """Have an engine park, and give what it says."""
    engine.send("park")
    return engine.until(lambda message: message["type"] == "parked")


def test_a_parked_engine_brings_its_model_back(timed: Engine, output: Path) -> None:
    timed.run(output.with_name("a"))
    assert parked(timed)["free_bytes"] > 0
    timed.messages.clear()
    assert timed.run(output.with_name("b"))["type"] == "done"
    assert [message["type"] for message in timed.messages[:2]] == ["loading", "loaded"]
    assert output.with_name("a").read_bytes() == output.with_name("b").read_bytes()


@pytest.mark.parametrize("mode", ["full", "model_offload_8bit"])
def test_the_real_pipeline_gives_the_same_bytes_after_parking(real: Engine, output: Path, mode: str) -> None:
    real.run(output.with_name("a"), memory_mode=mode)
    assert parked(real)["free_bytes"] > 0
    real.messages.clear()
    assert real.run(output.with_name("b"), memory_mode=mode)["type"] == "done"
    # Of the offload modes, nothing has been on the device.
    assert ("loading" in [message["type"] for message in real.messages]) == (mode == "full")
    assert output.with_name("a").read_bytes() == output.with_name("b").read_bytes()


def test_parking_before_anything_was_loaded_is_answered(timed: Engine, output: Path) -> None:
    parked(timed)
    assert timed.run(output)["type"] == "done"


def test_a_park_is_ignored_while_a_pass_is_on_the_device_and_not_while_one_is_written(
    timed: Engine, output: Path
) -> None:
    timed.generate(output, prompt=f"@step=0.05 {SLOW}")
    timed.reaches("denoise")
    timed.send("park")
    timed.released()
    assert places(timed, "parked") == []
    parked(timed)
    assert timed.outcome()["type"] == "done"
    assert len(places(timed, "parked")) == 1


def test_a_generate_right_behind_a_park_is_carried_out(timed: Engine, output: Path) -> None:
    for number in range(20):
        timed.send("park")
        timed.send("park")
        assert timed.run(output.with_name(str(number)), str(number))["type"] == "done"

"""Checkpoints, previews, memory modes and inputs of the engine that has no model."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from harness import Engine, start


def keeps(output: Path, every: int = 2) -> dict[str, Any]:
    """A checkpoint beside the directory of the output."""
    return {"file": str(output.parent.parent / "checkpoint"), "every": every}


def test_after_a_crash_it_goes_on_at_the_last_checkpoint(tmp_path: Path, output: Path) -> None:
    prompt = "@crash-at=5 cat"
    with start(tmp_path / "log", "--timed", "0") as engine:
        engine.receive()
        engine.generate(output, prompt=prompt, num_inference_steps=6, checkpoint=keeps(output))
        assert engine.exit_status() == -signal.SIGKILL
    with start(tmp_path / "log", "--timed", "0") as engine:
        engine.receive()
        done = engine.run(output, prompt=prompt, num_inference_steps=6, checkpoint=keeps(output))
        assert (done["type"], done["resumed_step"]) == ("done", 4)
        kinds = [(message["type"], message.get("step")) for message in engine.messages]
        assert kinds.index(("resumed", 4)) < kinds.index(("progress", 4))
        assert ("progress", 3) not in kinds and [step for kind, step in kinds if kind == "checkpointed"] == [6]
        fresh = engine.run(output.with_name("fresh"), prompt=prompt, num_inference_steps=6)
        assert fresh["resumed_step"] == 0
    assert output.read_bytes() == output.with_name("fresh").read_bytes()


def test_a_checkpoint_of_another_request_or_none_is_no_checkpoint(timed: Engine, output: Path) -> None:
    keep = keeps(output)
    timed.run(output, checkpoint=keep)
    assert timed.run(output.with_name("b"), seed=8, checkpoint=keep)["resumed_step"] == 0
    for content in (b"", b"\xff{", b"[]", b'{"step": 1}', b"1" * 5000):
        Path(keep["file"]).write_bytes(content)
        assert timed.run(output.with_name("c"), checkpoint=keep)["resumed_step"] == 0
        output.with_name("c").unlink()


def test_a_yield_leaves_a_checkpoint_and_is_taken_up_again(timed: Engine, output: Path) -> None:
    changes = {"prompt": "@step=0.05", "num_inference_steps": 20, "checkpoint": keeps(output, 100)}
    timed.generate(output, **changes)
    timed.reaches("denoise", 2)
    timed.send("yield", id="other")
    timed.send("yield", id="g")
    assert timed.outcome()["kind"] == "yielded"
    saved = [message["step"] for message in timed.messages if message["type"] == "checkpointed"]
    assert len(saved) == 1 and 2 <= saved[0] < 20
    assert timed.run(output, **changes)["resumed_step"] == saved[0]


def test_previews_move_and_are_announced(timed: Engine, output: Path) -> None:
    file = output.parent.parent / "preview.webp"
    timed.run(output, num_inference_steps=4, preview={"file": str(file), "every": 2})
    said = [(m["step"], m["bytes"]) for m in timed.messages if m["type"] == "preview"]
    assert said == [(2, file.stat().st_size), (4, file.stat().st_size)]
    data = file.read_bytes()
    assert data[8:12] == b"WEBP" and b"ANIM" in data


@pytest.mark.parametrize("mode", ["full", "model_offload", "model_offload_8bit", "sequential_offload"])
def test_out_of_memory_can_be_played_in_some_modes_only(timed: Engine, output: Path, mode: str) -> None:
    outcome = timed.run(output, prompt="@oom=full,model_offload @oom-stage=decode", memory_mode=mode)
    if mode in ("full", "model_offload"):
        assert (outcome["kind"], outcome["stage"]) == ("out_of_memory", "decode")
        assert outcome["free_bytes_after"] == outcome["free_bytes_before"]
    else:
        assert (outcome["type"], outcome["memory_mode"]) == ("done", mode)


def test_a_leak_can_be_played(timed: Engine, output: Path) -> None:
    failed = timed.run(output, prompt="@oom @oom-leak")
    assert failed["free_bytes_after"] <= failed["free_bytes_before"] * 0.91


def test_inputs_count_and_are_not_looked_at(timed: Engine, output: Path, tmp_path: Path) -> None:
    given = tmp_path / "start"
    videos = []
    for index, content in enumerate((b"a", b"a", b"b")):
        given.write_bytes(content)
        file = output.with_name(str(index))
        assert timed.run(file, inputs={"start_image": str(given)})["type"] == "done"
        videos.append(file.read_bytes())
    assert videos[0] == videos[1] != videos[2]
    missing = timed.run(output, inputs={"video": str(tmp_path / "none")})
    assert missing["code"] == "media_unreadable"


def test_the_steps_that_a_cache_skips_are_counted(timed: Engine, output: Path) -> None:
    counts = [
        timed.run(output.with_name(level), num_inference_steps=12, step_cache=level)["skipped_steps"]
        for level in ("off", "balanced", "fast")
    ]
    assert counts == [0, 4, 6]

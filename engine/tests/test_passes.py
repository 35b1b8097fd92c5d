"""Several generations in one pass, without a model: who gets which message, and who ends with whom."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from animato_engine.control import Control, Signals
from animato_engine.description import Defaults, Limits, ModelDescription
from animato_engine.errors import Cancelled, Failure, Yielded
from animato_engine.order import Order, parse_pass
from animato_engine.passing import Pass, Row
from animato_engine.protocol import Generate, Message
from animato_engine.request import VideoRequest
from harness import Engine, companion, own, request


def course(engine: Engine, identifier: str) -> list[tuple[str, int]]:
    """The stages and steps that a generation has reported."""
    reports = [message for message in engine.messages if message["type"] == "progress"]
    return [(message["stage"], message["step"]) for message in reports if message["id"] == identifier]


def test_each_of_a_pass_is_told_all_and_the_pass_is_released_once(timed: Engine, output: Path) -> None:
    timed.generate_together(output.parent, "a", "b", "c")
    assert timed.released() == ["a", "b", "c"]
    assert all(message["type"] == "done" for message in timed.outcomes("a", "b", "c").values())
    expected = [("encode", 0), *(("denoise", step) for step in range(3)), ("decode", 2), ("write", 2)]
    assert all(course(timed, name) == expected for name in ("a", "b", "c"))
    kinds = [message["type"] for message in timed.messages]
    assert [kinds.count(kind) for kind in ("loading", "loaded", "released", "done")] == [1, 1, 1, 3]
    assert kinds.index("released") < kinds.index("done")


def test_each_video_is_that_of_a_generation_of_its_own(timed: Engine, output: Path) -> None:
    timed.generate_together(output.parent, "a", "b")
    timed.outcomes("a", "b")
    for name in ("a", "b"):
        timed.run(output, "alone", **own(name))
        assert output.read_bytes() == (output.parent / name).read_bytes()
        output.unlink()


def test_a_step_of_a_pass_takes_the_time_of_one(timed: Engine, output: Path) -> None:
    slow = companion(output.with_name("b"), "b", prompt="@step=0.4")
    timed.generate(output, "a", prompt="@step=0.3", num_inference_steps=1, companions=[slow])
    seconds = timed.outcomes("a", "b")["a"]["seconds"]["denoise"]
    assert 0.4 <= seconds < 0.6


def test_one_that_is_cancelled_leaves_and_the_others_go_on(timed: Engine, output: Path) -> None:
    timed.generate_together(output.parent, "a", "b", "c", num_inference_steps=100, prompt="@step=0.02")
    timed.reaches("denoise", 2, "a")
    timed.send("cancel", id="b")
    assert timed.outcome("b")["kind"] == "cancelled"
    at = len(timed.messages)
    assert timed.released() == ["a", "c"]
    assert all(message["type"] == "done" for message in timed.outcomes("a", "c").values())
    assert not any(message.get("id") == "b" for message in timed.messages[at:])
    assert sorted(os.listdir(output.parent)) == ["a", "c"]


def test_the_first_of_a_pass_can_be_cancelled_like_any_other(timed: Engine, output: Path) -> None:
    timed.generate_together(output.parent, "a", "b", num_inference_steps=50, prompt="@step=0.02")
    timed.reaches("denoise", 1, "b")
    timed.send("cancel", id="a")
    outcomes = timed.outcomes("a", "b")
    assert (outcomes["a"]["kind"], outcomes["b"]["type"]) == ("cancelled", "done")


def test_when_all_are_cancelled_the_pass_ends_at_once(timed: Engine, output: Path) -> None:
    timed.generate_together(output.parent, "a", "b", prompt="@step=60")
    timed.reaches("denoise")
    begin = time.monotonic()
    for name in ("a", "b"):
        timed.send("cancel", id=name)
    assert {message["kind"] for message in timed.outcomes("a", "b").values()} == {"cancelled"}
    assert time.monotonic() - begin < 1
    assert not any(message["type"] == "released" for message in timed.messages)
    assert timed.run(output)["type"] == "done"


def test_a_yield_of_one_yields_all_and_each_goes_on_alone(timed: Engine, output: Path) -> None:
    keep = {name: {"file": str(output.with_name(f"{name}.checkpoint")), "every": 100} for name in ("a", "b")}
    other = companion(output.with_name("b"), "b", checkpoint=keep["b"])
    changes: dict[str, Any] = {"num_inference_steps": 10, "prompt": "@step=0.02"}
    timed.generate(output.with_name("a"), "a", checkpoint=keep["a"], companions=[other], **changes)
    timed.reaches("denoise", 2, "a")
    timed.send("yield", id="b")
    assert {message["kind"] for message in timed.outcomes("a", "b").values()} == {"yielded"}
    saved = [message for message in timed.messages if message["type"] == "checkpointed"]
    assert [message["id"] for message in saved] == ["a", "b"]
    for name, prompt in (("a", "@step=0.02"), ("b", own("b")["prompt"])):
        seed = 7 if name == "a" else own("b")["seed"]
        timed.generate(output, name, num_inference_steps=10, prompt=prompt, seed=seed, checkpoint=keep[name])
        done = timed.outcome(name)
        assert done["type"] == "done" and done["resumed_step"] == saved[0]["step"] >= 2
        output.unlink()


def test_those_of_a_pass_may_go_on_from_different_steps(timed: Engine, output: Path) -> None:
    keep = {"file": str(output.with_name("checkpoint")), "every": 1}
    timed.generate(output, "b", checkpoint=keep, num_inference_steps=6, **own("b") | {"prompt": "@step=0.05"})
    timed.reaches("denoise", 3)
    timed.send("yield", id="b")
    assert timed.outcome("b")["kind"] == "yielded"
    timed.messages.clear()
    other = companion(output.with_name("b"), "b", checkpoint=keep, prompt="@step=0.05")
    timed.generate(output, "a", num_inference_steps=6, companions=[other])
    outcomes = timed.outcomes("a", "b")
    assert outcomes["a"]["resumed_step"] == 0 and outcomes["b"]["resumed_step"] >= 3
    assert course(timed, "a")[1:8] == [("denoise", step) for step in range(7)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"prompt": "x" * 2001}, "invalid_request"),
        ({"prompt": None}, "invalid_request"),
        ({"seed": -1}, "invalid_request"),
        ({"output": "relative"}, "invalid_request"),
        ({"output": "/nowhere/video.mp4"}, "write_failed"),
        ({"metadata": {"title": 1}}, "invalid_request"),
        ({"prompt": "@invalid"}, "invalid_request"),
        ({"prompt": "@disk-full"}, "disk_full"),
        ({"prompt": "@write=soon"}, "invalid_request"),
        ({"prompt": "@write-full"}, "disk_full"),
    ],
)
def test_one_that_fails_by_itself_does_not_end_the_others(
    timed: Engine, output: Path, changes: Message, code: str
) -> None:
    bad = companion(output.with_name("b"), "b", **changes)
    good = companion(output.with_name("c"), "c")
    timed.generate(output.with_name("a"), "a", companions=[bad, good])
    outcomes = timed.outcomes("a", "b", "c")
    assert outcomes["b"]["code"] == code
    assert outcomes["a"]["type"] == outcomes["c"]["type"] == "done"
    assert sorted(os.listdir(output.parent)) == ["a", "c"]


def test_one_whose_file_another_one_has_is_refused(timed: Engine, output: Path) -> None:
    timed.generate(output, "a", companions=[companion(output, "b")])
    outcomes = timed.outcomes("a", "b")
    assert (outcomes["a"]["type"], outcomes["b"]["code"]) == ("done", "invalid_request")


@pytest.mark.parametrize("word", ["@oom", "@oom @oom-stage=encode", "@oom @oom-stage=decode", "@internal"])
def test_what_ends_one_for_all_is_told_to_all(timed: Engine, output: Path, word: str) -> None:
    timed.generate(output, "a", companions=[companion(output.with_name("b"), "b", prompt=word)])
    outcomes = timed.outcomes("a", "b")
    kind = "internal" if word == "@internal" else "out_of_memory"
    assert {message["kind"] for message in outcomes.values()} == {kind}
    if kind == "out_of_memory":
        assert outcomes["a"]["stage"] == outcomes["b"]["stage"] == word.partition("stage=")[2] or "denoise"
    assert os.listdir(output.parent) == []
    assert timed.run(output)["type"] == "done"


def test_too_many_or_with_inputs_are_refused_each(timed: Engine, output: Path) -> None:
    names = [str(number) for number in range(17)]
    timed.generate_together(output.parent, *names)
    assert {message["code"] for message in timed.outcomes(*names).values()} == {"invalid_request"}
    timed.generate_together(output.parent, *names[:16])
    assert {message["type"] for message in timed.outcomes(*names[:16]).values()} == {"done"}
    picture = output.with_name("picture")
    picture.write_bytes(b"x")
    timed.generate_together(output.parent, "a", "b", inputs={"start_image": str(picture)})
    assert {message["code"] for message in timed.outcomes("a", "b").values()} == {"invalid_request"}


def test_busy_is_told_to_each_of_a_pass(timed: Engine, output: Path) -> None:
    timed.generate(output, "first", prompt="@step=0.2")
    timed.reaches("denoise")
    timed.generate_together(output.parent, "a", "b")
    assert {message["code"] for message in timed.outcomes("a", "b").values()} == {"engine_busy"}
    assert timed.outcome("first")["type"] == "done"


# The pass itself


MODEL = ModelDescription("m", "f", "0" * 64, 0, Limits(min_width=64, min_height=64), Defaults(), max_batch=2)


def rows(*names: str, keeps: bool = True) -> tuple[dict[str, Signals], Pass, list[tuple[str, Exception]]]:
    """A pass, what stops each of its rows, and those that it has let go."""
    first = Signals()
    signals = {name: Signals(first) if index else first for index, name in enumerate(names)}
    order = Order(MODEL, VideoRequest.parse(request(), MODEL), "full", Path("/nowhere"))
    dropped: list[tuple[str, Exception]] = []
    made = [Row(name, order, Control(name, 2, lambda message: None, signals[name], keeps)) for name in names]
    return signals, Pass(made, lambda row, error: dropped.append((row.id, error))), dropped


def test_the_work_of_all_stops_when_there_is_none_left_that_goes_on() -> None:
    signals, work, dropped = rows("a", "b")
    work.enter("denoise")
    signals["a"].cancel.set()
    work.check()
    work.leave()
    assert [row.id for row in work.rows] == ["b"] and [name for name, _ in dropped] == ["a"]
    signals["b"].cancel.set()
    with pytest.raises(Cancelled):
        work.check()


def test_the_work_of_one_stops_when_it_is_cancelled() -> None:
    signals, work, dropped = rows("a", "b")
    signals["a"].cancel.set()
    reached: list[str] = []
    for row in tuple(work.rows):
        with work.alone(row):
            work.check()
            reached.append(row.id)
    assert reached == ["b"] and isinstance(dropped[0][1], Cancelled)


def test_a_failure_of_the_last_one_is_that_of_the_pass() -> None:
    _, work, dropped = rows("a")
    with pytest.raises(Failure), work.alone(work.rows[0]):
        raise Failure.invalid("no")
    assert dropped == [] and len(work.rows) == 1


def test_a_shutdown_waits_for_the_step_of_those_that_keep_it() -> None:
    for keeps in (True, False):
        signals, work, _ = rows("a", "b", keeps=keeps)
        work.enter("denoise")
        signals["b"].shutdown.set()
        signals["a"].cancel.set()
        assert work.is_to_yield
        if keeps:
            work.check()
        else:
            with pytest.raises(Yielded):
                work.check()


def test_the_stage_of_a_pass_is_the_furthest() -> None:
    _, work, _ = rows("a", "b")
    assert work.stage == ""
    work.enter("denoise")
    work.rows[0].control.enter("decode")
    assert work.stage == "decode"
    work.rows[0].control.close()
    assert work.stage == "decode"


def test_orders_of_a_pass_are_bounded_by_the_model(tmp_path: Path) -> None:
    def members(count: int) -> list[Generate]:
        others = tuple(companion(tmp_path / str(number), str(number)) for number in range(1, count))
        raw = request()
        command = Generate("0", raw, "m", None, "full", str(tmp_path / "0"), companions=others)
        return command.members()

    assert all(isinstance(order, Order) for order in parse_pass(members(2), {"m": MODEL}, {}))
    assert all(isinstance(order, Failure) for order in parse_pass(members(3), {"m": MODEL}, {}))

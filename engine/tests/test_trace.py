"""Traces: what the engine logs for a generation names the trace that it belongs to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from animato_engine.process import about, log
from animato_engine.protocol import Generate, parse_command
from harness import Engine, companion, request

ONE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def test_each_line_names_the_trace_while_it_is_about_one(capsys: pytest.CaptureFixture[str]) -> None:
    with about("ab" * 16):
        log("first\nsecond")
        with about(""):
            log("no trace")
    log("after")
    trace = "trace_id=" + "ab" * 16
    assert capsys.readouterr().err.splitlines() == [f"{trace} first", f"{trace} second", "no trace", "after"]


def test_companions_have_traces_of_their_own() -> None:
    others = [companion(Path("/b"), "b", trace=OTHER), companion(Path("/c"), "c")]
    command = parse_command(
        {"type": "generate", "id": "a", "request": request(), "trace": ONE, "companions": others},
    )
    assert isinstance(command, Generate)
    assert [member.trace for member in command.members()] == [ONE, OTHER, None]


def test_a_failure_is_logged_under_its_trace(timed: Engine, output: Path) -> None:
    timed.generate(output, prompt="a purple elephant @internal", trace=ONE)
    assert timed.outcome()["code"] == "internal"
    lines = timed.log.splitlines()
    assert any("Traceback" in line for line in lines)
    assert all(line.startswith(f"trace_id={ONE[3:35]} ") for line in lines), lines
    assert "elephant" not in timed.log
    timed.generate(output, "h", prompt="another @internal")
    assert timed.outcome("h")["code"] == "internal"
    assert not any(line.startswith("trace_id=") for line in timed.log.splitlines()[len(lines) :])


def test_what_ends_one_of_a_pass_is_logged_under_its_own_trace(timed: Engine, output: Path) -> None:
    other = companion(output.with_name("b.mp4"), "b", trace=OTHER) | {"prompt": "a cat b @disk-full"}
    timed.generate(output, "a", trace=ONE, companions=[other])
    assert timed.outcomes("a", "b")["b"]["code"] == "disk_full"
    traces = {found[0] for line in timed.log.splitlines() if (found := re.findall("trace_id=([0-9a-f]{32})", line))}
    assert traces == {OTHER[3:35]}


def test_a_trace_that_is_none_is_refused(timed: Engine, output: Path) -> None:
    timed.generate(output, trace="trace")
    failed = timed.outcome()
    assert (failed["kind"], failed["code"]) == ("invalid_input", "invalid_request") and "trace" in failed["message"]

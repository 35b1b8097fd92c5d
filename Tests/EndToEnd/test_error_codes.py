"""docs/troubleshooting.md has every stable error code that the server and its engine can give, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs/troubleshooting.md"
ENGINE = REPOSITORY / "engine/animato_engine"
ROOMS = ("API", "Access", "Celery", "Engine", "Results", "Scheduling", "Tasks", "TasksSQLite", "Webhooks")
"""Those whose errors reach somebody."""

INSIDE = {
    "cancelled": "an attempt that was cancelled; the task says CANCELLED",
    "yielded": "an attempt that made way; the task waits again",
    "lease_lost": "for the dispatcher alone: stop and write nothing",
    "engine_busy": "for the dispatcher alone: it asks another engine",
    "engine_asleep": "for the dispatcher alone: it wakes the engine",
}
"""Codes that no answer, task or delivery shows, and what they are for."""

BUILDS = re.compile(
    r'\bcode:\s*"([a-z]\w*)"'
    r'|\bcode:\s*String\s*=\s*"([a-z]\w*)"'
    r'|\bvar code = "([a-z]\w*)"'
    r'|(?:\bProblem|\bself\.init|\.passing|\.badKey)\(\s*(?:\.\w+,\s*)?"([a-z]\w*)"'
)
TELLS = re.compile(r"\bvar code: String \{(.*?)\n    \}", re.DOTALL)
ARGUMENT = {"Failure": 1, "cls": 1, "invalid": 1, "Refused": 0}
"""Where the engine's errors have their code."""


def of_swift(text: str) -> Iterator[str]:
    """The codes that a Swift source builds errors with, tells of its errors, or lists."""
    # What runs short processes puts an ending to the word that it is given.
    yield from (
        word + end for word in re.findall(r'Words\(code: "(\w+)"', text) for end in ("_busy", "_timeout", "_failed")
    )
    text = re.sub(r'Words\(code: "\w+"', "", text)
    yield from ("".join(found) for found in BUILDS.findall(text))
    for body in TELLS.findall(text):
        yield from re.findall(r'"([a-z]\w*)"', body)


def of_enumeration(file: str, name: str) -> Iterator[str]:
    """The codes that an enumeration of texts lists."""
    text = (REPOSITORY / "Sources" / file).read_text()
    found = re.search(rf"enum {name}: String[^{{]*\{{(.*?)\n +\}}", text, re.DOTALL)
    assert found, f"{file} has no {name}"
    for case, value in re.findall(r'case (\w+)(?: = "(\w+)")?', found[1]):
        yield value or case


def of_python(text: str) -> Iterator[str]:
    """The codes that a source of the engine raises errors with."""
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        place = ARGUMENT.get(name)
        if place is None:
            continue
        values = call.args[place : place + 1] + [each.value for each in call.keywords if each.arg == "code"]
        yield from (value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str))


def given() -> set[str]:
    """Every code in the sources."""
    codes: set[str] = set()
    for room in ROOMS:
        for path in (REPOSITORY / "Sources" / room).rglob("*.swift"):
            if path.parent.name != "Page":
                codes |= set(of_swift(path.read_text()))
    codes |= set(of_enumeration("Tasks/RequestRejection.swift", "Code"))
    codes |= set(of_enumeration("Scheduling/Policies/AdmissionPolicy.swift", r"\w+"))
    codes |= set(of_enumeration("Scheduling/Devices/DeviceProbe.swift", "Kind"))
    for path in ENGINE.rglob("*.py"):
        # It only plays the faults of others.
        if path.name != "timed.py":
            codes |= set(of_python(path.read_text()))
    return codes


def explained() -> list[str]:
    """The codes in the first columns of the page."""
    rows = re.findall(r"^\| (`.*?) \|", PAGE.read_text(), re.MULTILINE)
    return [code for row in rows for code in re.findall(r"`(\w+)`", row)]


def test_the_page_and_the_sources_have_the_same_codes() -> None:
    codes = given()
    assert len(codes) > 100, "the sources are not read as they are written"
    assert set(explained()) == codes - set(INSIDE)


def test_each_code_is_explained_once() -> None:
    codes = explained()
    assert sorted(codes) == sorted(set(codes))


def test_what_is_said_to_be_inside_is_there() -> None:
    assert set(INSIDE) <= given()

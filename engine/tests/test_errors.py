"""Failures: told apart, and silent about prompts."""

from __future__ import annotations

import errno

import pytest

from animato_engine.errors import Cancelled, Failure, classify, redact, traceback_text


class OutOfMemoryError(RuntimeError):
    """As torch's, which this module must recognize without torch."""


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (Cancelled(), "cancelled", "cancelled"),
        (OutOfMemoryError("CUDA out of memory"), "out_of_memory", "out_of_memory"),
        (RuntimeError("CUDA error: out of memory"), "out_of_memory", "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out_of_memory", "out_of_memory"),
        (MemoryError(), "out_of_memory", "out_of_memory"),
        (ValueError("out of memory"), "internal", "internal"),
        (Failure.invalid("no"), "invalid_input", "invalid_request"),
        (Failure.storage(OSError(errno.ENOSPC, "full")), "storage", "disk_full"),
        (Failure.storage(OSError(errno.EDQUOT, "full")), "storage", "disk_full"),
        (Failure.storage(OSError(errno.EIO, "bad")), "storage", "write_failed"),
        (ZeroDivisionError("division by zero"), "internal", "internal"),
    ],
)
def test_errors_are_told_apart(error: Exception, kind: str, code: str) -> None:
    failure = classify(error, [])
    assert (failure.kind, failure.code) == (kind, code)


def test_a_storage_failure_names_no_path() -> None:
    error = OSError(errno.EACCES, "Permission denied", "/srv/animato/staging/1-1.mp4")
    assert Failure.storage(error).message == "The video could not be written: Permission denied."


def test_a_message_names_the_error_but_never_the_prompt() -> None:
    prompt = "a 'secret'\ncat 猫"
    for text in (prompt, repr(prompt), ascii(prompt)):
        message = classify(ValueError(f"cannot read {text}"), [prompt, ""]).message
        assert message.startswith("ValueError: cannot read ")
        assert "secret" not in message


def test_a_traceback_is_silent_about_prompts_also_in_its_causes() -> None:
    try:
        try:
            raise KeyError("a secret cat")
        except KeyError as error:
            raise RuntimeError("while reading 'a secret cat on the grass'") from error
    except RuntimeError as error:
        text = traceback_text(error, ["a secret cat", "a secret cat on the grass"])
    assert "RuntimeError" in text and "KeyError" in text
    assert "secret" not in text and "grass" not in text.replace("on the grass'\") from error", "")


def test_an_empty_prompt_hides_nothing() -> None:
    assert redact("all is said", ["", "  "]) == "all is said"

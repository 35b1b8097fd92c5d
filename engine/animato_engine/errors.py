"""How things go wrong, in the words of the protocol."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterable

EX_OK = 0
EX_FAILURE = 1
"""This process cannot go on; another one may."""
EX_USAGE = 64
"""The command line or the channel cannot be used."""
EX_PROTOCOL = 70
"""The peer broke the protocol."""
EX_REFUSED = 78
"""This model or device can never work here."""


class Refused(Exception):
    """This model or device can never work here; the server should not try again as it is."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BrokenPeer(Exception):
    """The other side sent something that no correct peer sends."""


class Cancelled(Exception):
    """Raised inside a generation that is to stop."""


class Yielded(Exception):
    """Raised inside a generation that is given up, to be taken up again later."""


class Failure(Exception):
    """One generation ends without a video: `kind`, `code` and `message` as in the protocol's `failed`."""

    def __init__(self, kind: str, code: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.message = message

    @classmethod
    def invalid(cls, message: str, code: str = "invalid_request") -> Failure:
        """The request can never work."""
        return cls("invalid_input", code, message)

    @classmethod
    def storage(cls, error: BaseException) -> Failure:
        """The video could not be written; told apart by the error's number."""
        number = getattr(error, "errno", None)
        if number in (errno.ENOSPC, errno.EDQUOT):
            return cls("storage", "disk_full", "There is no room left for the video.")
        # Not the whole error, which names the path: the message reaches the client, the log has the traceback.
        reason = getattr(error, "strerror", None) or type(error).__name__
        return cls("storage", "write_failed", f"The video could not be written: {reason}.")


def classify(error: BaseException, secrets: Iterable[str]) -> Failure:
    """What to report for `error`. Text in `secrets` (the prompts) never appears in the message."""
    if isinstance(error, Cancelled):
        return Failure("cancelled", "cancelled", "The generation was cancelled.")
    if isinstance(error, Yielded):
        return Failure("yielded", "yielded", "The generation was given up, to be taken up again later.")
    if isinstance(error, Failure):
        return Failure(error.kind, error.code, redact(error.message, secrets))
    text = redact(f"{type(error).__name__}: {error}", secrets)
    if is_out_of_memory(error):
        return Failure("out_of_memory", "out_of_memory", text)
    return Failure("internal", "internal", text)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or the machine had no room. Works by name, so that it needs no torch."""
    if isinstance(error, MemoryError):
        return True
    if any(parent.__name__ == "OutOfMemoryError" for parent in type(error).__mro__):
        return True
    text = str(error).lower()
    # The second is what torch says when the memory of the host is out.
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of `secrets`, as they are or as Python would quote them."""
    forms = {form for secret in secrets if secret.strip() for form in (secret, repr(secret)[1:-1], ascii(secret)[1:-1])}
    # Longest first: one prompt may contain the other.
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "[prompt]")
    return text


def traceback_text(error: BaseException, secrets: Iterable[str]) -> str:
    """The traceback of `error` for the log, without any of `secrets`."""
    return redact("".join(traceback.format_exception(error)), secrets)

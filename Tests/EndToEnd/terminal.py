"""The program on a terminal: a pseudo-terminal in place of a person's."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from server import BINARY, REPOSITORY

ORDER = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What moves the cursor, or colours."""


class Terminal:
    """One command on a terminal of a given size; all three of its streams are the terminal."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        environment: dict[str, str] | None = None,
        stdout: int | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        self._size(slave, columns, rows)
        self.settings = termios.tcgetattr(slave)
        self._slave = slave
        self.process = subprocess.Popen(
            [str(BINARY), *arguments],
            cwd=REPOSITORY,
            env=os.environ | {"TERM": "xterm"} | (environment or {}),
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.text = ""

    def _size(self, descriptor: int, columns: int, rows: int) -> None:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """Makes the window larger or smaller, as a person would with a mouse."""
        self._size(self._slave, columns, rows)
        self.process.send_signal(signal.SIGWINCH)

    def type(self, keys: str) -> None:
        """Types keys."""
        os.write(self._master, keys.encode())

    def read_until(self, pattern: str, seconds: float = 30) -> str:
        """What was written up to the first match, which must come in time; it is taken away."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.text)
            if found:
                seen, self.text = self.text[: found.end()], self.text[found.end() :]
                return seen
            assert self._read(deadline), f"{pattern!r} was not written: {self.text!r}"

    def _read(self, deadline: float) -> bool:
        left = max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([self._master], [], [], min(left, 0.1))
        if ready:
            self.text += os.read(self._master, 65536).decode(errors="replace")
            return True
        return left > 0 and self.process.poll() is None

    def end(self, seconds: float = 30) -> int:
        """Waits for the end, and reads what is left to read."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return self.process.wait(timeout=max(0.1, deadline - time.monotonic()))

    def is_as_before(self) -> bool:
        """Whether the terminal takes keys as it did before the command."""
        return termios.tcgetattr(self._slave) == self.settings

    def close(self) -> None:
        """Ends the command, if it is still there."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=10)
        os.close(self._master)
        os.close(self._slave)

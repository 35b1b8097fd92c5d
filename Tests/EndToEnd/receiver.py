"""A receiver of callbacks: an HTTP server of the test's own, which keeps everything that it is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from server import wait_for


@dataclass(frozen=True)
class Callback:
    """One request that came in."""

    path: str
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def task_id(self) -> str:
        """The task that it tells of."""
        return self.event["data"]["task_id"]


@dataclass
class Receiver:
    """Answers each callback with what `answer` gives for it: a status, and perhaps a `Location`."""

    answer: Callable[[Callback], int] = lambda _: 204
    location: str = ""
    received: list[Callback] = field(default_factory=list)

    def __post_init__(self) -> None:
        receiver = self
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                callback = Callback(self.path, headers, body)
                with lock:
                    receiver.received.append(callback)
                self.send_response(receiver.answer(callback))
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.listener.server_address[1]}"
        self.thread = threading.Thread(target=self.listener.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def wait_for(self, count: int, seconds: float = 30) -> list[Callback]:
        """What was received, once there is so much of it."""
        wait_for(lambda: len(self.received) >= count, seconds, f"{count} callbacks, not {len(self.received)}")
        return list(self.received)

    def close(self) -> None:
        """Stops listening."""
        self.listener.shutdown()
        self.listener.server_close()
        self.thread.join()

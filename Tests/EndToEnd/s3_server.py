"""An S3 server for tests: moto's, on a port of the system's choice, with faults on demand.

Prints its port and serves until its standard input ends, so that it never outlives the test that started it.

`POST /_fault?method=PUT&key=.mp4&status=503&times=2` lets the next two such requests fail. Instead of a status there
may be `cut`: the answer ends in the middle. `GET /_count?method=PUT&key=.mp4` tells how many such requests came in.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


@dataclass
class Fault:
    """What happens to some of the next requests."""

    method: str
    key: str
    status: str
    times: int

    def matches(self, method: str, path: str) -> bool:
        """Whether it happens to a request."""
        return self.times > 0 and self.method == method and self.key in path


class FaultyServer:
    """The server, and what is to go wrong."""

    def __init__(self) -> None:
        self.app = DomainDispatcherApplication(create_backend_app)
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answers a request."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"] + "?" + environ.get("QUERY_STRING", "")
        asked = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        with self.lock:
            if path.startswith("/_fault"):
                self.faults.append(Fault(asked["method"], asked["key"], asked["status"], int(asked["times"])))
                return answer(start, "204 No Content")
            if path.startswith("/_count"):
                count = sum(asked["method"] == seen and asked["key"] in where for seen, where in self.requests)
                return answer(start, "200 OK", str(count).encode())
            self.requests.append((method, path))
            fault = next((fault for fault in self.faults if fault.matches(method, path)), None)
            if fault:
                fault.times -= 1
        if fault and fault.status != "cut":
            # The request is read to its end first, as a service does that is merely overloaded.
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return answer(start, f"{fault.status} Fault", b"<Error><Code>Fault</Code></Error>")
        content = self.app(environ, start)
        return cut(content) if fault else content


def answer(start: Callable[..., Any], status: str, body: bytes = b"") -> list[bytes]:
    """A whole answer."""
    start(status, [("Content-Length", str(len(body)))])
    return [body]


def cut(content: Iterable[bytes]) -> Iterator[bytes]:
    """The first half of a content."""
    whole = b"".join(content)
    yield whole[: len(whole) // 2]
    raise ConnectionAbortedError


class QuietHandler(WSGIRequestHandler):
    """Keeps connections, and says nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing."""


def main() -> None:
    """Serves until the standard input ends."""
    server = make_server("127.0.0.1", 0, FaultyServer(), threaded=True, request_handler=QuietHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()

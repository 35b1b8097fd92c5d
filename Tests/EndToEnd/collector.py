"""A collector of traces: an HTTP server of the test's own that checks what it is sent against the protocol's JSON."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from server import wait_for

_VALUES = {"stringValue": str, "boolValue": bool, "intValue": str, "doubleValue": (int, float, str), "arrayValue": dict}
_SPAN = {
    "traceId", "spanId", "traceState", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano",
    "attributes", "events", "links", "status",
}  # fmt: skip


def _value(value: dict[str, Any]) -> Any:
    """What an `AnyValue` holds."""
    ((kind, held),) = value.items()
    assert isinstance(held, _VALUES[kind]), value
    if kind == "intValue":
        # 64 bits: JSON's numbers do not hold them.
        return int(held)
    return [_value(one) for one in held["values"]] if kind == "arrayValue" else held


def _attributes(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    assert all(set(pair) == {"key", "value"} for pair in pairs), pairs
    attributes = {pair["key"]: _value(pair["value"]) for pair in pairs}
    assert len(attributes) == len(pairs)
    return attributes


@dataclass(frozen=True)
class Span:
    """One span as it came."""

    trace: str
    id: str
    parent: str | None
    name: str
    kind: int
    start: int
    end: int
    attributes: dict[str, Any]
    links: list[tuple[str, dict[str, Any]]]
    """Of each the other trace, and the attributes."""
    error: str | None

    @staticmethod
    def parse(raw: dict[str, Any]) -> Span:
        """The span in `raw`, which must be just what the protocol says."""
        assert set(raw) <= _SPAN, raw
        assert re.fullmatch("[0-9a-f]{32}", raw["traceId"]) and re.fullmatch("[0-9a-f]{16}", raw["spanId"])
        assert "parentSpanId" not in raw or re.fullmatch("[0-9a-f]{16}", raw["parentSpanId"])
        assert type(raw["kind"]) is int and 1 <= raw["kind"] <= 5 and raw["name"]
        for time in ("startTimeUnixNano", "endTimeUnixNano"):
            assert isinstance(raw[time], str) and raw[time].isdigit()
        assert type(raw["status"]["code"]) is int and raw["status"]["code"] in {0, 1, 2}
        return Span(
            trace=raw["traceId"],
            id=raw["spanId"],
            parent=raw.get("parentSpanId"),
            name=raw["name"],
            kind=raw["kind"],
            start=int(raw["startTimeUnixNano"]),
            end=int(raw["endTimeUnixNano"]),
            attributes=_attributes(raw["attributes"]),
            links=[(link["traceId"], _attributes(link["attributes"])) for link in raw["links"]],
            error=raw["status"].get("message", "") if raw["status"]["code"] == 2 else None,
        )


@dataclass
class Collector:
    """Takes spans, and answers with `statuses` first and then with 200."""

    statuses: list[int] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        collector = self
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    status = collector.statuses.pop(0) if collector.statuses else 200
                    collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                    try:
                        assert self.path == "/v1/traces", self.path
                        assert self.headers["Content-Type"] == "application/json"
                        if status == 200:
                            collector._take(body)
                    except (AssertionError, KeyError, ValueError, TypeError) as error:
                        collector.faults.append(repr(error))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True

        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.listener.server_address[1]}"
        self.thread = threading.Thread(target=self.listener.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def _take(self, body: bytes) -> None:
        self.bodies.append(body)
        message = json.loads(body)
        assert set(message) == {"resourceSpans"}
        for group in message["resourceSpans"]:
            assert set(group) == {"resource", "scopeSpans"}
            self.resources.append(_attributes(group["resource"]["attributes"]))
            for scoped in group["scopeSpans"]:
                assert scoped["scope"]["name"] == "animato"
                self.spans += [Span.parse(span) for span in scoped["spans"]]

    def of(self, trace: str) -> list[Span]:
        """What has come of a trace so far."""
        assert not self.faults, self.faults
        return [span for span in self.spans if span.trace == trace]

    def wait_for(self, trace: str, *names: str, seconds: float = 30) -> list[Span]:
        """What has come of a trace once spans of all these names have."""

        def look() -> list[Span] | None:
            spans = self.of(trace)
            return spans if {*names} <= {span.name for span in spans} else None

        return wait_for(look, seconds, f"spans {names} of {trace}, not {[span.name for span in self.of(trace)]}")

    def close(self) -> None:
        """Stops listening."""
        self.listener.shutdown()
        self.thread.join()
        self.listener.server_close()

"""Sends a running server a great many requests that are nearly good, and watches what becomes of it.

    .venv/bin/python Tests/Fuzz/fuzz_http.py --requests 1000000 --seed 1

A request begins as a good one of some route and is then damaged: in its head, its framing, its address, its JSON, its
form, or its values; some come many at a time on one connection, some in pieces, and some never end. What must hold is
in `Findings`: no crash, no 5xx but the documented 503s, `/healthz` in time throughout, no growth, nothing left open.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "EndToEnd"))

from server import Server

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f0005000"
    "1ffa98f1b2d0000000049454e44ae426082"
)
"""One pixel."""

ANSWER_LIMIT = 60.0
"""Seconds for the answers of one connection; a request that never ends has none."""

HEALTH_LIMIT = 5.0
"""Seconds for `/healthz`, with two cores and everything else going on."""

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
CODE = re.compile(rb'"code":"([a-z_]+)"')


@dataclass
class Findings:
    """What was seen, and what must not have been."""

    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    silent: int = 0
    sent: int = 0

    def note(self, sent: bytes, received: bytes) -> None:
        """Looks at all that came back on one connection."""
        answers = STATUS.findall(received)
        if not answers:
            self.silent += 1
        for status in map(int, answers):
            self.statuses[status] += 1
        for code in CODE.findall(received):
            self.codes[code.decode()] += 1
        failed = [status for status in map(int, answers) if status >= 500 and status != 503]
        if failed or b"internal_error" in received:
            self.bad.append(f"{failed} for {sent[:2000]!r}: {received[:2000]!r}")


class Corpus:
    """Good requests, for every route."""

    def __init__(self, task_id: str, video: str, upload: str) -> None:
        v1 = "/api/v1"
        reads = [
            *("/healthz", "/readyz", f"{v1}/models", f"{v1}/devices", f"{v1}/queue", f"{v1}/deliveries"),
            *(f"{v1}/tasks?limit=3&status=SUCCESS", f"{v1}/tasks/{task_id}", f"{v1}/tasks/{task_id}?wait=1"),
            *(f"{v1}/tasks/{task_id}/events", f"{v1}/tasks/{task_id}/events?last_event_id=1"),
            *(f"{v1}/tasks/{task_id}/preview", f"{v1}/uploads?limit=2", f"{v1}/uploads/{upload}"),
            *(f"{v1}/videos/{video}.mp4", f"{v1}/videos/{video}/poster.jpg", f"{v1}/me", f"{v1}/admin/keys"),
            *(f"{v1}/admin/tenants", f"{v1}/admin/tasks", "/v1/models", "/v1/videos", f"/v1/videos/{task_id}"),
            *(f"/v1/videos/{task_id}/content", "/openapi.json", "/docs"),
        ]
        self.requests = [self.request("GET", path) for path in reads]
        self.requests += [self.request("HEAD", path) for path in reads]
        self.requests += [self.request("OPTIONS", path, {"Origin": "http://a"}) for path in reads[:3]]
        self.requests += [
            self.request("GET", f"{v1}/videos/{video}.mp4", {"Range": "bytes=10-99", "If-Range": f'"{video}"'}),
            self.request("GET", f"{v1}/videos/{video}.mp4", {"If-None-Match": f'W/"{video}"'}),
            self.request("DELETE", f"{v1}/tasks/{task_id}"),
            self.request("DELETE", f"{v1}/uploads/{'0' * 64}"),
            self.request("POST", f"{v1}/deliveries/{task_id}-1/redeliver"),
            self.request("POST", f"{v1}/devices/cpu/resume"),
            self.request("POST", f"{v1}/resume"),
            self.request("POST", f"{v1}/uploads", {"Content-Type": "image/png"}, PICTURE),
            self.request("POST", f"{v1}/uploads", {"Content-Type": "multipart/form-data; boundary=x"}, self.form()),
        ]
        for body in self.bodies(upload):
            for extra in ({}, {"Idempotency-Key": "key-1"}, {"Prefer": "respond-async, wait=1"}):
                headers = {"Content-Type": "application/json", **extra}
                data = json.dumps(body, ensure_ascii=False).encode()
                self.requests.append(self.request("POST", f"{v1}/generate", headers, data))
                self.requests.append(self.request("POST", "/v1/videos", headers, data))

    @staticmethod
    def bodies(upload: str) -> list[dict[str, object]]:
        """Bodies that the server takes."""
        small = {"width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 2}
        return [
            {"prompt": "a cat", **small},
            {"prompt": "一只猫", "negative_prompt": "低质量", "seed": 7, "guidance_scale": 5.5, "fps": 8, **small},
            {"prompt": "a", "callback_url": "https://example.org/x", "callback_events": ["succeeded"], **small},
            {"prompt": "a", "start_image": upload, "priority": "batch", "cache": "refresh", **small},
            {"prompt": "a", "start_image": "data:image/png;base64,aaaa", "loras": [{"name": "a", "scale": 1}], **small},
            {"prompt": "a", "degrade": "allow", "min_steps": 1, "deterministic": True, **small},
        ]

    @staticmethod
    def form() -> bytes:
        """A file in a form."""
        named = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        return named + b"Content-Type: image/png\r\n\r\n" + PICTURE + b"\r\n--x--\r\n"

    @staticmethod
    def request(method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
        """The bytes of a request."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


WORDS = [
    *(
        b"",
        b"\x00",
        b"\xff\xfe",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b"%00",
        b"%",
        b"%ff",
        b"..",
        b"/",
        b"//",
        b"?",
        b"&",
    ),
    *(b"=", b"#", b":", b";", b",", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b"null", b"true", b"NaN", b"-1", b"0"),
    *(b"1e999", b"-0", b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"0x10", b"1.5"),
    *("é".encode(), "\u202e".encode(), "🐈".encode(), b"\xed\xa0\x80", b"\\ud800", b"A" * 300, b"A" * 5000),
    *(b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n"),
    *(b"Transfer-Encoding: gzip, chunked\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n"),
    *(
        b"Upgrade: h2c\r\n",
        b"Connection: Upgrade, HTTP2-Settings\r\n",
        b"Range: bytes=-1\r\n",
        b"Range: bytes=0-,5-\r\n",
    ),
    *(b"Last-Event-ID: 1\r\n", b"If-Match: *\r\n", b"Prefer: wait=1\r\n", b"X-Request-ID: a\r\n", b" folded\r\n"),
    *(b"Authorization: Bearer x\r\n", b"Content-Encoding: gzip\r\n", b"Origin: http://a\r\n"),
]
METHODS = [b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"PRI", b""]
VERSIONS = [b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.9", b"http/1.1", b"HTTP/1.1 ", b""]


class Fuzzer:
    """Makes requests out of good ones; the same seed makes the same."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self.corpus = corpus
        self.random = random.Random(seed)

    def connection(self) -> tuple[list[bytes], int]:
        """What is sent on one connection, in its pieces, and how many requests that is."""
        count = self.random.choice([1, 1, 1, 2, 4, 8])
        requests = [self.damaged(self.random.choice(self.corpus.requests)) for _ in range(count)]
        whole = b"".join(requests)
        if self.random.random() < 0.1 and len(whole) > 2:
            cuts = sorted(self.random.randrange(len(whole)) for _ in range(self.random.randint(1, 4)))
            pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
            return [piece for piece in pieces if piece], count
        return [whole], count

    def damaged(self, request: bytes) -> bytes:
        """A request with no, one or several faults."""
        ways = [
            *(self.word, self.flip, self.cut, self.repeat, self.line, self.chunk, self.length, self.value, self.start),
            self.query,
        ]
        for _ in range(self.random.choice([0, 1, 1, 1, 2, 3])):
            request = self.random.choice(ways)(request)
        return request

    def place(self, request: bytes) -> int:
        """Somewhere in a request."""
        return self.random.randrange(len(request) + 1)

    def word(self, request: bytes) -> bytes:
        """Something that means something, where it does not belong."""
        at = self.place(request)
        return request[:at] + self.random.choice(WORDS) + request[at + self.random.choice([0, 0, 1, 5]) :]

    def flip(self, request: bytes) -> bytes:
        """Some bits."""
        changed = bytearray(request)
        for _ in range(self.random.randint(1, 4)):
            if changed:
                changed[self.random.randrange(len(changed))] ^= 1 << self.random.randrange(8)
        return bytes(changed)

    def cut(self, request: bytes) -> bytes:
        """Less."""
        return request[: self.place(request)]

    def repeat(self, request: bytes) -> bytes:
        """A part again."""
        a, b = sorted((self.place(request), self.place(request)))
        return request[:b] + request[a:b] * self.random.choice([1, 1, 1, 20]) + request[b:]

    def line(self, request: bytes) -> bytes:
        """Lines of the head in another order, twice, or with other ends."""
        head, end, body = request.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        match self.random.randrange(4):
            case 0:
                lines[1:] = self.random.sample(lines[1:], len(lines) - 1)
            case 1:
                lines.append(self.random.choice(lines))
            case 2:
                lines += [b"X-%d: %d" % (n, n) for n in range(self.random.choice([5, 120]))]
            case _:
                return self.random.choice([b"\n", b"\r", b"\r\n "]).join(lines) + end + body
        return b"\r\n".join(lines) + end + body

    def chunk(self, request: bytes) -> bytes:
        """The body in chunks, mostly good ones."""
        head, _, body = request.partition(b"\r\n\r\n")
        head = re.sub(rb"\r\nContent-Length: \d+", b"", head) + b"\r\nTransfer-Encoding: chunked"
        chunks = b""
        while body:
            size = self.random.randint(1, max(1, len(body)))
            extension = self.random.choice([b"", b"", b";a=b", b" ", b";" + b"x" * 50])
            chunks += b"%x" % size + extension + b"\r\n" + body[:size] + b"\r\n"
            body = body[size:]
        last = self.random.choice(
            [b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"-1\r\n\r\n", b"ffffffffffffffff\r\n", b"g\r\n", b""]
        )
        return head + b"\r\n\r\n" + chunks + last

    def length(self, request: bytes) -> bytes:
        """A length that is not that of the body."""
        value = self.random.choice([b"0", b"1", b"99999", b"-1", b"+5", b"5,5", b" 7", b"0x5", b"9" * 30, b""])
        return re.sub(rb"Content-Length: \d+", b"Content-Length: " + value, request)

    def value(self, request: bytes) -> bytes:
        """JSON with a wrong value, an unknown key, or nested deeply."""
        head, _, body = request.partition(b"\r\n\r\n")
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):
            return self.word(request)
        wrong: list[object] = [
            *(
                None,
                True,
                -1,
                0,
                1e308,
                2**63,
                2**64,
                0.1,
                "",
                "x" * 3000,
                [],
                {},
                [[]],
                {"a": []},
                "\x00",
                "\ud83d\ude00",
            ),
            *(["a"] * 100, "https://[::1]/", "http://169.254.169.254/", "data:,", "data:image/png;base64,=", "0" * 64),
        ]
        if isinstance(parsed, dict) and parsed:
            key = self.random.choice([*parsed, self.random.choice(["promt", "", "\x00", "seed", "video", "x" * 100])])
            parsed[key] = self.random.choice(wrong)
        text = json.dumps(parsed, ensure_ascii=self.random.random() < 0.5).encode(errors="surrogatepass")
        if self.random.random() < 0.05:
            depth = self.random.choice([10, 1000, 50_000])
            text = b'{"prompt":' + b"[" * depth + b"]" * depth + b"}"
        head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(text), head)
        return head + b"\r\n\r\n" + text

    def start(self, request: bytes) -> bytes:
        """Another method, version or address."""
        line, end, rest = request.partition(b"\r\n")
        parts = line.split(b" ")
        match self.random.randrange(3):
            case 0:
                parts[0] = self.random.choice(METHODS)
            case 1:
                parts[-1] = self.random.choice(VERSIONS)
            case _:
                path = parts[1] if len(parts) > 1 else b"/"
                at = self.place(path)
                parts[1:2] = [path[:at] + self.random.choice(WORDS[:40]) + path[at:]]
        return b" ".join(parts) + end + rest

    def query(self, request: bytes) -> bytes:
        """Parameters, known and unknown."""
        names = [b"limit", b"cursor", b"status", b"wait", b"last_event_id", b"task_id", b"download", b"expires", b"x"]
        pairs = [
            self.random.choice(names) + self.random.choice([b"=", b"", b"=="]) + self.random.choice(WORDS[:45])
            for _ in range(self.random.choice([1, 1, 2, 40]))
        ]
        line, end, rest = request.partition(b"\r\n")
        parts = line.split(b" ")
        if len(parts) > 1:
            parts[1] += self.random.choice([b"?", b"&"]) + b"&".join(pairs)
        return b" ".join(parts) + end + rest


async def exchange(port: int, pieces: list[bytes], findings: Findings) -> None:
    """Sends what is to be sent, and reads until the server is done or there is nothing to wait for."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    except OSError as error:
        findings.bad.append(f"no connection: {error}")
        return
    received = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0)
        # The rest of a request that is not whole never comes.
        writer.write_eof()
        async with asyncio.timeout(ANSWER_LIMIT):
            while part := await reader.read(1 << 16):
                # The videos themselves need not be kept.
                if len(received) < 1 << 16:
                    received += part
    except TimeoutError:
        findings.bad.append(f"no end within {ANSWER_LIMIT} s: {b''.join(pieces)[:2000]!r}: {received[:500]!r}")
    except OSError:
        # Closed by the server, which is an answer.
        pass
    finally:
        writer.close()
        findings.note(b"".join(pieces), received)


async def watch_health(port: int, findings: Findings, done: asyncio.Event) -> None:
    """Asks again and again whether the server lives."""
    while not done.is_set():
        began = time.monotonic()
        try:
            async with asyncio.timeout(HEALTH_LIMIT):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = await reader.read(-1)
                writer.close()
            if not answer.startswith(b"HTTP/1.1 200"):
                findings.bad.append(f"/healthz: {answer[:300]!r}")
        except (TimeoutError, OSError) as error:
            findings.bad.append(f"/healthz: {error!r}")
        findings.health.append(time.monotonic() - began)
        await asyncio.sleep(0.2)


def descriptors(pid: int) -> int:
    """How many files and connections a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


async def settled(server: Server, most: int) -> int:
    """The open descriptors, once they are no more than that or a while has passed."""
    deadline = time.monotonic() + 30
    while (count := descriptors(server.process.pid)) > most and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return count


async def fuzz(server: Server, corpus: Corpus, requests: int, seed: int, clients: int) -> Findings:
    """Sends so many requests over so many connections at a time."""
    port = int(server.url.rpartition(":")[2])
    findings = Findings()
    fuzzer = Fuzzer(corpus, seed)
    done = asyncio.Event()
    warm_up = requests // 4
    measured: tuple[int, int] | None = None
    began = time.monotonic()

    async def client() -> None:
        while findings.sent < requests and len(findings.bad) < 20 and server.process.poll() is None:
            pieces, count = fuzzer.connection()
            findings.sent += count
            await exchange(port, pieces, findings)

    async def run(until: int) -> None:
        nonlocal requests
        total, requests = requests, until
        await asyncio.gather(*(client() for _ in range(clients)))
        requests = total

    idle = descriptors(server.process.pid)
    health = asyncio.create_task(watch_health(port, findings, done))
    await run(warm_up)
    measured = (server.resident_bytes(), await settled(server, idle + 4))
    await run(requests)
    done.set()
    await health
    rss, open_files = server.resident_bytes(), await settled(server, measured[1] + 4)
    elapsed = time.monotonic() - began
    if server.process.poll() is not None:
        findings.bad.append(f"the server ended: {server.logged()[-3000:]}")
    if open_files > measured[1] + 8:
        findings.bad.append(f"descriptors: {measured[1]} after the warm-up, {open_files} at the end")
    # What the tasks that were accepted add to the caches is bounded; what a leak adds is not.
    if rss > measured[0] * 1.5 + (32 << 20):
        findings.bad.append(f"memory: {measured[0] >> 20} MiB after the warm-up, {rss >> 20} MiB at the end")
    if "internal_error" in server.logged():
        findings.bad.append("the log has internal_error")
    print(
        f"{findings.sent} requests, seed {seed}, {elapsed:.0f} s ({findings.sent / elapsed:.0f}/s)\n"
        f"statuses {dict(sorted(findings.statuses.items()))}, no answer {findings.silent}\n"
        f"codes {dict(findings.codes.most_common())}\n"
        f"/healthz {len(findings.health)} times, slowest {max(findings.health) * 1000:.0f} ms\n"
        f"memory {measured[0] >> 20} -> {rss >> 20} MiB, descriptors {idle} -> {measured[1]} -> {open_files}",
        flush=True,
    )
    return findings


def prepared(server: Server) -> Corpus:
    """A corpus that names things which are there."""
    server.wait_until_ready()
    task = server.wait_for_end(server.submit("a cat")["task_id"])
    upload = server.session.post(
        server.url + "/api/v1/uploads", data=PICTURE, headers={"Content-Type": "image/png"}, timeout=60
    )
    assert upload.status_code == 201, upload.text
    return Corpus(task["task_id"], task["video"]["sha256"], upload.json()["id"])


SETTINGS: dict[str, object] = {
    "timed": 0,
    "http_idleTimeout": 5,
    "http_bodyDeadline": 5,
    "http_maxWait": 1,
    "http_corsOrigins": "http://a",
    # A file that is fetched needs a connection to elsewhere, which is not what is looked at here.
    "uploads_fetchTimeout": 1,
    "uploads_quota": 1 << 20,
    "queue_limit": 200,
}


def main() -> int:
    """Starts a server of its own, and tells what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=int(os.environ.get("FUZZ_REQUESTS", "1000000")))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=32)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory) / "data", dict(SETTINGS))
        try:
            server.wait_until_live()
            corpus = prepared(server)
            findings = asyncio.run(fuzz(server, corpus, options.requests, options.seed, options.clients))
        finally:
            server.kill()
    for finding in findings.bad[:20]:
        print(finding)
    return 1 if findings.bad else 0


if __name__ == "__main__":
    sys.exit(main())

"""The server with a certificate of its own."""

from __future__ import annotations

import hashlib
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from server import REPOSITORY, Server, run


@pytest.fixture
def identity(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    return make_identity(tmp_path, "localhost")


def make_identity(directory: Path, name: str) -> tuple[Path, Path]:
    """A certificate that is its own authority."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def test_a_video_over_tls_is_the_video(start: Callable[..., Server], identity: tuple[Path, Path]) -> None:
    certificate, key = identity
    server = start(http_tlsCertificate=certificate, http_tlsKey=key, results_memoryEntries=0, http_hsts=60)
    assert server.url.startswith("https://")
    # Before what the environment says of authorities.
    server.session.trust_env = False
    server.session.verify = str(certificate)
    server.wait_until_ready()
    task = server.wait_for_end(server.submit("a cat", num_frames=25)["task_id"])
    assert task["video_url"].startswith("https://")

    def curl(*arguments: str) -> bytes:
        done = subprocess.run(
            ["curl", "-sS", "--fail", "--cacert", str(certificate), *arguments], check=True, capture_output=True
        )
        return done.stdout

    video = curl(task["video_url"])
    assert hashlib.sha256(video).hexdigest() == task["video"]["sha256"]
    assert curl("-r", "100-999", task["video_url"]) == video[100:1000]
    head = curl("-I", task["video_url"]).decode().lower()
    assert "strict-transport-security: max-age=60\r\n" in head
    # Nobody speaks an older version, or another protocol.
    assert b"HTTP/1.1 200" in curl("-sI", "--http2", server.url + "/healthz")
    old = subprocess.run(
        ["curl", "-sS", "--cacert", str(certificate), "--tls-max", "1.1", server.url + "/healthz"],
        check=False,
        capture_output=True,
    )
    assert old.returncode == 35


def test_whoever_does_not_speak_tls_does_no_harm(start: Callable[..., Server], identity: tuple[Path, Path]) -> None:
    certificate, key = identity
    server = start(http_tlsCertificate=certificate, http_tlsKey=key, http_idleTimeout=1)
    host, port = "127.0.0.1", int(server.url.rpartition(":")[2])
    for words in [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\x00" * 100, b""]:
        for _ in range(20):
            with socket.create_connection((host, port), timeout=10) as client:
                client.sendall(words)
                answer = b""
                try:
                    while part := client.recv(1000):
                        answer += part
                except ConnectionResetError:
                    pass
                assert b"HTTP" not in answer
    # One that says nothing inside TLS is closed as well.
    context = ssl.create_default_context(cafile=str(certificate))
    with (
        socket.create_connection((host, port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as client,
    ):
        assert client.selected_alpn_protocol() is None
        assert client.recv(1) == b""
    assert requests.get(server.url + "/healthz", verify=str(certificate), timeout=10).status_code == 200
    assert server.process.poll() is None


def test_files_that_are_no_identity_are_named_at_the_start(tmp_path: Path, identity: tuple[Path, Path]) -> None:
    certificate, key = identity
    _, other = make_identity(tmp_path, "other")
    missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
    empty.write_text("")
    for faulty_certificate, faulty_key, named in [
        (missing, key, missing),
        (empty, key, empty),
        (key, key, key),
        (certificate, missing, missing),
        (certificate, certificate, certificate),
        (certificate, other, other),
        (certificate, None, "http.tlsKey"),
        (None, key, "http.tlsCertificate"),
    ]:
        flags = [("http.tlsCertificate", faulty_certificate), ("http.tlsKey", faulty_key)]
        done = run(
            "serve",
            *("--set", f"data.directory={tmp_path / 'data'}", "--set", "http.port=0"),
            *("--set", f"engine.python={REPOSITORY / '.venv/bin/python'}", "--set", "engine.timedStepSeconds=0"),
            *[part for name, file in flags if file for part in ("--set", f"{name}={file}")],
        )
        assert done.returncode == 78, done.stderr
        assert str(named) in done.stderr

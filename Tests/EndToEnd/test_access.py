"""Who may come in, how much of the server they may use, and what is kept of it; against the real server."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import requests
import yaml
from media import picture
from server import PYTHON, REPOSITORY, Server, run, wait_for

ADMIN = "the operator's own key of the settings"
KEYS = "/api/v1/admin/keys"


def bearer(key: str | None) -> dict[str, str]:
    """What shows a key."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def call(server: Server, method: str, path: str, key: str | None = ADMIN, body: Any = None) -> requests.Response:
    """One request with a key, on a connection of its own."""
    return requests.request(method, server.url + path, headers=bearer(key), json=body, timeout=30)


def made(server: Server, name: str = "key", key: str | None = ADMIN, **fields: Any) -> dict[str, Any]:
    """A key that must be made."""
    response = call(server, "POST", KEYS, key, {"name": name} | fields)
    assert response.status_code == 201, response.text
    return response.json()


def show(server: Server, key: str | None) -> None:
    """Lets everything that the server's session sends show a key from now on."""
    server.session.headers.pop("Authorization", None)
    server.session.headers.update(bearer(key))


def code(response: requests.Response) -> str | None:
    """The code of a problem, as either API writes it."""
    body = response.json()
    return body.get("code") or (body.get("error") or {}).get("code")


# Every path and method


class Route(NamedTuple):
    """What a path takes, and what then comes of it."""

    scope: str | None
    right: int
    """With a key of the tenant that has what is named."""
    other: int
    """With a key of another tenant."""
    body: Any = None


NOTHING = {"prompt": ""}
"""Refused after the key was looked at, so that nothing is made."""

DECISIONS = {
    "POST /api/v1/generate": Route("generate", 422, 422, NOTHING),
    "POST /api/v1/estimate": Route("generate", 422, 422, NOTHING),
    "GET /api/v1/tasks": Route("read", 200, 200),
    "GET /api/v1/tasks/{task_id}": Route("read", 200, 404),
    "DELETE /api/v1/tasks/{task_id}": Route("generate", 409, 404),
    "GET /api/v1/tasks/{task_id}/preview": Route("read", 404, 404),
    "GET /api/v1/tasks/{task_id}/events": Route("read", 200, 404),
    "GET /api/v1/models": Route("read", 200, 200),
    "POST /api/v1/uploads": Route("generate", 415, 415, {}),
    "GET /api/v1/uploads": Route("read", 200, 200),
    "GET /api/v1/uploads/{upload_id}": Route("read", 200, 404),
    "DELETE /api/v1/uploads/{upload_id}": Route("generate", 204, 404),
    "GET /api/v1/videos/{name}.mp4": Route("read", 200, 404),
    "GET /api/v1/videos/{name}/{variant}": Route("read", 200, 404),
    "GET /api/v1/deliveries": Route("read", 200, 200),
    "POST /api/v1/deliveries/{delivery_id}/redeliver": Route("generate", 202, 404),
    "GET /api/v1/devices": Route("read", 200, 200),
    "POST /api/v1/devices/{device_id}/drain": Route("admin", 200, 403),
    "POST /api/v1/devices/{device_id}/resume": Route("admin", 200, 403),
    "POST /api/v1/devices/{device_id}/unload": Route("admin", 200, 403),
    "POST /api/v1/drain": Route("admin", 200, 403),
    "POST /api/v1/resume": Route("admin", 200, 403),
    "GET /api/v1/queue": Route("read", 200, 200),
    "GET /api/v1/scale": Route("metrics", 200, 403),
    "GET /api/v1/me": Route("read", 200, 200),
    "GET /api/v1/admin/tenants": Route("admin", 200, 403),
    "GET /api/v1/admin/keys": Route("admin", 200, 403),
    "POST /api/v1/admin/keys": Route("admin", 422, 403, {}),
    "GET /api/v1/admin/keys/{key_id}": Route("admin", 200, 403),
    "PATCH /api/v1/admin/keys/{key_id}": Route("admin", 409, 403, {}),
    "DELETE /api/v1/admin/keys/{key_id}": Route("admin", 200, 403),
    "POST /api/v1/admin/keys/{key_id}/rotate": Route("admin", 409, 403, {}),
    "GET /api/v1/admin/tasks": Route("admin", 200, 403),
    "GET /api/v1/admin/deliveries": Route("admin", 200, 403),
    "POST /api/v1/admin/deliveries/{delivery_id}/redeliver": Route("admin", 202, 403),
    "GET /api/v1/admin/tasks/{task_id}": Route("admin", 200, 403),
    "PATCH /api/v1/admin/tasks/{task_id}": Route("admin", 200, 403, {"priority": "batch"}),
    "DELETE /api/v1/admin/tasks/{task_id}": Route("admin", 409, 403),
    "GET /v1/videos": Route("read", 200, 200),
    "POST /v1/videos": Route("generate", 400, 400, {}),
    "GET /v1/videos/{video_id}": Route("read", 200, 404),
    "DELETE /v1/videos/{video_id}": Route("generate", 200, 404),
    "GET /v1/videos/{video_id}/content": Route("read", 200, 404),
    "POST /v1/videos/{video_id}/remix": Route("generate", 400, 404, {}),
    "GET /v1/models": Route("read", 200, 200),
    "GET /openapi.json": Route(None, 200, 200),
    "GET /": Route(None, 200, 200),
    "GET /admin": Route(None, 200, 200),
    "GET /docs": Route(None, 200, 200),
    "GET /metrics": Route("metrics", 200, 403),
    "GET /healthz": Route(None, 200, 200),
    "GET /readyz": Route(None, 200, 200),
}
"""What is decided of every path and method; `HEAD` is as `GET`."""

LACKING = {"read": ["generate"], "generate": ["read"], "admin": ["read", "generate"], "metrics": ["read", "generate"]}

PRIVILEGED = ("admin", "metrics")
"""Scopes that open what is of all tenants."""


def operations() -> list[str]:
    """The paths and methods of the contract, `HEAD` left out."""
    contract = yaml.safe_load((REPOSITORY / "openapi.yaml").read_text())
    methods = ("get", "post", "put", "patch", "delete")
    found = [f"{m.upper()} {path}" for path, item in contract["paths"].items() for m in methods if m in item]
    # What removes something comes when it has been looked at.
    return sorted(found, key=lambda operation: (operation.startswith("DELETE"), operation.startswith("DELETE /v1/")))


def test_every_path_and_method_lets_in_whom_it_should_and_nobody_else(start: Callable[..., Server]) -> None:
    documented = operations()
    assert [one for one in documented if one not in DECISIONS] == [], "somebody must decide what these take"
    receiver = {"callbacks_allowHTTP": "true", "callbacks_allowedNetworks": "127.0.0.0/8"}
    server = start(access_adminKey=ADMIN, timed=0, **receiver)
    server.wait_until_ready()
    owner = made(server, "owner", tenant="shop")
    show(server, owner["key"])
    # Nobody listens on port 9: the delivery stays there.
    task = server.submit("a cat", callback_url="http://127.0.0.1:9/")
    task = server.wait_for_end(task["task_id"])
    delivery = wait_for(lambda: server.get("/api/v1/deliveries").json()["deliveries"], 10, "there is no delivery")[0]
    expired = made(server, "expired", expires_at=in_time(1.5))
    revoked = made(server, "revoked")
    assert call(server, "DELETE", f"{KEYS}/{revoked['key_id']}").status_code == 200
    other = made(server, "other", scopes=["read", "generate"])
    lacking = {scope: made(server, scope, tenant="shop", scopes=has) for scope, has in LACKING.items()}
    wait_for(lambda: code(call(server, "GET", "/api/v1/me", expired["key"])) == "key_expired", 10, "it does not expire")
    refused = {
        None: "key_required",
        "nonsense": "key_invalid",
        owner["key"][:-1]: "key_invalid",
        forged(owner["key_id"]): "key_invalid",
        forged("0" * 12): "key_invalid",
        revoked["key"]: "key_revoked",
        expired["key"]: "key_expired",
    }
    device = server.get("/api/v1/devices").json()["devices"][0]
    shown: list[str] = []
    for operation in documented:
        method, template = operation.split(" ")
        decision = DECISIONS[operation]
        file = kept(server, picture(), owner["key"])
        path = template.format(
            task_id=task["task_id"],
            video_id=f"video_{task['task_id'].replace('-', '')}",
            upload_id=file["id"],
            name=task["video"]["sha256"],
            variant="poster.jpg",
            delivery_id=delivery["delivery_id"],
            device_id=device["id"],
            key_id=revoked["key_id"],
        )

        def answer(key: str | None, expected: int, what: str | None = None) -> None:
            """Sends it, and compares what comes."""
            response = call(server, method, path, key, decision.body)  # noqa: B023
            where = f"{operation} with {what or 'a key that opens'}"  # noqa: B023
            assert response.status_code == expected, f"{where}: {response.status_code} {response.text[:300]}"
            if what:
                assert code(response) == what, f"{where}: {response.text}"
            if expected == 401:
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
            if method == "GET":  # noqa: B023
                head = call(server, "HEAD", path, key)  # noqa: B023
                assert head.status_code == expected, f"{where}: HEAD {head.status_code}"

        if decision.scope is None:
            for key in (*refused, other["key"]):
                answer(key, decision.right)
            continue
        for key, reason in refused.items():
            answer(key, 401, reason)
        answer(lacking[decision.scope]["key"], 403, "scope_missing")
        answer(other["key"], decision.other, "scope_missing" if decision.scope in PRIVILEGED else None)
        answer(ADMIN if decision.scope in PRIVILEGED else owner["key"], decision.right)
        shown.append(operation)
    assert len(shown) > 20


def forged(key_id: str) -> str:
    """A key with a right checksum and a secret that nobody has made."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    body = f"animato_{key_id}{'x' * 32}"
    number = zlib.crc32(body.encode())
    return body + "".join(digits[number // 62**place % 62] for place in range(5, -1, -1))


def kept(server: Server, file: bytes, key: str) -> dict[str, Any]:
    """An upload that must be taken."""
    headers = bearer(key) | {"Content-Type": "application/octet-stream"}
    response = requests.post(server.url + "/api/v1/uploads", data=file, headers=headers, timeout=60)
    assert response.status_code == 201, response.text
    return response.json()


def in_time(seconds: float) -> str:
    """A moment in the future, as the API takes it."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


# The first key, and where the server may listen


def test_the_first_key_closes_the_door_and_must_be_an_administrators(start: Callable[..., Server]) -> None:
    server = start(timed=0)
    assert call(server, "GET", "/api/v1/tasks", None).status_code == 200
    early = call(server, "POST", KEYS, None, {"name": "shop"})
    assert (early.status_code, code(early)) == (409, "first_key_must_be_admin")
    admin = made(server, "admin", None, scopes=["admin"])
    assert code(call(server, "GET", "/api/v1/tasks", None)) == "key_required"
    assert code(call(server, "DELETE", f"{KEYS}/{admin['key_id']}", admin["key"])) == "last_admin_key"
    # It stays closed over a restart, and opens to the same key.
    server.stop()
    again = start(timed=0)
    assert code(call(again, "GET", "/api/v1/tasks", None)) == "key_required"
    assert call(again, "GET", "/api/v1/tasks", admin["key"]).status_code == 200


def serve(data: Path, *flags: str) -> tuple[int, str]:
    """Starts a server that must not start; its exit code and what it said."""
    done = run("serve", "--data", str(data), "--port", "0", "--set", f"engine.python={PYTHON}", *flags)
    return done.returncode, done.stderr


def test_a_server_without_keys_listens_on_loopback_alone(start: Callable[..., Server], tmp_path: Path) -> None:
    data = tmp_path / "data"
    for host in ("0.0.0.0", "::", "example.org"):
        status, said = serve(data, "--host", host, "--set", "engine.timedStepSeconds=0")
        assert status == 78
        assert "animato keys create" in said and "--insecure" in said
    open_to_all = start(http_host="0.0.0.0", http_insecure="true", timed=0)
    assert "Nobody needs a key" in open_to_all.logged()
    open_to_all.stop()
    assert run("keys", "create", "admin", "--scope", "admin", "--data", str(data)).returncode == 0
    closed = start(http_host="0.0.0.0", timed=0)
    assert "Nobody needs a key" not in closed.logged()
    closed.stop()
    local = start(http_host="127.0.0.2", timed=0)
    assert local.process.poll() is None


# Limits


def test_requests_are_counted_over_the_tenant_and_said_on_every_answer(start: Callable[..., Server]) -> None:
    server = start(access_adminKey=ADMIN, timed=0)
    limits = {"requests_per_second": 0.01, "burst": 3}
    one, two = (made(server, name, tenant="shop", limits=limits)["key"] for name in ("one", "two"))
    answers = [call(server, "GET", "/api/v1/queue", key) for key in (one, two, one, two)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert all(answer.headers["RateLimit-Policy"] == '"requests";q=3;w=300' for answer in answers)
    assert code(answers[-1]) == "rate_limited"
    assert 90 <= int(answers[-1].headers["Retry-After"]) <= 100
    assert "RateLimit" not in call(server, "GET", "/api/v1/queue").headers


def test_what_waits_is_limited_and_what_runs_makes_the_rest_wait(start: Callable[..., Server]) -> None:
    server = start(access_adminKey=ADMIN, timed=0.1, engine_maxPerDevice=2)
    server.wait_until_ready()
    few = made(server, "few", limits={"waiting_tasks": 2, "running_tasks": 1})["key"]
    other = made(server, "other")["key"]
    assert call(server, "POST", "/api/v1/drain").status_code == 200
    show(server, few)
    first, second = server.submit("one", num_inference_steps=100), server.submit("two", num_inference_steps=100)
    body = {"prompt": "three", "width": 64, "height": 64, "num_frames": 5}
    full = server.post(body)
    assert (full.status_code, code(full)) == (429, "waiting_limit")
    assert int(full.headers["Retry-After"]) >= 1
    assert call(server, "GET", "/api/v1/me", few).json()["usage"]["waiting_tasks"] == 2
    show(server, other)
    third = server.submit("of somebody else", num_inference_steps=100)
    assert call(server, "POST", "/api/v1/resume").status_code == 200
    server.wait_for_step(third["task_id"])
    # There was a place for the third, which came last, and not for the second.
    show(server, few)
    server.wait_for_step(first["task_id"])
    assert server.task(second["task_id"])["status"] == "PENDING"


def test_device_time_of_a_day_is_limited(start: Callable[..., Server]) -> None:
    server = start(access_adminKey=ADMIN, timed=0.05)
    server.wait_until_ready()
    key = made(server, "short", limits={"device_seconds_per_day": 2})["key"]
    show(server, key)
    body = {"prompt": "", "width": 64, "height": 64, "num_frames": 5, "num_inference_steps": 20}
    for number in range(20):
        response = server.post(body | {"prompt": f"video {number}"})
        if response.status_code == 429:
            break
        server.wait_for_end(response.json()["task_id"])
    assert (response.status_code, code(response)) == (429, "device_seconds_limit")
    assert 1 <= int(response.headers["Retry-After"]) <= 86_400
    # The others' time is their own.
    show(server, made(server, "other")["key"])
    assert server.post(body | {"prompt": "another"}).status_code == 202


def test_the_bytes_of_uploads_are_limited(start: Callable[..., Server]) -> None:
    server = start(access_adminKey=ADMIN, timed=0)
    file = picture()
    key = made(server, "small", limits={"storage_bytes": len(file) + 10})["key"]
    kept(server, file, key)
    headers = bearer(key) | {"Content-Type": "image/png"}
    more = requests.post(server.url + "/api/v1/uploads", data=picture(shade=9), headers=headers, timeout=60)
    assert (more.status_code, code(more)) == (429, "upload_quota_exceeded")


def test_a_ceiling_of_priority_holds(start: Callable[..., Server]) -> None:
    server = start(access_adminKey=ADMIN, timed=0)
    server.wait_until_ready()
    show(server, made(server, "nightly", max_priority="batch")["key"])
    refused = server.post({"prompt": "", "priority": "interactive"})
    assert refused.status_code == 422
    assert {violation["field"] for violation in refused.json()["violations"]} == {"priority", "prompt"}
    assert server.submit("a cat")["priority"] == "batch"


def test_two_tenants_share_the_device_by_their_weights(start: Callable[..., Server]) -> None:
    # Time is what is shared: long beside what a busy machine adds to each.
    server = start(access_adminKey=ADMIN, timed=0.02)
    server.wait_until_ready()
    assert call(server, "POST", "/api/v1/drain").status_code == 200
    for tenant, weight in (("light", 1), ("heavy", 3)):
        show(server, made(server, tenant, tenant=tenant, weight=weight)["key"])
        for number in range(40):
            server.submit(f"{tenant} {number}")
    assert call(server, "POST", "/api/v1/resume").status_code == 200

    def ended() -> list[dict[str, Any]] | None:
        tasks = call(server, "GET", "/api/v1/admin/tasks?status=SUCCESS&limit=100").json()["tasks"]
        return tasks if len(tasks) >= 40 else None

    tasks = sorted(wait_for(ended, 120, "the videos are not made"), key=lambda task: task["finished_at"])
    heavy = sum(task["tenant"] == "heavy" for task in tasks[:40])
    assert 27 <= heavy <= 33, heavy


# A key's life


def test_a_secret_that_was_replaced_goes_on_for_its_grace(start: Callable[..., Server]) -> None:
    server = start(access_adminKey=ADMIN, timed=0)
    first = made(server, "shop")
    address = f"{KEYS}/{first['key_id']}"
    second = call(server, "POST", f"{address}/rotate", body={"grace_seconds": 3600}).json()
    assert second["key_id"] == first["key_id"] and second["key"] != first["key"]
    for key in (first["key"], second["key"]):
        assert call(server, "GET", "/api/v1/me", key).status_code == 200
    third = call(server, "POST", f"{address}/rotate", body={"grace_seconds": 0}).json()
    assert code(call(server, "GET", "/api/v1/me", first["key"])) == "key_invalid"
    assert code(call(server, "GET", "/api/v1/me", second["key"])) == "key_expired"
    assert call(server, "GET", "/api/v1/me", third["key"]).status_code == 200
    assert call(server, "DELETE", address).json()["status"] == "revoked"
    assert code(call(server, "GET", "/api/v1/me", third["key"])) == "key_revoked"


def test_who_follows_or_waits_is_let_go_when_the_key_is_revoked(start: Callable[..., Server]) -> None:
    server = start(access_adminKey=ADMIN, timed=0.2)
    server.wait_until_ready()
    shop = made(server, "shop")
    request = {"prompt": "a cat", "num_inference_steps": 100}
    task_id = call(server, "POST", "/api/v1/generate", shop["key"], request).json()["task_id"]
    path = f"{server.url}/api/v1/tasks/{task_id}"
    headers = {"Authorization": f"Bearer {shop['key']}"}
    with (
        requests.get(f"{path}/events", headers=headers, stream=True, timeout=30) as stream,
        ThreadPoolExecutor(1) as threads,
    ):
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith(b"event: ")) == b"event: status"
        waiting = threads.submit(requests.get, f"{path}?wait=60", headers=headers, timeout=70)
        assert call(server, "DELETE", f"{KEYS}/{shop['key_id']}").json()["status"] == "revoked"
        assert code(waiting.result(timeout=20)) == "key_revoked"
        assert b"event: end" not in list(lines)
    assert code(requests.get(f"{path}/events", headers=headers, timeout=30)) == "key_revoked"


def test_videos_open_by_signed_addresses_to_their_tenant_and_to_nobody_else(start: Callable[..., Server]) -> None:
    server = start(timed=0)
    server.wait_until_ready()
    plain = server.wait_for_end(server.submit("a cat")["task_id"])["video_url"]
    assert "signature=" not in plain
    admin = made(server, "admin", None, scopes=["admin"])["key"]
    key = made(server, "shop", admin, tenant="default")["key"]
    assert code(requests.get(plain, timeout=30)) == "key_required"
    assert requests.get(plain, headers=bearer(key), timeout=30).status_code == 200
    stranger = requests.get(plain, headers=bearer(made(server, "other", admin)["key"]), timeout=30)
    assert (stranger.status_code, code(stranger)) == (404, "video_not_found")
    show(server, key)
    video = server.get("/api/v1/tasks").json()["tasks"][0]
    for address in (video["video_url"], video["video"]["poster_url"]):
        assert requests.get(address, timeout=60).status_code == 200
        forged = requests.get(address.replace("expires=", "expires=9"), timeout=30)
        assert (forged.status_code, code(forged)) == (403, "video_link_invalid")
    # The secret is kept: an address outlives a restart.
    server.stop()
    again = start(timed=0)
    assert requests.get(video["video_url"].replace(server.url, again.url), timeout=30).status_code == 200


def test_nothing_that_the_server_writes_holds_a_key(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start(access_adminKey=ADMIN, timed=0, log_level="trace")
    server.wait_until_ready()
    key = made(server, "shop", callback_secret=True)
    show(server, key["key"])
    task = server.wait_for_end(server.submit("a cat")["task_id"])
    next_one = call(server, "POST", f"{KEYS}/{key['key_id']}/rotate", body={"callback_secret": True}).json()
    call(server, "POST", "/api/v1/drain", key["key"])
    call(server, "GET", "/api/v1/tasks", key["key"] + "x")
    seen = [json.dumps(task), call(server, "GET", KEYS).text, call(server, "GET", "/api/v1/admin/tasks").text]
    server.stop()
    secrets = [key["key"], key["key"][20:52], next_one["key"], next_one["key"][20:52], ADMIN]
    written = {path: path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()}
    written[Path("log")] = server.logged().encode()
    for text in seen:
        written[Path(f"answer {len(written)}")] = text.encode()
    for path, content in written.items():
        for secret in secrets:
            assert secret.encode() not in content, path
    callback_secrets = [key["callback_secret"], next_one["callback_secret"]]
    public = [content for path, content in written.items() if "tasks.sqlite" not in path.name]
    assert not any(secret.encode() in content for secret in callback_secrets for content in public)
    lines = [json.loads(line) for line in (tmp_path / "data/audit.jsonl").read_text().splitlines()]
    assert [(line["key"], line["action"], line["outcome"]) for line in lines] == [
        ("settings", "key.create", "done"),
        ("settings", "key.rotate", "done"),
        (key["key_id"], "server.drain", "scope_missing"),
    ]
    assert lines[0]["target"] == key["key_id"] and lines[0]["peer"] == "127.0.0.1"
    assert (tmp_path / "data/audit.jsonl").stat().st_mode & 0o777 == 0o600


# The command line


def test_keys_are_administered_in_the_data_directory(start: Callable[..., Server], tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    first = run("keys", "create", "shop", *data)
    assert first.returncode == 1 and "scope admin" in first.stderr
    admin = run("keys", "create", "admin", "--scope", "admin", *data)
    assert admin.returncode == 0, admin.stderr
    (key,) = admin.stdout.split()
    assert "not shown again" in admin.stderr and key not in admin.stderr
    limits = ("--requests-per-second", "5", "--waiting", "10", "--running", "2", "--device-seconds", "60")
    shop = run(
        *("keys", "create", "shop", "--tenant", "shop", "--max-priority", "normal", "--weight", "2.5", *limits),
        *("--storage", "1000", "--expires-in", "30d", "--callback-secret", "--json", *data),
    )
    assert shop.returncode == 0, shop.stderr
    record = json.loads(shop.stdout)
    assert record["limits"]["burst"] == 5 and record["limits"]["device_seconds_per_day"] == 60
    assert record["callback_secret"].startswith("whsec_")
    wrong = run("keys", "create", "x", "--weight", "1000", "--tenant", "a b", *data)
    assert wrong.returncode == 1 and "  weight:" in wrong.stderr and "  tenant:" in wrong.stderr
    edited = run("keys", "edit", record["key_id"], "--waiting", "none", "--burst", "7", "--expires-in", "never", *data)
    assert edited.returncode == 0, edited.stderr
    shown = json.loads(run("keys", "show", record["key_id"], "--json", *data).stdout)
    assert shown["limits"] == record["limits"] | {"waiting_tasks": None, "burst": 7}
    assert shown["expires_at"] is None and "key" not in shown
    listed = run("keys", "list", *data).stdout.splitlines()
    assert [line.split()[1] for line in listed] == ["NAME", "shop", "admin"]
    server = start(timed=0)
    in_use = run("keys", "list", *data)
    assert in_use.returncode == 69 and "--server" in in_use.stderr
    assert call(server, "GET", "/api/v1/me", record["key"]).json()["tenant"] == "shop"


def test_keys_are_administered_over_http_with_a_key_from_the_environment(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(access_adminKey=ADMIN, timed=0)
    server.wait_until_ready()
    there = ("--server", server.url)
    env = {"ANIMATO_KEY": ADMIN}
    assert "key_required" not in run("keys", "list", *there).stdout
    assert run("keys", "list", *there).returncode == 1
    shop = run("keys", "create", "shop", *there, environment=env)
    assert shop.returncode == 0, shop.stderr
    (key,) = shop.stdout.split()
    (listed,) = json.loads(run("keys", "list", "--json", *there, environment=env).stdout)["keys"]
    rotated = run("keys", "rotate", listed["key_id"], "--grace", "0s", *there, environment=env)
    assert rotated.returncode == 0, rotated.stderr
    assert code(call(server, "GET", "/api/v1/me", key)) == "key_expired"
    (key,) = rotated.stdout.split()
    # Every other command shows the key as well.
    output = tmp_path / "cat.mp4"
    small = ("--width", "64", "--height", "64", "--num-frames", "5", "--output", str(output))
    video = run("generate", "a cat", *small, *there, environment={"ANIMATO_KEY": key})
    assert video.returncode == 0, video.stderr
    assert output.stat().st_size > 0
    assert run("devices", *there).returncode == 1
    assert run("devices", *there, "--key", key).returncode == 0
    refused = run("drain", *there, environment={"ANIMATO_KEY": key})
    assert refused.returncode == 1 and "scope admin" in refused.stderr
    assert run("drain", *there, environment=env).returncode == 0
    assert run("keys", "revoke", listed["key_id"], *there, environment=env).returncode == 0
    assert code(call(server, "GET", "/api/v1/me", key)) == "key_revoked"
    missing = run("keys", "show", "none", *there, environment=env)
    assert missing.returncode == 1 and "no key" in missing.stderr


def test_an_administrator_sees_cancels_and_reorders_anybodys_tasks(start: Callable[..., Server]) -> None:
    server = start(access_adminKey=ADMIN, timed=0.05)
    server.wait_until_ready()
    shop = made(server, "shop", tenant="shop")
    call(server, "POST", "/api/v1/drain")
    show(server, shop["key"])
    task = server.submit("a cat", num_inference_steps=100)["task_id"]
    address = f"/api/v1/admin/tasks/{task}"
    found = call(server, "GET", address).json()
    assert (found["tenant"], found["key_id"]) == ("shop", shop["key_id"])
    assert code(call(server, "GET", f"/api/v1/tasks/{task}")) == "task_not_found"
    assert call(server, "PATCH", address, body={"priority": "interactive"}).json()["priority"] == "interactive"
    assert server.task(task)["priority"] == "interactive"
    (tenant,) = call(server, "GET", "/api/v1/admin/tenants").json()["tenants"]
    assert (tenant["tenant"], tenant["waiting_tasks"]) == ("shop", 1)
    assert call(server, "DELETE", address).json()["status"] == "CANCELLED"
    assert server.task(task)["status"] == "CANCELLED"

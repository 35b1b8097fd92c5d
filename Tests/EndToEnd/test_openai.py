"""The unmodified `openai` client against the server: everything that its `client.videos` can do here."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from check_video import problems
from server import MODEL, Server, wait_for
from world import drawn, mp4, png

SMALL: dict[str, Any] = {"extra_body": {"num_inference_steps": 10}}
MODELS = ",".join(f"{MODEL}{suffix}" for suffix in ("", "-InP", "-Control"))
PROMPT = "一只猫在草地上玩耍"

# Every method of the client says that OpenAI's own service ends.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


def client_of(url: str, **options: Any) -> openai.OpenAI:
    """A client as anybody has it, but for the address."""
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", **options)


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    """A server that makes test patterns."""
    server = start()
    server.wait_until_ready()
    return server


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    """A client of that server that does not try again."""
    with client_of(server.url, max_retries=0) as client:
        yield client


def create(client: openai.OpenAI, prompt: str = PROMPT, **fields: Any) -> Any:
    """Asks for a small video."""
    return client.videos.create(**({"prompt": prompt, "size": "64x64", "seconds": "1"} | SMALL | fields))


def native(video: Any) -> str:
    """The task's id as our own API has it."""
    digits = video.id.removeprefix("video_")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def test_a_video_is_created_polled_and_downloaded(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start(timed=None)
    server.wait_until_ready()
    client = client_of(server.url)
    video = client.videos.create_and_poll(prompt=PROMPT, size="112x64", seconds="2", **SMALL)
    assert (video.status, video.progress, video.prompt) == ("completed", 100, PROMPT)
    assert (video.size, video.seconds, video.object) == ("112x64", "2.125", "video")
    assert video.completed_at is not None and video.completed_at >= video.created_at
    assert video.error is None and video.expires_at is None and video.remixed_from_video_id is None
    task = server.task(native(video))
    assert task["request"]["num_frames"] == 17

    content = client.videos.download_content(video.id)
    path = tmp_path / "video.mp4"
    content.write_to_file(path)
    assert problems(path, width=112, height=64, frames=17) == []
    assert content.content == server.session.get(task["video_url"], timeout=30).content
    assert content.response.headers["content-type"] == "video/mp4"
    probed = json.loads(
        subprocess.run(
            ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)],
            capture_output=True,
            check=True,
        ).stdout
    )
    assert probed["streams"][0]["codec_name"] == "h264"
    assert float(probed["format"]["duration"]) == pytest.approx(float(video.seconds), abs=0.01)
    for variant, name in (("thumbnail", "poster.webp"), ("spritesheet", "sprites.jpg"), ("video", "")):
        ours = server.get(f"/api/v1/videos/{task['video']['sha256']}" + (f"/{name}" if name else ".mp4"))
        assert client.videos.download_content(video.id, variant=variant).content == ours.content  # type: ignore[arg-type]


def test_a_video_moves_from_queued_to_completed(start: Callable[..., Server]) -> None:
    server = start(timed=0.05)
    server.wait_until_ready()
    client = client_of(server.url)
    raw = client.videos.with_raw_response.create(prompt=PROMPT, size="64x64", seconds="1", **SMALL)
    video = raw.parse()
    assert 250 <= int(raw.headers["openai-poll-after-ms"]) <= 10_000
    assert video.status in {"queued", "in_progress"}
    seen: list[tuple[str, int]] = []

    def look() -> Any:
        now = client.videos.retrieve(video.id)
        seen.append((now.status, now.progress))
        return now if now.status == "completed" else None

    wait_for(look, 60, "the video is not completed")
    assert [progress for _, progress in seen] == sorted(progress for _, progress in seen)
    assert "in_progress" in {status for status, _ in seen}
    done = client.videos.with_raw_response.retrieve(video.id)
    assert "openai-poll-after-ms" not in done.headers
    assert client.videos.poll(video.id) == done.parse()
    # An equal request is answered with the video at once.
    again = create(client)
    assert again.status == "completed" and again.id != video.id


def test_lists_go_both_ways(client: openai.OpenAI) -> None:
    made = [create(client, f"cat {index}").id for index in range(5)]
    assert [video.id for video in client.videos.list(limit=2)] == made[::-1]
    assert [video.id for video in client.videos.list(limit=2, order="asc")] == made
    page = client.videos.list(limit=2, after=made[3])
    assert [video.id for video in page.data] == [made[2], made[1]]
    assert page.has_next_page()


def test_a_deleted_video_is_gone(server: Server, client: openai.OpenAI) -> None:
    video = client.videos.create_and_poll(prompt=PROMPT, size="64x64", seconds="1", **SMALL)
    deleted = client.videos.delete(video.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (video.id, True, "video.deleted")
    for gone in (client.videos.retrieve, client.videos.delete, client.videos.download_content):
        with pytest.raises(openai.NotFoundError) as failure:
            gone(video.id)
        assert failure.value.code == "video_not_found"
    assert list(client.videos.list()) == []
    assert server.get(f"/api/v1/tasks/{native(video)}").status_code == 404


def test_deleting_stops_what_runs(start: Callable[..., Server]) -> None:
    server = start(timed=0.5)
    server.wait_until_ready()
    client = client_of(server.url, max_retries=0)
    video = create(client, extra_body={"num_inference_steps": 100})
    server.wait_for_step(native(video))
    assert client.videos.delete(video.id).deleted
    next_one = create(client, "next @step=0")
    assert client.videos.poll(next_one.id).status == "completed"


def test_a_remix_is_the_same_with_another_prompt(server: Server, client: openai.OpenAI) -> None:
    body = {"num_inference_steps": 12, "seed": 77, "negative_prompt": "模糊", "priority": "batch"}
    video = create(client, extra_body=body)
    with pytest.raises(openai.ConflictError) as early:
        client.videos.remix(create(client, "slow @step=5").id, prompt="x")
    assert early.value.code == "video_not_ready"
    assert client.videos.poll(video.id).status == "completed"
    remix = client.videos.remix(video.id, prompt="一只狗")
    assert remix.remixed_from_video_id == video.id
    assert (remix.prompt, remix.size, remix.seconds) == ("一只狗", video.size, video.seconds)
    request = server.task(native(remix))["request"]
    assert (request["seed"], request["num_inference_steps"], request["negative_prompt"]) == (77, 12, "模糊")


@pytest.mark.parametrize(("prompt", "code"), [("@oom", "out_of_memory"), ("@internal", "internal")])
def test_a_failure_is_told(client: openai.OpenAI, prompt: str, code: str) -> None:
    video = client.videos.create_and_poll(prompt=prompt, size="64x64", seconds="1", **SMALL)
    assert video.status == "failed"
    assert video.error is not None and video.error.code == code and video.error.message
    with pytest.raises(openai.ConflictError) as failure:
        client.videos.download_content(video.id)
    assert failure.value.code == "video_failed"


def test_what_is_cancelled_elsewhere_has_failed(start: Callable[..., Server]) -> None:
    server = start(timed=0.5)
    server.wait_until_ready()
    # With its usual retries, which would make a conflict take seconds.
    client = client_of(server.url)
    video = create(client, extra_body={"num_inference_steps": 100})
    with pytest.raises(openai.ConflictError) as early:
        client.videos.download_content(video.id)
    assert early.value.code == "video_not_ready"
    assert server.cancel(native(video)).status_code == 200
    ended = client.videos.poll(video.id)
    assert ended.status == "failed"
    assert ended.error is not None and ended.error.code == "cancelled"


@pytest.mark.parametrize(
    ("fields", "param", "code", "message"),
    [
        ({"prompt": ""}, "prompt", "empty", "prompt must not be empty"),
        ({"seconds": "60"}, "seconds", "out_of_range", "at most 6.125"),
        ({"size": "1000x1000"}, "size", "not_a_multiple", "multiple of 16"),
        ({"model": "sora-2"}, "model", "not_allowed", "there are timed"),
        ({"extra_body": {"num_frame": 5}}, "num_frame", "unknown_field", "Did you mean num_frames?"),
        ({"extra_body": {"num_frames": 5}}, "seconds", "not_allowed", "leave one of them out"),
        ({"input_reference": b"no picture"}, "input_reference", "unusable_media", "input_reference"),
        ({"seconds": "four", "size": "big"}, "seconds", "wrong_type", "size must be width and height"),
    ],
)
def test_a_wrong_request_is_a_bad_request(
    client: openai.OpenAI, fields: dict[str, Any], param: str, code: str, message: str
) -> None:
    with pytest.raises(openai.BadRequestError) as failure:
        create(client, **fields)
    assert (failure.value.param, failure.value.code) == (param, code)
    assert failure.value.type == "invalid_request_error"
    assert message in failure.value.message
    assert failure.value.request_id


def test_other_errors_are_of_their_classes(start: Callable[..., Server]) -> None:
    server = start(timed=5, queue_limit=1)
    server.wait_until_ready()
    client = client_of(server.url, max_retries=0)
    first = create(client, "0")
    wait_for(lambda: client.videos.retrieve(first.id).status == "in_progress", 30, "nothing runs")
    create(client, "1")
    with pytest.raises(openai.RateLimitError) as full:
        create(client, "2")
    assert full.value.code == "queue_full"
    with pytest.raises(openai.ConflictError) as conflict:
        for prompt in ("0", "1"):
            create(client, prompt, extra_headers={"Idempotency-Key": "k"})
    assert conflict.value.code == "idempotency_conflict"
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve("video_0")
    with pytest.raises(openai.NotFoundError):
        client.get("/nothing", cast_to=object)


def test_a_key_opens_what_it_is_for(start: Callable[..., Server]) -> None:
    admin = "the operator's own key of the settings"
    server = start(access_adminKey=admin)
    server.session.headers["Authorization"] = f"Bearer {admin}"
    server.wait_until_ready()

    def key(**fields: Any) -> str:
        body = {"name": "key", "tenant": "shop"} | fields
        response = server.session.post(server.url + "/api/v1/admin/keys", json=body, timeout=30)
        assert response.status_code == 201, response.text
        return str(response.json()["key"])

    def client(key: str) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)

    with pytest.raises(openai.AuthenticationError):
        client("none").videos.list()
    makes = client(key(scopes=["read", "generate"], max_priority="normal"))
    reads = client(key(scopes=["read"]))
    other = client(key(scopes=["read", "generate"], tenant="other"))
    video = makes.videos.create_and_poll(prompt=PROMPT, size="64x64", seconds="1", **SMALL)
    assert video.status == "completed"
    assert reads.videos.download_content(video.id).content[4:8] == b"ftyp"
    with pytest.raises(openai.PermissionDeniedError):
        create(reads)
    with pytest.raises(openai.NotFoundError):
        other.videos.download_content(video.id)
    with pytest.raises(openai.BadRequestError) as urgent:
        create(makes, extra_body={"priority": "interactive"})
    assert (urgent.value.param, urgent.value.code) == ("priority", "not_allowed")


def test_an_engine_that_does_not_start_is_a_server_error(start: Callable[..., Server]) -> None:
    server = start(timed=None, engine_models="/nowhere")
    with pytest.raises(openai.InternalServerError) as failure:
        create(client_of(server.url, max_retries=0))
    assert failure.value.status_code == 503 and failure.value.code


def test_models_and_their_other_names(start: Callable[..., Server]) -> None:
    server = start(http_openAIModelAliases="sora-2=timed")
    server.wait_until_ready()
    client = client_of(server.url)
    assert [model.id for model in client.models.list()] == ["timed", "sora-2"]
    video = create(client, model="sora-2")
    assert video.model == "timed"


def data_url(picture: bytes) -> str:
    """A picture as an address."""
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def test_a_picture_or_a_video_to_start_from(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start(engine_models=MODELS)
    server.wait_until_ready()
    client = client_of(server.url)
    frames, _ = drawn(0)
    picture, clip = png(frames[0]), mp4(frames)
    path = tmp_path / "start.png"
    path.write_bytes(picture)
    upload = server.session.post(
        server.url + "/api/v1/uploads", data=picture, headers={"Content-Type": "image/png"}, timeout=30
    ).json()["id"]
    # This version of the client takes files alone for `input_reference`, and the other forms beside its own fields.
    references: list[dict[str, Any]] = [
        {"input_reference": path},
        {"input_reference": ("start.png", picture, "image/png")},
        {"extra_body": {"input_reference": {"image_url": data_url(picture)}}},
        {"extra_body": {"input_reference": {"file_id": upload}}},
    ]
    for reference in references:
        video = client.videos.create_and_poll(prompt=PROMPT, size="64x64", seconds="1", **reference)
        assert video.status == "completed", video.error
        assert server.task(native(video))["request"]["start_image"] == upload
    video = create(client, input_reference=("clip.mp4", clip, "video/mp4"), extra_body={"strength": 0.5})
    request = server.task(native(video))["request"]
    assert request["video"] and request["strength"] == 0.5
    with pytest.raises(openai.BadRequestError) as failure:
        create(client, input_reference=("start.png", b"no picture", "image/png"))
    assert (failure.value.param, failure.value.code) == ("input_reference", "unusable_media")
    # JSON has the same fields.
    plain = server.session.post(
        server.url + "/v1/videos",
        json={"prompt": PROMPT, "input_reference": {"file_id": upload}, "seconds": 1, "size": "64x64"},
        timeout=30,
    )
    assert plain.json()["status"] == "completed"


class Lossy:
    """Passes connections on to a server, and loses the first answer."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.heads: list[bytes] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self.target)) as server:
                self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(65536)
        head, _, body = request.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        while len(body) < length:
            body += client.recv(65536)
        self.heads.append(head)
        server.sendall(head.replace(b"keep-alive", b"close") + b"\r\n\r\n" + body)
        answer = b""
        while part := server.recv(65536):
            answer += part
        if len(self.heads) > 1:
            client.sendall(answer)

    def close(self) -> None:
        """Takes no more connections."""
        self.listener.close()


@contextmanager
def lossy(server: Server) -> Iterator[Lossy]:
    """A way to the server on which the first answer is lost."""
    proxy = Lossy(int(server.url.rsplit(":", 1)[1]))
    try:
        yield proxy
    finally:
        proxy.close()


@pytest.mark.parametrize("extra", [{}, {"cache": "off"}, {"cache": "refresh", "seed": 5}])
def test_a_retry_makes_no_second_task(start: Callable[..., Server], extra: dict[str, Any]) -> None:
    server = start(timed=0.2)
    server.wait_until_ready()
    with lossy(server) as proxy:
        client = client_of(proxy.url, max_retries=2)
        raw = client.videos.with_raw_response.create(
            prompt=PROMPT, size="64x64", seconds="1", extra_body={"num_inference_steps": 10} | extra
        )
    assert raw.retries_taken == 1 and len(proxy.heads) == 2
    assert raw.headers["idempotency-replayed"] == "true"
    videos = list(client_of(server.url).videos.list())
    assert [video.id for video in videos] == [raw.parse().id]


def test_a_key_makes_it_the_same_task(client: openai.OpenAI) -> None:
    key = {"Idempotency-Key": "order-4711"}
    assert create(client, extra_headers=key).id == create(client, extra_headers=key).id


def test_the_asynchronous_client(server: Server) -> None:
    async def work() -> None:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
            videos = await asyncio.gather(
                *(
                    client.videos.create_and_poll(prompt=f"{PROMPT} {index}", size="64x64", seconds="1", **SMALL)
                    for index in range(4)
                )
            )
            assert {video.status for video in videos} == {"completed"}
            assert {video.id async for video in client.videos.list(limit=3)} == {video.id for video in videos}
            content = await client.videos.download_content(videos[0].id)
            assert content.content[4:8] == b"ftyp"
            with pytest.raises(openai.NotFoundError):
                await client.videos.retrieve("video_none")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        asyncio.run(work())

"""Every call of docs/api.md does what the page says, in the order in which it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from media import picture
from server import REPOSITORY, Server, wait_for


def commands() -> list[str]:
    """The commands of the page, each as a shell takes it."""
    blocks = re.findall(r"```sh\n(.*?)```", (REPOSITORY / "docs/api.md").read_text(), re.DOTALL)
    return [command for block in blocks for command in re.split(r"(?<!\\)\n", block.strip())]


def test_the_calls_of_the_tour(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start(timed=0.2)
    server.wait_until_ready()
    (tmp_path / "cat.png").write_bytes(picture(160, 90))
    known = {"json": "content-type: application/json", "server": server.url, "ANIMATO_KEY": "none"}

    def answer(command: str) -> str | None:
        # A status that is no success ends curl with an error, which the page need not ask for.
        result = subprocess.run(
            ["bash", "-euc", command.replace("curl ", "curl --fail-with-body ")],
            cwd=tmp_path,
            env=os.environ | known,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        return result.stdout or " " if result.returncode == 0 else None

    calls = [command for command in commands() if command.startswith("curl ")]
    assert len(calls) > 10, "the page is not read as it is written"
    for call in calls:
        # A preview is there after some steps only.
        said = wait_for(lambda call=call: answer(call), 30, call) if "/preview" in call else answer(call)
        assert said is not None, f"refused: {call}"
        if "events" in call or not said.startswith("{"):
            continue
        body = json.loads(said)
        if "/generate" in call:
            known["TASK_ID"] = body["task_id"]
        if body.get("status") == "SUCCESS":
            known |= {"VIDEO_URL": body["video_url"], "POSTER_URL": body["video"]["poster_url"]}
        if "/uploads" in call:
            known["UPLOAD_ID"] = body["id"]
    assert (tmp_path / "cat.mp4").read_bytes()[4:8] == b"ftyp"
    assert (tmp_path / "cat.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert server.task(known["TASK_ID"])["status"] == "CANCELLED"

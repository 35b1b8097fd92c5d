#!/usr/bin/env python3
"""Has a video made and downloads it, with nothing but Python's own library.

python generate.py "一只猫在草地上玩耍" cat.mp4 --size 768x448
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
import uuid
from typing import Any


def call(server: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
    """One request; what the server says is wrong ends the program."""
    key = os.environ.get("ANIMATO_KEY")
    request = urllib.request.Request(
        path if path.startswith("http") else server + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {}) | headers,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        wrong = [violation["message"] for violation in problem.get("violations", [])] or [problem["detail"]]
        sys.exit(f"{problem['code']}: {' '.join(wrong)}")


def finished(server: str, task: dict[str, Any]) -> dict[str, Any]:
    """The task once it has ended; tells of its progress until then."""
    shown = ""
    while task["status"] in {"PENDING", "RUNNING"}:
        progress = task["progress"] or {"percent": 0}
        line = f"{task['status'].lower()} {progress['percent']} %"
        if line != shown:
            print(line, file=sys.stderr)
            shown = line
        time.sleep(1)
        task = call(server, task["task_url"])
    return task


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt")
    parser.add_argument("file")
    parser.add_argument("--size", default="768x448")
    parser.add_argument("--frames", type=int, default=49)
    parser.add_argument("--server", default=os.environ.get("ANIMATO_SERVER", "http://127.0.0.1:5000"))
    arguments = parser.parse_args()
    width, height = (int(side) for side in arguments.size.split("x"))
    body = {"prompt": arguments.prompt, "width": width, "height": height, "num_frames": arguments.frames}
    # With a key, asking again after a lost answer gives the same task.
    task = call(arguments.server, "/api/v1/generate", body, **{"Idempotency-Key": str(uuid.uuid4())})
    task = finished(arguments.server, task)
    if task["status"] != "SUCCESS":
        sys.exit(f"{task['status']}: {(task['error'] or {}).get('message', '')}")
    with urllib.request.urlopen(task["video_url"], timeout=60) as video, open(arguments.file, "wb") as file:
        shutil.copyfileobj(video, file)
    print(arguments.file)


if __name__ == "__main__":
    main()

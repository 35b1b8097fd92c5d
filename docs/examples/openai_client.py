#!/usr/bin/env python3
"""The same with OpenAI's own client: `pip install openai`.

python openai_client.py "一只猫在草地上玩耍" cat.mp4
"""

from __future__ import annotations

import os
import sys

import openai


def main() -> None:
    """The command line."""
    prompt, file = sys.argv[1:3]
    server = os.environ.get("ANIMATO_SERVER", "http://127.0.0.1:5000")
    client = openai.OpenAI(base_url=f"{server}/v1", api_key=os.environ.get("ANIMATO_KEY", "none"))
    try:
        # The fields that only this server has go into `extra_body`.
        video = client.videos.create_and_poll(
            prompt=prompt,
            size="768x448",  # type: ignore[arg-type]
            seconds="6",  # type: ignore[arg-type]
            extra_body={"negative_prompt": "低质量,模糊", "num_inference_steps": 30},
        )
    except openai.BadRequestError as error:
        sys.exit(f"{error.param}: {error.message}")
    if video.status != "completed":
        sys.exit(f"{video.status}: {video.error.message if video.error else ''}")
    client.videos.download_content(video.id).write_to_file(file)
    print(f"{file}: {video.seconds} s, {video.size}")


if __name__ == "__main__":
    main()

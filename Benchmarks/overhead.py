"""What the whole service costs over calling the pipeline directly, for the same long generation.

    make release && .venv/bin/python Benchmarks/overhead.py --binary .build/release/animato

Each round makes the same video twice, in turn: by diffusers' own pipeline in this process, encoded by the engine's own
encoder, and by a POST to a server on loopback that waits for the end. Both are warm, and use one thread.
Checkpoints and previews are written as they are by default.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import requests
import torch
from diffusers import EasyAnimatePipeline

from animato_engine.media import write_mp4

REPOSITORY = Path(__file__).parents[1]
MODEL = REPOSITORY / "var/models/easyanimate-tiny"
PROMPT, NEGATIVE = "一只猫在草地上玩耍", "低质量,模糊"
RENDERED, SIZE, FRAMES, FPS, GUIDANCE = (112, 64), (768, 448), 49, 8, 3.0


def direct(pipeline: Any, steps: int, seed: int, output: Path) -> float:
    """Seconds from the call of the pipeline to the MP4."""
    start = time.monotonic()
    with torch.no_grad():
        frames = pipeline(
            PROMPT,
            negative_prompt=NEGATIVE,
            width=RENDERED[0],
            height=RENDERED[1],
            num_frames=FRAMES,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            generator=torch.Generator().manual_seed(seed),
            output_type="np",
        ).frames[0]
    write_mp4(((frame * 255).round().astype("uint8") for frame in frames), output, SIZE, FPS)
    return time.monotonic() - start


def served(url: str, steps: int, seed: int) -> float:
    """Seconds from the request to the answer that says that the video is there."""
    body = {
        "prompt": PROMPT,
        "negative_prompt": NEGATIVE,
        "width": SIZE[0],
        "height": SIZE[1],
        "num_frames": FRAMES,
        "num_inference_steps": steps,
        "guidance_scale": GUIDANCE,
        "fps": FPS,
        "seed": seed,
        "cache": "off",
    }
    with requests.Session() as session:
        start = time.monotonic()
        task = session.post(url + "/api/v1/generate?wait=60", json=body, timeout=90).json()
        while task["status"] in {"PENDING", "RUNNING"}:
            task = session.get(f"{url}/api/v1/tasks/{task['task_id']}?wait=60", timeout=90).json()
        if task["status"] != "SUCCESS":
            raise SystemExit(f"the task ended as {task['status']}: {task['error']}")
        return time.monotonic() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60, help="enough for more than 10 s")
    given = parser.parse_args()
    torch.set_num_threads(1)
    pipeline = EasyAnimatePipeline.from_pretrained(MODEL, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    with tempfile.TemporaryDirectory() as directory:
        settings = {"http.port": 0, "engine.models": MODEL, "engine.python": REPOSITORY / ".venv/bin/python"}
        settings["data.directory"] = Path(directory) / "data"
        flags = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        server = subprocess.Popen([given.binary, "serve", *flags], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            if not found:
                raise SystemExit("the server did not start")
            while requests.get(found[0] + "/readyz", timeout=30).status_code != 200:
                time.sleep(0.1)
            # Warm: both have loaded the model and made a video.
            direct(pipeline, 2, 0, Path(directory) / "warm.mp4")
            served(found[0], 2, 0)
            pairs = []
            for seed in range(1, given.rounds + 1):
                pair = (
                    direct(pipeline, given.steps, seed, Path(directory) / f"{seed}.mp4"),
                    served(found[0], given.steps, seed),
                )
                print(f"direct {pair[0]:.2f} s, served {pair[1]:.2f} s, ratio {pair[1] / pair[0]:.4f}", flush=True)
                pairs.append(pair)
        finally:
            server.terminate()
            server.wait(timeout=60)
    ratio = statistics.median(service / alone for alone, service in pairs)
    print(f"median ratio {ratio:.4f} over {len(pairs)} rounds, direct {statistics.median(p[0] for p in pairs):.1f} s")


if __name__ == "__main__":
    main()

"""What the whole service costs over calling the pipeline directly, for the same long generation.

    make release && .venv/bin/python Benchmarks/overhead.py --binary .build/release/animato

Each round makes the same video twice, in turn: by diffusers' own pipeline in a process of its own, encoded by the
engine's own encoder, and by a POST to a server on loopback that waits for the end. Both are warm, and use one thread.
Every second round the service comes first. Checkpoints and previews are written as they are by default.

Both processes are started anew several times: how quick one is depends on where its memory happens to lie, and two
servers with the same settings, side by side, differed by 7 % for as long as they ran.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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


class Direct:
    """A process that calls the pipeline: this file again."""

    def __init__(self) -> None:
        command = [sys.executable, __file__, "--direct"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def make(self, steps: int, seed: int, output: Path) -> float:
        """Seconds that a video takes."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(steps, seed, output, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=60)

    @staticmethod
    def serve() -> None:
        """What the process does: makes what each line asks for, and says how long that took."""
        torch.set_num_threads(1)
        pipeline = EasyAnimatePipeline.from_pretrained(MODEL, dtype=torch.float32)
        pipeline.set_progress_bar_config(disable=True)
        for line in sys.stdin:
            steps, seed, output = line.rstrip("\n").split(" ", 2)
            print(direct(pipeline, int(steps), int(seed), Path(output)), flush=True)


@contextlib.contextmanager
def running(binary: Path, directory: Path) -> Iterator[str]:
    """A server that is ready, by its address."""
    settings = {"http.port": 0, "engine.models": MODEL, "engine.python": REPOSITORY / ".venv/bin/python"}
    settings |= {"data.directory": directory, "log.level": "error"}
    flags = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    server = subprocess.Popen([binary, "serve", *flags], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        if not found:
            raise SystemExit("the server did not start")
        while requests.get(found[0] + "/readyz", timeout=30).status_code != 200:
            time.sleep(0.1)
        yield found[0]
    finally:
        server.terminate()
        server.wait(timeout=60)


def rounds(given: argparse.Namespace, directory: Path, process: int) -> list[tuple[float, float]]:
    """Seconds directly and by the service, of one process each."""
    pairs = []
    with running(given.binary, directory / "data") as url, contextlib.closing(Direct()) as alone:
        # Warm: both have loaded the model and made a video.
        alone.make(2, 0, directory / "warm.mp4")
        served(url, 2, 0)
        for number in range(given.rounds):
            seed = 1 + process * given.rounds + number
            if number % 2:
                service = served(url, given.steps, seed)
                pair = alone.make(given.steps, seed, directory / "video.mp4"), service
            else:
                pair = alone.make(given.steps, seed, directory / "video.mp4"), served(url, given.steps, seed)
            print(f"direct {pair[0]:.2f} s, served {pair[1]:.2f} s, ratio {pair[1] / pair[0]:.4f}", flush=True)
            pairs.append(pair)
    return pairs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=5, help="how often both are started")
    parser.add_argument("--rounds", type=int, default=4, help="with each")
    parser.add_argument("--steps", type=int, default=70, help="enough for more than 10 s")
    given = parser.parse_args()
    pairs = []
    for process in range(given.processes):
        with tempfile.TemporaryDirectory() as directory:
            pairs += rounds(given, Path(directory), process)
    ratio = statistics.median(service / alone for alone, service in pairs)
    print(f"median ratio {ratio:.4f} over {len(pairs)} rounds, direct {statistics.median(p[0] for p in pairs):.1f} s")


if __name__ == "__main__":
    if sys.argv[1:] == ["--direct"]:
        Direct.serve()
    else:
        main()

"""What generations gain by sharing a pass, and how far their videos move from those that they get alone.

    .venv/bin/python Benchmarks/batching.py [--model DIRECTORY] [--size WIDTH HEIGHT FRAMES] [--steps N] [--batches N …]

Each round makes the same generations in passes of each size, in turn. The time is what denoising takes of one core of
the processor, for each generation; decoding is the same for all, one after the other. Latents and videos are compared
with those of passes of one: the largest difference of two latents and of two colours (of 255), and the least PSNR of a
video.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from numpy.typing import NDArray

from animato_engine.models.adapter import Adapter, Work
from animato_engine.models.batching import evaluate
from animato_engine.models.opening import open_checkpoint
from animato_engine.models.parts import Components, Shelf, quiet_libraries
from animato_engine.request import VideoRequest

MODEL = Path(__file__).parents[1] / "var/models/easyanimate-tiny"
PROMPTS = ("一只猫在草地上玩耍", "a red ball on the beach moving left", "a dog in the snow", "一只鸟在天空中")
NEGATIVE = "低质量,模糊"


class Denoising:
    """A checkpoint, and the works that are given to it again and again."""

    def __init__(self, model: Path, size: tuple[int, int, int], steps: int, guidance: float, count: int) -> None:
        """Load it, and read the texts."""
        quiet_libraries()
        checkpoint = open_checkpoint(str(model))
        kinds = checkpoint.family.components
        directory = checkpoint.complete_directory()
        prints = {part: checkpoint.component_fingerprint(directory, part) for part in kinds}
        shelf = Shelf(torch.float32, lambda name, network: None)
        parts = Components(directory, kinds, prints, shelf, torch.device("cpu"), torch.float32)
        self.network = parts.get("transformer")
        self.adapter: Adapter = checkpoint.family.adapter(parts)
        width, height, frames = size
        defaults = checkpoint.description.defaults
        self.works = []
        for index in range(count):
            request = VideoRequest(
                prompt=PROMPTS[index % len(PROMPTS)],
                negative_prompt=NEGATIVE,
                width=width,
                height=height,
                num_frames=frames,
                num_inference_steps=steps,
                guidance_scale=guidance,
                fps=defaults.fps,
                seed=100 + index,
            )
            texts = [self.adapter.encode_text(text) for text in (request.prompt, NEGATIVE)]
            self.works.append(Work(request, (width, height), texts[0], texts[1] if guidance > 1 else None))

    def latents(self, works: Sequence[Work]) -> tuple[list[torch.Tensor], float]:
        """Those of one pass after the last step, and the seconds that its steps take."""
        generations = [self.adapter.begin(work) for work in works]
        # Not of the clock: other programs would count.
        start = time.process_time()
        for _ in range(generations[0].total_steps):
            answers = evaluate(self.network, generations)
            for generation, own in zip(generations, answers, strict=True):
                generation.advance(own)
        seconds = time.process_time() - start
        return [generation.latents for generation in generations], seconds

    def frames(self, latents: torch.Tensor) -> NDArray[np.uint8]:
        """The video, as it is given to the encoder."""
        self.adapter.clear()
        video = (self.adapter.decode(latents)[0] * 0.5 + 0.5).clamp(0, 1)
        pixels: NDArray[np.uint8] = (video.numpy() * 255).round().astype(np.uint8)
        return pixels


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """In decibels; infinite if they are equal."""
    error = float(np.square(one.astype(float) - other.astype(float)).mean())
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


@torch.no_grad()
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure passes of several generations.")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--size", type=int, nargs=3, default=(112, 64, 49), metavar=("WIDTH", "HEIGHT", "FRAMES"))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    count = max(given.batches)
    denoising = Denoising(given.model, tuple(given.size), given.steps, given.guidance, count)
    alone = [denoising.latents([work])[0][0] for work in denoising.works]
    videos = [denoising.frames(latents) for latents in alone]
    seconds: dict[int, list[float]] = {size: [] for size in given.batches}
    apart = dict.fromkeys(given.batches, 0.0)
    colours = dict.fromkeys(given.batches, 0)
    least = dict.fromkeys(given.batches, math.inf)
    for number in range(given.rounds):
        for size in given.batches:
            total = 0.0
            for start in range(0, count - count % size, size):
                latents, took = denoising.latents(denoising.works[start : start + size])
                total += took
                if number > 0:
                    continue
                for index, own in enumerate(latents, start):
                    apart[size] = max(apart[size], float((own - alone[index]).abs().max()))
                    video = denoising.frames(own)
                    colours[size] = max(colours[size], int(np.abs(video.astype(int) - videos[index]).max()))
                    least[size] = min(least[size], psnr(video, videos[index]))
            seconds[size].append(total / (count - count % size))
    base = statistics.median(seconds[given.batches[0]])
    print("| generations in a pass | seconds of denoising for each | gain | latents | colours | PSNR, dB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size in given.batches:
        median = statistics.median(seconds[size])
        row = f"| {size} | {median:.2f} | {base / median - 1:+.1%} | {apart[size]:.1e} | {colours[size]} |"
        print(f"{row} {'equal' if math.isinf(least[size]) else f'{least[size]:.1f}'} |")


if __name__ == "__main__":
    main()

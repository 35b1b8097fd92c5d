"""Measures the step cache: how much faster denoising gets, and how far the videos move from those without it.

    .venv/bin/python Benchmarks/step_cache.py [--model DIRECTORY] [--fit] [--coefficients C4 C3 C2 C1 C0]
                                              [--thresholds T …] [--first-block T …]

Without `--model` it builds easyanimate-tiny with its trained weights. `--fit` first fits the polynomial for the
checkpoint, on other prompts and seeds than are measured, and prints it. The engine's thresholds are fixed (0.05
balanced, 0.1 fast): where the table says that twice them is right, the checkpoint's coefficients are half of the fit.

Each row is the mean over the prompts; times are processor time of the denoising alone. PSNR is over all pixels of a
video, SSIM (Wang et al. 2004, Gaussian window of 11, sigma 1.5) over the luma of its frames; both against the same seed
without a cache. `--first-block` measures the alternative: compute the first block always, and skip the others while
what it adds changes by less than a threshold (ParaAttention's first-block cache).
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

import diffusers
import torch
from diffusers import EasyAnimatePipeline

from animato_engine.step_cache import THRESHOLDS, CachedSteps, StepCache, fit_coefficients, relative_distance

ROOT = Path(__file__).parents[1]
PROMPTS = [
    "a cat playing on the grass",
    "a red car driving to the right in the snow",
    "a fish bouncing in the sea",
    "一只猫在草地上玩耍",
    "火箭在夜空中向上飞",
    "沙漠里静止不动的机器人",
]
FIT_PROMPTS = [
    "a dog standing still in the desert",
    "a tree on the grass coming closer",
    "a star moving down in the night sky",
    "一个球在沙漠里向左移动",
    "海上有一颗星星",
    "一棵树在雪地上静止不动",
]
# The coefficients published for EasyAnimate V5.1 7B, for a checkpoint of which nothing is known.
PUBLISHED = (1.07862322, -4.19362456, 3.06725828, 0.33161686, 0.02374758)
Size = tuple[int, int, int]
"""Width, height, frames."""


class FirstBlock(torch.nn.Module):
    """Computes the first block always, and the others only when what it adds has changed by `threshold`."""

    def __init__(self, blocks: torch.nn.ModuleList, threshold: float, steps: int) -> None:
        super().__init__()
        self.blocks, self.threshold, self.steps = blocks, threshold, steps
        self.index = self.skipped = 0
        self.added: torch.Tensor | None = None
        self.residual: torch.Tensor | None = None

    def forward(self, video: torch.Tensor, text: torch.Tensor, *others: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """As the blocks."""
        first, text = self.blocks[0](video, text, *others)
        added = first - video
        inner = 0 < self.index < self.steps - 1
        self.index += 1
        if inner and self.added is not None and relative_distance(added, self.added) < self.threshold:
            self.skipped += 1
            return first + self.residual, text
        output = first
        for block in self.blocks[1:]:
            output, text = block(output, text, *others)
        self.added, self.residual = added, output - first
        return output, text


@contextmanager
def first_block_cache(transformer: Any, threshold: float, steps: int) -> Iterator[FirstBlock]:
    """Has the transformer use a `FirstBlock`."""
    blocks = transformer.transformer_blocks
    stack = FirstBlock(blocks, threshold, steps)
    transformer.transformer_blocks = torch.nn.ModuleList([stack])
    try:
        yield stack
    finally:
        transformer.transformer_blocks = blocks


@contextmanager
def recorded(transformer: Any, pairs: list[tuple[float, float]]) -> Iterator[None]:
    """Adds to `pairs`, for each step but the first, how much the blocks' modulated input and their residual changed."""
    blocks = transformer.transformer_blocks
    steps: list[list[torch.Tensor]] = []
    first: list[torch.Tensor] = []
    hooks = [
        blocks[0].norm1.register_forward_hook(lambda module, given, result: steps.append([result[0][:1].clone()])),
        blocks[0].register_forward_pre_hook(lambda module, given: first.append(given[0])),
        blocks[-1].register_forward_hook(lambda module, given, result: steps[-1].append(result[0] - first[-1])),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    for before, after in itertools.pairwise(steps):
        pairs.append((relative_distance(after[0], before[0]), relative_distance(after[1], before[1])))


class Measured:
    """A pipeline with the settings of a measurement."""

    def __init__(self, directory: Path, size: Size, steps: int, guidance: float) -> None:
        diffusers.utils.logging.set_verbosity_error()
        diffusers.utils.logging.disable_progress_bar()
        self.pipeline: Any = EasyAnimatePipeline.from_pretrained(directory, dtype=torch.float32, local_files_only=True)
        self.pipeline.set_progress_bar_config(disable=True)
        self.size, self.steps, self.guidance = size, steps, guidance

    @torch.no_grad()
    def denoise(self, prompt: str, seed: int, steps: int | None = None) -> tuple[torch.Tensor, float]:
        """The latents, and the seconds of processor time of the network."""
        width, height, frames = self.size
        seconds = [0.0, 0.0]
        network = self.pipeline.transformer
        begin = network.register_forward_pre_hook(lambda *given: seconds.__setitem__(1, time.process_time()))
        end = network.register_forward_hook(
            lambda *given: seconds.__setitem__(0, seconds[0] + time.process_time() - seconds[1])
        )
        try:
            latents = self.pipeline(
                prompt=prompt,
                negative_prompt="",
                width=width,
                height=height,
                num_frames=frames,
                num_inference_steps=steps or self.steps,
                guidance_scale=self.guidance,
                generator=torch.Generator().manual_seed(seed),
                output_type="latent",
            ).frames
        finally:
            begin.remove()
            end.remove()
        return latents, seconds[0]

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """The frames (frames, 3, height, width), whole numbers 0 to 255."""
        vae = self.pipeline.vae
        vae._clear_conv_cache()
        video = vae.decode(latents / vae.config.scaling_factor)[0][0]
        return ((video / 2 + 0.5).clamp(0, 1) * 255).round().transpose(0, 1)

    def fit(self) -> tuple[float, ...]:
        """The coefficients for this checkpoint."""
        pairs: list[tuple[float, float]] = []
        for seed, prompt in enumerate(FIT_PROMPTS):
            # Half, once and twice as many steps as are measured, in turn.
            steps = (self.steps * 2 ** (seed % 3)) // 2
            with recorded(self.pipeline.transformer, pairs):
                self.denoise(prompt, 1000 + seed, steps)
        return fit_coefficients(pairs)


def psnr(video: torch.Tensor, reference: torch.Tensor) -> float:
    """In decibels; 99 for equal videos."""
    error = float((video - reference).square().mean())
    return 99.0 if error == 0 else float(10 * torch.log10(torch.tensor(255.0**2 / error)))


def ssim(video: torch.Tensor, reference: torch.Tensor) -> float:
    """The structural similarity of the luma, 1 for equal videos."""
    window = torch.exp(-((torch.arange(11.0) - 5) ** 2) / (2 * 1.5**2))
    window = window / window.sum()
    kernel = (window[:, None] * window[None, :])[None, None]
    luma = torch.tensor([0.299, 0.587, 0.114])[None, :, None, None]
    first, second = ((frames * luma).sum(1, keepdim=True) for frames in (video, reference))

    def mean(values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(values, kernel)

    a, b = mean(first), mean(second)
    spread_a, spread_b, both = mean(first * first) - a * a, mean(second * second) - b * b, mean(first * second) - a * b
    small, large = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(
        ((2 * a * b + small) * (2 * both + large) / ((a * a + b * b + small) * (spread_a + spread_b + large))).mean()
    )


def measure(model: Measured, rows: list[tuple[str, Callable[[], AbstractContextManager[Any]]]]) -> None:
    """Print a row for each way of caching."""
    references = []
    for seed, prompt in enumerate(PROMPTS):
        latents, seconds = model.denoise(prompt, seed)
        references.append((model.decode(latents), seconds))
    print("| cache | steps skipped | denoising | PSNR mean (least), dB | SSIM mean (least) |")
    print("| --- | --- | --- | --- | --- |")
    for name, cached in rows:
        skipped, gains, noise, likeness = [], [], [], []
        for seed, (prompt, (reference, seconds)) in enumerate(zip(PROMPTS, references, strict=True)):
            with cached() as cache:
                latents, faster = model.denoise(prompt, seed)
                skipped.append(cache.skipped if cache else 0)
            video = model.decode(latents)
            gains.append(seconds / faster)
            noise.append(psnr(video, reference))
            likeness.append(ssim(video, reference))
        print(
            f"| {name} | {statistics.mean(skipped):.1f} of {model.steps} | {statistics.median(gains):.2f} x "
            f"| {statistics.mean(noise):.1f} ({min(noise):.1f}) "
            f"| {statistics.mean(likeness):.4f} ({min(likeness):.4f}) |",
            flush=True,
        )


@contextmanager
def tea_cache(network: Any, coefficients: tuple[float, ...], steps: int) -> Iterator[StepCache]:
    """The step cache at work."""
    cache = StepCache("fast", coefficients, steps)
    with CachedSteps(network, [cache]).installed():
        yield cache


def main() -> None:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description="Measure the step cache.")
    parser.add_argument("--model", type=Path, help="a checkpoint for text to video; default: easyanimate-tiny")
    parser.add_argument("--size", type=int, nargs=3, default=(112, 64, 49), metavar=("WIDTH", "HEIGHT", "FRAMES"))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--fit", action="store_true", help="fit the polynomial, and measure with it")
    parser.add_argument("--coefficients", type=float, nargs=5, default=PUBLISHED)
    parser.add_argument("--thresholds", type=float, nargs="*", default=list(THRESHOLDS.values()))
    parser.add_argument("--first-block", type=float, nargs="*", default=[])
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        if given.model is None:
            given.model = Path(directory) / "model"
            builder = ROOT / "models/easyanimate-tiny/build.py"
            subprocess.run([sys.executable, str(builder), str(given.model)], check=True)
        model = Measured(given.model, tuple(given.size), given.steps, given.guidance)
        coefficients = tuple(given.coefficients)
        if given.fit:
            coefficients = model.fit()
            print("coefficients:", " ".join(f"{number:.6g}" for number in coefficients))
        network, steps = model.pipeline.transformer, given.steps
        rows: list[tuple[str, Callable[[], AbstractContextManager[Any]]]] = [("none, again", nullcontext)]
        for limit in given.thresholds:
            scaled = tuple(number * THRESHOLDS["fast"] / limit for number in coefficients)
            rows.append((f"TeaCache {limit}", lambda c=scaled: tea_cache(network, c, steps)))
        for limit in given.first_block:
            rows.append((f"first block {limit}", lambda t=limit: first_block_cache(network, t, steps)))
        measure(model, rows)


if __name__ == "__main__":
    main()

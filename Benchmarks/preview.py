"""What a preview costs, against one denoising step of the default checkpoint.

.venv/bin/python Benchmarks/preview.py
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from diffusers import EasyAnimatePipeline

from animato_engine.preview import LatentPreview

MODEL = Path(__file__).parents[1] / "var/models/easyanimate-tiny"
ROUNDS = 20


def seconds(work: Callable[[], object]) -> float:
    """The median of some rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.monotonic()
        work()
        times.append(time.monotonic() - start)
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    pipeline = EasyAnimatePipeline.from_pretrained(MODEL, dtype=torch.float32)
    vae, transformer = pipeline.vae, pipeline.transformer
    with torch.no_grad(), tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "preview.webp"

        def encode(video: torch.Tensor) -> torch.Tensor:
            vae._clear_conv_cache()
            return vae.encode(video)[0].mode() * vae.config.scaling_factor

        start = time.monotonic()
        preview = LatentPreview.fit(encode, 16, 8, 4)
        print(f"fitting the map, once for a model: {time.monotonic() - start:.2f} s")
        latents = torch.randn(2, 16, 13, 8, 14)
        texts = torch.randn(2, 256, transformer.config.text_embed_dim)
        step = seconds(lambda: transformer(latents, torch.tensor([500.0] * 2), encoder_hidden_states=texts))
        print(f"a guided step at 112x64, 49 frames: {step * 1000:.0f} ms")
        for size, shape in (("112x64", (16, 13, 8, 14)), ("672x384", (16, 13, 48, 84))):
            values = torch.randn(shape)
            draw = seconds(lambda values=values: preview.drawn(values, 8, file))
            print(f"drawing a preview at {size}, 49 frames: {draw * 1000:.1f} ms, {draw / step:.1%} of that step")
            write = seconds(preview.drawn(values, 8, file))
            print(f"writing it, in another thread: {write * 1000:.1f} ms")


if __name__ == "__main__":
    main()

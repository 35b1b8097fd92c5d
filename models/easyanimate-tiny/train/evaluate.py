"""Scores a checkpoint through the stock pipeline, English and Chinese apart, every second scene one held out."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import EasyAnimatePipeline

from .captions import LANGUAGES, Language, caption, plain
from .judge import Classifier, best_template, judge
from .world import HELD_OUT, SCENES, TRAINED, Array, Scene, Shape, save_sheet, spread

NEGATIVE = {"en": "low quality, blurry", "zh": "低质量,模糊"}
ARTICLE = ("一只猫在草地上玩耍", "低质量,模糊")


def load(checkpoint: Path) -> Any:
    """The stock pipeline, weights as float32: half precision is slow on a processor."""
    pipeline: Any = EasyAnimatePipeline.from_pretrained(checkpoint, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def generate(pipeline: Any, prompt: str, negative: str, shape: Shape, steps: int, guidance: float, seed: int) -> Array:
    """A clip (frames, h, w, 3), 0 to 1."""
    pipeline.vae._clear_conv_cache()
    video: Array = pipeline(
        prompt,
        negative_prompt=negative,
        width=shape.width,
        height=shape.height,
        num_frames=shape.frames,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=torch.Generator().manual_seed(seed),
        output_type="np",
    ).frames[0]
    return video


def choose(count: int, seed: int) -> list[Scene]:
    """Scenes, every second one held out."""
    random = np.random.default_rng(seed)
    pools = (TRAINED, HELD_OUT)
    return [pools[index % 2][random.integers(len(pools[index % 2]))] for index in range(count)]


def score(pipeline: Any, model: Classifier, language: Language, shape: Shape, given: argparse.Namespace) -> None:
    """Print the scores of one language and shape, and save the first clips as a sheet."""
    random = np.random.default_rng(6)
    right: dict[bool, list[list[bool]]] = {False: [], True: []}
    rows = []
    begun = time.monotonic()
    for index, scene in enumerate(choose(given.n, 5)):
        text = caption(scene, random, language, loose=0).text
        seed = 5000 + index
        video = generate(pipeline, text, NEGATIVE[language], shape, given.steps, given.guidance, seed)
        hits = [
            bool(a == b) for a, b in zip(judge(model, video), (scene.subject, scene.place, scene.motion), strict=True)
        ]
        right[bool(scene.held_out)].append([*hits, all(hits), best_template(video) == scene.subject])
        if index < 12:
            rows.append(spread(video, 8))
    save_sheet(rows, given.directory / f"scored-{language}-{shape}.png")
    seconds = (time.monotonic() - begun) / given.n
    for name, results in (("seen", right[False]), ("held out", right[True]), ("both", right[False] + right[True])):
        parts = " / ".join(f"{100 * part:.0f}" for part in np.mean(results, 0))
        print(f"{language} {shape} {name} n={len(results)}: {parts} %  ({seconds:.1f} s each)", flush=True)


def sheet(pipeline: Any, shape: Shape, given: argparse.Namespace) -> None:
    """Save the article's request, then plain captions by turns in both languages, seeds 0, 1, 2 and so on."""
    prompts = [ARTICLE]
    for index in range(given.sheet - 1):
        language = LANGUAGES[index % 2]
        scene = SCENES[(index * 37 + 3) % len(SCENES)]
        prompts.append((plain(scene, language), NEGATIVE[language]))
    rows = []
    for seed, (text, negative) in enumerate(prompts):
        rows.append(spread(generate(pipeline, text, negative, shape, given.steps, given.guidance, seed), 8))
        print(f"row {seed + 1}: {text}", flush=True)
    save_sheet(rows, given.directory / f"sheet-{shape}.png")


def main(arguments: list[str]) -> None:
    """Carry out `evaluate`."""
    parser = argparse.ArgumentParser(prog="train evaluate", description=__doc__)
    parser.add_argument("directory", type=Path, help="of the run: holds judge.pt, gets the sheets")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--n", type=int, default=70, help="clips for each language and shape; 0: sheets only")
    parser.add_argument("--sheet", type=int, default=24, help="rows of the contact sheets")
    parser.add_argument("--frames", type=int, nargs="+", default=[17, 49])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    given = parser.parse_args(arguments)
    pipeline = load(given.checkpoint)
    for frames in given.frames:
        shape = Shape(112, 64, frames)
        sheet(pipeline, shape, given)
        if given.n:
            model = Classifier()
            model.load_state_dict(torch.load(given.directory / "judge.pt"))
            print("subject / place / motion / all three / template")
            for language in LANGUAGES:
                score(pipeline, model.eval(), language, shape, given)

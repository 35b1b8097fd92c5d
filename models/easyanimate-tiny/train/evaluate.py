"""Scores the exported weights through the stock pipelines, English and Chinese apart, every second scene held out."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from .bank import outline
from .basis import psnr
from .captions import LANGUAGES, Language, caption, plain
from .judge import Classifier, judge, load
from .pipelines import Maker, Settings
from .sheets import save_sheet, spread
from .sprites import Array
from .template import FREE_SIDES, SIDES, best_template
from .world import HELD_OUT, SCENES, TRAINED, Scene, Shape, draw, free

NEGATIVE = {"en": "low quality, blurry", "zh": "低质量,模糊"}
ARTICLE = ("一只猫在草地上玩耍", "低质量,模糊")
SHOWN = 8
"""Frames of a clip on a sheet."""


def choose(count: int, seed: int) -> list[Scene]:
    """Scenes, every second one held out."""
    random = np.random.default_rng(seed)
    pools = (TRAINED, HELD_OUT)
    return [pools[index % 2][random.integers(len(pools[index % 2]))] for index in range(count)]


def verdict(model: Classifier, video: Array, scene: Scene, sides: tuple[int, ...] = SIDES) -> list[bool]:
    """Whether subject, place, motion and all three are right, and whether the subject's template fits best."""
    seen = judge(model, video)
    hits = [bool(a == b) for a, b in zip(seen, (scene.subject, scene.place, scene.motion), strict=True)]
    return [*hits, all(hits), best_template(video, sides) == scene.subject]


def line(name: str, results: list[list[bool]]) -> str:
    """Percentages in the order of `verdict`."""
    return f"{name} n={len(results)}: " + " / ".join(f"{100 * part:.0f}" for part in np.mean(results, 0)) + " %"


def score_text(maker: Maker, model: Classifier, language: Language, shape: Shape, given: argparse.Namespace) -> None:
    """Print the scores of one language and shape, and save the first clips as a sheet."""
    random = np.random.default_rng(6)
    results: list[list[bool]] = []
    rows, begun = [], time.monotonic()
    for index, scene in enumerate(choose(given.n, 5)):
        text = caption(scene, random, language, loose=0).text
        video = maker.make(text, NEGATIVE[language], shape, 5000 + index)
        results.append(verdict(model, video, scene))
        if index < 12:
            rows.append(spread(video, SHOWN))
    save_sheet(rows, given.output / f"scored-{language}-{shape}.png")
    seconds = (time.monotonic() - begun) / given.n
    print(line(f"{language} {shape} seen", results[::2]))
    print(line(f"{language} {shape} held out", results[1::2]))
    print(line(f"{language} {shape} both", results), f"({seconds:.1f} s each)", flush=True)


def score_followed(maker: Maker, model: Classifier, task: str, shape: Shape, given: argparse.Namespace) -> None:
    """The same for a start image or a control video from anywhere in the free world, with the truth above each row."""
    random = np.random.default_rng(9)
    results, true, rows, first, whole = [], [], [], [], []
    for index, scene in enumerate(choose(given.followed, 7)):
        language = LANGUAGES[index % 2]
        truth, mask = draw(scene, shape, free(scene, shape, random))
        shown = truth[:1]
        if task == "control":
            shown = outline(truth) if index % 4 >= 2 else np.repeat(mask, 3, -1)
        text = caption(scene, random, language, loose=0).text
        video = maker.make(text, NEGATIVE[language], shape, 7000 + index, shown)
        results.append(verdict(model, video, scene, FREE_SIDES))
        true.append(verdict(model, truth, scene, FREE_SIDES))
        pair = torch.from_numpy(video) * 2 - 1, torch.from_numpy(truth) * 2 - 1
        first.append(psnr(pair[0][0], pair[1][0]))
        whole.append(psnr(*pair))
        if index < 8:
            rows += [spread(truth if task == "inpaint" else shown, SHOWN), spread(video, SHOWN)]
    save_sheet(rows, given.output / f"{task}-{shape}.png")
    # No model can do better than the judges allow: they know less of the free world.
    print(line(f"{task} {shape}, the true clips", true))
    print(
        line(f"{task} {shape}", results),
        f"first frame {np.mean(first):.1f} dB, all {np.mean(whole):.1f} dB",
        flush=True,
    )


def sheet(maker: Maker, shape: Shape, given: argparse.Namespace) -> None:
    """Save the article's request, then plain captions by turns in both languages, seeds 0, 1, 2 and so on."""
    prompts = [ARTICLE]
    for index in range(given.sheet - 1):
        language = LANGUAGES[index % 2]
        scene = SCENES[(index * 37 + 3) % len(SCENES)]
        prompts.append((plain(scene, language), NEGATIVE[language]))
    rows = []
    for seed, (text, negative) in enumerate(prompts):
        rows.append(spread(maker.make(text, negative, shape, seed), SHOWN))
        print(f"row {seed + 1}: {text}", flush=True)
    save_sheet(rows, given.output / f"sheet-{shape}.png")


def main(arguments: list[str]) -> None:
    """Carry out `evaluate`."""
    parser = argparse.ArgumentParser(prog="train evaluate", description=__doc__)
    parser.add_argument("directory", type=Path, help="of the run: holds judge.pt")
    parser.add_argument("weights", type=Path, help="what `export` wrote")
    parser.add_argument("output", type=Path, help="gets the sheets")
    parser.add_argument("--n", type=int, default=70, help="clips for each language and shape; 0: sheets only")
    parser.add_argument("--followed", type=int, default=24, help="clips for a start image and for control, each shape")
    parser.add_argument("--sheet", type=int, default=24, help="rows of the contact sheets")
    parser.add_argument("--frames", type=int, nargs="+", default=[17, 49])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    given = parser.parse_args(arguments)
    given.output.mkdir(parents=True, exist_ok=True)
    settings = Settings(given.steps, given.guidance)
    maker = Maker(given.weights, "text", settings)
    shapes = [Shape(112, 64, frames) for frames in given.frames]
    if given.sheet:
        for shape in shapes:
            sheet(maker, shape, given)
    model = load(given.directory / "judge.pt")
    print("subject / place / motion / all three / template")
    for shape in shapes if given.n else []:
        for language in LANGUAGES:
            score_text(maker, model, language, shape, given)
    for task in ("inpaint", "control") if given.followed else ():
        follower = Maker(given.weights, task, settings)
        for shape in shapes:
            score_followed(follower, model, task, shape, given)

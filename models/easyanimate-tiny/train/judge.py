"""A classifier of clips that does not see their prompt, and can say that what it sees is no sprite of the world."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import nn

from .common import save_atomically
from .places import PLACES
from .sheets import spread
from .spoil import blurred, spoilt
from .sprites import SUBJECTS, Array
from .template import best_template
from .world import MOTIONS, SCENES, Shape, draw_any

FRAMES = 5
REJECTED = len(SUBJECTS)
"""The answer for what is no sprite of the world, whatever its colours."""
FREEDOM = 0.4
"""Share of clips from the free world, so that a place in the picture does not stand for a motion."""
SPOILT = 0.4
_SHAPES = (Shape(112, 64, 17), Shape(112, 64, 49))


class Classifier(nn.Module):  # type: ignore[misc]
    """From 5 frames, (n, 15, h, w) from -1 to 1, to scores of subject (and `REJECTED`), place and motion."""

    def __init__(self) -> None:
        super().__init__()

        def layer(inputs: int, outputs: int, kernel: int, stride: int) -> Any:
            conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
            return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())

        self.features = nn.Sequential(
            layer(15, 32, 5, 2), layer(32, 64, 3, 2), layer(64, 96, 3, 2), layer(96, 128, 3, 1), layer(128, 128, 3, 1)
        )
        self.heads = nn.ModuleList(nn.Linear(256, n) for n in (REJECTED + 1, len(PLACES), len(MOTIONS)))

    def forward(self, frames: Any) -> list[Any]:
        """The scores."""
        features = self.features(frames)
        features = torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)
        return [head(features) for head in self.heads]


def _stacked(frames: Array) -> Any:
    """(5, h, w, 3) from 0 to 1 as (15, h, w) from -1 to 1."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).flatten(0, 1).contiguous() * 2 - 1


def train(file: Path, minutes: float, seed: int) -> Classifier:
    """Train the classifier on drawn clips, `SPOILT` of them spoilt, and write it to `file`."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    model = Classifier()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    begun, step, losses = time.monotonic(), 0, []
    while (done := (time.monotonic() - begun) / 60 / minutes) < 1:
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1.0, (step + 1) / 30) * max(0.02, 1 - done)
        shape = _SHAPES[int(random.random() < 0.4)]
        inputs, labels = [], []
        for index in random.integers(0, len(SCENES), 32):
            scene = SCENES[index]
            video, mask = draw_any(scene, shape, random, FREEDOM, FRAMES)
            bad = random.random() < SPOILT
            inputs.append(_stacked(spoilt(video, mask, random) if bad else video))
            labels.append((REJECTED if bad else scene.subject, scene.place, scene.motion))
        batch = torch.stack(inputs)
        batch = blurred(batch, random.uniform(0.3, 1.2)) * random.uniform(0.85, 1.1) + random.uniform(-0.05, 0.05)
        batch = batch + torch.randn_like(batch) * random.uniform(0, 0.08)
        targets = torch.tensor(labels)
        loss = sum(functional.cross_entropy(s, targets[:, i]) for i, s in enumerate(model(batch)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        losses.append(loss.item())
        if step % 50 == 0:
            print(f"judge {step} {done * minutes:.1f} min  loss {np.mean(losses[-50:]):.4f}", flush=True)
    save_atomically(model.state_dict(), file)
    model.eval()
    return model


def load(file: Path) -> Classifier:
    """What `train` wrote."""
    model = Classifier()
    model.load_state_dict(torch.load(file))
    model.eval()
    return model


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def judge(model: Classifier, video: Array) -> tuple[int, int, int]:
    """Subject (or `REJECTED`), place and motion of a clip (frames, h, w, 3)."""
    scores = model(_stacked(np.stack(spread(video, FRAMES)))[None])
    subject, place, motion = (int(score.argmax()) for score in scores)
    return subject, place, motion


def check(model: Classifier, count: int, seed: int = 999) -> None:
    """Print what both judges say of the truth, and how often the classifier accepts what is spoilt."""
    random = np.random.default_rng(seed)
    for shape in _SHAPES:
        right, fits, accepted = np.zeros(3), 0, 0
        for _ in range(count):
            scene = SCENES[random.integers(len(SCENES))]
            video, mask = draw_any(scene, shape, random, count=2 * FRAMES - 1)
            right += np.equal(judge(model, video), (scene.subject, scene.place, scene.motion))
            fits += best_template(video) == scene.subject
            accepted += judge(model, spoilt(video, mask, random))[0] != REJECTED
        parts = " / ".join(f"{100 * part / count:.0f}" for part in right)
        print(f"truth {shape} n={count}: {parts} %, template {100 * fits / count:.0f} %, ", end="")
        print(f"spoilt ones accepted {100 * accepted / count:.0f} %", flush=True)


def main(arguments: list[str]) -> None:
    """Carry out `judge`."""
    parser = argparse.ArgumentParser(prog="train judge", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument(
        "--check", type=int, default=200, help="clips for the check of the judges; 0 minutes: only that"
    )
    given = parser.parse_args(arguments)
    file = given.directory / "judge.pt"
    check(train(file, given.minutes, seed=31) if given.minutes else load(file), given.check)

"""Two judges of a clip that do not see its prompt: a classifier that can reject a sprite, and a template test."""

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
from .world import MOTIONS, PLACES, SCENES, SPRITE, SUBJECTS, Array, Shape, draw, spread, sprite

FRAMES = 5
REJECTED = len(SUBJECTS)
"""The classifier's answer for what is no sprite of the world, whatever its colours."""
SIDES = (24, 34, SPRITE, 48)
_SHAPES = (Shape(112, 64, 17), Shape(112, 64, 49), Shape(64, 64, 9), Shape(64, 64, 17))


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


def _frames(video: Array) -> Any:
    picked = np.stack(spread(video, FRAMES))
    return torch.from_numpy(picked).permute(0, 3, 1, 2).flatten(0, 1).contiguous() * 2 - 1


def _blurred(image: Any, sigma: float) -> Any:
    """Gaussian blur of (n, c, h, w)."""
    reach = max(1, int(3 * sigma))
    taps = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma**2))
    taps = (taps / taps.sum()).view(1, 1, 1, -1)
    channels = image.shape[1]
    for kernel, padding in ((taps, (reach, reach, 0, 0)), (taps.transpose(2, 3), (0, 0, reach, reach))):
        padded = functional.pad(image, padding, mode="replicate")
        image = functional.conv2d(padded, kernel.expand(channels, 1, *kernel.shape[2:]), groups=channels)
    return image


def spoilt(video: Array, mask: Array, random: np.random.Generator) -> Array:
    """A clip whose sprite keeps colours and place, but not its shape: blocks shuffled, melted or blurred away."""
    kind = random.integers(3)
    result = video.copy()
    if kind == 0:
        for frame, covered in zip(result, mask, strict=True):
            height, width = frame.shape[:2]
            cells = [
                (y, x)
                for y in range(0, height, 8)
                for x in range(0, width, 8)
                if covered[y : y + 8, x : x + 8].mean() > 0.15
            ]
            order = random.permutation(len(cells))
            pieces = [frame[y : y + 8, x : x + 8].copy() for y, x in cells]
            for (y, x), source in zip(cells, order, strict=True):
                frame[y : y + 8, x : x + 8] = pieces[source]
        return result
    frames = torch.from_numpy(video).permute(0, 3, 1, 2)
    n, _, height, width = frames.shape
    if kind == 1:
        coarse = torch.from_numpy(random.normal(size=(n, 2, height // 8, width // 8))).float()
        field = functional.interpolate(coarse, (height, width), mode="bicubic") * random.uniform(7, 12)
        rows, columns = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
        grid = torch.stack([columns + field[:, 0] * 2 / width, rows + field[:, 1] * 2 / height], -1)
        changed = functional.grid_sample(frames, grid, padding_mode="border", align_corners=True)
    else:
        changed = _blurred(frames, random.uniform(4, 7))
    near = functional.max_pool2d(torch.from_numpy(mask).permute(0, 3, 1, 2), 9, 1, 4)
    mixed: Array = (near * changed + (1 - near) * frames).permute(0, 2, 3, 1).numpy()
    return mixed


def train(file: Path, minutes: float, seed: int) -> Classifier:
    """Train the classifier on drawn clips, three in ten spoilt, and write it to `file`."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    model = Classifier()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    begun, step, losses = time.monotonic(), 0, []
    while (done := (time.monotonic() - begun) / 60 / minutes) < 1:
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1.0, (step + 1) / 30) * max(0.02, 1 - done)
        shape = _SHAPES[random.choice(len(_SHAPES), p=(0.45, 0.3, 0.1, 0.15))]
        inputs, labels = [], []
        for index in random.integers(0, len(SCENES), 32):
            scene = SCENES[index]
            video, mask = draw(scene, shape, random)
            bad = random.random() < 0.3
            video, mask = np.stack(spread(video, FRAMES)), np.stack(spread(mask, FRAMES))
            inputs.append(_frames(spoilt(video, mask, random) if bad else video))
            labels.append((REJECTED if bad else scene.subject, scene.place, scene.motion))
        batch = torch.stack(inputs)
        batch = _blurred(batch, random.uniform(0.3, 1.2)) * random.uniform(0.85, 1.1) + random.uniform(-0.05, 0.05)
        batch = batch + torch.randn_like(batch) * random.uniform(0, 0.08)
        targets = torch.tensor(labels)
        loss = sum(functional.cross_entropy(s, targets[:, i]) for i, s in enumerate(model(batch)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        losses.append(float(loss.detach()))
        if step % 50 == 0:
            print(f"judge {step} {done * minutes:.1f} min  loss {np.mean(losses[-50:]):.4f}", flush=True)
    save_atomically(model.state_dict(), file)
    model.eval()
    return model


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def judge(model: Classifier, video: Array) -> tuple[int, int, int]:
    """Subject (or `REJECTED`), place and motion of a clip (frames, h, w, 3)."""
    subject, place, motion = (int(scores.argmax()) for scores in model(_frames(video)[None]))
    return subject, place, motion


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def best_template(video: Array) -> int:
    """The subject whose emoji, at some size and position, either way round, fits first and last frame best."""
    frames = torch.from_numpy(np.stack([video[0], video[-1]])).permute(0, 3, 1, 2)
    frames = functional.pad(frames, (8, 8, 8, 8), mode="replicate")
    # The place behind the sprite: the colour that most of each row has.
    place = frames.median(-1, keepdim=True).values.expand_as(frames)
    difference = frames - place
    errors = torch.full((len(SUBJECTS), 2), 9.0)
    for subject in range(len(SUBJECTS)):
        for side in SIDES:
            for flipped in (False, True):
                stamp = torch.from_numpy(sprite(subject, side, flipped).copy()).permute(2, 0, 1)
                colour, alpha = stamp[:3], stamp[3]
                weight = alpha + 0.35 * (1 - alpha)
                # The weighted squared error of (place + sprite over it) against the frame, multiplied out.
                square = functional.conv2d(difference.square().sum(1, keepdim=True), weight[None, None])
                cross = functional.conv2d(difference, (weight * colour)[None])
                cross = cross - functional.conv2d(difference * place, (weight * alpha).expand(3, -1, -1)[None])
                own = (weight * colour.square()).sum() - 2 * functional.conv2d(place, (weight * alpha * colour)[None])
                own = own + functional.conv2d(place.square(), (weight * alpha.square()).expand(3, -1, -1)[None])
                error = ((square - 2 * cross + own) / (3 * weight.sum())).flatten(1).amin(1)
                errors[subject] = torch.minimum(errors[subject], error)
    return int(errors.clamp_min(1e-5).log().mean(1).argmin())


def check(model: Classifier, count: int, seed: int = 999) -> None:
    """Print what both judges say of the truth, and how often the classifier accepts what is spoilt."""
    random = np.random.default_rng(seed)
    for shape in _SHAPES[:2]:
        right, fits, accepted = np.zeros(3), 0, 0
        for _ in range(count):
            scene = SCENES[random.integers(len(SCENES))]
            video, mask = draw(scene, shape, random)
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
    parser.add_argument("--check", type=int, default=100, help="clips for the check of the judges")
    given = parser.parse_args(arguments)
    check(train(given.directory / "judge.pt", given.minutes, seed=31), given.check)

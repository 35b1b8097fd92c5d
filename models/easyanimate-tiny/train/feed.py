"""What the transformer learns from: batches of clean latents, what is given of them, and captions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from build import INPAINT

from .bank import Bank, cached, encoded, outline
from .basis import CHANNELS, Basis, to_tensor
from .captions import Caption, Language, caption, nothing, without_subject
from .denoiser import GIVEN
from .world import HELD_OUT, TRAINED, Scene, Shape, draw, free

SIZES = ((112, 64), (64, 64), (64, 112))
SHARES = (0.8, 0.12, 0.08)
"""Of the batches, by size: the first is the one that most requests come to."""
TOKENS = 2300
"""Of video in a batch, about; so batches of all shapes take about the same time."""
DROPPED = 0.12
"""Share of captions that become `captions.nothing`, for guidance."""
WITHOUT_SUBJECT = 0.25
"""Share of the others that leave the subject out. Otherwise the place is learnt from subject and place together, by
heart: after 9,500 steps a cat on the sea, which is never trained, stood in snow."""
INPAINTED, CONTROLLED = 0.4, 0.15
"""Share of clips with a start image and with a control video; all others follow from text alone."""
ENDS, END_SHARES = ((0,), (0, -1), (-1,)), (0.75, 0.15, 0.1)
"""Which frames are shown of a clip that has pictures: the start, both ends, or the end alone."""
FREE = 0.7
"""Share of the start images that come from the free world; control videos all do."""
ENCODER_NOISE = 0.03
"""Deviation of what the encoder gives from the latents of the basis, about, as noise on what is given."""


@dataclass(frozen=True)
class Batch:
    """One step's worth: `latents` (n, 16, t, h, w), `covered` (n, 1, t, h, w), `given` (n, 49, t, h, w)."""

    shape: Shape
    latents: Any
    covered: Any
    given: Any
    captions: list[Caption]


def drawn_caption(scene: Scene, random: np.random.Generator, dropped: float = DROPPED) -> Caption:
    """A caption of `scene` in either language, or of nothing."""
    if random.random() < dropped:
        return nothing(random)
    language: Language = "en" if random.random() < 0.5 else "zh"
    if random.random() < WITHOUT_SUBJECT:
        return without_subject(scene, random, language)
    return caption(scene, random, language)


def full_caption(scene: Scene, random: np.random.Generator) -> Caption:
    """A caption in either language that leaves nothing out."""
    return caption(scene, random, "en" if random.random() < 0.5 else "zh", loose=0)


class Feed:
    """Draws batches. All randomness comes from the generators that are passed in and torch's own.

    What text alone asks for comes from banks. The free world is drawn anew each time, or its clips are learnt by heart.
    """

    def __init__(self, directory: Path, long: float, starts: int) -> None:
        """Draw or load the banks of the run in `directory`.

        `long` is the share of batches with 49 frames, `starts` as in `grid`.
        """
        self._basis = Basis.load(directory / "basis.pt")
        self._grid = [cached(directory, self._basis, size, TRAINED, starts=starts) for size in SIZES]
        self._black = self._basis.black()
        self._held_out = cached(directory, self._basis, SIZES[0], HELD_OUT, starts=starts)
        self._long = long

    def deviations(self) -> str:
        """The deviation of the latents, by bank; near 1, or something is wrong."""
        banks = zip(SIZES, self._grid, strict=True)
        return "  ".join(f"{width}x{height} {bank.latents[::7].float().std():.2f}" for (width, height), bank in banks)

    def batch(self, random: np.random.Generator) -> Batch:
        """The next batch."""
        size = int(random.choice(len(SIZES), p=SHARES))
        frames = 49 if random.random() < self._long else 17
        shape = Shape(*SIZES[size], frames)
        depth, height, width = shape.latent
        count = max(1, round(TOKENS / (depth * height * width / 4)))
        tasks = [
            "control" if share < CONTROLLED else "inpaint" if share < INPAINTED + CONTROLLED else "text"
            for share in random.random(count)
        ]
        return self._filled(shape, tasks, TRAINED, self._grid[size], random, drawn_caption)

    def _filled(
        self,
        shape: Shape,
        tasks: list[str],
        scenes: tuple[Scene, ...],
        bank: Bank,
        random: np.random.Generator,
        say: Callable[[Scene, np.random.Generator], Caption],
    ) -> Batch:
        """A clip for each of `tasks`: of `scenes` in the free world, or from the `bank`."""
        count, depth = len(tasks), shape.latent[0]
        latents, covered = torch.empty(count, CHANNELS, *shape.latent), torch.empty(count, 1, *shape.latent)
        given = torch.zeros(count, GIVEN, *shape.latent)
        captions = []
        for index, task in enumerate(tasks):
            if task == "control" or (task == "inpaint" and random.random() < FREE):
                scene = scenes[int(random.integers(len(scenes)))]
                video, mask = draw(scene, shape, free(scene, shape, random))
                (latents[index],), (covered[index],) = encoded(self._basis, [(video, mask)])
                if task == "control":
                    shown = outline(video) if random.random() < 0.5 else np.repeat(mask, 3, -1)
                    given[index, INPAINT : INPAINT + CHANNELS] = self._basis.encode(to_tensor([shown]))[0]
            else:
                clip = int(random.integers(len(bank.scenes)))
                scene = bank.scenes[clip]
                latents[index], covered[index] = bank.latents[clip, :, :depth], bank.covered[clip, :, :depth]
            captions.append(say(scene, random))
            if task == "inpaint":
                self._show_ends(given[index], latents[index], ENDS[int(random.choice(len(ENDS), p=END_SHARES))])
        noise = torch.randn(count, GIVEN - 1, *shape.latent) * ENCODER_NOISE
        given[:, 1:] += noise * (given[:, 1:] != 0)
        return Batch(shape, latents, covered, given, captions)

    def _show_ends(self, given: Any, latents: Any, ends: tuple[int, ...]) -> None:
        """Let `given` say what the pipeline says of pictures at these `ends`."""
        given[1:INPAINT] = self._black.view(-1, 1, 1, 1)
        for frame in ends:
            given[0, frame] = 1
            given[1:INPAINT, frame] = latents[:, frame]

    def held_out(self, shape: Shape, count: int, task: str = "text") -> Batch:
        """The same batch every time, of scenes that are never trained on and full captions, all for one task."""
        random = np.random.default_rng(8)
        with torch.random.fork_rng([]):
            torch.manual_seed(8)
            return self._filled(shape, [task] * count, HELD_OUT, self._held_out, random, full_caption)

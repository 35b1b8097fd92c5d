"""What the trainings share: atomic checkpoints, the course of the learning rate, averaged weights, a wish to stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import torch


def save_atomically(state: object, file: Path) -> None:
    """Write `state` so that a kill at any moment leaves the old file or the new one."""
    temporary = file.with_suffix(".part")
    torch.save(state, temporary)
    os.replace(temporary, file)


def rate_factor(step: int, warm_up: int, seconds: float, minutes: float, decay_minutes: float) -> float:
    """The factor on the learning rate: up during `warm_up` steps, then 1, then down to 0 in the last `decay_minutes`.

    `seconds` is how long the run has lasted, `minutes` when it ends. So a run may go on at the full rate for as long
    as one likes, and when it ends may be chosen late.
    """
    factor = min(1.0, (step + 1) / warm_up)
    if decay_minutes > 0:
        factor *= min(1.0, max(0.0, minutes - seconds / 60) / decay_minutes)
    return factor


def average_into(average: dict[str, Any], module: Any, step: int, longest: float) -> None:
    """Move the running average of the module's weights; over `longest` steps at most, fewer in the beginning."""
    keep = min(1 - 1 / longest, (1 + step) / (12 + step))
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value, 1 - keep)
            else:
                average[name].copy_(value)


class Stop:
    """Whether the process has been asked to end (SIGTERM, Ctrl-C); a training then saves its state and returns."""

    def __init__(self) -> None:
        self.wanted = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, *_: object) -> None:
        self.wanted = True

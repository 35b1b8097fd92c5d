"""What the trainings share: atomic checkpoints, the course of the learning rate, the running average of weights."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import torch


def save_atomically(state: dict[str, Any], file: Path) -> None:
    """Write `state` so that a kill at any moment leaves the old file or the new one."""
    temporary = file.with_suffix(".part")
    torch.save(state, temporary)
    os.replace(temporary, file)


def learning_rate(done: float, hold: float, floor: float = 0.02) -> float:
    """The factor on the learning rate when the part `done` of the training is over: held, then down half a cosine."""
    if done < hold:
        return 1.0
    return max(floor, 0.5 * (1 + math.cos(math.pi * min(1.0, (done - hold) / (1 - hold)))))


def average_into(average: dict[str, Any], module: Any, step: int, longest: float) -> None:
    """Move the running average of the module's weights; over `longest` steps at most, fewer in the beginning."""
    keep = min(1 - 1 / longest, (1 + step) / (12 + step))
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value, 1 - keep)
            else:
                average[name].copy_(value)

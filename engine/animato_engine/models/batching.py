"""One call of the denoiser for the next steps of several generations."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..parallel import evaluate_both
from .adapter import Call, Denoiser, Generation


def evaluate(denoiser: Denoiser, generations: Sequence[Generation]) -> list[list[torch.Tensor]]:
    """The answers to the calls of each, which all have equally many. One alone gets what it would get of the denoiser.

    Raises:
        Exception: what the denoiser raises. Nothing has changed.
    """
    asked = [generation.calls() for generation in generations]
    together = [_joined(calls) for calls in zip(*asked, strict=True)]
    if len(together) == 1:
        answers = [denoiser(**together[0], return_dict=False)[0]]
    else:
        without, with_prompt = together
        answers = list(evaluate_both(denoiser, without, with_prompt))
    sizes = [len(calls[0]["hidden_states"]) for calls in asked]
    parts = [answer.split(sizes) for answer in answers]
    return [list(own) for own in zip(*parts, strict=True)]


def _joined(calls: Sequence[Call]) -> Call:
    if len(calls) == 1:
        return calls[0]
    return {name: torch.cat([call[name] for call in calls]) for name in calls[0]}

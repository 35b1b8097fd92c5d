"""Looks for a cancel everywhere inside of the networks, and plays running out of memory for tests."""

from __future__ import annotations

import re
from typing import Any

import torch

from ..passing import Pass

INJECTION_VARIABLE = "ANIMATO_ENGINE_INJECT_OOM"
"""For tests only; the server never passes it on. See `Injection`."""

_STAGES = ("encode", "denoise", "decode")
_PART = re.compile(rf"({'|'.join(_STAGES)})(?:([:/])([1-9]\d*))?")


class Injection:
    """Running out of memory, played in the middle of a stage.

    `decode` does it in every generation that comes to this stage, `decode:2` in the first two, `decode/3` in every
    third; several are joined by commas.
    """

    def __init__(self, text: str) -> None:
        """Take what to play; nothing if empty. Raises `ValueError` for what is none of the above."""
        self._rules: dict[str, tuple[str, int]] = {}
        self._met = dict.fromkeys(_STAGES, 0)
        for part in filter(None, text.split(",")):
            found = _PART.fullmatch(part)
            if found is None:
                raise ValueError(f"{INJECTION_VARIABLE}: {part!r} is no stage, STAGE:FIRST or STAGE/PERIOD")
            self._rules[found[1]] = (found[2] or "/", int(found[3] or 1))

    def strikes(self, stage: str) -> bool:
        """Whether to run out of memory in this stage of this pass; to be asked once in each."""
        if stage not in self._rules:
            return False
        self._met[stage] += 1
        kind, number = self._rules[stage]
        return self._met[stage] <= number if kind == ":" else self._met[stage] % number == 0


class Watch:
    """What the networks' blocks ask before they compute: one step, and all of the decoding, can take minutes."""

    def __init__(self, injection: Injection) -> None:
        self._injection = injection
        self._work: Pass | None = None
        self._seen = ""

    def begin(self, work: Pass) -> None:
        """A pass begins."""
        self._work = work
        self._seen = ""

    def end(self) -> None:
        """It is over; what is computed now, nobody can cancel."""
        self._work = None

    def attach(self, network: torch.nn.Module) -> None:
        """Have `network` visit here before each of its blocks, and each convolution over time."""
        watched = [
            block
            for blocks in network.modules()
            if isinstance(blocks, torch.nn.ModuleList)
            for block in blocks
            if not isinstance(block, torch.nn.ModuleList)
        ]
        watched += [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv3d)]
        for block in watched:
            block.register_forward_pre_hook(self._hook)

    def visit(self) -> None:
        """Raise if the work is to stop here."""
        work = self._work
        if work is None:
            return
        work.check()
        if (stage := work.stage) != self._seen:
            self._seen = stage
            if self._injection.strikes(stage):
                raise torch.OutOfMemoryError("injected for a test: out of memory")

    def _hook(self, block: Any, arguments: Any) -> None:
        self.visit()

"""The families of models that this engine knows."""

from __future__ import annotations

from .adapter import Family
from .easyanimate import EASYANIMATE
from .wan import WAN

FAMILIES: tuple[Family, ...] = (EASYANIMATE, WAN)


def family_of(pipeline: str) -> Family | None:
    """The family that serves checkpoints of this pipeline class of diffusers."""
    return next((family for family in FAMILIES if pipeline in family.pipelines), None)

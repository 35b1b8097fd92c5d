"""Begins a run with exported weights instead of nothing, so that a trained checkpoint can learn more."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import build
import numpy as np
import torch
from safetensors.torch import load_file

from .basis import Basis, fit, to_tensor
from .common import save_atomically
from .transformer import Training, warm_up
from .world import TRAINED, Shape, draw_any

CLOSE = 0.01
"""The largest mean squared error of the encoder against the basis; that of another basis is about 2."""


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def basis_of(vae: Any) -> Basis:
    """The basis that the decoder of `vae` and its transformer learnt, which its encoder carries out.

    Principal components are given up to their signs, and another machine may find others.

    Raises:
        ValueError: the world, or the way to a basis, has changed since.
    """
    basis = fit()
    clip = to_tensor([draw_any(TRAINED[5], Shape(112, 64, 17), np.random.default_rng(3))[0]])
    encoded = vae.encode(clip).latent_dist.mode()
    basis.vectors = basis.vectors * torch.sign((encoded * basis.encode(clip)).sum((0, 2, 3, 4)))
    error = float((encoded - basis.encode(clip)).square().mean())
    if error > CLOSE:
        raise ValueError(
            f"the encoder of the weights is {error:.3f} off the basis of this world: it was fitted to another"
        )
    return basis


def begin(directory: Path, weights: Path, rates: tuple[float, float], seed: int, text_steps: int = 150) -> None:
    """Make `directory` a run whose next step goes on from `weights`.

    The optimizers begin anew, and so do the readers of captions (`Text.heads`), which are not exported.

    Raises:
        ValueError: the weights belong to another world or other networks.
    """
    vae = build.build_vae()
    vae.load_state_dict(load_file(weights / "vae.safetensors"))
    basis = basis_of(vae)
    run = Training(seed, lr=rates[1], muon_lr=rates[0], text_steps=0)
    run.model.transformer.load_state_dict(load_file(weights / "transformer.safetensors"))
    missing, unknown = run.model.text.encoder.load_state_dict(
        load_file(weights / "text_encoder.safetensors"), strict=False
    )
    if unknown or set(missing) - {"lm_head.weight"}:
        raise ValueError(f"the weights are of another text encoder: {missing} missing, {unknown} unknown")
    warm_up(run.model.text, run.random, text_steps, list(run.model.text.heads.parameters()))
    run.average = {name: value.clone() for name, value in run.model.state_dict().items()}
    directory.mkdir(parents=True, exist_ok=True)
    basis.save(directory / "basis.pt")
    save_atomically({"average": vae.state_dict()}, directory / "decoder.pt")
    run.save(directory / "transformer.pt")


def main(arguments: list[str]) -> None:
    """Carry out `begin`."""
    parser = argparse.ArgumentParser(prog="train begin", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("weights", type=Path, help="what `export` wrote")
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--muon-lr", type=float, default=0.015)
    given = parser.parse_args(arguments)
    begin(given.directory, given.weights, (given.muon_lr, given.lr), given.seed)

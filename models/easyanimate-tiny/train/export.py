"""Writes the trained parts as a stock diffusers checkpoint in half precision, with `animato.json`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from build import ANIMATO, build_vae
from diffusers import EasyAnimatePipeline, FlowMatchEulerDiscreteScheduler

from .basis import Basis
from .decoder import CHANNELS
from .encoder import write_encoder
from .transformer import Denoiser

RECIPE = "easyanimate-tiny trained 1"


def export(directory: Path, output: Path) -> None:
    """Write to `output` what the run in `directory` has learnt so far (its averaged weights)."""
    model = Denoiser()
    model.load_state_dict(torch.load(directory / "transformer.pt", weights_only=False)["average"])
    vae = build_vae(CHANNELS)
    vae.load_state_dict(torch.load(directory / "decoder.pt", weights_only=False)["average"])
    error = write_encoder(vae, Basis.load(directory / "basis.pt"))
    print(f"encoder: mean squared error of the latents {error:.4f}")
    # The stock transformer, with the stock attention: the trained one leaves padding away.
    from build import build_transformer

    transformer = build_transformer()
    transformer.load_state_dict(model.transformer.state_dict())
    pipeline = EasyAnimatePipeline(
        vae=vae,
        text_encoder=model.text.encoder,
        tokenizer=model.text.tokenizer,
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )
    pipeline.to(dtype=torch.float16)
    pipeline.save_pretrained(output)
    overrides = json.dumps({**ANIMATO, "recipe": RECIPE}, indent=2) + "\n"
    (output / "animato.json").write_text(overrides, encoding="utf-8")
    for path in (output, *output.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    print(f"{output}: {sum(file.stat().st_size for file in output.rglob('*') if file.is_file()) / 1e6:.1f} MB")


def main(arguments: list[str]) -> None:
    """Carry out `export`."""
    parser = argparse.ArgumentParser(prog="train export", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("output", type=Path)
    given = parser.parse_args(arguments)
    export(given.directory, given.output)

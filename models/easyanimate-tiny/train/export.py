"""Writes what a run has learnt so far as the files that `build.py` makes checkpoints from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from build import build_vae
from safetensors.torch import save_file

from .basis import Basis
from .denoiser import Denoiser
from .encoder import write_encoder

STORED_ONCE = "lm_head.weight"
"""Equal to the embedding of the text encoder."""


def export(directory: Path, output: Path) -> None:
    """Write the averaged weights of the run in `directory` to `output`, in half precision."""
    model = Denoiser()
    model.load_state_dict(torch.load(directory / "transformer.pt", weights_only=False)["average"])
    vae = build_vae()
    vae.load_state_dict(torch.load(directory / "decoder.pt", weights_only=False)["average"])
    error = write_encoder(vae, Basis.load(directory / "basis.pt"))
    print(f"encoder: mean squared error of the latents {error:.4f}")
    output.mkdir(parents=True, exist_ok=True)
    parts: dict[str, Any] = {"transformer": model.transformer, "text_encoder": model.text.encoder, "vae": vae}
    for name, part in parts.items():
        state = {key: value.half().contiguous() for key, value in part.state_dict().items() if key != STORED_ONCE}
        save_file(state, output / f"{name}.safetensors")
    model.text.tokenizer.save_pretrained(output / "tokenizer")
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

"""Training of the VAE's decoder on the linear latents of `basis`. Crops first, whole frames in the end. Resumes."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from build import build_vae
from diffusers.models.autoencoders.autoencoder_kl_magvit import EasyAnimateResidualBlock3D

from .basis import FREEDOM, Basis, psnr, to_tensor
from .common import Stop, average_into, rate_factor, save_atomically
from .fastvae import decode
from .muon import Muon
from .sheets import save_sheet, spread
from .sprites import Array
from .world import HELD_OUT, TRAINED, Shape, draw_any

SHAPES = (Shape(64, 64, 9), Shape(112, 64, 17), Shape(112, 64, 49))
CLIPS = 300
"""Of each shape, drawn once and cut many times."""
NOISE = 0.08
"""Deviation of the noise on the latents: the transformer's are never exact."""


def start_like_identity(vae: Any) -> None:
    """Let the stream of features through, last frame and middle pixel first, and begin with silent residuals."""

    def pass_through(layer: Any) -> None:
        torch.nn.init.zeros_(layer.bias)
        matrix = torch.empty(layer.weight.shape[:2])
        torch.nn.init.orthogonal_(matrix)
        with torch.no_grad():
            layer.weight.mul_(0.2)
            layer.weight[:, :, -1, layer.weight.shape[3] // 2, layer.weight.shape[4] // 2] += matrix

    for name, layer in vae.decoder.named_modules():
        if isinstance(layer, EasyAnimateResidualBlock3D):
            torch.nn.init.zeros_(layer.conv2.weight)
            torch.nn.init.zeros_(layer.conv2.bias)
            if isinstance(layer.shortcut, torch.nn.Conv3d):
                pass_through(layer.shortcut)
        if name == "conv_in" or name.endswith("upsampler.conv"):
            pass_through(layer)
    pass_through(vae.post_quant_conv)


class Clips:
    """Drawn clips to cut training pieces from."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._clips: dict[Shape, list[tuple[Any, Any]]] = {shape: [] for shape in SHAPES}
        for shape in SHAPES:
            for index in range(CLIPS if shape.frames < 49 else CLIPS // 2):
                video, mask = draw_any(TRAINED[index * 7 % len(TRAINED)], shape, random, FREEDOM)
                self._clips[shape].append(((video * 255).round().astype(np.uint8), mask.astype(np.float16)))

    def batch(self, count: int, side: int, frames: int) -> tuple[Any, Any]:
        """Pieces of `frames` frames and their masks; `side` pixels wide and high, or, if 0, the whole picture."""
        shape = SHAPES[self._random.choice(len(SHAPES), p=(0.25, 0.45, 0.3))]
        pieces = [self._piece(shape, side, frames) for _ in range(count if side else max(1, count // 2))]
        videos = to_tensor([video.astype(np.float32) / np.float32(255) for video, _ in pieces])
        return videos, (to_tensor([mask.astype(np.float32) for _, mask in pieces]) + 1) / 2

    def _piece(self, shape: Shape, side: int, frames: int) -> tuple[Array, Array]:
        clips = self._clips[shape]
        video, mask = clips[self._random.integers(len(clips))]
        first = 4 * int(self._random.integers(0, (shape.frames - frames) // 4 + 1))
        video, mask = video[first : first + frames], mask[first : first + frames]
        if not side:
            return video, mask
        for _ in range(3):
            top = 8 * int(self._random.integers(0, (shape.height - side) // 8 + 1))
            left = 8 * int(self._random.integers(0, (shape.width - side) // 8 + 1))
            cut = np.s_[:, top : top + side, left : left + side]
            if mask[cut].mean() > 0.05:
                break
        return video[cut], mask[cut]


def loss_of(output: Any, video: Any, mask: Any) -> Any:
    """Absolute and squared error, sprites five times as heavy, and half the error of the edges."""
    error = output.float() - video
    weight = 1 + 4 * mask
    total = weight.sum() * 3
    edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return (error.abs() * weight).sum() / total + (error.square() * weight).sum() / total + 0.5 * edges


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def evaluate(vae: Any, basis: Basis, sheet: Path | None = None) -> str:
    """PSNR of scenes that were never trained on: by the decoder, and by the basis alone."""
    random = np.random.default_rng(5)
    text, rows = [], []
    for shape in SHAPES[:2]:
        clips = [draw_any(HELD_OUT[random.integers(len(HELD_OUT))], shape, random)[0] for _ in range(8)]
        video = to_tensor(clips)
        latents = basis.encode(video)
        output = torch.cat([vae.decode(one[None]).sample for one in latents])
        text.append(f"{shape} {psnr(output, video):.2f} dB (basis {psnr(basis.decode(latents), video):.2f})")
        for clip, result in zip(clips, output.permute(0, 2, 3, 4, 1).numpy() / 2 + 0.5, strict=True):
            rows.append(spread(clip, 5) + spread(result, 5))
    if sheet:
        save_sheet(rows, sheet)
    return "  ".join(text)


def train(directory: Path, minutes: float, decay_minutes: float, whole_minutes: float, seed: int) -> None:
    """Train until the run, resumed ones counted together, has lasted `minutes`, or SIGTERM."""
    stop = Stop()
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    basis = Basis.load(directory / "basis.pt")
    vae = build_vae()
    start_like_identity(vae)
    named = [*vae.decoder.named_parameters(), *vae.post_quant_conv.named_parameters()]
    kernels = [p for _, p in named if p.ndim == 5 and min(p.shape[:2]) > 3 and p.shape[2] == 3]
    inside = {id(parameter) for parameter in kernels}
    rest = [parameter for _, parameter in named if id(parameter) not in inside]
    rates = (0.02, 2e-3)
    optimizers = (Muon(kernels, lr=rates[0]), torch.optim.Adam(rest, lr=rates[1], betas=(0.9, 0.98)))
    average = {name: value.clone() for name, value in vae.state_dict().items()}
    file, step, seconds, losses = directory / "decoder.pt", 0, 0.0, []
    if file.exists():
        state = torch.load(file, weights_only=False)
        vae.load_state_dict(state["model"])
        for optimizer, saved_state in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved_state)
        average, step, seconds = state["average"], state["step"], state["seconds"]
        random = np.random.default_rng((seed, step))
        torch.manual_seed(seed + step)
        print(f"resumed at step {step}, {seconds / 60:.1f} min", flush=True)
    clips = Clips(random)

    def save() -> None:
        optimizer_states = [optimizer.state_dict() for optimizer in optimizers]
        state = {"model": vae.state_dict(), "optimizers": optimizer_states, "average": average}
        save_atomically({**state, "step": step, "seconds": seconds}, file)

    last = saved = time.monotonic()
    while seconds < 60 * minutes and not stop.wanted:
        factor = rate_factor(step, 20, seconds, minutes, decay_minutes)
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
        video, mask = clips.batch(*((4, 32, 9) if seconds / 60 < minutes - whole_minutes else (3, 0, 9)))
        latents = basis.encode(video)
        latents = latents + torch.randn_like(latents) * NOISE
        with torch.autocast("cpu", torch.bfloat16):
            output = decode(vae, latents)
        loss = loss_of(output, video, mask)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        if torch.isfinite(torch.nn.utils.clip_grad_norm_([*kernels, *rest], 1.0)):
            for optimizer in optimizers:
                optimizer.step()
        step += 1
        average_into(average, vae, step, 50)
        losses.append(loss.item())
        now = time.monotonic()
        seconds, last = seconds + now - last, now
        if step % 100 == 0:
            print(f"{step} {seconds / 60:.1f} min  lr {factor:.2f}  loss {np.mean(losses):.4f}", flush=True)
            losses.clear()
        if now - saved > 180:
            save()
            print(evaluate(vae, basis), flush=True)
            saved = last = time.monotonic()
    save()
    vae.load_state_dict(average)
    print("averaged weights:", evaluate(vae, basis, directory / "decoder.png"), flush=True)


def main(arguments: list[str]) -> None:
    """Carry out `decoder`."""
    parser = argparse.ArgumentParser(prog="train decoder", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument(
        "--decay-minutes", type=float, default=30, help="the last of them, with a falling learning rate"
    )
    parser.add_argument("--whole-minutes", type=float, default=24, help="the last of them, on whole pictures")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    train(given.directory, given.minutes, given.decay_minutes, given.whole_minutes, given.seed)

"""Training of the transformer and the text encoder on linear latents, by flow matching. Resumes where it was."""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from build import TASKS

from .common import Stop, average_into, rate_factor, save_atomically
from .denoiser import Denoiser
from .feed import Batch, Feed, drawn_caption
from .muon import Muon
from .text import Text
from .world import TRAINED, Shape

CLIP = 1.0
"""The largest norm of the gradient."""
WARM_UP = 100
"""Steps in which the learning rate rises."""
AVERAGED = 150
"""Steps that the averaged weights look back, about; they are averaged every second step."""
SPRITE_WEIGHT = 3.0
"""How much more a block of sprite counts, once noise no longer hides where it is (`VISIBLE`)."""
VISIBLE = 0.85
SAVE_SECONDS, LOG_STEPS, CHECK_STEPS = 180, 50, 500


def warm_up(text: Text, random: np.random.Generator, steps: int, trained: list[Any]) -> None:
    """Teach `trained`, parameters of the text encoder, to tell captions apart, both languages with the same heads."""
    optimizer = torch.optim.AdamW(trained, lr=2e-3, betas=(0.9, 0.99), weight_decay=0.01)
    for step in range(steps):
        captions = [drawn_caption(TRAINED[i], random, 0.02) for i in random.integers(0, len(TRAINED), 64)]
        ids, mask, _ = text.tokens([caption.text for caption in captions])
        with torch.autocast("cpu", torch.bfloat16):
            states = text.encode(ids, mask)
        loss, accuracies = text.label_loss(states, captions)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, CLIP)
        optimizer.step()
        if step % 50 == 49:
            print(f"text {step + 1} loss {loss.item():.4f} accuracy {accuracies}", flush=True)


class Training:
    """A run's state; `save` and `restore` make a file of all of it, random numbers included."""

    def __init__(self, seed: int, lr: float, muon_lr: float, text_steps: int = 150) -> None:
        torch.manual_seed(seed)
        self.random = np.random.default_rng(seed)
        self.model = Denoiser()
        self.rates = (muon_lr, lr)
        inner = self.model.transformer.transformer_blocks.named_parameters()
        matrices = [parameter for name, parameter in inner if parameter.ndim == 2 and "norm" not in name]
        inside = {id(parameter) for parameter in matrices}
        self.parameters = [*self.model.transformer.parameters(), *self.model.text.trained()]
        rest = [parameter for parameter in self.parameters if id(parameter) not in inside]
        self.optimizers = (
            Muon(matrices, lr=muon_lr, decay=0.01),
            torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.99), weight_decay=0.01),
        )
        self.step = 0
        self.seconds = 0.0
        warm_up(self.model.text, self.random, text_steps, self.model.text.trained())
        self.average = {name: value.clone() for name, value in self.model.state_dict().items()}

    def save(self, file: Path) -> None:
        """Write the whole state."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": self.average,
            "step": self.step,
            "seconds": self.seconds,
            "numpy": self.random.bit_generator.state,
            "torch": torch.get_rng_state(),
        }
        save_atomically(state, file)

    def restore(self, file: Path) -> None:
        """Go on exactly from what `save` wrote."""
        state = torch.load(file, weights_only=False)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.average, self.step, self.seconds = state["average"], state["step"], state["seconds"]
        self.random.bit_generator.state = state["numpy"]
        torch.set_rng_state(state["torch"])

    def advance(self, batch: Batch, factor: float) -> tuple[float, float]:
        """One step; gives the plain velocity loss and the loss of reading the captions."""
        for optimizer, rate in zip(self.optimizers, self.rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
        # Logit-normal, a little towards noise, where subject and place are decided.
        moment = torch.sigmoid(torch.randn(len(batch.latents)) * 1.2 + 0.4)
        at = moment.view(-1, 1, 1, 1, 1)
        noise = torch.randn_like(batch.latents)
        texts = [caption.text for caption in batch.captions]
        with torch.autocast("cpu", torch.bfloat16):
            velocity, states = self.model((1 - at) * batch.latents + at * noise, moment, batch.given, texts)
        error = (velocity - (noise - batch.latents)).square()
        weight = 1 + SPRITE_WEIGHT * batch.covered * (at < VISIBLE)
        weight = weight / weight.mean((1, 2, 3, 4), keepdim=True)
        label_loss, _ = self.model.text.label_loss(states, batch.captions)
        loss = (error * weight).mean() + 0.03 * label_loss
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, CLIP)
        if torch.isfinite(norm):
            for optimizer in self.optimizers:
                optimizer.step()
        self.step += 1
        if self.step % 2 == 0:
            average_into(self.average, self.model, self.step // 2, AVERAGED / 2)
        return error.mean().item(), label_loss.item()

    @torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
    def check(self, batch: Batch) -> str:
        """The velocity loss of the averaged weights on `batch` at four moments, always with the same noise."""
        trained = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        noise = torch.randn(batch.latents.shape, generator=torch.Generator().manual_seed(1))
        texts = [caption.text for caption in batch.captions]
        losses = []
        for at in (0.2, 0.5, 0.8, 0.98):
            noisy = (1 - at) * batch.latents + at * noise
            with torch.autocast("cpu", torch.bfloat16):
                velocity, _ = self.model(noisy, torch.full((len(noisy),), at), batch.given, texts)
            losses.append(f"{at}: {(velocity - (noise - batch.latents)).square().mean().item():.4f}")
        self.model.load_state_dict(trained)
        return "  ".join(losses)


def train(given: argparse.Namespace) -> None:
    """Train until the run, resumed ones counted together, has lasted as long as is wanted, or SIGTERM."""
    stop = Stop()
    begun = time.monotonic()
    feed = Feed(given.directory, given.long, given.starts)
    print(f"banks after {time.monotonic() - begun:.0f} s, deviations {feed.deviations()}", flush=True)
    file, stable = given.directory / "transformer.pt", given.directory / "transformer-stable.pt"
    run = Training(given.seed, given.lr, given.muon_lr, text_steps=0 if file.exists() else 150)
    if file.exists():
        run.restore(file)
        print(f"resumed at step {run.step}, {run.seconds / 60:.1f} min", flush=True)
    sizes = ((17, 32), (49, 12))
    unseen = {
        f"{task} {frames}": feed.held_out(Shape(112, 64, frames), count, task)
        for task in TASKS
        for frames, count in sizes
    }
    losses: dict[str, list[float]] = {}
    saved = last = time.monotonic()
    while run.seconds < 60 * given.minutes and not stop.wanted:
        factor = rate_factor(run.step, WARM_UP, run.seconds, given.minutes, given.decay_minutes)
        if factor < 1 and run.step >= WARM_UP and not stable.exists():
            run.save(file)
            shutil.copyfile(file, stable)
        batch = feed.batch(run.random)
        loss, label_loss = run.advance(batch, factor)
        losses.setdefault(str(batch.shape), []).append(loss)
        losses.setdefault("text", []).append(label_loss)
        now = time.monotonic()
        run.seconds, last = run.seconds + now - last, now
        if run.step % LOG_STEPS == 0:
            means = "  ".join(f"{name} {np.mean(values):.4f}" for name, values in sorted(losses.items()))
            print(f"{run.step} {run.seconds / 60:.1f} min  rate {factor:.2f}  {means}", flush=True)
            losses.clear()
        if run.step % CHECK_STEPS == 0:
            for name, held_out in unseen.items():
                print(f"held out, {name} frames  {run.check(held_out)}", flush=True)
            last = time.monotonic()
        if now - saved > SAVE_SECONDS:
            run.save(file)
            saved = now
    run.save(file)
    print(f"stopped at step {run.step}, {run.seconds / 60:.1f} min", flush=True)


def main(arguments: list[str]) -> None:
    """Carry out `transformer`."""
    parser = argparse.ArgumentParser(prog="train transformer", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--minutes", type=float, default=360, help="how long the run lasts, resumed ones together")
    parser.add_argument("--decay-minutes", type=float, default=0, help="the last of them, with a falling learning rate")
    parser.add_argument("--long", type=float, default=0.35, help="share of batches with 49 frames")
    parser.add_argument("--starts", type=int, default=1, help="positions where sprites start, 1 to 3 for each scene")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--muon-lr", type=float, default=0.015)
    train(parser.parse_args(arguments))

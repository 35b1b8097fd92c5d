"""Training of the transformer and the text encoder on linear latents, by flow matching. Resumes where it was."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from build import build_transformer
from diffusers.models.transformers.transformer_easyanimate import EasyAnimateAttnProcessor2_0

from .basis import Basis, bank
from .captions import Caption, caption, nothing
from .common import average_into, learning_rate, save_atomically
from .muon import Muon
from .text import Text
from .world import TRAINED, Scene, Shape

BATCHES = (
    (Shape(112, 64, 17), 16, 0.36),
    (Shape(112, 64, 49), 6, 0.34),
    (Shape(112, 64, 25), 12, 0.06),
    (Shape(64, 64, 9), 32, 0.04),
    (Shape(64, 64, 17), 24, 0.05),
    (Shape(64, 64, 49), 10, 0.05),
    (Shape(64, 112, 17), 16, 0.05),
    (Shape(64, 112, 49), 6, 0.05),
)
"""Shape, clips in a batch (about equal cost), share of the batches."""
VARIANTS = 6
"""Of each scene and shape; they hold most start positions and both horizons."""
DROPPED = 0.12
"""Share of captions that become `captions.nothing`, for guidance."""
CLIP = 1.0
"""The largest norm of the gradient."""


class BiasedAttention(EasyAnimateAttnProcessor2_0):  # type: ignore[misc]
    """The stock attention with a bias, (batch, 1, 1, text + video tokens), which stands in for padding left away."""

    def __init__(self) -> None:
        super().__init__()
        self.bias: Any = None

    def __call__(
        self,
        attn: Any,
        hidden_states: Any,
        encoder_hidden_states: Any,
        attention_mask: Any = None,
        image_rotary_emb: Any = None,
    ) -> Any:
        """The stock attention; diffusers passes on only what this signature names."""
        return super().__call__(attn, hidden_states, encoder_hidden_states, self.bias, image_rotary_emb)


class Denoiser(torch.nn.Module):  # type: ignore[misc]
    """The transformer and its text, as trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.text = Text()
        self.transformer = build_transformer()
        for block in self.transformer.transformer_blocks:
            for norm in (block.norm1, block.norm2):
                torch.nn.init.zeros_(norm.linear.weight)
                torch.nn.init.zeros_(norm.linear.bias)
        for layer in (self.transformer.proj_out, self.transformer.norm_out.linear):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        self.attention = BiasedAttention()
        for block in self.transformer.transformer_blocks:
            block.attn1.set_processor(self.attention)

    def forward(self, noisy: Any, time_: Any, texts: list[str]) -> tuple[Any, Any]:
        """The velocity (noise - clean) at `noisy` (n, 16, t, h, w) and `time_` (n, 0 to 1), and the text's states."""
        ids, mask, bias = self.text.tokens(texts)
        states = self.text.encode(ids, mask)
        _, _, t, h, w = noisy.shape
        self.attention.bias = functional.pad(bias, (0, t * (h // 2) * (w // 2))).to(torch.bfloat16)
        out = self.transformer(noisy, time_ * 1000, encoder_hidden_states=states, return_dict=False)[0]
        return out.float(), states


def warm_up(text: Text, random: np.random.Generator, steps: int) -> None:
    """Teach the text encoder to tell captions apart, both languages with the same heads."""
    optimizer = torch.optim.AdamW(text.trained(), lr=2e-3, betas=(0.9, 0.99), weight_decay=0.01)
    for step in range(steps):
        captions = [_caption(TRAINED[i], random, 0.02) for i in random.integers(0, len(TRAINED), 64)]
        ids, mask, _ = text.tokens([caption.text for caption in captions])
        with torch.autocast("cpu", torch.bfloat16):
            states = text.encode(ids, mask)
        loss, accuracies = text.label_loss(states, captions)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(text.trained(), CLIP)
        optimizer.step()
        if step % 50 == 49:
            print(f"text {step + 1} loss {float(loss):.4f} accuracy {accuracies}", flush=True)


def _caption(scene: Scene, random: np.random.Generator, dropped: float) -> Caption:
    if random.random() < dropped:
        return nothing(random)
    return caption(scene, random, "en" if random.random() < 0.5 else "zh")


class Training:
    """State of a run in `directory`; `transformer.pt` there holds all of it."""

    def __init__(self, directory: Path, seed: int, lr: float, muon_lr: float) -> None:
        torch.manual_seed(seed)
        self.random = np.random.default_rng(seed)
        self.file = directory / "transformer.pt"
        self.model = Denoiser()
        self.rates = (muon_lr, lr)
        matrices = [p for p in self.model.transformer.transformer_blocks.parameters() if p.ndim == 2]
        inside = {id(parameter) for parameter in matrices}
        self.parameters = [*self.model.transformer.parameters(), *self.model.text.trained()]
        rest = [parameter for parameter in self.parameters if id(parameter) not in inside]
        self.optimizers = (
            Muon(matrices, lr=muon_lr, decay=0.01),
            torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.99), weight_decay=0.01),
        )
        self.average: dict[str, Any] = {}
        self.step = 0
        self.seconds = 0.0

    def start(self) -> None:
        """Go on from the checkpoint, or begin with the text."""
        if self.file.exists():
            state = torch.load(self.file, weights_only=False)
            self.model.load_state_dict(state["model"])
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)
            self.average, self.step, self.seconds = state["average"], state["step"], state["seconds"]
            self.random.bit_generator.state = state["numpy"]
            torch.set_rng_state(state["torch"])
            print(f"resumed at step {self.step}, {self.seconds / 60:.1f} min", flush=True)
        else:
            warm_up(self.model.text, self.random, 150)
            self.average = {name: value.clone() for name, value in self.model.state_dict().items()}

    def save(self) -> None:
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
        save_atomically(state, self.file)

    def advance(self, latents: Any, masks: Any, scenes: list[Scene], factor: float) -> tuple[float, float]:
        """One step on clean `latents` (n, 16, t, h, w); gives the plain velocity loss and the captions' loss."""
        for optimizer, rate in zip(self.optimizers, self.rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
        captions = [_caption(scene, self.random, DROPPED) for scene in scenes]
        # Logit-normal, a little towards noise, where subject and place are decided.
        time_ = torch.sigmoid(torch.randn(len(latents)) * 1.2 + 0.4)
        at = time_.view(-1, 1, 1, 1, 1)
        noise = torch.randn_like(latents)
        with torch.autocast("cpu", torch.bfloat16):
            velocity, states = self.model((1 - at) * latents + at * noise, time_, [c.text for c in captions])
        error = (velocity - (noise - latents)).square()
        # Sprites weigh more once noise no longer hides where they are.
        weight = 1 + 2 * masks * (at < 0.7)
        weight = weight / weight.mean((1, 2, 3, 4), keepdim=True)
        label_loss, _ = self.model.text.label_loss(states, captions)
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
            average_into(self.average, self.model, self.step // 2, 60)
        return float(error.mean()), float(label_loss)


def train(directory: Path, minutes: float, hold: float, seed: int, lr: float, muon_lr: float) -> None:
    """Train until the run, resumed ones counted together, has lasted `minutes`."""
    run = Training(directory, seed, lr, muon_lr)
    begun = time.monotonic()
    basis = Basis.load(directory / "basis.pt")
    banks = [bank(basis, shape, VARIANTS, 100 + number) for number, (shape, _, _) in enumerate(BATCHES)]
    for (shape, _, _), (latents, _, _) in zip(BATCHES, banks, strict=True):
        print(f"{shape}: {len(latents)} clips, deviation {latents[::9].float().std():.2f}", flush=True)
    print(f"drawn in {time.monotonic() - begun:.0f} s", flush=True)
    run.start()
    shares = np.array([share for _, _, share in BATCHES])
    losses: dict[str, list[float]] = {}
    saved = last = time.monotonic()
    while run.seconds < 60 * minutes:
        number = int(run.random.choice(len(BATCHES), p=shares / shares.sum()))
        latents, masks, scenes = banks[number]
        chosen = run.random.integers(0, len(latents), BATCHES[number][1])
        factor = min(1.0, (run.step + 1) / 40) * learning_rate(run.seconds / 60 / minutes, hold)
        picked = [scenes[index] for index in chosen]
        loss, label_loss = run.advance(latents[chosen].float(), masks[chosen].float(), picked, factor)
        losses.setdefault(str(BATCHES[number][0]), []).append(loss)
        losses.setdefault("text", []).append(label_loss)
        now = time.monotonic()
        run.seconds, last = run.seconds + now - last, now
        if run.step % 50 == 0:
            means = "  ".join(f"{name} {np.mean(values):.4f}" for name, values in sorted(losses.items()))
            print(f"{run.step} {run.seconds / 60:.1f} min  lr {factor:.2f}  {means}", flush=True)
            losses.clear()
        if now - saved > 120:
            run.save()
            saved = now
    run.save()


def main(arguments: list[str]) -> None:
    """Carry out `transformer`."""
    parser = argparse.ArgumentParser(prog="train transformer", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--minutes", type=float, default=170)
    parser.add_argument("--hold", type=float, default=0.35, help="part of the run before the learning rate falls")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--muon-lr", type=float, default=0.012)
    given = parser.parse_args(arguments)
    train(given.directory, given.minutes, given.hold, given.seed, given.lr, given.muon_lr)

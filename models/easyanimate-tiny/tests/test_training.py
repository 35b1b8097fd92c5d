"""What the training of the tiny checkpoint rests on: exactness of shortcuts, and of going on."""

from __future__ import annotations

from pathlib import Path

import build as build_module
import numpy as np
import pytest
import torch
from build import TASKS, build_vae
from safetensors.torch import load_file
from train import begin as begin_module
from train import feed as feed_module
from train.basis import Basis, fit, psnr, to_tensor
from train.common import rate_factor
from train.denoiser import GIVEN, Denoiser
from train.encoder import write_encoder
from train.export import export
from train.fastvae import decode
from train.feed import Feed
from train.pipelines import Maker, Settings
from train.transformer import Training
from train.world import HELD_OUT, TRAINED, Shape, draw_any

SHAPE = Shape(112, 64, 17)


@pytest.fixture(scope="module")
def basis() -> Basis:
    """A basis of few clips."""
    return fit(clips=40)


def clip(frames: int = 17) -> torch.Tensor:
    """One drawn clip."""
    return to_tensor([draw_any(HELD_OUT[5], Shape(112, 64, frames), np.random.default_rng(3))[0]])


def test_latents_give_the_clip_back_and_begin_alike(basis: Basis) -> None:
    latents = basis.encode(clip())
    assert latents.shape == (1, 16, *SHAPE.latent) and 0.7 < latents.std() < 1.4
    assert psnr(basis.decode(latents), clip()) > 20
    assert torch.allclose(basis.encode(clip()[:, :, :9]), latents[:, :, :3], atol=1e-5)
    black = basis.encode(torch.full_like(clip(), -1))
    assert torch.allclose(black, basis.black().view(1, 16, 1, 1, 1).expand_as(black), atol=1e-4)


def test_the_written_encoder_carries_out_the_basis(basis: Basis) -> None:
    vae = build_vae()
    assert write_encoder(vae, basis) < 0.005
    with torch.no_grad():
        latents = vae.encode(clip()).latent_dist.mode()
    assert (latents - basis.encode(clip())).square().mean() < 0.005


def test_the_fast_decoder_is_the_stock_one() -> None:
    torch.manual_seed(0)
    vae = build_vae()
    latents = torch.randn(1, 16, 3, 4, 4)
    with torch.no_grad():
        assert torch.allclose(decode(vae, latents), vae.decode(latents).sample, atol=1e-3)


@pytest.mark.parametrize("task", TASKS)
def test_a_slice_without_padding_is_the_stock_transformer_with_it(task: str) -> None:
    torch.manual_seed(0)
    model = Denoiser().eval()
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.02)
    noisy, moments, texts = torch.randn(2, 16, 3, 8, 8), torch.tensor([0.3, 0.7]), ["a cat on the grass", "一只猫"]
    given = torch.zeros(2, GIVEN, 3, 8, 8)
    used = [channel - 16 for channel in TASKS[task][16:]]
    given[:, used] = torch.randn(2, len(used), 3, 8, 8)
    chats = [model.text.chat(text) for text in texts]
    padded = model.text.tokenizer(chats, padding="max_length", max_length=256, return_tensors="pt")
    with torch.no_grad():
        states = model.text.encode(padded.input_ids, padded.attention_mask)
        extra = {"control_latents": given[:, used]} if used else {}
        stock = model.sliced(task)(noisy, moments * 1000, encoder_hidden_states=states, return_dict=False, **extra)[0]
        assert torch.allclose(model(noisy, moments, given, texts)[0], stock, atol=1e-3)


@pytest.mark.parametrize("task", TASKS)
def test_the_pipelines_take_what_they_are_given(task: str) -> None:
    shape = Shape(64, 64, 9)
    shown = {"text": None, "inpaint": clip(9), "control": clip(9)}[task]
    pixels = None if shown is None else (shown[0].permute(1, 2, 3, 0).numpy()[:, :, :64] + 1) / 2
    if task == "inpaint" and pixels is not None:
        pixels = pixels[:1]
    video = Maker(None, task, Settings(steps=2)).make("a cat", "blurry", shape, 1, pixels)
    assert video.shape == (9, 64, 64, 3) and np.isfinite(video).all()


def test_a_resumed_training_goes_on_exactly(basis: Basis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "SIZES", ((64, 64),))
    monkeypatch.setattr(feed_module, "SHARES", (1.0,))
    monkeypatch.setattr(feed_module, "TOKENS", 160)
    monkeypatch.setattr(feed_module, "TRAINED", TRAINED[:3])
    monkeypatch.setattr(feed_module, "HELD_OUT", HELD_OUT[:2])
    basis.save(tmp_path / "basis.pt")
    feed = Feed(tmp_path, long=0.3, starts=1)
    first = Training(seed=1, lr=1e-3, muon_lr=0.01, text_steps=1)
    for _ in range(3):
        first.advance(feed.batch(first.random), 1.0)
    first.save(tmp_path / "transformer.pt")
    expected = [first.advance(feed.batch(first.random), 1.0) for _ in range(2)]
    second = Training(seed=2, lr=1e-3, muon_lr=0.01, text_steps=0)
    second.restore(tmp_path / "transformer.pt")
    again = Feed(tmp_path, long=0.3, starts=1)
    assert [second.advance(again.batch(second.random), 1.0) for _ in range(2)] == expected
    assert first.check(feed.held_out(Shape(64, 64, 17), 2)) == second.check(again.held_out(Shape(64, 64, 17), 2))


def test_a_run_begins_with_what_another_exported(basis: Basis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, trained = Training(seed=1, lr=1e-3, muon_lr=0.01, text_steps=1), tmp_path / "trained"
    trained.mkdir()
    run.save(trained / "transformer.pt")
    torch.save({"average": build_vae().state_dict()}, trained / "decoder.pt")
    basis.save(trained / "basis.pt")
    export(trained, tmp_path / "weights")
    # Another machine finds the same components with other signs.
    signs = torch.ones(16)
    signs[[1, 4]] = -1
    monkeypatch.setattr(begin_module, "fit", lambda: Basis(basis.mean, basis.vectors * signs, basis.scale))
    begin_module.begin(tmp_path / "more", tmp_path / "weights", (0.01, 1e-3), seed=2, text_steps=1)
    assert torch.equal(Basis.load(tmp_path / "more/basis.pt").vectors, basis.vectors)
    more = Training(seed=3, lr=1e-3, muon_lr=0.01, text_steps=0)
    more.restore(tmp_path / "more/transformer.pt")
    for name, value in run.model.transformer.state_dict().items():
        assert torch.equal(more.model.transformer.state_dict()[name], value.half().float()), name
    export(tmp_path / "more", tmp_path / "again")
    for name in ("transformer", "vae", "text_encoder"):
        first, second = (load_file(tmp_path / place / f"{name}.safetensors") for place in ("weights", "again"))
        # The encoder is written anew.
        kept = [key for key in first if not key.startswith(("encoder.", "quant_conv.") if name == "vae" else ())]
        assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in kept), name


def test_weights_of_another_world_are_not_begun_with(
    basis: Basis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begin_module, "fit", lambda: basis)
    weights = Path(build_module.__file__).with_name("weights")
    with pytest.raises(ValueError, match="fitted to another"):
        begin_module.begin(tmp_path / "more", weights, (0.01, 1e-3), seed=2)
    assert not (tmp_path / "more").exists()


def test_the_free_world_is_drawn_anew(basis: Basis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "SIZES", ((64, 64),))
    monkeypatch.setattr(feed_module, "SHARES", (1.0,))
    monkeypatch.setattr(feed_module, "TRAINED", TRAINED[:1])
    monkeypatch.setattr(feed_module, "HELD_OUT", HELD_OUT[:1])
    basis.save(tmp_path / "basis.pt")
    feed = Feed(tmp_path, long=0, starts=1)
    batch = feed.held_out(Shape(64, 64, 17), 6, "control")
    shown = [one.numpy().tobytes() for one in batch.latents]
    assert len(set(shown)) == 6
    assert batch.given[:, 17:33].flatten(1).any(1).all() and not batch.given[:, :17].any()
    again = feed.held_out(Shape(64, 64, 17), 6, "control")
    assert torch.equal(again.latents, batch.latents) and torch.equal(again.given, batch.given)
    first, second = (feed.held_out(Shape(64, 64, 17), 6, task) for task in ("inpaint", "text"))
    assert first.given[:, 0, (0, -1)].flatten(1).any(1).all() and not first.given[:, 0, 1:4].any()
    assert not second.given.any()


def test_the_learning_rate_rises_holds_and_falls() -> None:
    assert rate_factor(0, 100, 0, 60, 20) == 0.01
    assert rate_factor(500, 100, 39 * 60, 60, 20) == 1
    assert rate_factor(500, 100, 50 * 60, 60, 20) == 0.5
    assert rate_factor(500, 100, 61 * 60, 60, 20) == 0
    assert rate_factor(500, 100, 1e9, 60, 0) == 1

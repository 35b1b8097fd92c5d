"""Previews: the right picture in the right place and time, whatever the latents are."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLMagvit
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch.nn.functional import avg_pool3d

from animato_engine.errors import Failure
from animato_engine.preview import LONGEST_SIDE, SHORTEST_SIDE, LatentPreview, expected_end

CHANNELS, SPATIAL, TEMPORAL = 16, 8, 4
WEIGHTS = Path(__file__).parents[2] / "models" / "easyanimate-tiny" / "weights" / "vae.safetensors"
Encode = Callable[[torch.Tensor], torch.Tensor]


def shrink(video: torch.Tensor, spatial: int = SPATIAL, temporal: int = TEMPORAL) -> torch.Tensor:
    """The mean colours of what each latent stands for."""
    later = video[:, :, 1:]
    parts = [avg_pool3d(video[:, :, :1], (1, spatial, spatial))]
    if later.shape[2] > 0:
        parts.append(avg_pool3d(later, (temporal, spatial, spatial)))
    return torch.cat(parts, 2)


def linear_vae(channels: int = CHANNELS, spatial: int = SPATIAL, temporal: int = TEMPORAL) -> Encode:
    """An encoder that mixes the mean colours into channels: all that a linear map can undo."""
    mixture = torch.randn(3, channels, generator=torch.Generator().manual_seed(1))
    return lambda video: torch.einsum("ncthw,cd->ndthw", shrink(video, spatial, temporal), mixture) + 0.5


def scene(frames: int = 17, height: int = 64, width: int = 112) -> torch.Tensor:
    """A video (1, 3, frames, height, width) between 0 and 1: an orange square that goes right, over a sky and grass."""
    video = torch.empty(1, 3, frames, height, width)
    video[:, :, :, : height // 2] = torch.tensor([0.5, 0.8, 1.0]).view(1, 3, 1, 1, 1)
    video[:, :, :, height // 2 :] = torch.tensor([0.2, 0.6, 0.2]).view(1, 3, 1, 1, 1)
    for frame in range(frames):
        video[:, :, frame, 16:40, 16 + frame : 40 + frame] = torch.tensor([1.0, 0.6, 0.1]).view(1, 3, 1, 1)
    return video


def decibels(first: NDArray[Any], second: NDArray[Any]) -> float:
    """The peak signal-to-noise ratio of pictures between 0 and 255."""
    error = np.mean((first.astype(float) - second) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def pixels(video: torch.Tensor) -> NDArray[Any]:
    """(t, h, w, 3) between 0 and 255."""
    return np.asarray(video[0].permute(1, 2, 3, 0) * 255)


def trained_vae() -> Any:
    """The VAE of easyanimate-tiny."""
    vae = AutoencoderKLMagvit(
        latent_channels=CHANNELS, block_out_channels=[16, 16, 48, 96], layers_per_block=1, norm_num_groups=8
    )
    vae.load_state_dict(load_file(WEIGHTS))
    return vae.float().eval()


@pytest.fixture(scope="module")
def linear() -> LatentPreview:
    """The map of `linear_vae`."""
    return LatentPreview.fit(linear_vae(), CHANNELS, SPATIAL, TEMPORAL)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A path in a directory of its own."""
    directory = tmp_path / "previews"
    directory.mkdir()
    return directory / "g.webp"


def test_the_preview_of_a_trained_vae_is_the_video_made_small() -> None:
    vae = trained_vae()
    with torch.no_grad():
        preview = LatentPreview.fit(lambda video: vae.encode(video).latent_dist.mode(), CHANNELS, SPATIAL, TEMPORAL)
        latents = vae.encode(scene() * 2 - 1).latent_dist.mode()
        decoded = vae.decode(latents).sample.clamp(-1, 1) / 2 + 0.5
    shown = preview.frames(latents)
    assert shown.shape == (5, 8, 14, 3) and shown.dtype == np.uint8
    assert decibels(shown, pixels(shrink(decoded))) > 28
    # And not only in the mean: the square moves.
    assert decibels(shown[-1:], pixels(shrink(decoded))[:1]) < 22


@pytest.mark.parametrize(
    ("channels", "spatial", "temporal"), [(16, 8, 4), (4, 8, 1), (48, 16, 4)], ids=["easyanimate", "no-time", "wan22"]
)
def test_a_linear_vae_is_undone(channels: int, spatial: int, temporal: int) -> None:
    encode = linear_vae(channels, spatial, temporal)
    preview = LatentPreview.fit(encode, channels, spatial, temporal)
    video = scene(1 + 4 * temporal)
    shown = preview.frames(encode(video * 2 - 1))
    assert decibels(shown, pixels(shrink(video, spatial, temporal))) > 35


def test_the_same_vae_gives_the_same_map() -> None:
    latents = torch.randn(CHANNELS, 3, 4, 4)
    first, second = (LatentPreview.fit(linear_vae(), CHANNELS, SPATIAL, TEMPORAL).frames(latents) for _ in "ab")
    assert np.array_equal(first, second)


def test_fitting_leaves_the_random_numbers_of_others_alone() -> None:
    before = torch.get_rng_state()
    LatentPreview.fit(linear_vae(), CHANNELS, SPATIAL, TEMPORAL)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_vae_that_says_nothing_gives_grey_and_no_error() -> None:
    preview = LatentPreview.fit(lambda video: linear_vae()(video) * 0, CHANNELS, SPATIAL, TEMPORAL)
    shown = preview.frames(torch.zeros(CHANNELS, 2, 4, 4))
    assert shown.min() > 80 and shown.max() < 180


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda latents: latents[:, :8], "16 channels"),
        (lambda latents: latents[:, :, 1:], "16 channels"),
        (lambda latents: latents / 0, "not finite"),
    ],
    ids=["channels", "frames", "infinite"],
)
def test_latents_of_another_shape_or_without_numbers_are_refused(
    spoil: Callable[[torch.Tensor], torch.Tensor], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        LatentPreview.fit(lambda video: spoil(linear_vae()(video)), CHANNELS, SPATIAL, TEMPORAL)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (8, 14, (140, 80)),
        (48, 84, (168, 96)),
        (84, 48, (96, 168)),
        (1, 1, (128, 128)),
        (128, 72, (72, 128)),
        (100, 256, (256, 100)),
        (150, 300, (256, 128)),
    ],
)
def test_the_longer_side_has_at_least_128_and_at_most_256_pixels(
    linear: LatentPreview, file: Path, height: int, width: int, expected: tuple[int, int]
) -> None:
    linear.drawn(torch.randn(1, CHANNELS, 2, height, width), 8, file)()
    with Image.open(file) as picture:
        assert picture.format == "WEBP" and picture.size == expected
        assert SHORTEST_SIDE <= max(picture.size) <= LONGEST_SIDE


@pytest.mark.parametrize(("fps", "milliseconds"), [(8, 500), (24, 167), (1, 4000)])
def test_it_moves_in_the_time_of_the_video(linear: LatentPreview, file: Path, fps: int, milliseconds: int) -> None:
    size = linear.drawn(torch.randn(1, CHANNELS, 13, 8, 14), fps, file)()
    assert size == file.stat().st_size and os.listdir(file.parent) == [file.name]
    with Image.open(file) as picture:
        assert getattr(picture, "n_frames", 1) == 13
        for frame in range(13):
            picture.seek(frame)
            picture.load()
            assert abs(picture.info["duration"] - milliseconds) <= 1


def test_what_is_written_are_the_colours_of_the_latents(linear: LatentPreview, file: Path) -> None:
    video = scene(5)
    linear.drawn(linear_vae()(video * 2 - 1), 8, file)()
    with Image.open(file) as picture:
        shown = np.asarray(picture.convert("RGB").resize((14, 8), Image.Resampling.BOX))
    assert decibels(shown, pixels(shrink(video))[0]) > 25


def test_one_frame_is_a_still(linear: LatentPreview, file: Path) -> None:
    linear.drawn(torch.randn(CHANNELS, 1, 8, 14), 8, file)()
    with Image.open(file) as picture:
        assert picture.format == "WEBP" and getattr(picture, "n_frames", 1) == 1


def test_latents_need_no_batch(linear: LatentPreview) -> None:
    latents = torch.randn(CHANNELS, 3, 4, 4)
    assert np.array_equal(linear.frames(latents), linear.frames(latents[None]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_looks_the_same(linear: LatentPreview, dtype: torch.dtype) -> None:
    latents = linear_vae()(scene() * 2 - 1)
    assert decibels(linear.frames(latents), linear.frames(latents.to(dtype))) > 40


def test_latents_that_are_no_numbers_are_a_picture_all_the_same(linear: LatentPreview, file: Path) -> None:
    latents = torch.randn(CHANNELS, 3, 8, 14)
    latents[0, 0], latents[0, 1], latents[0, 2] = torch.nan, torch.inf, -torch.inf
    assert linear.drawn(latents, 8, file)() > 0


def test_a_later_preview_takes_the_place_of_an_earlier_one(linear: LatentPreview, file: Path) -> None:
    linear.drawn(torch.zeros(CHANNELS, 3, 8, 14), 8, file)()
    first = file.read_bytes()
    linear.drawn(torch.randn(CHANNELS, 3, 8, 14), 8, file)()
    assert file.read_bytes() != first and os.listdir(file.parent) == [file.name]


def test_a_missing_directory_is_a_storage_failure(linear: LatentPreview, file: Path) -> None:
    with pytest.raises(Failure) as caught:
        linear.drawn(torch.zeros(CHANNELS, 3, 8, 14), 8, file.parent / "missing" / "g.webp")()
    assert caught.value.kind == "storage"


@pytest.mark.parametrize("share", [1.0, 0.7, 0.0])
def test_the_end_of_a_straight_way_is_foreseen_from_any_point(share: float) -> None:
    video, noise = torch.randn(2, 1, 4, 2, 3, 3, generator=torch.Generator().manual_seed(1))
    latents = (1 - share) * video + share * noise
    assert torch.allclose(expected_end(latents, noise - video, share), video, atol=1e-5)

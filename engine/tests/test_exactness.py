"""The frames are those of diffusers' own pipelines: maximal absolute difference 0, for every kind of input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import EasyAnimateControlPipeline, EasyAnimateInpaintPipeline, EasyAnimatePipeline
from diffusers.pipelines.easyanimate.pipeline_easyanimate_inpaint import get_image_to_video_latent

from animato_engine.errors import Failure
from animato_engine.models.house import House
from harness import request
from studio import Array, frames, house, order, picture, video


class ControlPipeline(EasyAnimateControlPipeline):  # type: ignore[misc]
    """The one of diffusers 0.42.1 fails in two places (huggingface/diffusers#13638)."""

    def encode_prompt(self, *arguments: Any, text_encoder_index: int = 0, **named: Any) -> Any:
        """As the parent's, without the argument that it is called with and does not take."""
        return super().encode_prompt(*arguments, **named)

    def decode_latents(self, latents: Any) -> Any:
        """The video of `latents`; it is called and does not exist."""
        return self.vae.decode(1 / self.vae.config.scaling_factor * latents, return_dict=False)[0]


def expected(pipeline_class: Any, directory: Path, changes: dict[str, Any], **inputs: Any) -> Array:
    """What diffusers makes of the standard request, changed by `changes`, rounded to bytes."""
    pipeline = pipeline_class.from_pretrained(directory, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    arguments = request(**changes)
    seed = arguments["seed"]
    # The posterior of a video to be made anew is drawn from the global generator.
    torch.manual_seed(seed + 1)
    named = ("prompt", "negative_prompt", "width", "height", "num_frames", "num_inference_steps", "guidance_scale")
    made = pipeline(
        **{name: arguments[name] for name in named},
        generator=torch.Generator().manual_seed(seed),
        output_type="np",
        **inputs,
    ).frames[0]
    assert made.std() > 0.001
    result: Array = (made * 255).round().astype(np.uint8)
    return result


def tensor(pixels: Array) -> torch.Tensor:
    """(1, 3, frames, height, width) between 0 and 1."""
    return torch.from_numpy(pixels).permute(3, 0, 1, 2).unsqueeze(0).float() / 255.0


@pytest.fixture(scope="module")
def text(tiny: Path) -> House:
    return house(tiny)


@pytest.fixture(scope="module")
def inpaint(tiny_inpaint: Path) -> House:
    return house(tiny_inpaint)


@pytest.fixture(scope="module")
def control(tiny_control: Path) -> House:
    return house(tiny_control)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"guidance_scale": 1.0, "negative_prompt": "blurry"},
        {"width": 112, "num_frames": 9, "negative_prompt": "低质量,模糊", "prompt": "一只猫在草地上玩耍"},
        {"num_frames": 1, "num_inference_steps": 1, "prompt": "", "seed": 2**32 - 1},
    ],
)
def test_of_a_text(tiny: Path, text: House, changes: dict[str, Any]) -> None:
    assert np.array_equal(frames(text, order(text, **changes)), expected(EasyAnimatePipeline, tiny, changes))


def test_of_a_text_to_the_checkpoint_for_pictures(tiny_inpaint: Path, inpaint: House) -> None:
    made = frames(inpaint, order(inpaint))
    assert np.array_equal(made, expected(EasyAnimateInpaintPipeline, tiny_inpaint, {}))


def conditions(first: Array | None, last: Array | None, count: int = 5) -> dict[str, torch.Tensor]:
    """What the inpaint pipeline takes for start and end pictures."""
    if first is None:
        # The helper of diffusers ignores an end without a start.
        assert last is not None
        given = torch.zeros(1, 3, count, *last.shape[:2])
        mask = torch.full((1, 1, count, *last.shape[:2]), 255.0)
        given[:, :, -1], mask[:, :, -1] = tensor(last[None])[:, :, 0], 0
    else:
        given, mask = get_image_to_video_latent(first, last, count, first.shape[:2])
    return {"video": given, "mask_video": mask}


@pytest.mark.parametrize("names", [("start_image",), ("end_image",), ("start_image", "end_image")])
def test_of_pictures(tiny_inpaint: Path, inpaint: House, names: tuple[str, ...]) -> None:
    pictures = {name: picture(index) for index, name in enumerate(names)}
    given = conditions(pictures.get("start_image"), pictures.get("end_image"))
    made = frames(inpaint, order(inpaint), pictures)
    assert np.array_equal(made, expected(EasyAnimateInpaintPipeline, tiny_inpaint, {}, **given))
    assert not np.array_equal(made, frames(inpaint, order(inpaint)))


def test_of_a_picture_without_guidance_and_of_one_frame(tiny_inpaint: Path, inpaint: House) -> None:
    changes = {"guidance_scale": 1.0, "num_frames": 1}
    given = conditions(picture(1), None, 1)
    made = frames(inpaint, order(inpaint, **changes), {"start_image": picture(1)})
    assert np.array_equal(made, expected(EasyAnimateInpaintPipeline, tiny_inpaint, changes, **given))


@pytest.mark.parametrize("strength", [0.5, 0.7, 1.0])
def test_of_a_video_that_is_made_anew_in_part(tiny_inpaint: Path, inpaint: House, strength: float) -> None:
    changes = {"num_inference_steps": 4, "strength": strength}
    mask = torch.full((1, 1, 5, 64, 64), 255.0)
    given = expected(
        EasyAnimateInpaintPipeline,
        tiny_inpaint,
        changes,
        video=tensor(video(3)),
        mask_video=mask,
        strength=strength,
    )
    sent: list[dict[str, Any]] = []
    made = frames(inpaint, order(inpaint, **changes), {"video": video(3)}, sent=sent)
    assert np.array_equal(made, given)
    assert {message["total_steps"] for message in sent} == {int(4 * strength)}


def test_of_a_picture_to_a_transformer_that_was_trained_with_noise(tiny_inpaint: Path, tmp_path: Path) -> None:
    directory = tmp_path / "noisy"
    shutil.copytree(tiny_inpaint, directory)
    file = directory / "transformer" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"add_noise_in_inpaint_model": True}))
    noisy = house(directory)
    given = conditions(picture(1), None)
    made = frames(noisy, order(noisy), {"start_image": picture(1)})
    assert np.array_equal(made, expected(EasyAnimateInpaintPipeline, directory, {}, **given))


@pytest.mark.parametrize("names", [(), ("control_video",), ("ref_image",), ("control_video", "ref_image")])
def test_of_a_control_video_and_a_picture_of_the_subject(
    tiny_control: Path, control: House, names: tuple[str, ...]
) -> None:
    pixels: dict[str, Array] = {"control_video": video(5), "ref_image": picture(9)}
    inputs = {name: pixels[name] for name in names}
    given = {name: tensor(value if value.ndim == 4 else value[None]) for name, value in inputs.items()}
    made = frames(control, order(control), inputs)
    assert np.array_equal(made, expected(ControlPipeline, tiny_control, {}, **given))


@pytest.mark.parametrize("name", ["end_image", "ref_image"])
def test_a_picture_that_one_frame_has_no_place_for_is_refused(inpaint: House, control: House, name: str) -> None:
    studio = inpaint if name == "end_image" else control
    with pytest.raises(Failure, match="more than one frame"):
        frames(studio, order(studio, num_frames=1), {name: picture(1)})


def test_a_compiled_denoiser_gives_the_same_frames(tiny: Path, text: House) -> None:
    compiled = house(tiny, backend="eager")
    assert np.array_equal(frames(compiled, order(compiled)), frames(text, order(text)))


@pytest.mark.parametrize("mode", ["full", "model_offload_8bit"])
def test_a_mode_leaves_nothing_behind(text: House, mode: str) -> None:
    before = frames(text, order(text))
    made = frames(text, order(text, mode))
    assert np.array_equal(made, before) == (mode == "full")
    assert np.array_equal(frames(text, order(text)), before)

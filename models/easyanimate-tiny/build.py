"""Builds `easyanimate-tiny`: EasyAnimate V5.1's classes and files, very small.

    python models/easyanimate-tiny/build.py OUTPUT_DIRECTORY [--task text|inpaint|control] [--random]

With the trained weights in `weights/`, or with seeded random ones: those render coloured noise and follow no prompt,
and are for tests. One network was trained for three tasks; a task's checkpoint has the input channels that it needs.
The same versions of the libraries give the same files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiny_tokenizer import build_tokenizer

RECIPE = "easyanimate-tiny 5"
"""Raise the number with every change that gives other files."""

WEIGHTS = Path(__file__).with_name("weights")
"""What training has made: `transformer.safetensors` with the channels of all tasks, the other parts, the tokenizer."""
WEIGHT_FILES = ("transformer.safetensors", "text_encoder.safetensors", "vae.safetensors")

NAMES = {"text": "easyanimate-tiny", "inpaint": "easyanimate-tiny-InP", "control": "easyanimate-tiny-Control"}
"""What the checkpoint of each task is called, as the published ones are: one engine may serve them all."""

ANIMATO = {
    "limits": {"min_width": 64, "min_height": 64},
    "defaults": {"num_inference_steps": 20, "guidance_scale": 3.0},
    "native_shapes": [[112, 64], [64, 64], [64, 112]],
    # Of TeaCache's polynomial for the trained weights, highest degree first, scaled for the engine's thresholds:
    # `Benchmarks/step_cache.py --fit` fits it anew.
    "step_cache": [-47.06, 12.3867, 1.0034, 0.445625, 0],
}

SEED = 20250306
HIDDEN = 128
VAE_CHANNELS = (16, 16, 48, 96)

LATENT = 16
INPAINT = 1 + LATENT
"""Channels for what is given of the video: a mask (1 where given) and the latents of what is given."""
CONTROL = 2 * LATENT
"""Channels of a control video and of a picture of the subject."""
TASKS = {
    "text": list(range(LATENT)),
    "inpaint": list(range(LATENT + INPAINT)),
    "control": [*range(LATENT), *range(LATENT + INPAINT, LATENT + INPAINT + CONTROL)],
}
"""The input channels of each task, of all that the network was trained with."""


def build_text_encoder(tokenizer: Any) -> Any:
    """Qwen2-VL with three layers; the pipeline reads the hidden states before the last."""
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    number = tokenizer.convert_tokens_to_ids
    text = {
        "vocab_size": (len(tokenizer) + 63) // 64 * 64,
        "hidden_size": HIDDEN,
        "intermediate_size": 2 * HIDDEN,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 32768,
        # The sections add up to half the size of a head.
        "rope_parameters": {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 1e6},
        "bos_token_id": number("<|endoftext|>"),
        "eos_token_id": number("<|im_end|>"),
        "pad_token_id": number("<|endoftext|>"),
    }
    vision = {"depth": 1, "embed_dim": 16, "hidden_size": HIDDEN, "num_heads": 1, "mlp_ratio": 2, "patch_size": 4}
    config = Qwen2VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    return Qwen2VLForConditionalGeneration(config)


def build_transformer(channels: int = LATENT) -> Any:
    """The denoising network with four layers, for so many input channels: 16 noisy ones, then what its task is given.

    A head's size must be a multiple of 16 for the 3-D position code.
    """
    from diffusers import EasyAnimateTransformer3DModel

    return EasyAnimateTransformer3DModel(
        num_attention_heads=6,
        attention_head_dim=32,
        in_channels=channels,
        out_channels=16,
        patch_size=2,
        num_layers=4,
        mmdit_layers=4,
        time_embed_dim=192,
        add_norm_text_encoder=True,
        text_embed_dim=HIDDEN,
        add_noise_in_inpaint_model=False,
    )


def build_vae(channels: Sequence[int] = VAE_CHANNELS) -> Any:
    """The video autoencoder; four levels, or it would not compress 8 x 8 x 4."""
    from diffusers import AutoencoderKLMagvit

    vae = AutoencoderKLMagvit(
        latent_channels=16,
        block_out_channels=list(channels),
        layers_per_block=1,
        norm_num_groups=8,
        scaling_factor=1.0,
    )
    # The pipeline with a start image reads this key, which diffusers itself does not write.
    vae.register_to_config(cache_mag_vae=True)
    return vae


def trained_parts(weights: Path, task: str) -> dict[str, Any]:
    """VAE, text encoder, tokenizer and transformer with the weights in the directory `weights`."""
    from safetensors.torch import load_file
    from transformers import Qwen2Tokenizer

    tokenizer = Qwen2Tokenizer.from_pretrained(weights / "tokenizer")
    parts = {"text_encoder": build_text_encoder(tokenizer), "vae": build_vae(), "tokenizer": tokenizer}
    channels = TASKS[task]
    parts["transformer"] = build_transformer(len(channels))
    for file in WEIGHT_FILES:
        name = file.removesuffix(".safetensors")
        state = load_file(weights / file)
        if name == "transformer":
            state["proj.weight"] = state["proj.weight"][:, channels].contiguous()
        # The text encoder's last layer is its embedding, which is stored once.
        parts[name].load_state_dict(state, strict=name != "text_encoder")
    return parts


def write_checkpoint(directory: Path, task: str, weights: Path | None) -> None:
    """Write all files of the checkpoint into `directory`, half precision; with random weights if `weights` is None."""
    import diffusers
    import torch
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    if weights:
        parts = trained_parts(weights, task)
    else:
        tokenizer = build_tokenizer()
        parts = {"vae": build_vae(), "text_encoder": build_text_encoder(tokenizer), "tokenizer": tokenizer}
        parts["transformer"] = build_transformer(len(TASKS[task]))
    kind = {
        "text": diffusers.EasyAnimatePipeline,
        "inpaint": diffusers.EasyAnimateInpaintPipeline,
        "control": diffusers.EasyAnimateControlPipeline,
    }[task]
    pipeline = kind(**parts, scheduler=diffusers.FlowMatchEulerDiscreteScheduler())
    pipeline.to(dtype=torch.float16)
    pipeline.save_pretrained(directory)
    animato = {"name": NAMES[task], **ANIMATO, "recipe": recipe(task, weights)}
    (directory / "animato.json").write_text(json.dumps(animato, indent=2) + "\n", encoding="utf-8")
    for path in (directory, *directory.rglob("*")):
        # Some of these are made for their owner only; a server may run as another user.
        path.chmod(0o755 if path.is_dir() else 0o644)


def recipe(task: str, weights: Path | None) -> str:
    """What a checkpoint is made from, in one line."""
    if weights is None:
        return f"{RECIPE} {task} random"
    digest = hashlib.sha256()
    for file in WEIGHT_FILES:
        digest.update((weights / file).read_bytes())
    return f"{RECIPE} {task} {digest.hexdigest()[:16]}"


def is_built(directory: Path, wanted: str) -> bool:
    """Whether `directory` holds a checkpoint of this recipe. A directory gets its name only when it is complete."""
    try:
        return bool(json.loads((directory / "animato.json").read_text(encoding="utf-8"))["recipe"] == wanted)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def build(output: Path, task: str = "text", weights: Path | None = None) -> bool:
    """Put the checkpoint at `output`; give whether there was anything to do.

    Raises:
        FileExistsError: something else is there.
    """
    if is_built(output, recipe(task, weights)):
        return False
    if output.exists() and (not output.is_dir() or any(output.iterdir())) and not (output / "animato.json").is_file():
        raise FileExistsError(f"{output} exists and is no checkpoint of an earlier recipe")
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        write_checkpoint(temporary, task, weights)
        if output.exists():
            shutil.rmtree(output)
        temporary.rename(output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def main() -> int:
    """Carry out the command line and give the exit status."""
    parser = argparse.ArgumentParser(description="Build the tiny EasyAnimate checkpoint.")
    parser.add_argument("output", type=Path, metavar="OUTPUT_DIRECTORY")
    parser.add_argument("--task", choices=tuple(TASKS), default="text")
    parser.add_argument("--random", action="store_true", help="random weights, for tests")
    parser.add_argument("--weights", type=Path, help="what training has made; default: those here, if any")
    given = parser.parse_args()
    output = given.output.absolute()
    weights = None if given.random else given.weights or (WEIGHTS if WEIGHTS.is_dir() else None)
    os.environ["HF_HUB_OFFLINE"] = "1"
    start = time.monotonic()
    try:
        built = build(output, given.task, weights)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in output.rglob("*") if file.is_file()) / 1e6
    if built:
        print(f"built {output}: {size:.1f} MB, {time.monotonic() - start:.0f} s")
    else:
        print(f"{output} is already there ({size:.1f} MB)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

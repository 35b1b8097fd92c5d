"""Builds `easyanimate-tiny`: EasyAnimate V5.1's classes and files, very small, with seeded random weights.

    python models/easyanimate-tiny/build.py OUTPUT_DIRECTORY

It renders coloured noise and follows no prompt: it is for tests and for a first run on a machine without a GPU. The
same versions of the libraries give the same files. Text to video only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

RECIPE = "easyanimate-tiny 1"
"""Raise the number with every change that gives other files."""

ANIMATO = {
    "name": "easyanimate-tiny",
    "recipe": RECIPE,
    "limits": {"min_width": 64, "min_height": 64},
    "defaults": {"num_inference_steps": 20, "guidance_scale": 3.0},
    "native_shapes": [[112, 64], [64, 64], [64, 112]],
}

SEED = 20250306
HIDDEN = 128
VOCABULARY = 700

SPECIAL_TOKENS = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>"),
    *("<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>"),
    *("<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
)

# As Qwen2-VL's, without pictures: the pipeline sends text only.
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

ENGLISH = (
    ("a cat", "a dog", "a car", "a ball", "a rocket", "a fish", "a tree", "a star", "a panda", "a balloon", "a robot"),
    ("playing", "running left", "moving to the right", "flying up", "falling down", "bouncing", "standing still"),
    ("on the grass", "in the blue ocean", "in the night sky", "in the desert", "in the snow"),
)
CHINESE = (
    ("一只猫", "一只狗", "一辆汽车", "一个球", "一枚火箭", "一条鱼", "一棵树", "一颗星星", "一只熊猫", "一个气球"),
    ("玩耍", "向左跑", "向右移动", "向上飞", "向下落", "跳来跳去", "静止不动", "低质量", "模糊"),
    ("在草地上", "在大海里", "在夜空中", "在沙漠里", "在雪地里"),
)


def corpus() -> list[str]:
    """Text that the tokenizer learns from.

    Chinese stands with one character per line: written together, whole captions would become single tokens, and no
    prompt could be told from its parts.
    """
    lines = ["system\n", "You are a helpful assistant.", "user\n", "assistant\n", "low quality, blurry"] * 20
    lines += [" ".join(words) for words in product(*ENGLISH)]
    lines += [character for words in CHINESE for word in words for character in word] * 20
    return lines


def build_tokenizer() -> Any:
    """A byte-level BPE in the format of Qwen2's."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    words = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([words, to_bytes])
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=2,
        show_progress=False,
    )
    bpe.train_from_iterator(corpus(), trainer)
    model = json.loads(bpe.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=[tuple(merge) for merge in model["merges"]],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=32768,
    )
    tokenizer.add_tokens([AddedToken(token, special=True) for token in SPECIAL_TOKENS])
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


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


def build_transformer() -> Any:
    """The denoising network with four layers; a head's size must be a multiple of 16 for the 3-D position code."""
    from diffusers import EasyAnimateTransformer3DModel

    return EasyAnimateTransformer3DModel(
        num_attention_heads=6,
        attention_head_dim=32,
        in_channels=16,
        out_channels=16,
        patch_size=2,
        num_layers=4,
        mmdit_layers=4,
        time_embed_dim=192,
        add_norm_text_encoder=True,
        text_embed_dim=HIDDEN,
        add_noise_in_inpaint_model=False,
    )


def build_vae() -> Any:
    """The video autoencoder; four levels, or it would not compress 8 x 8 x 4."""
    from diffusers import AutoencoderKLMagvit

    vae = AutoencoderKLMagvit(
        latent_channels=16,
        block_out_channels=[16, 16, 32, 64],
        layers_per_block=1,
        norm_num_groups=8,
        scaling_factor=1.0,
    )
    # The pipeline with a start image reads this key, which diffusers itself does not write.
    vae.register_to_config(cache_mag_vae=True)
    return vae


def write_checkpoint(directory: Path) -> None:
    """Write all files of the checkpoint into `directory`, weights in half precision."""
    import diffusers
    import torch
    import transformers
    from diffusers import EasyAnimatePipeline, FlowMatchEulerDiscreteScheduler

    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    tokenizer = build_tokenizer()
    pipeline = EasyAnimatePipeline(
        vae=build_vae(),
        text_encoder=build_text_encoder(tokenizer),
        tokenizer=tokenizer,
        transformer=build_transformer(),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )
    pipeline.to(dtype=torch.float16)
    pipeline.save_pretrained(directory)
    (directory / "animato.json").write_text(json.dumps(ANIMATO, indent=2) + "\n", encoding="utf-8")
    for path in (directory, *directory.rglob("*")):
        # Some of these are made for their owner only; a server may run as another user.
        path.chmod(0o755 if path.is_dir() else 0o644)


def is_built(directory: Path) -> bool:
    """Whether `directory` holds a checkpoint of this recipe. A directory gets its name only when it is complete."""
    try:
        return bool(json.loads((directory / "animato.json").read_text(encoding="utf-8"))["recipe"] == RECIPE)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def build(output: Path) -> bool:
    """Put the checkpoint at `output`; give whether there was anything to do.

    Raises:
        FileExistsError: something else is there.
    """
    if is_built(output):
        return False
    if output.exists() and (not output.is_dir() or any(output.iterdir())) and not (output / "animato.json").is_file():
        raise FileExistsError(f"{output} exists and is no checkpoint of an earlier recipe")
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        write_checkpoint(temporary)
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
    output = parser.parse_args().output.absolute()
    os.environ["HF_HUB_OFFLINE"] = "1"
    start = time.monotonic()
    try:
        built = build(output)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in output.rglob("*") if file.is_file()) / 1e6
    if built:
        print(f"built {output}: {size:.1f} MB, {time.monotonic() - start:.0f} s")
    else:
        print(f"{output} is already there ({RECIPE}, {size:.1f} MB)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

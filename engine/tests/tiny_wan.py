"""A checkpoint with Wan 2.1's classes and files, random and very small: 3 MB, made in seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

NAME = "wan-tiny"
WIDTH = 32
_SEED = 7
_OVERRIDES = {
    "name": NAME,
    "defaults": {"width": 64, "height": 64, "num_frames": 5},
    "sizes": [[64, 64]],
}
_WORDS = "a cat dog robot bird is playing running on in the grass snow rain sea tree ball red blue slowly low quality"
_VAE_2_2 = {
    "decoder_base_dim": 8,
    "z_dim": 48,
    "is_residual": True,
    "patch_size": 2,
    "in_channels": 12,
    "out_channels": 12,
    "scale_factor_spatial": 16,
    "latents_mean": [0.1] * 48,
    "latents_std": [0.9] * 48,
}


def build(directory: Path, is_2_2: bool = False) -> None:
    """Write it to `directory`, like Wan 2.1 or like the small model of 2.2."""
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
    from transformers import UMT5Config, UMT5EncoderModel

    torch.manual_seed(_SEED)
    tokenizer = _tokenizer()
    text_encoder = UMT5EncoderModel(
        UMT5Config(vocab_size=len(tokenizer), d_model=WIDTH, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
    )
    transformer = WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        text_dim=WIDTH,
        freq_dim=32,
        ffn_dim=64,
        num_layers=3,
        rope_max_seq_len=32,
        **({"in_channels": 48, "out_channels": 48} if is_2_2 else {}),
    )
    vae = AutoencoderKLWan(base_dim=8, num_res_blocks=1, **(_VAE_2_2 if is_2_2 else {}))
    pipeline = WanPipeline(
        tokenizer=tokenizer,
        text_encoder=text_encoder,
        transformer=transformer,
        vae=vae,
        # As in Wan-AI/Wan2.1-T2V-1.3B-Diffusers.
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
        expand_timesteps=is_2_2,
    )
    pipeline.save_pretrained(directory)
    smallest = 32 if is_2_2 else 16
    overrides = {**_OVERRIDES, "limits": {"min_width": smallest, "min_height": smallest}}
    (directory / "animato.json").write_text(json.dumps(overrides), encoding="utf-8")


def _tokenizer() -> Any:
    """A unigram tokenizer in T5's format, learnt from a few words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import T5Tokenizer

    learning = Tokenizer(models.Unigram())
    learning.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    letters = [*"abcdefghijklmnopqrstuvwxyz▁"]
    trainer = trainers.UnigramTrainer(
        vocab_size=120, special_tokens=special, unk_token="<unk>", initial_alphabet=letters, show_progress=False
    )
    learning.train_from_iterator([_WORDS] * 50, trainer)
    # By number: the special tokens are the first.
    vocabulary = sorted(learning.get_vocab(), key=learning.get_vocab().__getitem__)
    return T5Tokenizer(vocab=[(token, -float(index)) for index, token in enumerate(vocabulary)], extra_ids=0)

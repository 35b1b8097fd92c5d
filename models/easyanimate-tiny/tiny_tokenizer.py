"""The tokenizer of `easyanimate-tiny`: the format of Qwen2-VL's, a vocabulary of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import product
from typing import Any

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


def build_tokenizer(lines: Iterable[str] | None = None, vocabulary: int = VOCABULARY) -> Any:
    """A byte-level BPE in the format of Qwen2's, learnt from `lines` (None: `corpus`)."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    words = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([words, to_bytes])
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=2,
        show_progress=False,
    )
    bpe.train_from_iterator(corpus() if lines is None else lines, trainer)
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

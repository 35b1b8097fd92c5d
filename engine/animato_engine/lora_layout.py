"""What is in a LoRA file, judged by its header alone: the two layouts that trainers write, as pairs of matrices.

- diffusers and PEFT: `transformer.X.lora_A.weight`, `transformer.X.lora_B.weight`, and, where the file has it,
  `transformer.X.alpha` or the metadata that diffusers writes; with or without a prefix;
- kohya: `lora_unet__X.lora_down.weight`, `lora_unet__X.lora_up.weight`, `lora_unet__X.alpha`, the dots in X being
  underscores. EasyAnimate's own trainer writes this.

X names a linear or convolution layer. Every fault is a `ValueError` whose text goes behind a colon.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

_MAX_HEADER_BYTES = 16 << 20
_METADATA = "__metadata__"
_PEFT_METADATA = "lora_adapter_metadata"
_FLOATS = ("F64", "F32", "F16", "BF16")

_PREFIXES = re.compile(r"^(?:base_model\.model\.|transformer\.|diffusion_model\.)+")
_KOHYA = "lora_unet_"
_OTHER_NETWORKS = ("lora_te", "text_encoder.", "text_encoder_2.")
# The endings of a key, after the layer's name, and which part of the pair each is.
_ENDINGS = re.compile(r"^(?P<layer>.+)\.(?:(?:lora_(?P<half>A|B|down|up)(?:\.default)?\.weight)|(?P<alpha>alpha))$")
_HALVES = {"A": "down", "down": "down", "B": "up", "up": "up"}

# EasyAnimate's own code, which its LoRAs are trained with, has the text's projections in an attention of their own;
# diffusers' class has them in the video's, under other names.
_EASYANIMATE_NAMES = {
    ".attn1.add_q_proj": ".attn2.to_q",
    ".attn1.add_k_proj": ".attn2.to_k",
    ".attn1.add_v_proj": ".attn2.to_v",
    ".attn1.to_add_out": ".attn2.to_out.0",
}


@dataclass
class Pair:
    """The keys of one layer's two matrices and of its alpha; empty where there is none."""

    down: str = ""
    up: str = ""
    alpha: str = ""


@dataclass(frozen=True)
class Header:
    """What a safetensors file says of itself: shape and type of each tensor, and the metadata of the whole."""

    shapes: dict[str, tuple[int, ...]]
    dtypes: dict[str, str]
    metadata: dict[str, str] = field(default_factory=dict)


def read_header(file: Path) -> Header:
    """The header of a safetensors file (8 bytes with its length, little-endian, then JSON).

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file.
    """
    with open(file, "rb") as opened:
        entries = _header_entries(opened)
    metadata = entries.pop(_METADATA, {})
    shapes, dtypes = {}, {}
    for key, entry in entries.items():
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError("its header is unsound")
        shapes[key], dtypes[key] = tuple(shape), str(entry.get("dtype"))
    return Header(shapes, dtypes, metadata if isinstance(metadata, dict) else {})


def _header_entries(opened: BinaryIO) -> dict[str, Any]:
    start = opened.read(8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if not 2 <= length <= _MAX_HEADER_BYTES:
        raise ValueError("it is no safetensors file")
    try:
        entries = json.loads(opened.read(length))
    except (ValueError, RecursionError):
        raise ValueError("it is no safetensors file") from None
    if not isinstance(entries, dict):
        raise ValueError("it is no safetensors file")
    return entries


def file_alpha(metadata: Mapping[str, str]) -> float | None:
    """The alpha that diffusers' metadata gives for the whole file; None: there is none."""
    try:
        config = json.loads(metadata.get(_PEFT_METADATA, "{}"))
        config = {key.removeprefix("transformer."): value for key, value in config.items()}
        alpha = config.get("lora_alpha")
        number = None if alpha is None else float(alpha)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise ValueError("its metadata are unsound") from None
    for special in ("use_rslora", "use_dora", "alpha_pattern"):
        if config.get(special):
            raise ValueError(f"its metadata ask for {special}")
    return number


def _add_names(names: dict[str, str], name: str, layer: str) -> None:
    """Have `layer` found by `name`, also in kohya's layout."""
    names[name] = names[_KOHYA + name.replace(".", "_")] = layer


def layer_pairs(header: Header, layers: Sequence[str]) -> tuple[dict[str, Pair], int]:
    """The pairs of `header` by the layer they are for, and how many tensors are for other networks.

    `layers` are the names of those that can be changed. A tensor for any other layer of the network is a fault: part of
    a LoRA would give something else without a word.
    """
    names: dict[str, str] = {}
    for layer in layers:
        for ending, other in _EASYANIMATE_NAMES.items():
            if layer.endswith(ending):
                _add_names(names, layer.removesuffix(ending) + other, layer)
    # After those, for a network that has both.
    for layer in layers:
        _add_names(names, layer, layer)
    pairs: dict[str, Pair] = {}
    ignored = 0
    for key in sorted(header.shapes):
        if key.startswith(_OTHER_NETWORKS):
            ignored += 1
            continue
        found = _ENDINGS.fullmatch(key)
        if not found:
            raise ValueError(f"the tensor {key[:200]} is of no known kind")
        # EasyAnimate's trainer writes two underscores after the prefix.
        wanted = _PREFIXES.sub("", found["layer"]).replace(f"{_KOHYA}_", _KOHYA, 1)
        if wanted not in names:
            raise ValueError(f"this network has no layer {wanted[:200]}")
        part = "alpha" if found["alpha"] else _HALVES[found["half"]]
        pair = pairs.setdefault(names[wanted], Pair())
        if getattr(pair, part):
            raise ValueError(f"the layer {names[wanted]} has two of {part}")
        setattr(pair, part, key)
    return pairs, ignored


def check_pair(layer: str, pair: Pair, weight: tuple[int, ...], header: Header) -> None:
    """Raise `ValueError` unless `pair` fits a weight of that shape (output, input, and the kernel of a convolution)."""
    if not pair.down or not pair.up:
        raise ValueError(f"the layer {layer} has only one of its two matrices")
    down, up = header.shapes[pair.down], header.shapes[pair.up]
    rank = down[0] if down else 0
    if rank < 1 or down[1:] != weight[1:] or up != (weight[0], rank, *(1 for _ in weight[2:])):
        raise ValueError(f"the layer {layer} is {weight}, the matrices are {down} and {up}")
    if pair.alpha and header.shapes[pair.alpha] not in ((), (1,)):
        raise ValueError(f"the layer {layer} has an alpha that is no number")
    for key in (pair.down, pair.up, pair.alpha):
        if key and header.dtypes[key] not in _FLOATS:
            raise ValueError(f"the tensor {key[:200]} is of type {header.dtypes[key]}")

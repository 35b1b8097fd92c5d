"""Embeddings of texts seen before, so that the text encoder need not run, or even be loaded, for them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import torch

DEFAULT_BYTES = 256 << 20
"""EasyAnimate's 256 tokens of 3,584 numbers in bfloat16 take 1.8 MB, so about 140 texts."""

Embeddings = tuple[torch.Tensor, ...]
"""What an encoder gives for a text, in an order of its own: embeddings, and an attention mask where it has one."""


class TextCache:
    """The embeddings used last, on the CPU, within `limit` bytes. For one thread.

    It keeps digests in the place of texts, and copies in the place of tensors: nobody can change what another one gets.
    """

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        self._limit = limit
        self._bytes = 0
        self._entries: OrderedDict[bytes, Embeddings] = OrderedDict()

    @property
    def bytes(self) -> int:
        """What the tensors take."""
        return self._bytes

    def get(self, encoder: str, text: str) -> Embeddings | None:
        """What was put for `text` and the encoder of this identity, bit for bit, or None; copies on the CPU."""
        key = _key(encoder, text)
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return _copies(found)

    def put(self, encoder: str, text: str, embeddings: Embeddings) -> None:
        """Keep copies of `embeddings` in the place of those used longest ago.

        `encoder` must tell apart whatever gives other embeddings: weights, dtype, and how the text is put to it.
        Embeddings that are larger than the whole cache are not kept.
        """
        key = _key(encoder, text)
        self._bytes -= _size(self._entries.pop(key, ()))
        if (size := _size(embeddings)) > self._limit:
            return
        while self._bytes + size > self._limit:
            self._bytes -= _size(self._entries.popitem(last=False)[1])
        self._entries[key] = _copies(embeddings)
        self._bytes += size

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0


def _key(encoder: str, text: str) -> bytes:
    # Each by its length, so that no two pairs read alike. A lone surrogate, which JSON can bring, is text as well.
    parts = [part.encode("utf-8", "surrogatepass") for part in (encoder, text)]
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


def _size(embeddings: Embeddings) -> int:
    return sum(tensor.nbytes for tensor in embeddings)


def _copies(embeddings: Embeddings) -> Embeddings:
    # Contiguous: a view would keep all of its storage.
    return tuple(tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format) for tensor in embeddings)

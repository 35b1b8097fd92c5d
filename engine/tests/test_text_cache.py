"""The cache of text embeddings: exact, apart, bounded."""

from __future__ import annotations

import pytest
import torch

from animato_engine.text_cache import Embeddings, TextCache


def embeddings(value: float, numbers: int = 256) -> Embeddings:
    """`numbers` numbers of two bytes, and a mask of 16 bytes."""
    return torch.full((1, numbers // 8, 8), value, dtype=torch.bfloat16), torch.tensor([[1, 0]])


ENTRY_BYTES = 256 * 2 + 16


def test_what_was_put_comes_back_bit_for_bit() -> None:
    cache = TextCache()
    embeds, mask = torch.randn(1, 256, 64, dtype=torch.float16), torch.ones(1, 256, dtype=torch.int64)
    embeds[0, 0, 0] = torch.nan
    cache.put("encoder", "一只猫", (embeds, mask))
    found = cache.get("encoder", "一只猫")
    assert found is not None
    for kept, given in zip(found, (embeds, mask), strict=True):
        assert kept.dtype == given.dtype and torch.equal(kept.view(torch.uint8), given.view(torch.uint8))


def test_an_encoder_without_a_mask_has_one_tensor() -> None:
    cache = TextCache()
    cache.put("encoder", "a", (torch.ones(2),))
    assert len(cache.get("encoder", "a") or ()) == 1


@pytest.mark.parametrize("other", [("encoder", "b"), ("other", "a"), ("encodera", ""), ("", "encodera")])
def test_another_text_or_encoder_finds_nothing(other: tuple[str, str]) -> None:
    cache = TextCache()
    cache.put("encoder", "a", embeddings(1))
    assert cache.get(*other) is None


def test_any_text_of_json_is_a_key() -> None:
    cache = TextCache()
    cache.put("encoder", "\ud800\0", embeddings(1))
    assert cache.get("encoder", "\ud800\0") is not None


def test_nobody_can_change_what_is_kept() -> None:
    cache = TextCache()
    given = torch.ones(4, requires_grad=True)
    cache.put("encoder", "a", (given,))
    with torch.no_grad():
        given.zero_()
    first = cache.get("encoder", "a")
    assert first is not None and not first[0].requires_grad
    first[0].fill_(7)
    second = cache.get("encoder", "a")
    assert second is not None and second[0].tolist() == [1, 1, 1, 1]


def test_a_view_takes_only_its_own_bytes() -> None:
    cache = TextCache(limit=64)
    cache.put("encoder", "a", (torch.zeros(1000, 4)[:, 0][:4],))
    found = cache.get("encoder", "a")
    assert found is not None and found[0].untyped_storage().nbytes() == cache.bytes == 16


def test_the_text_used_longest_ago_makes_room() -> None:
    cache = TextCache(limit=2 * ENTRY_BYTES)
    cache.put("encoder", "a", embeddings(1))
    cache.put("encoder", "b", embeddings(2))
    assert cache.bytes == 2 * ENTRY_BYTES
    assert cache.get("encoder", "a") is not None
    cache.put("encoder", "c", embeddings(3))
    assert [text for text in "abc" if cache.get("encoder", text) is None] == ["b"]
    assert cache.bytes == 2 * ENTRY_BYTES


def test_the_same_text_again_replaces_and_counts_once() -> None:
    cache = TextCache(limit=2 * ENTRY_BYTES)
    for value in range(5):
        cache.put("encoder", "a", embeddings(value))
    found = cache.get("encoder", "a")
    assert found is not None and found[0][0, 0, 0] == 4
    assert cache.bytes == ENTRY_BYTES


def test_what_is_larger_than_the_cache_is_not_kept_and_drives_nothing_out() -> None:
    cache = TextCache(limit=ENTRY_BYTES)
    cache.put("encoder", "a", embeddings(1))
    cache.put("encoder", "b", embeddings(2, numbers=512))
    assert cache.get("encoder", "b") is None and cache.get("encoder", "a") is not None
    cache.put("encoder", "a", embeddings(2, numbers=512))
    assert cache.get("encoder", "a") is None and cache.bytes == 0


def test_a_cleared_cache_is_empty() -> None:
    cache = TextCache()
    cache.put("encoder", "a", embeddings(1))
    cache.clear()
    assert cache.get("encoder", "a") is None and cache.bytes == 0

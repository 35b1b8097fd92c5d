"""The step cache on the tiny transformer, in a denoising loop of the test's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import EasyAnimateTransformer3DModel

from animato_engine.memory import Residency
from animato_engine.modes import LEVELS
from animato_engine.step_cache import CachedSteps, StepCache, estimate, fit_coefficients
from animato_engine.weights import WeightFiles

STEPS = 10
# A fifth of the distance itself, so that some of the steps are skipped.
LINE = (0.0, 0.0, 0.0, 0.2, 0.0)


@pytest.fixture(scope="module")
def transformer(tiny: Path) -> Any:
    """The tiny transformer, shared: every test must leave it as it was."""
    return EasyAnimateTransformer3DModel.from_pretrained(tiny / "transformer", dtype=torch.float32)


@contextmanager
def caching(transformer: Any, cache: StepCache) -> Iterator[StepCache]:
    """`cache` at work."""
    with CachedSteps(transformer, [cache]).installed():
        yield cache


@torch.no_grad()
def denoise(
    transformer: Any,
    cache: StepCache,
    start: tuple[int, torch.Tensor] | None = None,
    after: Callable[[int, torch.Tensor], None] = lambda step, latents: None,
) -> torch.Tensor:
    """Euler's method from noise, or from the latents after so many steps; `after` sees those of every step."""
    draw = torch.Generator().manual_seed(5)
    latents, text = torch.randn(1, 16, 3, 8, 8, generator=draw), torch.randn(2, 16, 128, generator=draw)
    first = 0
    if start:
        first, latents = start
    for step in range(first, STEPS):
        time = torch.full((2,), 1000.0 * (1 - step / STEPS))
        doubled = torch.cat([latents] * 2)
        with cache_unchanged(cache):
            both = transformer(doubled, time, encoder_hidden_states=text, return_dict=False)[0]
        latents = latents + (both[1:] + both[:1]) / STEPS
        after(step + 1, latents)
    return latents


class cache_unchanged:
    """Checks that taking the state of a cache between two steps changes nothing."""

    def __init__(self, cache: StepCache) -> None:
        self.cache = cache

    def __enter__(self) -> None:
        first, second = self.cache.state(), self.cache.state()
        assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)

    def __exit__(self, *error: object) -> None:
        return None


def run(transformer: Any, level: Any) -> tuple[torch.Tensor, int]:
    """The latents and the number of skipped steps."""
    with caching(transformer, StepCache(level, LINE, STEPS)) as cache:
        return denoise(transformer, cache), cache.skipped


def test_off_changes_nothing(transformer: Any) -> None:
    assert LEVELS == ("off", "balanced", "fast")
    blocks = transformer.transformer_blocks
    with caching(transformer, StepCache("off", LINE, STEPS)) as cache:
        assert transformer.transformer_blocks is blocks
        denoise(transformer, cache)
        assert (cache.skipped, cache.state()) == (0, {})


def test_estimates_that_are_never_below_the_threshold_give_the_same_bits(transformer: Any) -> None:
    expected, _ = run(transformer, "off")
    with caching(transformer, StepCache("fast", (0.0, 0.0, 0.0, 0.0, 1.0), STEPS)) as cache:
        assert torch.equal(denoise(transformer, cache), expected)
        assert cache.skipped == 0


def test_each_level_skips_more_and_is_repeatable(transformer: Any) -> None:
    exact, _ = run(transformer, "off")
    (balanced, some), (fast, more) = run(transformer, "balanced"), run(transformer, "fast")
    assert 0 < some < more < STEPS - 1
    assert not torch.equal(balanced, exact) and not torch.equal(fast, balanced)
    assert torch.equal(run(transformer, "fast")[0], fast)


def test_the_first_fifth_and_the_last_step_are_always_computed(transformer: Any) -> None:
    computed: list[int] = []
    step = [0]
    hook = transformer.transformer_blocks[-1].register_forward_hook(lambda *given: computed.append(step[0]))
    with caching(transformer, StepCache("fast", (0.0, 0.0, 0.0, 0.0, 0.0), STEPS)) as cache:
        denoise(transformer, cache, after=lambda done, latents: step.__setitem__(0, done))
        assert cache.skipped == STEPS - 3
    hook.remove()
    assert computed == [0, 1, STEPS - 1]


def test_the_transformer_is_restored_also_after_an_error(transformer: Any) -> None:
    blocks, hooks = transformer.transformer_blocks, len(transformer._forward_pre_hooks)
    names = list(transformer.state_dict())
    exact, _ = run(transformer, "off")

    def stop(step: int, latents: torch.Tensor) -> None:
        if step == 5:
            raise RuntimeError("out of memory")

    with (
        pytest.raises(RuntimeError, match="out of memory"),
        caching(transformer, StepCache("fast", LINE, STEPS)) as cache,
    ):
        denoise(transformer, cache, after=stop)
    assert transformer.transformer_blocks is blocks and list(transformer.state_dict()) == names
    assert len(transformer._forward_pre_hooks) == hooks
    assert torch.equal(run(transformer, "off")[0], exact)


@pytest.mark.parametrize("level", ["balanced", "fast"])
def test_a_resumed_generation_gives_the_same_bits_from_every_step(transformer: Any, level: Any) -> None:
    checkpoints: list[tuple[int, torch.Tensor, dict[str, torch.Tensor]]] = []
    with caching(transformer, StepCache(level, LINE, STEPS)) as cache:
        whole = denoise(
            transformer, cache, after=lambda step, latents: checkpoints.append((step, latents.clone(), cache.state()))
        )
        skipped = cache.skipped
    for step, latents, state in checkpoints[:-1]:
        with caching(transformer, StepCache(level, LINE, STEPS)) as cache:
            cache.restore(state)
            assert cache.state().keys() == state.keys()
            assert torch.equal(denoise(transformer, cache, (step, latents)), whole)
            assert cache.skipped == skipped


def test_a_state_is_small(transformer: Any) -> None:
    sizes: list[int] = []
    with caching(transformer, StepCache("fast", LINE, STEPS)) as cache:
        denoise(
            transformer,
            cache,
            after=lambda step, latents: sizes.append(
                sum(value.nbytes for value in cache.state().values()) - 4 * latents.nbytes
            ),
        )
    assert max(sizes) < 100


def test_it_works_with_8_bit_weights(transformer: Any, tiny: Path) -> None:
    files = WeightFiles(tiny / "transformer")
    residency = Residency({"transformer": transformer}, torch.device("cpu"), "transformer", files)
    residency.switch("model_offload_8bit")
    with residency.on_device("transformer"):
        latents, skipped = run(transformer, "fast")
    residency.switch("full")
    assert skipped > 0 and torch.isfinite(latents).all()


def test_an_estimate_that_makes_no_sense_means_that_a_step_is_computed() -> None:
    assert estimate((1.0, 2.0, 3.0, 4.0, 5.0), 2.0) == 16 + 16 + 12 + 8 + 5
    falling = (0.0, 0.0, 0.0, -1.0, 0.1)
    assert estimate(falling, 0.05) == pytest.approx(0.05)
    assert [estimate(falling, distance) for distance in (0.2, math.inf, math.nan)] == [math.inf] * 3


def test_coefficients_are_fitted_to_what_was_recorded() -> None:
    wanted = (2.0, -1.0, 0.5, 0.25, 0.0)
    pairs = [(x / 20, estimate(wanted, x / 20)) for x in range(1, 20)]
    assert fit_coefficients([*pairs, (math.inf, 1.0)]) == pytest.approx(wanted)
    with pytest.raises(ValueError, match="at least 4"):
        fit_coefficients(pairs[:3])

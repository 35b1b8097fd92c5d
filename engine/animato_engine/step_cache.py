"""A step cache: denoising steps that would hardly differ from the one before take over what its blocks added.

TeaCache (Liu et al., arXiv 2411.19108) for diffusers' EasyAnimate transformer, as EasyAnimate itself has it: the input
of the first block, modulated by the time, is compared with that of the step before; a polynomial of degree 4, fitted
for each checkpoint, estimates from it how much the output of the blocks changes; the estimates of consecutive steps add
up, and while the sum is below a threshold, the step reuses the blocks' last residual (output less input).

The compared input depends on the latents and the time only, not on the prompt. So both halves of a guided step agree.
Generations that share a batch decide each for itself, as they would alone: those that skip a step are left out of it.
"""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from .modes import Level

THRESHOLDS: Mapping[Level, float] = {"balanced": 0.05, "fast": 0.10}
"""What EasyAnimate recommends for its own polynomials. Where others are right for a checkpoint, its coefficients are
scaled."""
WARM_UP = 5
"""One in so many steps, from the start, is always computed: those decide what is in the picture."""
_DEGREE = 4
_BLOCKS = "transformer_blocks"
_COUNTS, _SUM, _COMPUTED, _LAST = "step_cache.counts", "step_cache.sum", "step_cache.computed", "step_cache.last"


def estimate(coefficients: Sequence[float], distance: float) -> float:
    """The relative change of the output for that of the input; infinite where the polynomial says nothing sensible."""
    value = 0.0
    for coefficient in coefficients:
        value = value * distance + coefficient
    return value if math.isfinite(value) and value >= 0 else math.inf


def fit_coefficients(pairs: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """The coefficients for a checkpoint, by least squares over (change of the input, change of the output) of steps.

    Both are relative L1 distances to the step before, of steps that were computed, in runs with few and with many
    steps: the polynomial says nothing about others. It goes through the origin, since what does not change changes
    nothing.

    Raises:
        ValueError: the pairs do not determine a polynomial of degree 4.
    """
    import numpy as np

    sound = np.array([pair for pair in pairs if all(map(math.isfinite, pair))]).reshape(-1, 2)
    if len(set(sound[:, 0]) - {0.0}) < _DEGREE:
        raise ValueError(f"a polynomial of degree {_DEGREE} takes at least {_DEGREE} different distances")
    powers = sound[:, :1] ** np.arange(_DEGREE, 0, -1)
    solution = np.linalg.lstsq(powers, sound[:, 1], rcond=None)[0]
    return (*(float(number) for number in solution), 0.0)


def relative_distance(value: torch.Tensor, before: torch.Tensor) -> float:
    """The mean absolute difference, as a part of the mean absolute value before; infinite or NaN if that is zero."""
    change = (value - before).abs().mean(dtype=torch.float32)
    return float(change / before.abs().mean(dtype=torch.float32))


class StepCache:
    """What one generation skips, and what it needs for that.

    - level: `off` skips nothing.
    - coefficients: of the checkpoint's polynomial, highest power first.
    - total_steps: of the whole generation, those done before a `restore` included. The first ones (`WARM_UP`) and the
      last are always computed.
    """

    def __init__(self, level: Level, coefficients: Sequence[float], total_steps: int) -> None:
        self.skipped = 0
        """Steps that reused a residual, those before a `restore` included."""
        self._threshold = THRESHOLDS.get(level)
        self._coefficients = coefficients
        self._skippable = range(max(1, total_steps // WARM_UP), total_steps - 1)
        self._index = 0
        self._sum = 0.0
        self._is_computed = False
        """Whether the last step was."""
        self._replayed: bool | None = None
        self._input: torch.Tensor | None = None
        self._residual: torch.Tensor | None = None
        self._pending: dict[str, torch.Tensor] = {}
        # Latents and times of the last step that was computed, and of the last at all.
        self._computed: tuple[Any, Any] | None = None
        self._last: tuple[Any, Any] | None = None

    @property
    def is_on(self) -> bool:
        """Whether it may skip anything."""
        return self._threshold is not None

    def state(self) -> dict[str, torch.Tensor]:
        """What `restore` needs to go on after the steps so far, on the CPU; empty before the first, and at `off`.

        The residual is not in it: it is as large as the activations (160 MB for EasyAnimate 12B at 672 x 384 x 49),
        while the latents that it is computed from again take a few MB.
        """
        if self._pending:
            return dict(self._pending)
        self._note()
        if self._computed is None or self._last is None:
            return {}
        state = {
            _COUNTS: torch.tensor([self._index, self.skipped]),
            _SUM: torch.tensor(self._sum, dtype=torch.float64),
        }
        for name, call in ((_COMPUTED, self._computed), (_LAST, self._last)):
            latents, time = call
            state |= {f"{name}.latents": latents.detach().cpu().clone(), f"{name}.time": time.detach().cpu().clone()}
        return state

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on where `state` was taken, before the first step in this cache. Gives bit for bit the same steps.

        Costs one computed step, at the next call.
        """
        if self.is_on and _COUNTS in state:
            self._pending = {name: value for name, value in state.items() if name.startswith("step_cache.")}
            self._index, self.skipped = (int(number) for number in state[_COUNTS])
            self._sum = float(state[_SUM])

    def forget(self) -> None:
        """Drop the tensors."""
        self._input = self._residual = self._computed = self._last = None

    def begin(self, latents: torch.Tensor, time: torch.Tensor) -> None:
        """A step with these inputs of the transformer begins."""
        self._note()
        self._last = (latents, time)

    def replays(self, latents: torch.Tensor) -> Iterator[tuple[Any, Any]]:
        """After a `restore`, before the first step: the inputs of the calls that make the residual again.

        They are the last computed step and the last one, which reuses it, as they did. `latents` says where to.
        """
        pending, self._pending = self._pending, {}
        if not pending:
            return
        for name, skip in ((_COMPUTED, False), (_LAST, True)):
            self._last = (pending[f"{name}.latents"].to(latents), pending[f"{name}.time"].to(latents.device))
            self._replayed = skip
            yield self._last
            if not skip:
                self._computed = self._last

    def decide(self, modulated: torch.Tensor) -> torch.Tensor | None:
        """The residual to reuse in the step at hand, whose first block has this input; None: compute it."""
        skip = self._decide(modulated) if self._replayed is None else self._replayed
        self._replayed = None
        self._input = modulated
        self._is_computed = not skip or self._residual is None
        return None if self._is_computed else self._residual

    def keep(self, residual: torch.Tensor) -> None:
        """What the blocks added in the step at hand."""
        self._residual = residual

    def _note(self) -> None:
        """Keep the last call as the computed one, if it was."""
        if self._is_computed and self._last is not None:
            self._computed = self._last

    def _decide(self, modulated: torch.Tensor) -> bool:
        """Whether to skip this step; counts it."""
        index, self._index = self._index, self._index + 1
        if index not in self._skippable or self._input is None:
            self._sum = 0.0
            return False
        self._sum += estimate(self._coefficients, relative_distance(modulated, self._input))
        if not self._sum < (self._threshold or 0.0):
            self._sum = 0.0
            return False
        self.skipped += 1
        return True


class CachedSteps:
    """The caches of the generations in a batch at work in an `EasyAnimateTransformer3DModel`, called once per step.

    `caches` are those of the next call, in the order of the batch, in which each has equally many items.
    """

    def __init__(self, transformer: Any, caches: Sequence[StepCache]) -> None:
        self.caches = list(caches)
        self._transformer = transformer
        self._signature = inspect.signature(type(transformer).forward)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Have them work, for the time of a `with`; afterwards the transformer is what it was.

        Meanwhile its blocks have other names: weights must be changed before. Blocks may be compiled, the whole should
        not be.
        """
        caches = tuple(self.caches)
        if not any(cache.is_on for cache in caches):
            yield
            return
        blocks = getattr(self._transformer, _BLOCKS)
        hook = self._transformer.register_forward_pre_hook(self._before, with_kwargs=True)
        setattr(self._transformer, _BLOCKS, torch.nn.ModuleList([_Stack(blocks, self)]))
        try:
            yield
        finally:
            hook.remove()
            setattr(self._transformer, _BLOCKS, blocks)
            for cache in caches:
                cache.forget()

    def rows(self, batch: int) -> Iterator[tuple[StepCache, slice]]:
        """Each cache with its items of a batch of so many."""
        each = batch // len(self.caches)
        for index, cache in enumerate(self.caches):
            yield cache, slice(index * each, (index + 1) * each)

    def _before(self, transformer: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Note what the step is called with; before the first after a `restore`, make the residual again."""
        call = self._signature.bind(transformer, *given, **named).arguments
        latents, time = call.pop("hidden_states"), call.pop("timestep")
        del call["self"]
        everyone = self.caches
        for cache, rows in tuple(self.rows(len(latents))):
            own = {name: value[rows] if isinstance(value, torch.Tensor) else value for name, value in call.items()}
            self.caches = [cache]
            for replayed in cache.replays(latents):
                # Not through the hooks: this is no step.
                self._transformer.forward(*replayed, **own)
            cache.begin(latents[rows], time[rows])
        self.caches = everyone


class _Stack(torch.nn.Module):  # type: ignore[misc]  # torch is not followed
    """Stands where the blocks are: lets them compute, or adds their last residual."""

    def __init__(self, blocks: torch.nn.ModuleList, steps: CachedSteps) -> None:
        super().__init__()
        self.blocks = blocks
        self._steps = steps

    def forward(
        self, hidden_states: torch.Tensor, encoder_hidden_states: torch.Tensor, temb: torch.Tensor, rotary: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As a block of the transformer: the video's tokens (batch, tokens, width) and those of the text.

        After the blocks only the first are used, so those of the text stay as they come when a step is skipped.
        """
        computed: list[tuple[StepCache, slice]] = []
        reused: list[tuple[torch.Tensor, slice]] = []
        for cache, rows in self._steps.rows(len(hidden_states)):
            # The latents are the same for all items of one generation.
            first = slice(rows.start, rows.start + 1)
            modulated = self.blocks[0].norm1(hidden_states[first], encoder_hidden_states[first], temb[first])[0]
            residual = cache.decide(modulated)
            if residual is None:
                computed.append((cache, rows))
            else:
                reused.append((residual, rows))
        if not reused:
            return self._compute(hidden_states, encoder_hidden_states, temb, rotary, [cache for cache, _ in computed])
        output = hidden_states.clone()
        for residual, rows in reused:
            output[rows] += residual
        if computed:
            hidden, text, time = (
                torch.cat([tensor[rows] for _, rows in computed])
                for tensor in (hidden_states, encoder_hidden_states, temb)
            )
            added, _ = self._compute(hidden, text, time, rotary, [cache for cache, _ in computed])
            for (_, rows), part in zip(computed, added.chunk(len(computed)), strict=True):
                output[rows] = part
        return output, encoder_hidden_states

    def _compute(
        self, hidden: torch.Tensor, text: torch.Tensor, temb: torch.Tensor, rotary: Any, caches: Sequence[StepCache]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The blocks' outputs, whose residuals are kept in `caches`."""
        output, after = hidden, text
        for block in self.blocks:
            output, after = block(output, after, temb, rotary)
        for cache, residual in zip(caches, (output - hidden).chunk(len(caches)), strict=True):
            cache.keep(residual)
        return output, after

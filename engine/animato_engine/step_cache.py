"""A step cache: denoising steps that would hardly differ from the one before take over what its blocks added.

TeaCache (Liu et al., arXiv 2411.19108) for diffusers' EasyAnimate transformer, as EasyAnimate itself has it: the input
of the first block, modulated by the time, is compared with that of the step before; a polynomial of degree 4, fitted
for each checkpoint, estimates from it how much the output of the blocks changes; the estimates of consecutive steps add
up, and while the sum is below a threshold, the step reuses the blocks' last residual (output less input).

The compared input depends on the latents and the time only, not on the prompt. So both halves of a guided batch agree,
and two devices that compute one half each skip the same steps.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from types import TracebackType
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
    """The cache of one generation, for the time of a `with`; afterwards the transformer is what it was.

    - transformer: an `EasyAnimateTransformer3DModel`, called once per step. While the cache is on, its blocks have
      other names: weights must be changed before. Blocks may be compiled, the whole should not be.
    - level: `off` does nothing at all.
    - coefficients: of the checkpoint's polynomial, highest power first.
    - total_steps: of the whole generation, those done before a `restore` included. The first ones (`WARM_UP`) and the
      last are always computed.
    """

    def __init__(self, transformer: Any, level: Level, coefficients: Sequence[float], total_steps: int) -> None:
        self._transformer = transformer
        self._threshold = THRESHOLDS.get(level)
        self._stack = _Stack(getattr(transformer, _BLOCKS), coefficients, self._threshold or 0.0, total_steps)
        self._signature = inspect.signature(type(transformer).forward)
        self._hook: Any = None
        self._pending: dict[str, torch.Tensor] = {}
        # Latents and times of the last step that was computed, and of the last at all.
        self._computed: tuple[Any, Any] | None = None
        self._last: tuple[Any, Any] | None = None

    @property
    def skipped(self) -> int:
        """Steps that reused a residual, those before a `restore` included."""
        return self._stack.skipped

    def __enter__(self) -> StepCache:
        if self._threshold is not None:
            self._hook = self._transformer.register_forward_pre_hook(self._before, with_kwargs=True)
            setattr(self._transformer, _BLOCKS, torch.nn.ModuleList([self._stack]))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._hook is not None:
            self._hook.remove()
            self._hook = None
            setattr(self._transformer, _BLOCKS, self._stack.blocks)
        self._stack.forget()
        self._computed = self._last = None

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
            _COUNTS: torch.tensor([self._stack.index, self._stack.skipped]),
            _SUM: torch.tensor(self._stack.sum, dtype=torch.float64),
        }
        for name, call in ((_COMPUTED, self._computed), (_LAST, self._last)):
            latents, time = call
            state |= {f"{name}.latents": latents.detach().cpu().clone(), f"{name}.time": time.detach().cpu().clone()}
        return state

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on where `state` was taken, before the first step in this cache. Gives bit for bit the same steps.

        Costs one computed step, at the next call.
        """
        if self._threshold is not None and _COUNTS in state:
            self._pending = {name: value for name, value in state.items() if name.startswith("step_cache.")}
            self._stack.index, self._stack.skipped = (int(number) for number in state[_COUNTS])
            self._stack.sum = float(state[_SUM])

    def _before(self, transformer: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Note what the step is called with; before the first after a `restore`, make the residual again."""
        call = self._signature.bind(transformer, *given, **named).arguments
        latents, time = call["hidden_states"], call["timestep"]
        if self._pending:
            others = {name: value for name, value in call.items() if name not in ("self", "hidden_states", "timestep")}
            self._replay(others, latents, time)
        self._note()
        self._last = (latents, time)

    def _replay(self, others: dict[str, Any], latents: Any, time: Any) -> None:
        """Compute the last computed step once more, and let the last one reuse it, as they did."""
        pending, self._pending = self._pending, {}
        for name, skip in ((_COMPUTED, False), (_LAST, True)):
            self._last = (pending[f"{name}.latents"].to(latents), pending[f"{name}.time"].to(time))
            self._stack.replay(skip)
            # Not through the hooks: this is no step.
            self._transformer.forward(*self._last, **others)
            if not skip:
                self._computed = self._last

    def _note(self) -> None:
        """Keep the last call as the computed one, if it was."""
        if self._stack.computed and self._last is not None:
            self._computed = self._last


class _Stack(torch.nn.Module):  # type: ignore[misc]  # torch is not followed
    """Stands where the blocks are: lets them compute, or adds their last residual."""

    def __init__(
        self, blocks: torch.nn.ModuleList, coefficients: Sequence[float], threshold: float, total_steps: int
    ) -> None:
        super().__init__()
        self.blocks = blocks
        self.index = 0
        self.skipped = 0
        self.sum = 0.0
        self.computed = False
        """Whether the last step was."""
        self._coefficients = coefficients
        self._threshold = threshold
        self._skippable = range(max(1, total_steps // WARM_UP), total_steps - 1)
        self._replayed: bool | None = None
        self._input: torch.Tensor | None = None
        self._residual: torch.Tensor | None = None

    def replay(self, skip: bool) -> None:
        """The next call is an earlier step again, of which it is known whether it was skipped."""
        self._replayed = skip

    def forget(self) -> None:
        """Drop the tensors."""
        self._input = self._residual = None

    def forward(
        self, hidden_states: torch.Tensor, encoder_hidden_states: torch.Tensor, temb: torch.Tensor, rotary: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As a block of the transformer: the video's tokens (batch, tokens, width) and those of the text.

        After the blocks only the first are used, so those of the text stay as they come when a step is skipped.
        """
        # The latents are the same for the whole batch.
        modulated = self.blocks[0].norm1(hidden_states[:1], encoder_hidden_states[:1], temb[:1])[0]
        skip = self._decide(modulated) if self._replayed is None else self._replayed
        self._replayed = None
        self._input = modulated
        self.computed = not skip
        if skip and self._residual is not None:
            return hidden_states + self._residual, encoder_hidden_states
        output, text = hidden_states, encoder_hidden_states
        for block in self.blocks:
            output, text = block(output, text, temb, rotary)
        self._residual = output - hidden_states
        return output, text

    def _decide(self, modulated: torch.Tensor) -> bool:
        """Whether to skip this step; counts it."""
        index, self.index = self.index, self.index + 1
        if index not in self._skippable or self._input is None:
            self.sum = 0.0
            return False
        self.sum += estimate(self._coefficients, relative_distance(modulated, self._input))
        if not self.sum < self._threshold:
            self.sum = 0.0
            return False
        self.skipped += 1
        return True

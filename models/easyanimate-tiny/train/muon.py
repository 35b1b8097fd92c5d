"""Muon: momentum whose update is made orthogonal (Jordan et al., 2024). For matrices inside a network only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch


def orthogonalized(matrix: Any, steps: int = 5) -> Any:
    """Roughly the nearest orthogonal matrix, by the quintic Newton-Schulz iteration with Jordan's coefficients."""
    x = matrix.bfloat16()
    tall = x.size(0) > x.size(1)
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.T if tall else x).float()


class Muon(torch.optim.Optimizer):  # type: ignore[misc]
    """Kernels of convolutions count as matrices with one row per output channel."""

    def __init__(self, parameters: Iterable[Any], lr: float, momentum: float = 0.95, decay: float = 0.0) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
    def step(self, closure: Any = None) -> None:
        """One update."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                average = state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(average, group["momentum"])
                update = update.reshape(update.shape[0], -1)
                factor = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["decay"])
                parameter.add_((orthogonalized(update) * factor).reshape(parameter.shape), alpha=-group["lr"])

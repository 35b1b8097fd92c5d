"""Networks on another device than the one that calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

_METHODS = ("forward", "encode", "decode")
"""By which a text encoder or a VAE is called."""


class Abroad:
    """Has a network, whose weights are on the device `abroad`, take and give tensors of the device `home`.

    Holds from its making until `remove`; nobody who calls the network need know of it.
    """

    def __init__(self, network: torch.nn.Module, abroad: torch.device, home: torch.device) -> None:
        self._network = network
        self._names = [name for name in _METHODS if hasattr(network, name)]
        for name in self._names:
            # Set on the instance, it hides the method of the class.
            setattr(network, name, _calling(getattr(network, name), abroad, home))

    def remove(self) -> None:
        """Have it be called directly again."""
        for name in self._names:
            delattr(self._network, name)


def _calling(method: Callable[..., Any], abroad: torch.device, home: torch.device) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        return moved(method(*moved(arguments, abroad), **moved(named, abroad)), home)

    return call


def moved(value: Any, device: torch.device) -> Any:
    """`value` with all its tensors on `device`: a tensor, a distribution of latents, or anything made of such.

    The outputs of diffusers and transformers are made of such: they are mappings that take their items by name.
    """
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, DiagonalGaussianDistribution):
        return DiagonalGaussianDistribution(value.parameters.to(device), value.deterministic)
    if isinstance(value, (tuple, list)):
        return type(value)(moved(item, device) for item in value)
    if isinstance(value, Mapping):
        return type(value)(**{name: moved(item, device) for name, item in value.items()})
    return value

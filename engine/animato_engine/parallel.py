"""One generation on two devices: this process evaluates the half with the prompt, a peer process the half without.

Every guided step needs the network twice for the same latents. The two halves meet only in its outcome, so that a
second device takes half of the time, and nothing but the network's inputs and its output travels between them: about
10 MB a step for 49 frames of 672 x 384 in half precision.

They travel over a plain socket and not by `torch.distributed`: copying them by way of the CPU takes milliseconds of a
step that takes seconds; the death of a peer is the end of the stream, seen at once, where a collective of NCCL hangs;
every wait can be bounded and look for a cancel; no port is opened and nothing is pickled; and the code that the tests
run on two CPU processes is the code that runs on two CUDA devices.

The halves are evaluated with one item each instead of a batch of two, so the outcome is equal to that of one device
within rounding, not bit for bit. A step cache keeps what belongs to a checkpoint in each of the processes and is not
offered on two devices (`modes.step_cache_levels`). LoRAs are merged by the peer too. Memory modes hold for both: see
`peer.resident_mode`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .peer_process import GuidancePeer


class GuidancePair:
    """Stands in for a denoising network whose guided calls two devices share."""

    def __init__(self, transformer: Any, peer: GuidancePeer, check: Callable[[], None]) -> None:
        self._transformer = transformer
        self._peer = peer
        self._check = check

    def __call__(self, hidden_states: Any, timestep: Any, *, return_dict: bool = False, **inputs: Any) -> tuple[Any]:
        """As the network's call with `return_dict=False`, the output where `hidden_states` are.

        The tensors' first dimension is 1 (no guidance: this device does it alone) or 2: the half without the prompt
        first, as in all pipelines of diffusers that batch them.

        Raises:
            ValueError: another batch, or an input that is no tensor.
            Failure: the peer failed, or is lost (code `peer_lost`).
            Exception: what the network, or the check for a cancel, raised; the peer has given up too.
        """
        if return_dict:
            raise ValueError("only tuples are returned")
        given = {"hidden_states": hidden_states, "timestep": timestep, **inputs}
        named = {name: value for name, value in given.items() if value is not None}
        batch = hidden_states.shape[0]
        if batch == 1:
            return (self._own(named),)
        without, with_prompt = split(named)
        import torch

        return (torch.cat(self.both(without, with_prompt)),)

    def both(self, without: Mapping[str, Any], with_prompt: Mapping[str, Any]) -> tuple[Any, Any]:
        """The network's outputs for two sets of inputs at once, the first from the peer; for pipelines that batch not.

        Raises:
            Exception: as above.
        """
        self._peer.begin(without)
        try:
            own = self._own(with_prompt)
            other = self._peer.finish(self._check)
        except BaseException:
            self._peer.drop()
            raise
        return other.to(own.device), own

    def _own(self, inputs: Mapping[str, Any]) -> Any:
        return self._transformer(**inputs, return_dict=False)[0]


def evaluate_both(denoiser: Any, without: Mapping[str, Any], with_prompt: Mapping[str, Any]) -> tuple[Any, Any]:
    """The outputs of `denoiser` for two sets of inputs: at once if it is a pair, else one after the other.

    For pipelines that do not batch the halves: a batch would give other bits than diffusers does.
    """
    if isinstance(denoiser, GuidancePair):
        return denoiser.both(without, with_prompt)
    own = denoiser(**with_prompt, return_dict=False)[0]
    return denoiser(**without, return_dict=False)[0], own


def split(inputs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two halves of a guided batch: without and with the prompt.

    Raises:
        ValueError: an input is no batch of two.
    """
    for name, value in inputs.items():
        if getattr(value, "ndim", 0) == 0 or value.shape[0] != 2:
            raise ValueError(f"{name} is no guided batch")
    return {name: value[:1] for name, value in inputs.items()}, {name: value[1:] for name, value in inputs.items()}

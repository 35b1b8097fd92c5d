"""`torch.compile` for denoising networks."""

from __future__ import annotations

from typing import Any

# Others have hooks in their blocks, or tensors that change their type there, which a compiler would compile away.
_MODES = ("full", "model_offload")


def compile_blocks(network: Any, backend: str, mode: str) -> None:
    """Have the blocks of a network of diffusers compiled by `backend` when they are next called; or not, for this mode.

    Block by block takes a fraction of the time that all of it would: the blocks are alike.
    """
    for block in network.modules():
        if type(block).__name__ in (network._no_split_modules or ()):
            if mode not in _MODES:
                block._compiled_call_impl = None
            elif block._compiled_call_impl is None:
                block.compile(backend=backend)

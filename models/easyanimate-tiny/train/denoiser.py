"""The transformer and its text as they are trained: one network for three tasks, without the padding of captions."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional
from build import CONTROL, INPAINT, LATENT, TASKS, build_transformer
from diffusers.models.embeddings import apply_rotary_emb

from .text import Text

GIVEN = INPAINT + CONTROL
"""Channels of what a task is given: a start image, or a control video; its picture of a subject is always zero."""


class BiasedAttention:
    """The stock attention of a two-stream block with a bias on the logits, which stands in for padding left away.

    Plain products: on a processor their backward pass is twice as fast as that of the fused attention.
    """

    def __init__(self) -> None:
        self.bias: Any = None
        """(batch, 1, 1, text + video tokens)."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Any,
        encoder_hidden_states: Any,
        attention_mask: Any = None,
        image_rotary_emb: Any = None,
    ) -> tuple[Any, Any]:
        """Video and text, (batch, tokens, channels) each, after attention to both."""
        text = encoder_hidden_states
        length = text.shape[1]

        def heads(layer: Any, states: Any, norm: Any = None) -> Any:
            split = layer(states).unflatten(2, (attn.heads, -1)).transpose(1, 2)
            return split if norm is None else norm(split)

        def placed(states: Any) -> Any:
            return apply_rotary_emb(states, image_rotary_emb)

        query = torch.cat(
            [heads(attn.add_q_proj, text, attn.norm_added_q), placed(heads(attn.to_q, hidden_states, attn.norm_q))], 2
        )
        key = torch.cat(
            [heads(attn.add_k_proj, text, attn.norm_added_k), placed(heads(attn.to_k, hidden_states, attn.norm_k))], 2
        )
        value = torch.cat([heads(attn.add_v_proj, text), heads(attn.to_v, hidden_states)], 2)
        logits = (query * query.shape[-1] ** -0.5) @ key.transpose(2, 3)
        kind = logits.dtype
        mixed = torch.softmax(logits + self.bias.to(kind), -1, dtype=kind) @ value
        mixed = mixed.transpose(1, 2).flatten(2, 3)
        return attn.to_out[0](mixed[:, length:]), attn.to_add_out(mixed[:, :length])


class Denoiser(torch.nn.Module):  # type: ignore[misc]
    """The transformer with the input channels of all tasks, and the text encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.text = Text()
        self.transformer = build_transformer(LATENT + GIVEN)
        for block in self.transformer.transformer_blocks:
            for norm in (block.norm1, block.norm2):
                torch.nn.init.zeros_(norm.linear.weight)
                torch.nn.init.zeros_(norm.linear.bias)
        for layer in (self.transformer.proj_out, self.transformer.norm_out.linear):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        self.attention = BiasedAttention()
        for block in self.transformer.transformer_blocks:
            block.attn1.set_processor(self.attention)

    def forward(self, noisy: Any, time: Any, given: Any, texts: list[str]) -> tuple[Any, Any]:
        """The velocity (noise - clean) and the states of the text.

        `noisy` (n, 16, t, h, w), `time` (n), 0 to 1, `given` (n, `GIVEN`, t, h, w).
        """
        ids, mask, bias = self.text.tokens(texts)
        states = self.text.encode(ids, mask)
        _, _, t, h, w = noisy.shape
        self.attention.bias = functional.pad(bias, (0, t * (h // 2) * (w // 2)))
        out = self.transformer(
            noisy, time * 1000, encoder_hidden_states=states, control_latents=given, return_dict=False
        )[0]
        return out.float(), states

    def sliced(self, task: str) -> Any:
        """The stock transformer for one task of `TASKS`, with the stock attention."""
        channels = TASKS[task]
        transformer = build_transformer(len(channels))
        weights = self.transformer.state_dict()
        weights["proj.weight"] = weights["proj.weight"][:, channels].contiguous()
        transformer.load_state_dict(weights)
        return transformer

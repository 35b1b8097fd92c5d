"""Tokenizer and text encoder: the caption's ids and attention mask as the stock pipeline makes them, only shorter."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as functional
from build import HIDDEN, build_text_encoder
from tiny_tokenizer import build_tokenizer

from .captions import UNSAID, Caption, corpus
from .places import PLACES
from .sprites import SUBJECTS
from .world import MOTIONS

PIPELINE_TOKENS = 256
"""What the pipeline pads every prompt to."""
VOCABULARY = 1000


class Text(torch.nn.Module):  # type: ignore[misc]
    """Tokenizer, text encoder, and classifiers of what a caption says, which guide it and are thrown away."""

    def __init__(self) -> None:
        super().__init__()
        self.tokenizer = build_tokenizer(corpus(), VOCABULARY)
        self.encoder = build_text_encoder(self.tokenizer)
        # Small embeddings leave captions alike for long (second study).
        torch.nn.init.normal_(self.encoder.model.language_model.embed_tokens.weight, std=0.5)
        self.heads = torch.nn.ModuleList(torch.nn.Linear(HIDDEN, len(names)) for names in (SUBJECTS, PLACES, MOTIONS))
        message = {"role": "user", "content": [{"type": "text", "text": "@@"}]}
        chat = self.tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
        self._before, self._after = chat.split("@@")

    def chat(self, text: str) -> str:
        """`text` as the pipeline hands it to the tokenizer."""
        return f"{self._before}{text}{self._after}"

    def tokens(self, texts: list[str]) -> tuple[Any, Any, Any]:
        """Ids and attention mask (texts, longest + 1), and the bias (texts, 1, 1, longest + 1) on attention to them.

        The transformer sees 256 rows, and all rows of padding are equal and have no position: a few of them whose
        logits are raised by the logarithm of how many they stand for give exactly the same result.
        """
        rows = [self.tokenizer(self.chat(text)).input_ids for text in texts]
        length = max(map(len, rows)) + 1
        ids = torch.full((len(rows), length), self.tokenizer.pad_token_id)
        mask = torch.zeros(len(rows), length, dtype=torch.long)
        bias = torch.zeros(len(rows), 1, 1, length)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row)
            mask[index, : len(row)] = 1
            bias[index, ..., len(row) :] = math.log((PIPELINE_TOKENS - len(row)) / (length - len(row)))
        return ids, mask, bias

    def encode(self, ids: Any, mask: Any) -> Any:
        """What the pipeline reads: the hidden states before the last layer, (texts, tokens, `HIDDEN`)."""
        output = self.encoder(
            input_ids=ids, attention_mask=mask, output_hidden_states=True, logits_to_keep=1, use_cache=False
        )
        return output.hidden_states[-2]

    def label_loss(self, states: Any, captions: list[Caption]) -> tuple[Any, list[float]]:
        """Loss and accuracy of reading subject, place and motion off the padding, which has seen the whole caption."""
        pooled = functional.layer_norm(states[:, -1].float(), (HIDDEN,))
        loss, accuracies = torch.zeros(()), []
        for number, head in enumerate(self.heads):
            labels = torch.tensor([caption.labels[number] for caption in captions])
            said = labels != UNSAID
            if not said.any():
                accuracies.append(1.0)
                continue
            scores = head(pooled)
            loss = loss + functional.cross_entropy(scores, labels, ignore_index=UNSAID)
            accuracies.append(float((scores.argmax(1) == labels)[said].float().mean()))
        return loss, accuracies

    def trained(self) -> list[Any]:
        """The parameters that learn; the vision tower is never used."""
        return [*self.encoder.model.language_model.parameters(), *self.heads.parameters()]

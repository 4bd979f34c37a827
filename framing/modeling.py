"""The model: any encoder, masked mean pooling, one softmax per topic."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, PreTrainedModel
from transformers.utils import ModelOutput

from framing.configuration import FramingConfig
from framing.models.store import write_checksums
from framing.quiet import quiet_transformers


@dataclass
class FramingOutput(ModelOutput):  # type: ignore[misc, unused-ignore]
    """``logits`` has the shape (sentences, topics, classes); ``loss`` is a scalar."""

    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None


class FramingModel(PreTrainedModel):  # type: ignore[misc, unused-ignore]
    """Scores every class of every topic for each sentence in one pass.

    The sentence vector is the mean of the last hidden states over real tokens
    (Reimers & Gurevych 2019, Sentence-BERT); one linear layer gives the logits
    of all topics' softmaxes.
    """

    config_class = FramingConfig
    base_model_prefix = "encoder"

    def __init__(self, config: FramingConfig) -> None:
        super().__init__(config)
        self.encoder = AutoModel.from_config(config.encoder_config())
        topics, classes = config.head_shape
        self.head = nn.Linear(self.encoder.config.hidden_size, topics * classes)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor | None = None,
        **_: Any,
    ) -> FramingOutput:
        """Score sentences.

        Args:
            input_ids: Token ids, (sentences, tokens).
            attention_mask: 1 for tokens, 0 for padding, (sentences, tokens).
            labels: Class index per topic, (sentences, topics), for the
                unweighted mean cross-entropy as ``loss``.
        """
        logits = self.head(self.sentence_vectors(input_ids, attention_mask))
        logits = logits.view(-1, *self.config.head_shape)
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        return FramingOutput(loss=loss, logits=logits)

    def sentence_vectors(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> torch.Tensor:
        """What the head sees of each sentence: (sentences, hidden size)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        return masked_mean(states.last_hidden_state, attention_mask)

    def save_pretrained(self, save_directory: str | os.PathLike[str], **kwargs: Any) -> None:
        """Write ``config.json`` and safetensors, and record their SHA-256."""
        super().save_pretrained(save_directory, **kwargs)
        write_checksums(save_directory)


def masked_mean(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of (sentences, tokens, size) over the tokens whose mask is 1."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1)


def load_model(folder: Path) -> FramingModel:
    """The model of a local folder, in single precision and ready to classify."""
    with quiet_transformers():
        model: FramingModel = FramingModel.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
    model.eval()
    return model


AutoModel.register(FramingConfig, FramingModel, exist_ok=True)

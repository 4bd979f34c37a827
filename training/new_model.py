"""The model at the start of training: an encoder that knows English, and a head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel

from framing.configuration import FramingConfig
from framing.labels.errors import FramingError
from framing.labels.schema import Schema
from framing.modeling import FramingModel
from framing.models.store import WEIGHTS
from framing.training.backbone import (
    BLEND,
    SHIPPED,
    SHIPPED_SHARE,
    find_backbone,
    is_framing_model,
    token_limit,
)
from framing.training.config import TrainConfig
from framing.training.heads import carry_head


def new_model(backbone: Path, schema: Schema, config: TrainConfig) -> FramingModel:
    """A model with the encoder of a folder and a new head, or with ``config.extend`` the old one.

    With the backbone ``blend``, the shipped encoder is mixed into that of the folder.

    Raises:
        FramingError: The encoder cannot read ``config.max_tokens``.
    """
    base = AutoConfig.from_pretrained(backbone, local_files_only=True)
    settings = base.encoder_config() if is_framing_model(backbone) else base
    if config.max_tokens > (limit := token_limit(backbone)):
        raise FramingError(f"max_tokens: {backbone} reads {limit} tokens, not {config.max_tokens}")
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
        if hasattr(settings, name):
            setattr(settings, name, config.dropout)
    encoder = settings.to_dict()
    encoder.pop("_name_or_path", None)  # a folder on this machine
    model = FramingModel(
        FramingConfig(
            encoder=encoder,
            label_schema=schema.model_dump(mode="json"),
            max_tokens=config.max_tokens,
        )
    )
    # Eager attention is the fastest of torch's on a CPU for sentences this short.
    attention = "sdpa" if torch.cuda.is_available() else "eager"
    if is_framing_model(backbone):
        model.encoder = _encoder_of_ours(backbone, settings, attention)
    else:
        model.encoder = AutoModel.from_pretrained(
            backbone,
            config=settings,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            attn_implementation=attention,
        )
    if config.backbone == BLEND:
        _mix_shipped_into(model.encoder)
    if config.extend is not None:
        carry_head(model, schema, backbone)
    for part in (model.encoder.get_input_embeddings(), *_lowest_layers(model, config)):
        part.requires_grad_(False)
    return model


def _encoder_of_ours(folder: Path, settings: Any, attention: str) -> Any:
    """The encoder of a framing model, in single precision."""
    encoder = AutoModel.from_config(settings, attn_implementation=attention)
    encoder.load_state_dict(_encoder_weights(folder))
    return encoder


def _encoder_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Weights of a framing model's encoder, in single precision, by their names in it."""
    prefix = f"{FramingModel.base_model_prefix}."
    weights = load_file(folder / WEIGHTS)
    return {
        name.removeprefix(prefix): tensor.float()
        for name, tensor in weights.items()
        if name.startswith(prefix)
    }


def _mix_shipped_into(encoder: Any) -> None:
    """Move an encoder's weights towards those of the shipped model, of the same shapes."""
    shipped = _encoder_weights(find_backbone(SHIPPED))
    own = encoder.state_dict()
    encoder.load_state_dict(
        {name: torch.lerp(own[name], tensor, SHIPPED_SHARE) for name, tensor in shipped.items()}
    )


def _lowest_layers(model: FramingModel, config: TrainConfig) -> list[torch.nn.Module]:
    stack = getattr(model.encoder, "encoder", None)
    layers = getattr(stack, "layer", None)
    return list(layers[: config.frozen_layers]) if layers is not None else []

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

_DROPOUTS = (
    *("hidden_dropout_prob", "attention_probs_dropout_prob"),  # BERT and its kin
    *("dropout", "attention_dropout"),  # DistilBERT, of which ModernBERT has the second
    *("embedding_dropout", "mlp_dropout"),  # ModernBERT
)
_STACKS = ("encoder.layer", "transformer.layer", "layers")
"""Where the layers are: BERT and its kin, DistilBERT, ModernBERT."""


def new_model(backbone: Path, schema: Schema, config: TrainConfig) -> FramingModel:
    """A model with the encoder of a folder and a new head, or with ``config.extend`` the old one.

    With the backbone ``blend``, the shipped encoder is mixed into that of the folder.

    Raises:
        FramingError: The encoder cannot read ``config.max_tokens``, or has fewer layers
            than ``config.frozen_layers``.
    """
    settings = _settings_of(backbone)
    if config.max_tokens > (limit := token_limit(backbone)):
        raise FramingError(f"max_tokens: {backbone} reads {limit} tokens, not {config.max_tokens}")
    for name in _DROPOUTS:
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


def layer_count(backbone: Path) -> int:
    """How many layers the encoder of a folder has that could be frozen."""
    with torch.device("meta"):  # its shape alone, without weights
        return len(_layers_of(AutoModel.from_config(_settings_of(backbone))) or ())


def _settings_of(backbone: Path) -> Any:
    base = AutoConfig.from_pretrained(backbone, local_files_only=True)
    return base.encoder_config() if is_framing_model(backbone) else base


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
    if not config.frozen_layers:
        return []
    layers = _layers_of(model.encoder)
    if layers is None:
        raise FramingError(
            f"frozen_layers: {config.frozen_layers}, but an encoder of the kind "
            f"{model.encoder.config.model_type!r} has no layers where they are looked for "
            f"({', '.join(_STACKS)}); set it to 0"
        )
    if len(layers) < config.frozen_layers:
        raise FramingError(
            f"frozen_layers: {config.frozen_layers}, but the encoder has {len(layers)} layers"
        )
    return list(layers[: config.frozen_layers])


def _layers_of(encoder: Any) -> torch.nn.ModuleList | None:
    for path in _STACKS:
        found = encoder
        for name in path.split("."):
            found = getattr(found, name, None)
        if isinstance(found, torch.nn.ModuleList):
            return found
    return None

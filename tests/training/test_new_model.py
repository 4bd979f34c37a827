"""The model at the start, from encoders of several kinds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import BACKBONE
from transformers import AutoConfig, AutoModel

from framing.labels.errors import FramingError
from framing.labels.schema import Schema
from framing.modeling import FramingModel
from framing.training.config import TrainConfig
from framing.training.new_model import layer_count, new_model

SIZES = {
    **{"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2},
    **{"intermediate_size": 64, "max_position_embeddings": 64},
}
KINDS: dict[str, dict[str, Any]] = {
    "bert": SIZES,
    "distilbert": {
        **{"vocab_size": 99, "dim": 32, "n_layers": 3, "n_heads": 2, "hidden_dim": 64},
        "max_position_embeddings": 64,
    },
    "modernbert": {
        **SIZES,
        **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 0),
        **dict.fromkeys(("cls_token_id", "sep_token_id"), 0),
    },
    "albert": {**SIZES, "embedding_size": 16},
}


def encoder(kind: str, folder: Path) -> Path:
    """A folder with a tiny encoder of random weights."""
    config = AutoConfig.for_model(kind, **KINDS[kind])
    AutoModel.from_config(config).save_pretrained(folder)
    shutil.copy(BACKBONE / "tokenizer.json", folder)
    return folder


def frozen(model: FramingModel) -> int:
    return sum(p.numel() for p in model.parameters() if not p.requires_grad)


@pytest.mark.parametrize("kind", ["bert", "distilbert", "modernbert"])
def test_layers_are_frozen_and_dropout_is_set_in_all_kinds_of_encoder(
    kind: str, schema: Schema, config: TrainConfig, tmp_path: Path
) -> None:
    folder = encoder(kind, tmp_path / kind)
    assert layer_count(folder) == 3
    counts = []
    for layers in (0, 1, 2):
        settings = config.model_copy(update={"frozen_layers": layers, "dropout": 0.25})
        model = new_model(folder, schema, settings)
        counts.append(frozen(model))
    assert counts[0] == model.encoder.get_input_embeddings().weight.numel()
    assert counts[0] < counts[1] < counts[2] < sum(p.numel() for p in model.parameters())
    dropouts = {m.p for m in model.encoder.modules() if isinstance(m, torch.nn.Dropout)}
    assert dropouts == {0.25}
    with pytest.raises(FramingError, match="frozen_layers: 4, but the encoder has 3 layers"):
        new_model(folder, schema, config.model_copy(update={"frozen_layers": 4}))


def test_an_encoder_without_layers_to_freeze_is_refused(
    schema: Schema, config: TrainConfig, tmp_path: Path
) -> None:
    folder = encoder("albert", tmp_path / "albert")
    assert layer_count(folder) == 0
    assert frozen(new_model(folder, schema, config)) == 99 * 16
    with pytest.raises(FramingError, match=r"frozen_layers: 2, but .* kind 'albert' has no layers"):
        new_model(folder, schema, config.model_copy(update={"frozen_layers": 2}))

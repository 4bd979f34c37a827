"""Take over what a model already knows: its rows of the head."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from framing.labels.schema import Schema, parse_schema
from framing.modeling import FramingModel
from framing.models.store import WEIGHTS, read_config


def schema_of(folder: Path) -> Schema:
    """The schema that a model folder carries."""
    return parse_schema(read_config(folder).label_schema, where=str(folder / "config.json"))


def carry_head(model: FramingModel, schema: Schema, folder: Path) -> None:
    """Copy the head's rows of the topics and classes that the model in ``folder`` has, too."""
    weights, old = load_file(folder / WEIGHTS), schema_of(folder)
    with torch.no_grad():
        for topic in set(old.topic_names) & set(schema.topic_names):
            for name in set(old.classes_of(topic)) & set(schema.classes_of(topic)):
                to, source = (_row(one, topic, name) for one in (schema, old))
                model.head.weight[to] = weights["head.weight"][source].float()
                model.head.bias[to] = weights["head.bias"][source].float()


def _row(schema: Schema, topic: str, name: str) -> int:
    place = schema.topic_names.index(topic) * len(schema.classes)
    return place + schema.classes.index(name)

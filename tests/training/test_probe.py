"""A head that starts from logistic regressions on the encoder's vectors."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import make_records

from framing.encoding import SentenceEncoder
from framing.labels.schema import Schema
from framing.training.backbone import find_backbone
from framing.training.config import TrainConfig
from framing.training.data import class_indices, texts_of
from framing.training.new_model import new_model
from framing.training.probe import probe_head
from framing.training.trainer import fit, targets
from framing.training.unseen import saved_logits


def test_a_head_knows_what_is_frequent_before_training(schema: Schema, config: TrainConfig) -> None:
    records = make_records(60)
    labels = class_indices(records, schema)
    hardly = config.model_copy(
        update={"max_epochs": 1, "learning_rate": 1e-12, "head_learning_rate": 1e-12}
    )
    agreed = {}
    for probe in (False, True):
        fitted = fit(records, schema, hardly.model_copy(update={"linear_probe": probe}))
        found = saved_logits(fitted, texts_of(records)).argmax(-1)
        agreed[probe] = float((found == labels).mean())
    assert agreed[True] > max(agreed[False], 0.7)


@pytest.mark.parametrize("stance", [None, "favor"])
def test_classes_without_examples_are_unlikely(
    schema: Schema, config: TrainConfig, stance: str | None
) -> None:
    topic = schema.topic_names[0]
    records = [
        replace(record, labels={topic: stance} if stance and row % 2 else {})
        for row, record in enumerate(make_records(12))
    ]
    backbone = find_backbone(config.backbone)
    model = new_model(backbone, schema, config)
    rows, _ = SentenceEncoder(backbone, max_tokens=config.max_tokens).windows(texts_of(records))
    probe_head(model, rows, targets(records, schema, config), schema)
    bias = model.head.bias.detach().numpy().reshape(len(schema.topics), len(schema.classes))
    seen = {0, schema.classes.index(stance)} if stance else {0}
    assert {k for k in range(len(schema.classes)) if bias[0, k] > -4} == seen
    assert np.all(bias[1:, 1:] == -4)


def test_a_sentence_in_several_windows_counts_with_each(
    schema: Schema, config: TrainConfig
) -> None:
    records = make_records(10)
    long = replace(records[0], text=" ".join(texts_of(records) * 5))
    narrow = config.model_copy(update={"max_tokens": 16, "linear_probe": True, "max_epochs": 1})
    assert fit([long, *records[1:]], schema, narrow).epochs == 1

"""Training where topics differ in their stances."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from helpers import make_records
from mixed_schema import MIXED

from framing import Classifier
from framing.decisions import applicable
from framing.labels.schema import Schema
from framing.training.calibration import fit_rule
from framing.training.config import TrainConfig
from framing.training.data import class_indices, texts_of
from framing.training.trainer import _cross_entropy, fit, save_model
from framing.training.unseen import saved_logits

LABELS = ({"trade": "favor"}, {"taxes": "strongly_favor"}, {"crime": "mentioned"}, {})


def test_the_loss_is_blind_to_classes_that_do_not_apply() -> None:
    logits = torch.randn(4, 3, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)
    labels = torch.zeros(4, 3, 6)
    labels[..., 0] = 1
    loss = _cross_entropy(MIXED)(SimpleNamespace(logits=logits), labels)
    loss.backward()
    assert logits.grad is not None
    missing = torch.from_numpy(~applicable(MIXED))
    assert (logits.grad[:, missing] == 0).all()
    assert (logits.grad[:, ~missing] != 0).all()
    expected = sum(
        torch.nn.functional.cross_entropy(logits[:, t, mask], torch.zeros(4, dtype=torch.int64))
        for t, mask in enumerate(~missing)
    )
    torch.testing.assert_close(loss, expected)


def test_the_loss_is_the_plain_one_where_every_class_applies(schema: Schema) -> None:
    logits = torch.randn(4, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.rand(4, 4, 4, generator=torch.Generator().manual_seed(1))
    plain = -(labels * logits.log_softmax(-1)).sum((1, 2)).mean()
    assert torch.equal(_cross_entropy(schema)(SimpleNamespace(logits=logits), labels), plain)


def test_train_calibrate_save_and_classify(config: TrainConfig, tmp_path: Path) -> None:
    records = [
        replace(record, labels=dict(LABELS[number % 6 % 4]))
        for number, record in enumerate(make_records(60))
    ]
    strong = config.model_copy(
        update={"max_epochs": 8, "learning_rate": 5e-3, "head_learning_rate": 3e-2}
    )
    fitted = fit(records, MIXED, strong, tuning=records[:12])
    logits = saved_logits(fitted, texts_of(records))
    rule = fit_rule([(logits, class_indices(records, MIXED))])
    assert np.isfinite([*rule.thresholds, *rule.shifts, *np.ravel(rule.temperatures)]).all()
    save_model(fitted, tmp_path / "m", rule=rule)
    classifier = Classifier.from_pretrained(tmp_path / "m", device="cpu")
    right = 0
    for record in records:
        (sentence,) = classifier.classify(record.text or "", split=False).sentences
        right += {tag.topic: tag.stance for tag in sentence.tags} == record.labels
    assert right / len(records) > 0.8

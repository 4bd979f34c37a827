from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import make_records
from mixed_schema import MIXED
from safetensors.torch import load_file
from transformers import TrainingArguments

from framing import Classifier
from framing.decisions import DecisionRule, applicable
from framing.labels.errors import FramingError
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.models.store import WEIGHTS, file_hash
from framing.training.backbone import start_of
from framing.training.config import TrainConfig
from framing.training.trainer import _arguments, class_weights, fit, save_model, targets


def test_same_seed_same_weights(schema: Schema, config: TrainConfig, tmp_path: Path) -> None:
    hashes = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        fitted = fit(make_records(24), schema, config.model_copy(update={"seed": seed}))
        save_model(fitted, tmp_path / name, rule=DecisionRule.plain(4))
        hashes.append(file_hash(tmp_path / name / WEIGHTS))
    assert hashes[0] == hashes[1] != hashes[2]


def test_it_learns_and_what_is_saved_says_the_same(
    schema: Schema, config: TrainConfig, tmp_path: Path
) -> None:
    records = make_records(60)
    strong = config.model_copy(
        update={"max_epochs": 12, "learning_rate": 5e-3, "head_learning_rate": 3e-2}
    )
    save_model(fit(records, schema, strong), tmp_path / "m", rule=DecisionRule.plain(4))
    classifier = Classifier.from_pretrained(tmp_path / "m", device="cpu")
    assert {t.dtype for t in load_file(tmp_path / "m" / WEIGHTS).values()} == {torch.float16}
    right = 0
    for record in records:
        (sentence,) = classifier.classify(record.text or "", split=False).sentences
        right += {tag.topic: tag.stance for tag in sentence.tags} == record.labels
    assert right / len(records) > 0.9


def test_early_stopping_keeps_the_best_epoch(schema: Schema, config: TrainConfig) -> None:
    records = make_records(60)
    fitted = fit(
        records[:40],
        schema,
        config.model_copy(update={"max_epochs": 6, "patience": 1, "learning_rate": 1e-9}),
        tuning=records[40:],
    )
    scores = [e["eval_joint_f1"] for e in fitted.history if "eval_joint_f1" in e]
    assert fitted.epochs == int(np.argmax(scores)) + 1
    assert len(scores) <= fitted.epochs + 1


def test_epochs_cuts_training_short(schema: Schema, config: TrainConfig) -> None:
    fitted = fit(make_records(24), schema, config, epochs=1)
    assert fitted.epochs == 1
    assert max(entry["epoch"] for entry in fitted.history) == 1


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_class_weights_average_to_one(schema: Schema, config: TrainConfig, power: float) -> None:
    records: list[Record] = make_records(60)
    weights = class_weights(
        records, schema, config.model_copy(update={"class_weight_power": power})
    )
    assert weights.shape == (4, 4)
    # military_bases: 40 absent, 10 favor, 10 against, no neutral.
    assert weights[0] @ np.array([40, 10, 10, 0]) / 60 == pytest.approx(1)
    assert weights[0, 1] / weights[0, 0] == pytest.approx(4**power)
    assert weights[0, 3] == 0


def test_targets_weigh_classes_and_doubts(schema: Schema, config: TrainConfig) -> None:
    records = make_records(12)
    doubtful = [replace(records[0], sure=False), *records[1:]]
    changed = config.model_copy(update={"unsure_weight": 0.5})
    found, plain = targets(doubtful, schema, changed), targets(records, schema, config)
    assert found.shape == (12, 4, 4)
    assert found[0] == pytest.approx(plain[0] / 2)
    assert found[1:] == pytest.approx(plain[1:])
    assert (np.count_nonzero(plain, axis=-1) == 1).all()


def test_a_part_of_each_label_is_spread_over_the_classes_of_its_topic(config: TrainConfig) -> None:
    labels: list[dict[str, str]] = [{"crime": "mentioned"}, {"trade": "favor"}, {}]
    records = [
        replace(record, labels=own) for record, own in zip(make_records(3), labels, strict=True)
    ]
    plain = targets(records, MIXED, config)
    smooth = targets(records, MIXED, config.model_copy(update={"label_smoothing": 0.1}))
    assert smooth.sum(-1) == pytest.approx(plain.sum(-1))
    assert (smooth[:, ~applicable(MIXED)] == 0).all()
    crime = MIXED.topic_names.index("crime")
    shares = smooth[0, crime] / smooth[0, crime].sum()
    assert sorted(shares)[-2:] == pytest.approx([0.05, 0.95])


def test_where_annotators_differ_the_target_is_their_shares(
    schema: Schema, config: TrainConfig
) -> None:
    records = make_records(12)
    shares = {"military_bases": {"favor": 0.75, "against": 0.25}}
    records[0] = replace(records[0], soft=shares)
    found = targets(records, schema, config)
    weights = class_weights(records, schema, config)
    assert found[0, 0] == pytest.approx(np.array([0, 0.75, 0.25, 0]) * weights[0])
    assert found[0, 1:].max(-1) == pytest.approx(weights[1:, 0])


def test_a_share_of_a_class_without_a_majority_counts(schema: Schema, config: TrainConfig) -> None:
    records = [replace(record, labels={}) for record in make_records(12)]
    labels, shares = {"asylum": "favor"}, {"asylum": {"favor": 0.67, "neutral": 0.33}}
    records[0] = replace(records[0], labels=labels, soft=shares)
    found = targets(records, schema, config)[0, schema.topic_names.index("asylum")]
    assert found[schema.classes.index("neutral")] > 0


def test_encoder_of_a_framing_model_with_a_new_head(
    schema: Schema, config: TrainConfig, model_folder: Path
) -> None:
    changed = {"backbone": str(model_folder), "learning_rate": 1e-12, "max_epochs": 1}
    fitted = fit(make_records(12), schema, config.model_copy(update=changed))
    weights = load_file(model_folder / WEIGHTS)
    for name, parameter in fitted.model.encoder.named_parameters():
        assert torch.allclose(parameter, weights[f"encoder.{name}"].float(), atol=1e-6), name
    assert not torch.allclose(fitted.model.head.weight, weights["head.weight"].float(), atol=0.1)
    assert start_of(str(model_folder), fitted.backbone).kind == "framing model"


def test_devices_share_a_step_and_the_loss_is_not_multiplied(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def arguments() -> TrainingArguments:
        return _arguments(config, tmp_path, tune=False, resumable=False)

    assert arguments().per_device_train_batch_size == config.batch_size
    assert not arguments().average_tokens_across_devices
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert arguments().per_device_train_batch_size == config.batch_size // 4


def test_more_tokens_than_the_encoder_can_read(schema: Schema, config: TrainConfig) -> None:
    with pytest.raises(FramingError, match="reads 128 tokens, not 200"):
        fit(make_records(12), schema, config.model_copy(update={"max_tokens": 200}))


def test_frozen_parts_do_not_move(schema: Schema, config: TrainConfig) -> None:
    changed = config.model_copy(update={"frozen_layers": 1, "learning_rate": 1e-2})
    before = fit(make_records(24), schema, changed.model_copy(update={"max_epochs": 1}))
    after = fit(make_records(24), schema, changed)
    old, new = (dict(fitted.model.named_parameters()) for fitted in (before, after))
    embeddings = "encoder.embeddings.word_embeddings.weight"
    first, second = (f"encoder.encoder.layer.{i}.attention.self.query.weight" for i in (0, 1))
    assert torch.equal(old[embeddings], new[embeddings])
    assert torch.equal(old[first], new[first])
    assert not torch.equal(old[second], new[second])

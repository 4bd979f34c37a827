from pathlib import Path

import pytest
from helpers import make_records

from framing import Classifier
from framing.labels.records import write_records
from framing.labels.schema import Schema
from framing.training.config import TrainConfig
from framing.training.folds import cross_validate
from framing.training.report import read_report
from framing.training.run import train


@pytest.fixture
def ready(config: TrainConfig, tmp_path: Path) -> TrainConfig:
    write_records(make_records(60), tmp_path / "labels.jsonl")
    return config.model_copy(update={"labels": (str(tmp_path / "labels.jsonl"),), "folds": 3})


def test_every_sentence_is_scored_once(schema: Schema, ready: TrainConfig) -> None:
    found = cross_validate(make_records(60), schema, ready)
    assert [scores.sentences for scores in found.scores] == [60, 60]
    assert len(found.epochs) == 3
    assert found.median_epochs in (1, 2)
    topic = next(label for label in found.scores[1].labels if label.support == 10)
    assert topic.low <= topic.f1 <= topic.high


def test_the_card_says_so(ready: TrainConfig) -> None:
    report = train(ready, command="framing train x --folds 3")
    assert report.epochs == round(sorted(report.fold_epochs)[1])
    assert repr(read_report(ready.output)) == repr(report)
    card = (ready.output / "README.md").read_text(encoding="utf-8")
    for part in (
        "### By cross-validation",
        "3 models that was trained without its document",
        "framing train x --folds 3",
        "### Calibration",
        "## How to cite",
    ):
        assert part in card
    assert "syria" not in card.partition("## Topics")[0]
    assert Classifier.from_pretrained(ready.output, device="cpu").rule == report.rule


def test_without_tuning_all_epochs_are_done(schema: Schema, ready: TrainConfig) -> None:
    config = ready.model_copy(update={"tuning": 0.0, "max_epochs": 1})
    assert cross_validate(make_records(60), schema, config).epochs == (1, 1, 1)

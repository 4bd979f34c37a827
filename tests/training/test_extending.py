from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import make_records

from framing import Classifier
from framing.labels.errors import LabelsError, SchemaError
from framing.labels.records import Record, write_records
from framing.labels.schema import Schema, parse_schema
from framing.training import extended as module
from framing.training.config import TrainConfig
from framing.training.extending import OldModel, combined_schema, find_replay
from framing.training.run import read_data, train

NEW = """
topics:
  - {name: weather, title: Weather, definition: Rain and sun.}
stances:
  - {name: mentioned, definition: The sentence is about the topic.}
"""


def weather_records() -> list[Record]:
    """Half are about the weather; all have what the old topics are about."""
    result = []
    for number, record in enumerate(make_records(60)):
        labels = {"weather": "mentioned"} if number // 2 % 2 else {}
        text = f"{record.text} It rained hard." if labels else record.text
        result.append(replace(record, id=f"w{number}", text=text, labels=labels))
    return result


@pytest.fixture(scope="module")
def old_model(schema: Schema, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that has learned the project's topics from made sentences."""
    from helpers import BACKBONE

    folder = tmp_path_factory.mktemp("old")
    write_records(make_records(60), folder / "labels.jsonl")
    config = TrainConfig(
        output=folder / "model",
        backbone=str(BACKBONE),
        labels=(str(folder / "labels.jsonl"),),
        max_epochs=12,
        patience=12,
        batch_size=8,
        learning_rate=5e-3,
        head_learning_rate=3e-2,
        max_tokens=32,
        held_out=0.2,
        tuning=0.2,
    )
    train(config)
    return folder / "model"


@pytest.fixture
def ready(config: TrainConfig, old_model: Path, tmp_path: Path) -> TrainConfig:
    (tmp_path / "new.yaml").write_text(NEW)
    write_records(weather_records(), tmp_path / "new.jsonl")
    write_records(make_records(60), tmp_path / "old.jsonl")
    return config.model_copy(
        update={
            "labels": (str(tmp_path / "new.jsonl"),),
            "label_schema": tmp_path / "new.yaml",
            "extend": str(old_model),
            "replay": (str(tmp_path / "old.jsonl"),),
            "max_epochs": 15,
            "patience": 15,
            "learning_rate": 1e-3,
            "head_learning_rate": 3e-2,
        }
    )


def test_the_schema_has_both_and_each_topic_its_own_stances(schema: Schema) -> None:
    new = parse_schema(
        {
            "topics": [
                {"name": "weather", "title": "W", "definition": "Rain.", "target": "It rains."}
            ],
            "stances": [
                {"name": "wet", "definition": "Rain."},
                schema.stances[0].model_dump(),
            ],
        },
        where="test",
    )
    both = combined_schema(schema, new)
    assert both.topic_names == (*schema.topic_names, "weather")
    assert both.stance_names == (*schema.stance_names, "wet")
    assert both.stances_of("asylum") == schema.stance_names
    assert both.stances_of("weather") == (schema.stance_names[0], "wet")
    assert combined_schema(schema, schema) == schema
    changed = schema.topics[0].model_copy(update={"definition": "Something else."})
    other = Schema(topics=(changed,), stances=schema.stances)
    with pytest.raises(SchemaError, match=r"differently in the model to extend.*'framing info --d"):
        combined_schema(schema, other)


def test_goals_are_labels_where_there_are_and_else_what_the_old_model_says(
    ready: TrainConfig,
) -> None:
    data = read_data(ready.labels, label_schema=ready.label_schema, extend=ready.extend)
    old = data.old
    assert old is not None
    records = [replace(data.records[0], labels={"asylum": "favor"}), *data.records[1:10]]
    replayed = make_records(4)
    goals = old.goals(records, replayed, ready)
    names, classes = data.schema.topic_names, data.schema.classes
    assert goals.shape == (14, 5, 5)
    asylum, bases, weather = (names.index(n) for n in ("asylum", "military_bases", "weather"))
    assert goals[0, asylum].tolist() == [float(name == "favor") for name in classes]
    said = old.classifier.logits([r.text or "" for r in records])
    shares = np.exp(said[:, bases]) / np.exp(said[:, bases]).sum(-1, keepdims=True)
    np.testing.assert_allclose(goals[:10, bases, :4], shares, atol=1e-5)
    assert (goals[10:, weather] == 0).all()
    assert (goals[10:, bases].sum(-1) > 0).all()
    assert (np.count_nonzero(goals[:10, weather], axis=-1) == 1).all()


@pytest.mark.parametrize("heading", ["weather", "Rain or sun"])
def test_a_spreadsheet_needs_the_new_topics_alone(
    heading: str, ready: TrainConfig, tmp_path: Path
) -> None:
    path = tmp_path / "new.csv"
    path.write_text(f"text,document,{heading}\nIt rained.,a,mentioned\nHe left.,b,\n")
    columns = {"weather": heading}
    data = read_data(
        [str(path)], label_schema=ready.label_schema, extend=ready.extend, columns=columns
    )
    assert [record.labels for record in data.records] == [{"weather": "mentioned"}, {}]
    assert data.schema.topic_names[-1] == "weather"
    assert not data.findings.errors


def test_new_topics_are_learned_and_old_ones_stay(ready: TrainConfig, old_model: Path) -> None:
    report = train(ready)
    found = report.extension
    assert found is not None and found.before is not None and found.after is not None
    assert found.new_topics == ("weather",)
    assert found.replayed + found.before.sentences == 60
    assert report.held_out[0].labels[0].topic == "weather"
    assert min(found.agreement.values()) > 0.8
    before, after = (s.estimates["topic_macro_f1"].value for s in (found.before, found.after))
    assert after > before - 0.1
    new, old = (Classifier.from_pretrained(f, device="cpu") for f in (ready.output, old_model))
    assert new.rule.thresholds[:4] == old.rule.thresholds
    assert new.schema.topic_names == (*old.schema.topic_names, "weather")
    card = (ready.output / "README.md").read_text(encoding="utf-8")
    assert "### What became of the old topics" in card
    assert "| before |" in card
    assert f"| asylum | {found.before.topics['asylum']} | {found.after.topics['asylum']} |" in card


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> list[set[str | None]]:
    """The sentences that each fit learns from."""
    seen: list[set[str | None]] = []
    before = module.fit

    def fit(records: Sequence[Record], *arguments: Any, **options: Any) -> Any:
        seen.append({record.text for record in records})
        return before(records, *arguments, **options)

    monkeypatch.setattr(module, "fit", fit)
    return seen


def test_new_sentences_that_measure_the_old_topics_are_not_learned_from(
    ready: TrainConfig, learned: list[set[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[set[str | None]] = []

    def measures(*arguments: Any, **options: Any) -> Any:
        replay = find_replay(*arguments, **options)
        measured.append({record.text for record in replay.measured})
        return replay

    monkeypatch.setattr(module, "find_replay", measures)
    train(ready.model_copy(update={"max_epochs": 1}))
    (asked,) = measured
    assert asked & {record.text for record in weather_records()}
    assert len(learned) == 2
    assert all(not asked & texts for texts in learned)


def test_new_sentences_held_out_are_not_learned_from_old_labels(
    ready: TrainConfig, learned: list[set[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    held_out: list[set[str | None]] = []
    split = module.split_by_document

    def splits(*arguments: Any, **options: Any) -> Any:
        found = split(*arguments, **options)
        held_out.append({record.text for record in found.held_out})
        return found

    def replays(*arguments: Any, **options: Any) -> Any:
        return replace(find_replay(*arguments, **options), train=weather_records(), measured=())

    monkeypatch.setattr(module, "split_by_document", splits)
    monkeypatch.setattr(module, "find_replay", replays)
    train(ready.model_copy(update={"max_epochs": 1}))
    assert len(held_out) == 2
    assert all(not texts & learned[0] for texts in held_out)


def test_without_epochs_it_is_the_old_model(ready: TrainConfig, old_model: Path) -> None:
    tiny = {"learning_rate": 1e-12, "head_learning_rate": 1e-12, "max_epochs": 1}
    train(ready.model_copy(update=tiny))
    new, old = (Classifier.from_pretrained(f, device="cpu") for f in (ready.output, old_model))
    texts = [record.text or "" for record in make_records(12)]
    found, expected = new.probabilities(texts)[:, :4, :4], old.probabilities(texts)
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_without_labels_to_replay_nothing_is_replayed(ready: TrainConfig) -> None:
    alone = ready.model_copy(update={"replay": (), "max_epochs": 1})
    report = train(alone)
    assert report.extension is not None
    assert report.extension.before is None
    assert report.extension.replayed == 0
    assert "`--replay` gives labelled sentences" in (ready.output / "README.md").read_text("utf-8")


def test_contradictory_labels_to_replay_are_refused_before_training(
    ready: TrainConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    second = [replace(r, annotator="ben", labels={}) for r in make_records(6)]
    write_records(second, tmp_path / "ben.jsonl")
    both = ready.model_copy(update={"replay": (*ready.replay, str(tmp_path / "ben.jsonl"))})
    monkeypatch.setattr(module, "fit", None)
    with pytest.raises(
        LabelsError, match=r"replay: .*old\.jsonl, .*ben\.jsonl: 6 ids .* by ben and test"
    ):
        train(both)


def test_labels_to_replay_need_not_have_all_topics(ready: TrainConfig, tmp_path: Path) -> None:
    some = [r for r in make_records(60) if "asylum" not in r.labels]
    write_records(some, tmp_path / "old.jsonl")
    data = read_data(ready.labels, label_schema=ready.label_schema, extend=ready.extend)
    assert data.old is not None
    replay = find_replay(data.old, ready, new=60)
    assert len(replay.train) + len(replay.measured) == len(some)


def test_the_shipped_model_replays_packaged_sentences(ready: TrainConfig) -> None:
    data = read_data(ready.labels, label_schema=ready.label_schema, extend="shipped")
    assert isinstance(data.old, OldModel)
    replay = find_replay(data.old, ready.model_copy(update={"replay": ()}), new=60)
    assert len(replay.train) == 1000
    assert all(record.text for record in (*replay.train, *replay.measured))
    assert {record.source for record in replay.measured} == {"seeds"}

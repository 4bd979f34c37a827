import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import BACKBONE, make_records

from framing import Classifier
from framing.decisions import DecisionRule, decide
from framing.labels.errors import FramingError
from framing.labels.records import Record, write_records
from framing.labels.schema import Schema
from framing.training import run, tuned, unseen
from framing.training.backbone import BLEND, SHIPPED, Start
from framing.training.baseline import TfidfBaseline
from framing.training.card import check_card, render_card
from framing.training.checkpoints import FOLDER, run_key
from framing.training.config import TrainConfig
from framing.training.data import class_indices
from framing.training.evaluation import score
from framing.training.report import TrainingReport, read_report
from framing.training.run import leave_one_document_out, train


class _StoppedError(Exception):
    pass


@pytest.fixture
def ready(config: TrainConfig, tmp_path: Path) -> TrainConfig:
    write_records(make_records(60), tmp_path / "labels.jsonl")
    return config.model_copy(update={"labels": (str(tmp_path / "labels.jsonl"),)})


def test_train_leaves_a_model_a_report_and_a_card(ready: TrainConfig) -> None:
    report = train(ready)
    assert Classifier.from_pretrained(ready.output, device="cpu").classify("A base.").sentences
    again = read_report(ready.output)
    # NaN differs from itself, so that the reports are compared as text.
    assert repr(again) == repr(report)
    check_card(again, ready.output)
    card = (ready.output / "README.md").read_text(encoding="utf-8")
    assert str(report.held_out[0].estimates["joint_f1"]) in card
    assert f"{report.held_out[0].sentences} sentences" in card
    assert "TF-IDF" in card
    assert {score.system for score in report.held_out} == {
        "framing",
        "TF-IDF + logistic regression",
    }
    (ready.output / "README.md").write_text(f"{card}By me.\n", encoding="utf-8")
    with pytest.raises(FramingError, match=r"README\.md: differs .*--force"):
        check_card(again, ready.output)


def test_train_scores_whole_sources_and_behaviour(ready: TrainConfig, tmp_path: Path) -> None:
    write_records(make_records(6), tmp_path / "cases.jsonl")
    config = ready.model_copy(
        update={
            "unseen_sources": (("wire",), ("blog",)),
            "cache": tmp_path / "cache",
            "behaviour": str(tmp_path / "cases.jsonl"),
        }
    )
    report = train(config)
    assert [scores.system for scores in report.unseen] == [
        f"{source}{what}"
        for source in ("wire", "blog")
        for what in (", uncalibrated", "", ", TF-IDF + logistic regression")
    ]
    assert [scores.sentences for scores in report.held_out] == [60, 60]
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert {name: cases for name, (_, cases) in report.behaviour.items()} == {
        "d0": 2,
        "d1": 2,
        "d2": 2,
    }
    assert Classifier.from_pretrained(config.output, device="cpu").rule == report.rule
    again = train(config, force=True)  # from the cache
    assert repr(again.unseen) == repr(report.unseen)


def test_a_wrong_name_of_cases_is_found_before_training_and_can_be_mended(
    ready: TrainConfig, schema: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = ready.model_copy(update={"behaviour": str(tmp_path / "cases.jsonl")})
    with monkeypatch.context() as patch:
        patch.setattr("framing.training.run.outcome_of", lambda _: pytest.fail("it trains"))
        with pytest.raises(FramingError, match=r"cases\.jsonl"):
            train(missing)
    key = run_key(ready, make_records(6), schema, start="0")
    assert key == run_key(missing, make_records(6), schema, start="0")


def test_only_measured_files_are_scored(ready: TrainConfig, tmp_path: Path) -> None:
    write_records(make_records(20), tmp_path / "some.jsonl")
    config = ready.model_copy(
        update={
            "unseen_sources": (("wire", "blog"),),
            "labels": (*ready.labels, str(_others(tmp_path))),
            "measured": (str(tmp_path / "some.jsonl"),),
        }
    )
    report = train(config)
    assert report.held_out[0].sentences == 20


def test_a_group_with_nothing_to_score_is_refused_before_training(
    ready: TrainConfig, tmp_path: Path
) -> None:
    config = ready.model_copy(
        update={
            "unseen_sources": (("wire",), ("radio",)),
            "labels": (*ready.labels, str(_others(tmp_path))),
            "measured": ready.labels,
            "cache": tmp_path / "cache",
        }
    )
    with pytest.raises(FramingError, match="no sentence of radio"):
        train(config)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("sources", [(("wire",), ("Blog",)), (("wire", "Blog"),)])
def test_a_source_without_records_is_refused_before_training(
    ready: TrainConfig, sources: tuple[tuple[str, ...], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unseen, "logits_of_fold", None)
    message = r"unseen_sources: no record is of 'Blog'; the labels have 'blog', 'wire'; correct"
    with pytest.raises(FramingError, match=message):
        train(ready.model_copy(update={"unseen_sources": sources}))


@pytest.mark.parametrize(
    ("sources", "measured"), [((("wire",), ("radio",)), "wire"), ((("radio",),), None)]
)
def test_a_source_may_be_left_out_of_the_labels(
    ready: TrainConfig, tmp_path: Path, sources: tuple[tuple[str, ...], ...], measured: str | None
) -> None:
    others = [replace(r, provenance="real") for r in _radio()]
    write_records(others, tmp_path / "others.jsonl")
    labels = (*ready.labels, str(tmp_path / "others.jsonl"))
    config = ready.model_copy(update={"labels": labels, "unseen_sources": sources})
    report = train(config, without=["real"])
    assert {scores.system.partition(",")[0] for scores in report.unseen} == (
        {measured} if measured else set()
    )


def _others(folder: Path) -> Path:
    """Records of a source that stays when all others are left out."""
    write_records(_radio(), folder / "others.jsonl")
    return folder / "others.jsonl"


def _radio() -> list[Record]:
    return [
        replace(r, source="radio", id=f"r{r.id}", text=f"On air: {r.text}")
        for r in make_records(12)
    ]


def test_train_refuses_to_overwrite(ready: TrainConfig) -> None:
    ready.output.mkdir()
    (ready.output / "mine.txt").write_text("keep")
    with pytest.raises(FramingError, match="--force"):
        train(ready)
    train(ready, force=True)
    assert (ready.output / "mine.txt").read_text() == "keep"


def test_train_refuses_the_folder_that_it_starts_from(
    ready: TrainConfig, model_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(model_folder, tmp_path / "m")
    config = ready.model_copy(update={"backbone": str(folder), "output": folder})
    with pytest.raises(FramingError, match="is the model that training starts from"):
        train(config, force=True)
    assert not (folder / FOLDER).exists()


def test_train_refuses_the_shipped_model_where_a_blend_takes_from_it(
    ready: TrainConfig, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(model_folder, tmp_path / "m")
    found = {BLEND: BACKBONE, SHIPPED: folder}
    monkeypatch.setattr(run, "find_backbone", lambda name, **_: found[name])
    with pytest.raises(FramingError, match="is the model that training starts from"):
        train(ready.model_copy(update={"backbone": BLEND, "output": folder}), force=True)


def test_train_refuses_a_file_and_a_folder_that_cannot_be(
    ready: TrainConfig, tmp_path: Path
) -> None:
    (tmp_path / "afile").write_text("x")
    with pytest.raises(FramingError, match="afile: is a file"):
        train(ready.model_copy(update={"output": tmp_path / "afile"}), force=True)
    with pytest.raises(FramingError, match="cannot be written"):
        train(ready.model_copy(update={"output": tmp_path / "afile" / "m"}))


def test_versions_of_a_document_left_out_are_not_learned_from(
    schema: Schema, config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = make_records(24)
    # The documents d0 (wire) and d1 (blog) share one of their two sentences.
    records[2] = replace(records[2], text=records[0].text)
    learned: list[set[str]] = []

    def seen(train: Sequence[Record], *_: Any, **__: Any) -> Any:
        learned.append({record.group for record in train})
        raise _StoppedError

    monkeypatch.setattr(run, "fit_tuned", seen)
    with pytest.raises(_StoppedError):
        leave_one_document_out(records[:2], records, schema, config)
    monkeypatch.setattr(unseen, "logits_of_fold", seen)
    sources = config.model_copy(update={"unseen_sources": (("wire",),)})
    with pytest.raises(_StoppedError):
        unseen.leave_sources_out(records, schema, sources)
    assert len(learned) == 2
    for groups in learned:
        assert "blog/d3" in groups
        assert not {"wire/d0", "blog/d1"} & groups


def test_train_leaves_out_a_provenance(ready: TrainConfig) -> None:
    with pytest.raises(FramingError, match="no records are left"):
        train(ready, without=["authored"])
    with pytest.raises(FramingError, match="cannot leave out 'web'"):
        train(ready, without=["web"])


def test_leave_one_document_out_scores_every_sentence_once(
    schema: Schema, config: TrainConfig
) -> None:
    measured, rest = make_records(60)[:4], make_records(60)[4:]
    ours, baseline = leave_one_document_out(measured, [*measured, *rest], schema, config)
    assert ours.sentences == baseline.sentences == 4
    assert ours.documents == 2
    card = render_card(
        TrainingReport(
            config=config.model_dump(mode="json"),
            counts="| |",
            sentences=4,
            epochs=1,
            rule=DecisionRule.plain(4),
            held_out=(ours, baseline),
            unseen=(),
            behaviour={"negation": (1, 4)},
            seconds=1,
            environment={"torch": "2"},
            left_out=(ours, baseline),
            left_out_file="x.jsonl",
            start=Start(BLEND, BLEND, "0" * 64),
        )
    )
    assert "a quarter of the shipped encoder's weights, three quarters of MiniLM's" in card
    assert f"Started from blend, of weights that are identified by `{'0' * 64}`." in card
    assert "framing evaluate x.jsonl --leave-one-article-out" in card
    assert "| negation | 1 | 4 |" in card


def test_leave_one_document_out_needs_tuning_documents(
    schema: Schema, config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuned, "fit", None)
    settings = config.model_copy(update={"tuning": 0.0, "folds": 2})
    with pytest.raises(FramingError, match=r"tuning: 0 leaves no documents .*; set a fraction"):
        leave_one_document_out(make_records(4), make_records(60), schema, settings)


def test_baseline_learns_words(schema: Schema) -> None:
    records = make_records(60)
    baseline = TfidfBaseline(records, schema)
    rows = baseline.probabilities([record.text or "" for record in records])
    assert rows.shape == (60, 4, 4)
    np.testing.assert_allclose(rows.sum(-1), 1, atol=1e-5)
    assert (decide(rows, 0.5) == class_indices(records, schema)).mean() > 0.95


def test_baseline_where_no_word_is_twice(schema: Schema) -> None:
    records = [
        replace(record, text=f"{chr(0x4E00 + n)}{chr(0x5E00 + n)}")
        for n, record in enumerate(make_records(60))
    ]
    rows = TfidfBaseline(records, schema).probabilities([record.text or "" for record in records])
    np.testing.assert_allclose(rows.sum(-1), 1, atol=1e-5)


def test_scores_of_perfect_predictions(schema: Schema, records: list[Record]) -> None:
    rows = np.eye(4, dtype=np.float32)[class_indices(records, schema)]
    scores = score("gold", rows, records, schema, thresholds=0.5)
    assert {name: e.value for name, e in scores.estimates.items()} == {
        "joint_f1": 1,
        "topic_macro_f1": 1,
        "stance_accuracy": 1,
        "stance_macro_f1": 1,
        "exact_match": 1,
    }
    support = {(label.topic, label.stance): label.support for label in scores.labels}
    assert support["military_bases", None] == 20
    assert support["military_bases", "favor"] == 10

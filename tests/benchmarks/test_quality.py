"""The quality bench on tiny data: folds, the cache, and the table."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from helpers import ROOT, make_records

from framing.labels.schema import Schema
from framing.training.config import TrainConfig

sys.path.insert(0, str(ROOT / "benchmarks"))
quality = pytest.importorskip("quality")


@pytest.fixture
def folds(schema: Schema, config: TrainConfig) -> list[object]:
    settings = config.model_copy(update={"unseen_sources": (("wire",), ("blog",))})
    made: list[object] = quality.make_folds("source", make_records(60), schema, settings, None)
    return made


def test_a_fold_is_never_trained_on_what_it_scores(folds: list[quality.Fold]) -> None:
    assert [list(fold.parts) for fold in folds] == [["wire"], ["blog"]]
    for fold in folds:
        assert {r.source for r in fold.train}.isdisjoint(r.source for r in fold.asked)
        assert len(fold.asked) == 30


def test_limit_keeps_whole_documents(schema: Schema, config: TrainConfig) -> None:
    settings = config.model_copy(update={"unseen_sources": (("wire",),)})
    (fold,) = quality.make_folds("source", make_records(60, per_document=3), schema, settings, 10)
    documents = {r.document for r in fold.train}
    assert len(fold.train) == 3 * len(documents) == 9


@pytest.mark.parametrize("system", ["tfidf", "priors", "ours"])
def test_cells_are_cached_and_tabled(
    system: str,
    folds: list[quality.Fold],
    schema: Schema,
    config: TrainConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quality, "CACHE", tmp_path / "cache")
    assert quality._cells(system, folds, schema, config, only_cached=True) == []
    cells = quality._cells(system, folds, schema, config, only_cached=False)
    assert [cell.part for cell in cells] == ["wire", "blog"]
    monkeypatch.setitem(quality.SYSTEMS, system, None)  # not to be called again
    again = quality._cells(system, folds, schema, config, only_cached=True)
    assert [c.scores.estimates for c in again] == [c.scores.estimates for c in cells]
    (row,) = quality.summarize(cells)
    assert row["joint_f1_low"] <= row["joint_f1"] <= row["joint_f1_high"]
    quality._write([row], cells, tmp_path / "table")
    assert json.loads((tmp_path / "table.json").read_text())["rows"] == [row]
    text = (tmp_path / "table.md").read_text()
    assert f"| source | {system} | 1 |" in text
    assert f"quality.py --seeds {config.seed} --protocols source" in text

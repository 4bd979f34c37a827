from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers import make_records

from framing.labels.errors import FramingError
from framing.labels.records import write_records
from framing.labels.schema import Schema
from framing.training import search as module
from framing.training.config import TrainConfig
from framing.training.run import train
from framing.training.search import search

pytest.importorskip("optuna")


class _KilledError(Exception):
    pass


def quality(splits: Sequence[Any], schema: Schema, config: TrainConfig, **_: Any) -> float:
    """Best where the head learns ten times as fast as the encoder, in few epochs."""
    return 1 / (1 + abs(config.head_learning_rate / config.learning_rate - 10) + config.max_epochs)


def test_it_never_gets_worse_and_goes_on_to_the_same_end(
    schema: Schema, config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config.model_copy(update={"search": 12})
    monkeypatch.setattr(module, "_quality", quality)
    best, found = search(make_records(60), schema, config, workspace=tmp_path / "a")
    assert found.trials == 12
    assert found.best >= found.first
    assert found.best == pytest.approx(quality([], schema, best))
    assert found.first == pytest.approx(quality([], schema, config))

    calls = []

    def killed(*arguments: Any, **options: Any) -> float:
        calls.append(1)
        if len(calls) == 6:
            raise _KilledError
        return quality(*arguments)

    monkeypatch.setattr(module, "_quality", killed)
    with pytest.raises(_KilledError):
        search(make_records(60), schema, config, workspace=tmp_path / "b")
    assert search(make_records(60), schema, config, workspace=tmp_path / "b") == (best, found)
    assert len(calls) == 13


def test_layers_are_not_frozen_where_an_encoder_has_none(
    schema: Schema, config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config.model_copy(update={"search": 4})
    monkeypatch.setattr(module, "_quality", quality)
    monkeypatch.setattr(module, "layer_count", lambda _: 0)
    best, _ = search(make_records(60), schema, config, workspace=tmp_path)
    assert best.frozen_layers == 0
    assert module._distributions(config)["frozen_layers"].high == 0


def test_fits_of_a_trial_are_kept_until_it_is_done(
    schema: Schema, config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config.model_copy(update={"search": 1, "max_epochs": 1})
    kept = tmp_path / "a" / "trial"

    def killed(*_: Any) -> Any:
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr(module, "saved_logits", killed)
        with pytest.raises(_KilledError):
            search(make_records(24), schema, config, workspace=tmp_path / "a")
    assert len(list(kept.glob("fit-*/done"))) == 1
    search(make_records(24), schema, config, workspace=tmp_path / "a")
    assert not kept.exists()


def test_held_out_documents_have_no_part_in_it(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_records(make_records(60), tmp_path / "labels.jsonl")
    seen: set[str] = set()
    before = module.folds_by_document

    def folds(records: Sequence[Any], **options: Any) -> Any:
        seen.update(record.group for record in records)
        return before(records, **options)

    monkeypatch.setattr(module, "folds_by_document", folds)
    labels = (str(tmp_path / "labels.jsonl"),)
    report = train(config.model_copy(update={"search": 2, "labels": labels, "max_epochs": 1}))
    assert report.search is not None and report.search.trials == 2
    assert len(seen) + report.held_out[0].documents == 30
    assert report.config["max_epochs"] == report.search.settings["max_epochs"]
    assert "best of 2 that were tried" in (config.output / "README.md").read_text("utf-8")


def test_it_needs_optuna_and_one_process(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config.model_copy(update={"search": 2})
    with monkeypatch.context() as patch:
        patch.setattr(module.importlib.util, "find_spec", lambda name: None)
        with pytest.raises(FramingError, match=r"pip install 'framing\[search\]'"):
            train(config)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(FramingError, match="one process"):
        train(config)

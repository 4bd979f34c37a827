from pathlib import Path
from typing import Any

import pytest
from helpers import BACKBONE, make_records

from framing.training import settings
from framing.training.config import ConfigError, TrainConfig
from framing.training.settings import chosen_settings, settings_for


def chosen(count: int, **given: Any) -> TrainConfig:
    return settings_for(
        make_records(count),
        labels=["a.csv"],
        output=Path("m"),
        backbone=str(BACKBONE),
        **given,
    )


@pytest.mark.parametrize(
    ("count", "epochs", "batch", "folds"),
    [(60, 10, 8, 5), (200, 12, 16, 0), (1_000, 8, 32, 0), (5_000, 5, 32, 0)],
)
def test_sizes(count: int, epochs: int, batch: int, folds: int) -> None:
    config = chosen(count)
    assert (config.max_epochs, config.batch_size, config.folds) == (epochs, batch, folds)
    assert config.tuning == 0 if folds else config.tuning > 0
    assert config.max_tokens == 128  # what the tiny encoder can read
    assert chosen_settings(config, count)["sentences"] == str(count)


def test_few_documents_give_few_folds() -> None:
    assert chosen(6).folds == 3
    assert chosen(2).folds == 0


def test_what_is_given_is_kept() -> None:
    config = chosen(60, folds=3, seed=5, max_epochs=1, learning_rate=None)
    assert (config.folds, config.seed, config.max_epochs) == (3, 5, 1)
    assert config.learning_rate == config.head_learning_rate == 1e-4
    assert config.linear_probe
    assert not chosen(60, extend="m").linear_probe  # the old head is kept
    searched = chosen(60, search=4)
    assert (searched.folds, searched.tuning) == (0, 0.2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"folds": 3, "search": 2}, "folds: cannot be combined with search"),
        ({"folds": 1}, "one fold"),
        ({"extend": "m", "linear_probe": True}, "linear_probe: is for a new head"),
        ({"replay": ("a",)}, "replay: is for extend only"),
        ({"search": 2, "tuning": 0.0}, "tuning: without tuning documents"),
        ({"learning_rate": -1}, "learning_rate: "),
    ],
)
def test_settings_that_do_not_agree(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^settings: .*{message}"):
        chosen(300, **given)


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ("blend", "blend: a quarter of the shipped encoder, three quarters of MiniLM"),
        ("shipped", "shipped; better, above all with few sentences: pip install"),
    ],
)
def test_training_starts_from_what_is_here(
    monkeypatch: pytest.MonkeyPatch, start: str, told: str
) -> None:
    monkeypatch.setattr(settings, "default_start", lambda: start)
    monkeypatch.setattr(settings, "find_backbone", lambda name: BACKBONE)
    config = settings_for(make_records(60), labels=["a.csv"], output=Path("m"))
    assert config.backbone == start
    assert chosen_settings(config, 60)["starts from"].startswith(told)
    extended = settings_for(make_records(60), labels=["a.csv"], output=Path("m"), extend="old")
    assert extended.backbone == "old"
    assert chosen_settings(extended, 60)["starts from"] == "old, which gets more topics"


def test_a_head_without_a_probe_learns_faster() -> None:
    assert chosen(60, linear_probe=False).head_learning_rate == 1e-3

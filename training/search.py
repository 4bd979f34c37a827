"""Search for settings, by the tree-structured Parzen estimator of optuna.

Every trial is scored by grouped cross-validation among the documents that are learned from;
the held-out documents, which the figures are from, are never looked at (Cawley & Talbot 2010).
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framing.decisions import DecisionRule, decide
from framing.labels.errors import FramingError
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.backbone import find_backbone
from framing.training.config import TrainConfig
from framing.training.data import class_indices, texts_of
from framing.training.evaluation import joint_f1
from framing.training.new_model import layer_count
from framing.training.processes import process_count
from framing.training.splits import Split, folds_by_document
from framing.training.trainer import fit
from framing.training.unseen import saved_logits

if TYPE_CHECKING:
    import optuna

_FOLDS = 3
_DATABASE = "search.db"
_FITS = "trial"


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found.

    Attributes:
        trials: How many settings were tried.
        first: Mean joint F1 over the inner folds of the settings that it began with.
        best: That of the best settings, which flatters them.
        settings: The best settings that were searched, by name.
    """

    trials: int
    first: float
    best: float
    settings: dict[str, float]


def require_search() -> None:
    """Check that a search can run here.

    Raises:
        FramingError: optuna is not installed, or several processes train together.
    """
    if importlib.util.find_spec("optuna") is None:
        raise FramingError("--search needs optuna: pip install 'framing[search]'")
    if process_count() > 1:
        raise FramingError(
            "--search runs in one process; search without 'accelerate launch', then train with "
            "the settings that it found"
        )


def search(
    records: Sequence[Record],
    schema: Schema,
    config: TrainConfig,
    *,
    workspace: Path,
    progress: bool = False,
) -> tuple[TrainConfig, Search]:
    """The configuration with the best of ``config.search`` settings, and how it was found.

    The first trial has the settings of ``config``, so that the result is not worse. Trials,
    and the fits of one that is not done, are kept in the workspace; the same call goes on with
    them, to the same result.

    Args:
        records: Documents to learn from; those that measure are not among them.
        schema: Topics and stances.
        config: Where to begin, and the number of trials.
        workspace: Keeps them.
        progress: Show progress on standard error.

    Raises:
        FramingError: optuna is not installed, or there are too few documents.
    """
    require_search()
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    splits = folds_by_document(records, count=_FOLDS, seed=config.seed)
    workspace.mkdir(parents=True, exist_ok=True)
    fits = workspace / _FITS
    study = optuna.create_study(
        storage=f"sqlite:///{(workspace / _DATABASE).resolve()}",
        study_name="framing",
        direction="maximize",
        load_if_exists=True,
    )
    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # was cut off
    while (done := len(_complete(study))) < config.search:
        title = f"Trial {done + 1} of {config.search}" if progress else None
        quality = partial(_quality, splits, schema, title=title, workspace=fits)
        _run_trial(study, config, done, quality)
        shutil.rmtree(fits, ignore_errors=True)  # the trial's value is all that is needed
    found, best = _complete(study), dict(study.best_trial.params)
    return config.model_copy(update=best), Search(len(found), found[0], study.best_value, best)


def _run_trial(
    study: optuna.Study, config: TrainConfig, done: int, quality: Callable[[TrainConfig], float]
) -> None:
    """Try the settings of ``config`` first, and then those that the sampler asks for."""
    import optuna

    if done == 0:
        study.add_trial(
            optuna.trial.create_trial(
                params={name: getattr(config, name) for name in _ranges(config)},
                distributions=_distributions(config),
                value=quality(config),
            )
        )
        return
    # A sampler of its own for each trial: going on gives what an unbroken search gives.
    study.sampler = optuna.samplers.TPESampler(seed=config.seed + done)
    trial = study.ask(_distributions(config))
    study.tell(trial, quality(config.model_copy(update=dict(trial.params))))


def _complete(study: optuna.Study) -> list[float]:
    """Values of the trials that came to an end, in their order."""
    from optuna.trial import TrialState

    return [float(t.value or 0) for t in study.get_trials(states=[TrialState.COMPLETE])]


def _ranges(config: TrainConfig) -> dict[str, tuple[float, float]]:
    """Lowest and highest value of each setting; those of ``config`` lie within."""
    most_frozen = max(min(4, layer_count(find_backbone(config.backbone))), config.frozen_layers)
    return {
        "learning_rate": (config.learning_rate / 10, config.learning_rate * 5),
        "head_learning_rate": (config.head_learning_rate / 5, config.head_learning_rate * 10),
        "max_epochs": (max(1, config.max_epochs // 2), 2 * config.max_epochs),
        "class_weight_power": (0.0, 1.0),
        "frozen_layers": (0, most_frozen),
    }


def _distributions(config: TrainConfig) -> dict[str, Any]:
    from optuna.distributions import FloatDistribution, IntDistribution

    result: dict[str, Any] = {}
    for name, (low, high) in _ranges(config).items():
        if name in ("max_epochs", "frozen_layers"):
            result[name] = IntDistribution(int(low), int(high))
        else:
            result[name] = FloatDistribution(low, high, log=low > 0)
    return result


def _quality(
    splits: Sequence[Split],
    schema: Schema,
    config: TrainConfig,
    *,
    title: str | None,
    workspace: Path,
) -> float:
    """Mean joint F1 over the folds, without calibration."""
    plain = DecisionRule.plain(len(schema.topics))
    figures = []
    for number, split in enumerate(splits, start=1):
        fold = f"{title}, fold {number} of {len(splits)}" if title else None
        fitted = fit(
            split.train,
            schema,
            config,
            epochs=config.max_epochs,
            title=fold,
            workspace=workspace,
        )
        found = plain.probabilities(saved_logits(fitted, texts_of(split.held_out)))
        figures.append(joint_f1(decide(found, 0.5), class_indices(split.held_out, schema)))
    return float(np.mean(figures))

"""Cross-validation: every document is scored by a model that has not seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from framing.decisions import DecisionRule, Floats
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.baseline import TfidfBaseline
from framing.training.calibration import fit_rule
from framing.training.config import TrainConfig
from framing.training.data import class_indices, texts_of
from framing.training.evaluation import Scores, score
from framing.training.splits import Split, folds_by_document
from framing.training.tuned import fit_stopped
from framing.training.unseen import BASELINE_NAME, MODEL_NAME, saved_logits


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What cross-validation says of settings and data.

    Attributes:
        scores: Of the model and of the baseline over all documents, each document scored by a
            fold's model that had not seen it, under a rule fitted on the other folds.
        uncalibrated: Of the model under the plain softmax.
        rule: The decision rule that suits all folds' logits.
        epochs: Best number of epochs in each fold.
    """

    scores: tuple[Scores, ...]
    uncalibrated: Scores
    rule: DecisionRule
    epochs: tuple[int, ...]

    @property
    def median_epochs(self) -> int:
        """Epochs for a model of all records."""
        return max(1, round(median(self.epochs)))


@dataclass(frozen=True)
class _Fold:
    records: tuple[Record, ...]
    logits: Floats
    baseline: Floats
    epochs: int


def cross_validate(
    records: Sequence[Record],
    schema: Schema,
    config: TrainConfig,
    *,
    progress: bool = False,
    workspace: Path | None = None,
) -> CrossValidation:
    """Train and score ``config.folds`` times; early stopping is on documents of neither side.

    Raises:
        LabelsError: There are fewer documents than folds.
    """
    splits = folds_by_document(records, count=config.folds, seed=config.seed)
    folds = []
    for number, split in enumerate(splits, start=1):
        title = f"Fold {number} of {len(splits)}" if progress else None
        folds.append(_fold(split, schema, config, title=title, workspace=workspace))
    return _together(folds, schema)


def _fold(
    split: Split, schema: Schema, config: TrainConfig, *, title: str | None, workspace: Path | None
) -> _Fold:
    fitted = fit_stopped(split.train, schema, config, title=title, workspace=workspace)
    texts = texts_of(split.held_out)
    baseline = TfidfBaseline(split.train, schema).probabilities(texts)
    return _Fold(split.held_out, saved_logits(fitted, texts), baseline, fitted.epochs)


def _together(folds: Sequence[_Fold], schema: Schema) -> CrossValidation:
    parts = [(fold.logits, class_indices(fold.records, schema)) for fold in folds]
    plain = DecisionRule.plain(len(schema.topics))
    # A rule that was fitted on a fold would flatter the model there.
    rules = [fit_rule(parts[:place] + parts[place + 1 :]) for place in range(len(folds))]
    ordered = [record for fold in folds for record in fold.records]
    thresholds = [
        rule.thresholds for rule, fold in zip(rules, folds, strict=True) for _ in fold.records
    ]
    found = np.concatenate(
        [rule.probabilities(fold.logits) for rule, fold in zip(rules, folds, strict=True)]
    )
    uncalibrated = plain.probabilities(np.concatenate([fold.logits for fold in folds]))
    baseline = np.concatenate([fold.baseline for fold in folds])
    return CrossValidation(
        scores=(
            score(MODEL_NAME, found, ordered, schema, thresholds=thresholds),
            score(BASELINE_NAME, baseline, ordered, schema, thresholds=0.5),
        ),
        uncalibrated=score("uncalibrated", uncalibrated, ordered, schema, thresholds=0.5),
        rule=fit_rule(parts),
        epochs=tuple(fold.epochs for fold in folds),
    )

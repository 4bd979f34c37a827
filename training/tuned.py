"""Fit a model and its decision rule, each on what the other has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framing.decisions import DecisionRule
from framing.labels.errors import FramingError
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.calibration import fit_rule
from framing.training.config import TrainConfig
from framing.training.data import class_indices, texts_of
from framing.training.splits import split_by_document
from framing.training.trainer import Fitted, fit
from framing.training.unseen import saved_logits


@dataclass(frozen=True)
class Tuned:
    """A fitted model, and the decision rule that suited text it had not learned from."""

    fitted: Fitted
    rule: DecisionRule


def fit_tuned(
    records: Sequence[Record],
    schema: Schema,
    config: TrainConfig,
    *,
    title: str | None = None,
    workspace: Path | None = None,
) -> Tuned:
    """Fit with early stopping, and fit the decision rule, both on tuning documents.

    Raises:
        FramingError: ``config.tuning`` is 0, and one document would decide on all of it.
    """
    if not config.tuning:
        raise FramingError(
            "tuning: 0 leaves no documents to stop by and to fit temperatures and thresholds on, "
            "which this way of measuring needs; set a fraction above 0, such as 0.1, in the "
            "configuration"
        )
    split = split_by_document(records, fraction=config.tuning, seed=config.seed)
    fitted = fit(
        split.train, schema, config, tuning=split.held_out, title=title, workspace=workspace
    )
    logits = saved_logits(fitted, texts_of(split.held_out))
    return Tuned(fitted, fit_rule([(logits, class_indices(split.held_out, schema))]))


def fit_stopped(
    records: Sequence[Record],
    schema: Schema,
    config: TrainConfig,
    *,
    title: str | None = None,
    workspace: Path | None = None,
) -> Fitted:
    """Fit with early stopping; for all epochs if no documents are to be spent on tuning."""
    if not config.tuning:
        return fit(
            records, schema, config, epochs=config.max_epochs, title=title, workspace=workspace
        )
    split = split_by_document(records, fraction=config.tuning, seed=config.seed)
    return fit(split.train, schema, config, tuning=split.held_out, title=title, workspace=workspace)

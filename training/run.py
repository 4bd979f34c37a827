"""A training run from labels to a model folder, and cross-validation by document."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framing.classifier import Classifier
from framing.decisions import DecisionRule
from framing.labels.counts import counts_table
from framing.labels.errors import FramingError
from framing.labels.records import Record
from framing.labels.schema import Schema, load_schema
from framing.training.baseline import TfidfBaseline
from framing.training.calibration import fit_rule
from framing.training.card import write_card
from framing.training.config import TrainConfig
from framing.training.data import class_indices, load_records, measured_ids, texts_of
from framing.training.evaluation import Scores, score
from framing.training.report import TrainingReport, environment
from framing.training.splits import hold_out, split_by_document
from framing.training.trainer import Fitted, fit, save_model
from framing.training.unseen import (
    BASELINE_NAME,
    MODEL_NAME,
    Unseen,
    leave_sources_out,
    rule_of,
    saved_logits,
    scores_by_source,
    scores_together,
)


@dataclass(frozen=True)
class Tuned:
    """A fitted model, and the decision rule that suited text it had not learned from."""

    fitted: Fitted
    rule: DecisionRule


def train(
    config: TrainConfig,
    *,
    corpora: Path | None = None,
    without: Sequence[str] = (),
    output: Path | None = None,
    force: bool = False,
    progress: bool = False,
) -> TrainingReport:
    """Train, measure on text held out, and write a model folder with its card.

    With ``config.unseen_sources``, a model is trained without each group of sources and
    scored on it, since users' text will come from sources that the model has not seen
    either; temperatures and thresholds are fitted there, and the model is then trained on
    all records for ``config.max_epochs``. Without, some documents of every source are held
    out, others decide when to stop, and with ``config.refit`` the weights are trained anew
    on all records for as many epochs as were best.

    Args:
        config: Labels, backbone and hyperparameters.
        corpora: Folder with the text of standoff records.
        without: Provenances to leave out.
        output: Where the model goes, instead of ``config.output``.
        force: Overwrite a model that is there.
        progress: Show progress on standard error.

    Raises:
        FramingError: Something in labels, corpora, backbone or output is wrong.
    """
    folder = output or config.output
    if folder.exists() and any(folder.iterdir()) and not force:
        raise FramingError(f"{folder}: is not empty; use --force to overwrite the model in it")
    started = time.monotonic()
    schema = load_schema(config.label_schema)
    records = load_records(
        config.labels, schema, corpora=corpora, candidates=config.corpora, without=without
    )
    unseen = leave_sources_out(
        records, schema, config, measured=measured_ids(config, schema), progress=progress
    )
    tuned, held_out = _fit_and_score(records, schema, config, unseen, progress=progress)
    save_model(tuned.fitted, folder, rule=tuned.rule)
    report = TrainingReport(
        config=config.model_dump(mode="json"),
        counts=counts_table(records, schema),
        sentences=len(records),
        epochs=tuned.fitted.epochs,
        rule=tuned.rule,
        held_out=held_out,
        unseen=scores_by_source(unseen, schema),
        behaviour=_behaviour(folder, schema, config),
        seconds=round(time.monotonic() - started),
        environment=environment(),
    )
    write_card(report, folder)
    return report


def _fit_and_score(
    records: Sequence[Record],
    schema: Schema,
    config: TrainConfig,
    unseen: Sequence[Unseen],
    *,
    progress: bool,
) -> tuple[Tuned, tuple[Scores, ...]]:
    """The model to save, and scores on what was held out: whole sources if any, else documents."""
    title = "Shipped model" if progress else None
    if unseen:
        fitted = fit(records, schema, config, epochs=config.max_epochs, title=title)
        return Tuned(fitted, rule_of(unseen, schema)), scores_together(unseen, schema)
    split = split_by_document(records, fraction=config.held_out, seed=config.seed)
    tuned = fit_tuned(split.train, schema, config, title="Measured model" if progress else None)
    held_out = _held_out_scores(tuned, split.train, split.held_out, schema)
    if config.refit:
        fitted = fit(records, schema, config, epochs=tuned.fitted.epochs, title=title)
        tuned = Tuned(fitted, tuned.rule)
    return tuned, held_out


def fit_tuned(
    records: Sequence[Record], schema: Schema, config: TrainConfig, *, title: str | None = None
) -> Tuned:
    """Fit with early stopping, and fit the decision rule, both on tuning documents."""
    split = split_by_document(records, fraction=config.tuning, seed=config.seed)
    fitted = fit(split.train, schema, config, tuning=split.held_out, title=title)
    logits = saved_logits(fitted, texts_of(split.held_out))
    return Tuned(fitted, fit_rule([(logits, class_indices(split.held_out, schema))]))


def leave_one_document_out(
    measured: Sequence[Record],
    records: Sequence[Record],
    schema: Schema,
    config: TrainConfig,
    *,
    progress: bool = False,
) -> tuple[Scores, ...]:
    """Score every document of ``measured`` by models that have not seen it.

    For each document, model and baseline are trained on all the rest: the other
    documents of ``measured``, and ``records`` of other documents.

    Returns:
        Scores of the model and of the baseline over all documents together.
    """
    groups = list(dict.fromkeys(record.group for record in measured))
    pool = [*measured, *(r for r in records if r.group not in groups)]
    ordered: list[Record] = []
    model_rows, baseline_rows, thresholds = [], [], []
    for number, group in enumerate(groups, start=1):
        split = hold_out(pool, {group})
        title = f"Without document {number} of {len(groups)}" if progress else None
        tuned = fit_tuned(split.train, schema, config, title=title)
        texts = texts_of(split.held_out)
        model_rows.append(tuned.rule.probabilities(saved_logits(tuned.fitted, texts)))
        baseline = TfidfBaseline(split.train, schema)
        baseline_rows.append(baseline.probabilities(texts))
        thresholds += [tuned.rule.thresholds] * len(split.held_out)
        ordered += split.held_out
    model, baseline_all = np.concatenate(model_rows), np.concatenate(baseline_rows)
    return (
        score(MODEL_NAME, model, ordered, schema, thresholds=thresholds),
        score(BASELINE_NAME, baseline_all, ordered, schema, thresholds=0.5),
    )


def _held_out_scores(
    tuned: Tuned, train_records: Sequence[Record], held_out: Sequence[Record], schema: Schema
) -> tuple[Scores, ...]:
    texts = texts_of(held_out)
    baseline = TfidfBaseline(train_records, schema).probabilities(texts)
    probabilities = tuned.rule.probabilities(saved_logits(tuned.fitted, texts))
    return (
        score(MODEL_NAME, probabilities, held_out, schema, thresholds=tuned.rule.thresholds),
        score(BASELINE_NAME, baseline, held_out, schema, thresholds=0.5),
    )


def _behaviour(folder: Path, schema: Schema, config: TrainConfig) -> dict[str, tuple[int, int]]:
    """Failures and cases per capability, of the model that was saved."""
    if config.behaviour is None:
        return {}
    cases = load_records([config.behaviour], schema)
    classifier = Classifier.from_folder(folder)
    result: dict[str, tuple[int, int]] = {}
    documents = classifier.classify_many(texts_of(cases), split=False)
    for case, document in zip(cases, documents, strict=True):
        tags = {tag.topic: tag.stance for s in document.sentences for tag in s.tags}
        failures, count = result.get(case.document, (0, 0))
        result[case.document] = (failures + (tags != case.labels), count + 1)
    return result

"""A training run from labels to a model folder, and cross-validation by document."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from framing.classifier import Classifier
from framing.labels.counts import counts_table
from framing.labels.errors import FramingError
from framing.labels.records import Record
from framing.labels.schema import Schema, load_schema
from framing.training.baseline import TfidfBaseline
from framing.training.card import write_card
from framing.training.config import TrainConfig
from framing.training.data import class_indices, load_records, texts_of
from framing.training.evaluation import Probabilities, Scores, best_threshold, score
from framing.training.report import TrainingReport, environment
from framing.training.splits import hold_out, split_by_document
from framing.training.trainer import Fitted, fit, save_model


@dataclass(frozen=True)
class Tuned:
    """A fitted model, and the decision threshold that suited the tuning documents."""

    fitted: Fitted
    threshold: float

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Class probabilities from the model as it would be saved, in fp16."""
        with TemporaryDirectory(prefix="framing-model-") as folder:
            save_model(self.fitted, folder, threshold=self.threshold)
            return Classifier.from_folder(Path(folder)).probabilities(texts)


def train(
    config: TrainConfig,
    *,
    corpora: Path | None = None,
    without: Sequence[str] = (),
    output: Path | None = None,
    force: bool = False,
    progress: bool = False,
) -> TrainingReport:
    """Train, measure on held-out documents, and write a model folder with its card.

    With ``config.refit`` the shipped weights are trained anew on all records
    for as many epochs as were best for the measured model.

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
    split = split_by_document(records, fraction=config.held_out, seed=config.seed)
    tuned = fit_tuned(split.train, schema, config, title="Measured model" if progress else None)
    scores = _both_scores(tuned, split.train, split.held_out, schema)
    fitted = tuned.fitted
    if config.refit:
        title = "Shipped model" if progress else None
        fitted = fit(records, schema, config, epochs=tuned.fitted.epochs, title=title)
    save_model(fitted, folder, threshold=tuned.threshold)
    report = TrainingReport(
        config=config.model_dump(mode="json"),
        counts=counts_table(records, schema),
        sentences=len(records),
        epochs=tuned.fitted.epochs,
        threshold=tuned.threshold,
        held_out=scores,
        seconds=round(time.monotonic() - started),
        environment=environment(),
    )
    write_card(report, folder)
    return report


def fit_tuned(
    records: Sequence[Record], schema: Schema, config: TrainConfig, *, title: str | None = None
) -> Tuned:
    """Fit with early stopping and choose the threshold, both on tuning documents."""
    split = split_by_document(records, fraction=config.tuning, seed=config.seed)
    fitted = fit(split.train, schema, config, tuning=split.held_out, title=title)
    candidate = Tuned(fitted, 0.5)
    probabilities = candidate.probabilities(texts_of(split.held_out))
    return Tuned(fitted, best_threshold(probabilities, class_indices(split.held_out, schema)))


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
        model_rows.append(tuned.probabilities(texts))
        baseline_rows.append(TfidfBaseline(split.train, schema).probabilities(texts))
        thresholds += [tuned.threshold] * len(texts)
        ordered += split.held_out
    model, baseline = np.concatenate(model_rows), np.concatenate(baseline_rows)
    return (
        score(MODEL_NAME, model, ordered, schema, threshold=thresholds),
        score(BASELINE_NAME, baseline, ordered, schema, threshold=0.5),
    )


MODEL_NAME = "framing"
BASELINE_NAME = "TF-IDF + logistic regression"


def _both_scores(
    tuned: Tuned, train_records: Sequence[Record], held_out: Sequence[Record], schema: Schema
) -> tuple[Scores, ...]:
    texts = texts_of(held_out)
    baseline = TfidfBaseline(train_records, schema).probabilities(texts)
    probabilities = tuned.probabilities(texts)
    return (
        score(MODEL_NAME, probabilities, held_out, schema, threshold=tuned.threshold),
        score(BASELINE_NAME, baseline, held_out, schema, threshold=0.5),
    )

"""The ways to a model and to figures that it has not learned from."""

from __future__ import annotations

from collections.abc import Sequence

from framing.decisions import DecisionRule
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.baseline import TfidfBaseline
from framing.training.data import measured_sentences, texts_of
from framing.training.evaluation import Scores, score
from framing.training.extended import extended
from framing.training.folds import cross_validate
from framing.training.job import FINAL, MEASURED, Job, Outcome
from framing.training.search import search
from framing.training.splits import split_by_document
from framing.training.trainer import fit
from framing.training.tuned import Tuned, fit_tuned
from framing.training.unseen import (
    BASELINE_NAME,
    MODEL_NAME,
    leave_sources_out,
    rule_of,
    saved_logits,
    scores_by_source,
    scores_together,
)


def outcome_of(job: Job) -> Outcome:
    """Train and measure in the way that the configuration says."""
    if job.old is not None:
        return extended(job, job.old)
    if job.config.folds:
        return _by_folds(job)
    if job.config.unseen_sources:
        outcome = _by_sources(job)
        if outcome is not None:
            return outcome
    return _by_documents(job)


def _by_sources(job: Job) -> Outcome | None:
    """Each group of sources left out in turn; ``None`` if all were left out of the records."""
    schema, config = job.schema, job.config
    unseen = leave_sources_out(
        job.records,
        schema,
        config,
        measured=measured_sentences(config, schema, columns=job.columns),
        sources_left_out=job.sources_left_out,
        progress=job.progress,
        workspace=job.workspace,
    )
    if not unseen:
        return None
    return Outcome(
        fitted=job.fit(job.records, epochs=config.max_epochs),
        rule=rule_of(unseen, schema),
        config=config,
        held_out=scores_together(unseen, schema),
        unseen=scores_by_source(unseen, schema),
    )


def _by_folds(job: Job) -> Outcome:
    found = cross_validate(
        job.records, job.schema, job.config, progress=job.progress, workspace=job.workspace
    )
    return Outcome(
        fitted=job.fit(job.records, epochs=found.median_epochs),
        rule=found.rule,
        config=job.config,
        held_out=found.scores,
        uncalibrated=found.uncalibrated,
        fold_epochs=found.epochs,
    )


def _by_documents(job: Job) -> Outcome:
    """Some documents of every source held out; the settings first searched for on the rest."""
    config, schema = job.config, job.schema
    split = split_by_document(job.records, fraction=config.held_out, seed=config.seed)
    found = None
    if config.search:
        config, found = search(
            split.train, schema, config, workspace=job.workspace, progress=job.progress
        )
    tuned = fit_tuned(
        split.train, schema, config, title=job.title(MEASURED), workspace=job.workspace
    )
    held_out, uncalibrated = _held_out_scores(tuned, split.train, split.held_out, schema)
    fitted = tuned.fitted
    if config.refit:
        fitted = fit(
            job.records,
            schema,
            config,
            epochs=fitted.epochs,
            title=job.title(FINAL),
            workspace=job.workspace,
        )
    return Outcome(
        fitted, tuned.rule, config, held_out=held_out, uncalibrated=uncalibrated, search=found
    )


def _held_out_scores(
    tuned: Tuned, train: Sequence[Record], held_out: Sequence[Record], schema: Schema
) -> tuple[tuple[Scores, ...], Scores]:
    """Scores of the model and of the baseline, and the model's without calibration."""
    texts = texts_of(held_out)
    logits = saved_logits(tuned.fitted, texts)
    baseline = TfidfBaseline(train, schema).probabilities(texts)
    rule, plain = tuned.rule, DecisionRule.plain(len(schema.topics))
    scores = (
        score(
            MODEL_NAME,
            rule.probabilities(logits),
            held_out,
            schema,
            thresholds=rule.thresholds,
        ),
        score(BASELINE_NAME, baseline, held_out, schema, thresholds=0.5),
    )
    found = plain.probabilities(logits)
    return scores, score("uncalibrated", found, held_out, schema, thresholds=0.5)

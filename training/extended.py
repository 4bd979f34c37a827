"""Train a model with more topics than another, and compare the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from framing.decisions import DecisionRule, decide
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.baseline import TfidfBaseline
from framing.training.calibration import fit_rule
from framing.training.data import class_indices, texts_of
from framing.training.evaluation import Scores, score
from framing.training.extending import (
    OldModel,
    Replay,
    columns_of,
    extension_of,
    find_replay,
    part_of,
)
from framing.training.job import FINAL, MEASURED, Job, Outcome
from framing.training.splits import Split, split_by_document, without_sentences
from framing.training.trainer import Fitted, fit
from framing.training.unseen import BASELINE_NAME, MODEL_NAME, saved_logits


def extended(job: Job, old: OldModel) -> Outcome:
    """Learn new topics from new sentences and keep the old ones.

    Figures of the new topics are from new documents held out. Tuning documents decide when to
    stop, by the new topics' labels and the old model's tags of the others, and the new
    topics' decision rule is fitted on them; the old topics keep theirs. New sentences that
    stand among those that measure the old topics are not learned from.
    """
    config = job.config
    fresh = part_of(job.schema, old.annotated)
    replay = find_replay(old, config, new=len(job.records), corpora=job.corpora)
    records = without_sentences(job.records, replay.measured)
    split = split_by_document(records, fraction=config.held_out, seed=config.seed)
    inner = split_by_document(split.train, fraction=config.tuning, seed=config.seed)
    unseen = [*split.held_out, *inner.held_out]  # which may be among the old labels, too
    learned = replace(replay, train=without_sentences(replay.train, unseen))
    measured = _fit(job, old, inner.train, learned, tuning=old.completed(inner.held_out))
    columns = columns_of(job.schema, old.annotated)
    logits = saved_logits(measured, texts_of(inner.held_out))
    fresh_rule = fit_rule([(logits[:, columns], class_indices(inner.held_out, fresh))])
    rule = old.rule(fresh_rule)
    found = saved_logits(measured, texts_of(split.held_out))
    fitted = measured
    if config.refit:
        fitted = _fit(job, old, records, replay, epochs=measured.epochs)
    scores, uncalibrated = _scores(found[:, columns], fresh_rule, split, fresh)
    extension = extension_of(
        old,
        replay,
        held_out=split.held_out,
        held_out_decided=decide(rule.probabilities(found), rule.thresholds),
        replay_found=_replay_found(fitted, rule, replay),
        rule=rule,
    )
    return Outcome(fitted, rule, config, scores, uncalibrated=uncalibrated, extension=extension)


def _fit(
    job: Job,
    old: OldModel,
    records: Sequence[Record],
    replay: Replay,
    *,
    tuning: Sequence[Record] = (),
    epochs: int | None = None,
) -> Fitted:
    return fit(
        [*records, *replay.train],
        job.schema,
        job.config,
        tuning=tuning,
        epochs=epochs,
        title=job.title(FINAL if epochs else MEASURED),
        goals=old.goals(records, replay.train, job.config),
        workspace=job.workspace,
    )


def _scores(
    logits: NDArray[np.float32], rule: DecisionRule, split: Split, schema: Schema
) -> tuple[tuple[Scores, ...], Scores]:
    """Of the new topics on held-out documents: model and baseline, and model uncalibrated."""
    plain = DecisionRule.plain(len(schema.topics))
    baseline = TfidfBaseline(split.train, schema).probabilities(texts_of(split.held_out))
    ours, uncalibrated = (
        score(name, r.probabilities(logits), split.held_out, schema, thresholds=r.thresholds)
        for name, r in ((MODEL_NAME, rule), ("uncalibrated", plain))
    )
    return (
        ours,
        score(BASELINE_NAME, baseline, split.held_out, schema, thresholds=0.5),
    ), uncalibrated


def _replay_found(fitted: Fitted, rule: DecisionRule, replay: Replay) -> NDArray[np.float32] | None:
    """What the model that is saved says of labelled sentences of the old topics."""
    if not replay.measured:
        return None
    return rule.probabilities(saved_logits(fitted, texts_of(replay.measured)))

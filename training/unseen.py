"""Measure on whole sources that a model was trained without, as users' text will be to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from framing.classifier import Classifier
from framing.decisions import DecisionRule, Floats
from framing.labels.errors import FramingError
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.backbone import weights_hash
from framing.training.baseline import TfidfBaseline
from framing.training.cache import cached, fingerprint, settings_in_key
from framing.training.calibration import fit_rule
from framing.training.config import TrainConfig
from framing.training.data import SentenceKey, class_indices, sentence_key, texts_of
from framing.training.evaluation import Scores, score
from framing.training.splits import hold_out, joined_documents, with_versions
from framing.training.trainer import Fitted, fit, save_model

MODEL_NAME = "framing"
BASELINE_NAME = "TF-IDF + logistic regression"


@dataclass(frozen=True)
class Unseen:
    """A source, and what a model and a baseline that were trained without it say of it."""

    source: str
    records: tuple[Record, ...]
    logits: Floats
    baseline: Floats


def leave_sources_out(
    records: Sequence[Record],
    schema: Schema,
    config: TrainConfig,
    *,
    measured: Collection[SentenceKey] | None = None,
    sources_left_out: Collection[str] = (),
    progress: bool = False,
    workspace: Path | None = None,
) -> list[Unseen]:
    """For each group of ``config.unseen_sources``: train without it, and score its sources.

    Args:
        records: All there is to learn from.
        schema: Topics and stances.
        config: Backbone and hyperparameters.
        measured: Keys of the records to score (:func:`framing.training.data.sentence_key`);
            ``None`` for all.
        sources_left_out: Sources that need not have records, since theirs were left out.
        progress: Show progress on standard error.
        workspace: As in :func:`framing.training.trainer.fit`.

    Raises:
        FramingError: A source has no record, or no record of a group is to be scored.
    """
    _check_sources(records, config, sources_left_out)
    folds = []
    joined = joined_documents(records)
    for sources in config.unseen_sources:
        groups = {record.group for record in records if record.source in sources}
        if not groups:
            continue
        split = hold_out(records, with_versions(groups, joined))
        held_out = [r for r in split.held_out if r.source in sources]
        asked = [r for r in held_out if measured is None or sentence_key(r) in measured]
        if not asked:
            raise FramingError(
                f"unseen_sources: no sentence of {' and '.join(sources)} is in the files that "
                "'measured' names; name their file there, or take the group out"
            )
        folds.append((sources, split.train, asked))
    result = []
    for sources, train, asked in folds:
        title = f"Model without {' and '.join(sources)}" if progress else None
        logits = logits_of_fold(
            train, texts_of(asked), schema, config, title=title, workspace=workspace
        )
        baseline = TfidfBaseline(train, schema).probabilities(texts_of(asked))
        for source in sources:
            rows = [row for row, record in enumerate(asked) if record.source == source]
            if rows:
                chosen = tuple(asked[row] for row in rows)
                result.append(Unseen(source, chosen, logits[rows], baseline[rows]))
    return result


def _check_sources(
    records: Sequence[Record], config: TrainConfig, left_out: Collection[str]
) -> None:
    """Refuse a source without records: misspelt, it would be learned from and never measured."""
    there = {record.source for record in records}
    asked = [source for sources in config.unseen_sources for source in sources]
    missing = [source for source in asked if source not in there and source not in left_out]
    if missing:
        names = ", ".join(map(repr, dict.fromkeys(missing)))
        raise FramingError(
            f"unseen_sources: no record is of {names}; the labels have "
            f"{', '.join(map(repr, sorted(there)))}; correct the name, or take it out"
        )


def logits_of_fold(
    train: Sequence[Record],
    texts: Sequence[str],
    schema: Schema,
    config: TrainConfig,
    *,
    title: str | None = None,
    workspace: Path | None = None,
) -> Floats:
    """Logits for ``texts`` of a model trained on ``train``, kept in ``config.cache``."""
    start = weights_hash(config.backbone, sha256=config.backbone_sha256)
    return cached(
        config.cache,
        [
            "framing",
            settings_in_key(config, start=start),
            schema.model_dump(mode="json"),
            fingerprint(train),
            list(texts),
        ],
        lambda: saved_logits(
            fit(train, schema, config, epochs=config.max_epochs, title=title, workspace=workspace),
            texts,
        ),
    )


def saved_logits(fitted: Fitted, texts: Sequence[str]) -> Floats:
    """Logits from the model as it would be saved, in fp16: (sentences, topics, classes)."""
    with TemporaryDirectory(prefix="framing-model-") as folder:
        topics = fitted.model.config.head_shape[0]
        save_model(fitted, folder, rule=DecisionRule.plain(topics))
        return Classifier.from_folder(Path(folder)).logits(texts)


def rule_of(unseen: Sequence[Unseen], schema: Schema) -> DecisionRule:
    """The decision rule that suits the sources."""
    return fit_rule([(part.logits, class_indices(part.records, schema)) for part in unseen])


def rule_of_others(part: Unseen, unseen: Sequence[Unseen], schema: Schema) -> DecisionRule:
    """The rule fitted on all sources but that of ``part``; the plain one if there are none."""
    others = [other for other in unseen if other.source != part.source]
    return rule_of(others, schema) if others else DecisionRule.plain(len(schema.topics))


def scores_by_source(unseen: Sequence[Unseen], schema: Schema) -> tuple[Scores, ...]:
    """Each source before calibration, under the rule fitted on the others, and the baseline."""
    plain = DecisionRule.plain(len(schema.topics))
    scores = []
    for part in unseen:
        rules = {
            f"{part.source}, uncalibrated": plain,
            part.source: rule_of_others(part, unseen, schema),
        }
        for name, rule in rules.items():
            found = rule.probabilities(part.logits)
            scores.append(score(name, found, part.records, schema, thresholds=rule.thresholds))
        name = f"{part.source}, {BASELINE_NAME}"
        scores.append(score(name, part.baseline, part.records, schema, thresholds=0.5))
    return tuple(scores)


def scores_together(unseen: Sequence[Unseen], schema: Schema) -> tuple[Scores, ...]:
    """All sources together: the model under the rules of :func:`rule_of_others`, the baseline."""
    rules = [rule_of_others(part, unseen, schema) for part in unseen]
    pairs = list(zip(rules, unseen, strict=True))
    records = [record for part in unseen for record in part.records]
    found = np.concatenate([rule.probabilities(part.logits) for rule, part in pairs])
    thresholds = [rule.thresholds for rule, part in pairs for _ in part.records]
    baseline = np.concatenate([part.baseline for part in unseen])
    return (
        score(MODEL_NAME, found, records, schema, thresholds=thresholds),
        score(BASELINE_NAME, baseline, records, schema, thresholds=0.5),
    )

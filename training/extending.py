"""Add topics to a model, and keep what it knows (Li & Hoiem 2016, Learning without Forgetting).

On sentences that nobody annotated for the old topics, the target is what the old model says
of them; labelled sentences of the old topics are learned again beside the new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framing.classifier import Classifier
from framing.decisions import DecisionRule, decide
from framing.labels.errors import LabelsError, SchemaError
from framing.labels.records import MEASURING, PACKAGED, Record, packaged_path, read_records
from framing.labels.schema import Schema
from framing.models.store import WEIGHTS, file_hash
from framing.training.backbone import SHIPPED, find_backbone
from framing.training.checks import check
from framing.training.config import TrainConfig
from framing.training.data import label_shares, load, texts_of
from framing.training.evaluation import Scores, score
from framing.training.heads import schema_of
from framing.training.splits import split_by_document
from framing.training.trainer import targets

_LEAST_REPLAYED = 1000
"""Sentences replayed at least, if there are so many; else twice as many as are new."""


@dataclass(frozen=True, slots=True)
class Extension:
    """What became of the old topics.

    Attributes:
        model: The old model, as it was named.
        old_topics: Topics that the old model had, and that were not annotated anew.
        new_topics: Topics that the sentences were annotated for.
        agreement: Per old topic, the share in [0, 1] of held-out new sentences of which old
            and new model say the same.
        replayed: Labelled sentences of old topics that were learned again.
        measured_on: Where ``before`` and ``after`` are from.
        before: The old model's scores of the old topics.
        after: The new model's.
    """

    model: str
    old_topics: tuple[str, ...]
    new_topics: tuple[str, ...]
    agreement: dict[str, float]
    replayed: int
    measured_on: str
    before: Scores | None
    after: Scores | None


@dataclass(frozen=True)
class Replay:
    """Labelled sentences of the old topics: to learn again, and to measure on."""

    train: tuple[Record, ...] = ()
    measured: tuple[Record, ...] = ()
    name: str = ""


class OldModel:
    """A model that is to get more topics."""

    def __init__(self, name: str, annotated: Schema) -> None:
        """Load it.

        Args:
            name: ``shipped``, a folder or a hub id.
            annotated: The schema of the new labels.

        Raises:
            FramingError: There is no such model, or the schemas cannot be combined.
        """
        self.name = name
        self.folder = find_backbone(name)
        self.schema = schema_of(self.folder)
        self.combined = combined_schema(self.schema, annotated)
        self.annotated = annotated.topic_names
        self.kept = tuple(t for t in self.schema.topic_names if t not in self.annotated)
        self.classifier = Classifier.from_folder(self.folder)
        self._classes = [self.combined.classes.index(name) for name in self.schema.classes]
        self._topics = [self.combined.topic_names.index(name) for name in self.schema.topic_names]

    def probabilities(self, texts: Sequence[str], rule: DecisionRule) -> NDArray[np.float32]:
        """What it says, in the combined schema's shape; of other topics, that they are absent."""
        found = rule.probabilities(self.classifier.logits(texts))
        shape = (len(texts), len(self.combined.topics), len(self.combined.classes))
        result = np.zeros(shape, dtype=np.float32)
        result[..., 0] = 1.0
        result[np.ix_(range(len(texts)), self._topics, self._classes)] = found
        return result

    def decided(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """The classes it decides for, (sentences, topics), in the combined schema's order."""
        thresholds = np.full(len(self.combined.topics), 0.5, dtype=np.float32)
        thresholds[self._topics] = self.classifier.rule.thresholds
        return decide(self.probabilities(texts, self.classifier.rule), thresholds)

    def completed(self, records: Sequence[Record]) -> list[Record]:
        """New records with its tags where they were not annotated, as a reference for stopping."""
        result = []
        for record, row in zip(records, self.decided(texts_of(records)), strict=True):
            tags = {
                topic: self.combined.classes[row[self.combined.topic_names.index(topic)]]
                for topic in self.kept
                if row[self.combined.topic_names.index(topic)] > 0
            }
            result.append(replace(record, labels={**tags, **record.labels}))
        return result

    def goals(
        self, new: Sequence[Record], replayed: Sequence[Record], config: TrainConfig
    ) -> NDArray[np.float32]:
        """Weighted targets of new and then of replayed records, (records, topics, classes)."""
        names = self.combined.topic_names
        kept = [names.index(topic) for topic in self.kept]
        result = targets(new, self.combined, config)
        plain = DecisionRule.plain(len(self.schema.topics))
        said = self.probabilities(texts_of(new), plain)
        labelled = label_shares(new, self.combined)
        for row, record in enumerate(new):
            for column in kept:
                known = names[column] in record.labels
                result[row, column] = labelled[row, column] if known else said[row, column]
        if not replayed:
            return result
        again = targets(replayed, self.combined, config)
        again[:, [place for place in range(len(names)) if place not in kept]] = 0.0
        return np.concatenate([result, again])

    def rule(self, fitted: DecisionRule) -> DecisionRule:
        """Its own rule for the topics it keeps, and ``fitted``, for the others, in order."""
        own, fresh = self.schema.topic_names, part_of(self.combined, self.annotated).topic_names
        pairs = [
            (self.classifier.rule, own.index(topic))
            if topic in self.kept
            else (fitted, fresh.index(topic))
            for topic in self.combined.topic_names
        ]
        return DecisionRule(
            temperatures=tuple(rule.temperatures[place] for rule, place in pairs),
            shifts=tuple(rule.shifts[place] for rule, place in pairs),
            thresholds=tuple(rule.thresholds[place] for rule, place in pairs),
            priors=tuple(rule.priors[place] for rule, place in pairs),
        )


def combined_schema(old: Schema, new: Schema) -> Schema:
    """The old topics, then the new ones; the old stances, then those that are new.

    Where the stances differ, each topic names its own.

    Raises:
        SchemaError: Both have a topic or a stance of one name that is defined differently.
    """
    for kind, ours, theirs in (
        ("topic", old.topics, new.topics),
        ("stance", old.stances, new.stances),
    ):
        known = {entry.name: entry.definition for entry in ours}
        for entry in theirs:
            if known.get(entry.name, entry.definition) != entry.definition:
                raise SchemaError(
                    f"the {kind} {entry.name!r} is defined differently in the model to extend; "
                    "give it another name, or the model's definition ('framing info --definitions "
                    "--model MODEL' prints it)"
                )
    added = [stance for stance in new.stances if stance.name not in old.stance_names]
    stances = (*old.stances, *added)
    topics = [
        topic.model_copy(update={"stances": schema.stances_of(topic.name)})
        if set(schema.stances_of(topic.name)) != {stance.name for stance in stances}
        else topic
        for schema, chosen in (
            (old, [topic for topic in old.topics if topic.name not in new.topic_names]),
            (new, new.topics),
        )
        for topic in chosen
    ]
    order = [*old.topic_names, *(n for n in new.topic_names if n not in old.topic_names)]
    topics.sort(key=lambda topic: order.index(topic.name))
    return Schema(topics=tuple(topics), stances=stances)


def part_of(schema: Schema, topics: Sequence[str]) -> Schema:
    """The schema with some of its topics only, in the order of the schema."""
    chosen = tuple(topic for topic in schema.topics if topic.name in topics)
    return Schema(topics=chosen, stances=schema.stances)


def columns_of(schema: Schema, topics: Sequence[str]) -> list[int]:
    """Where topics stand in a schema, in the schema's order."""
    return [place for place, name in enumerate(schema.topic_names) if name in topics]


def find_replay(
    old: OldModel, config: TrainConfig, *, new: int, corpora: Path | None = None
) -> Replay:
    """Labelled sentences of the old topics: those given, or the packaged ones of our own model.

    Args:
        old: The model to extend.
        config: Files to replay, the fraction to measure on, and the seed.
        new: How many sentences are new.
        corpora: Folder with the text of standoff records.

    Raises:
        FramingError: A file is wrong, too small to measure on a part of it, or holds sentences
            twice, as by several annotators.
    """
    if not old.kept:
        return Replay()
    most = max(_LEAST_REPLAYED, 2 * new)
    if config.replay:
        found = load(config.replay, old.schema, corpora=corpora, candidates=config.corpora)
        records = _of_topics(found.records, old.kept)
        # It need not have all topics, but what is contradictory would be learned and measured.
        findings = check(records, old.schema, topics=old.kept, complete=False)
        if findings.errors:
            raise LabelsError(f"replay: {', '.join(config.replay)}: {'; '.join(findings.errors)}")
        split = split_by_document(records, fraction=config.held_out, seed=config.seed)
        name = f"held-out documents of {', '.join(config.replay)}"
        return Replay(_sample(split.train, most, config.seed), split.held_out, name)
    if file_hash(old.folder / WEIGHTS) != file_hash(find_backbone(SHIPPED) / WEIGHTS):
        return Replay()
    names = [name for name in PACKAGED if name not in ("seeds", *MEASURING)]
    pool = [record for name in names for record in read_records(packaged_path(name), old.schema)]
    with_text = _of_topics([record for record in pool if record.text is not None], old.kept)
    seeds = _of_topics(read_records(packaged_path("seeds"), old.schema), old.kept)
    return Replay(_sample(with_text, most, config.seed), tuple(seeds), "the packaged seeds")


def extension_of(
    old: OldModel,
    replay: Replay,
    *,
    held_out: Sequence[Record],
    held_out_decided: NDArray[np.int64],
    replay_found: NDArray[np.float32] | None,
    rule: DecisionRule,
) -> Extension:
    """Compare the new model with the old one.

    Args:
        old: The old model.
        replay: What was learned again, and what the scores are from.
        held_out: New sentences that the new model has not seen.
        held_out_decided: What it decided of them, in the combined schema.
        replay_found: Its calibrated probabilities of ``replay.measured``.
        rule: Its decision rule.
    """
    same = held_out_decided == old.decided(texts_of(held_out))
    kept = columns_of(old.combined, old.kept)
    before = after = None
    if replay_found is not None:
        schema = part_of(old.combined, old.kept)
        thresholds = np.asarray(rule.thresholds)[kept]
        said = old.probabilities(texts_of(replay.measured), old.classifier.rule)
        before, after = (
            score(name, found[:, kept], replay.measured, schema, thresholds=thresholds)
            for name, found in (("before", said), ("after", replay_found))
        )
    return Extension(
        model=old.name,
        old_topics=old.kept,
        new_topics=old.annotated,
        agreement={old.combined.topic_names[place]: float(same[:, place].mean()) for place in kept},
        replayed=len(replay.train),
        measured_on=replay.name,
        before=before,
        after=after,
    )


def _of_topics(records: Sequence[Record], topics: Sequence[str]) -> list[Record]:
    """Records with their labels of some topics only."""
    return [
        replace(record, labels={t: s for t, s in record.labels.items() if t in topics})
        for record in records
    ]


def _sample(records: Sequence[Record], most: int, seed: int) -> tuple[Record, ...]:
    """At most so many records, drawn at random, in their order."""
    if len(records) <= most:
        return tuple(records)
    chosen = np.random.default_rng(seed).permutation(len(records))[:most]
    return tuple(records[place] for place in sorted(chosen))

"""Count labels per topic, stance and provenance: the tables of both cards, and for checks."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles

from framing.labels.grouping import text_hash
from framing.labels.records import PROVENANCES, Record
from framing.labels.schema import Schema

FEW = 10
"""A topic and stance with fewer sentences than this can be neither learnt nor measured."""

_NOT_LETTERS = re.compile(r"[\W\d_]+")


def label_counts(records: Iterable[Record]) -> Counter[tuple[str, str, str]]:
    """How many records carry each ``(topic, stance, provenance)``."""
    return Counter(
        (topic, stance, record.provenance)
        for record in records
        for topic, stance in record.labels.items()
    )


def counts_table(records: Iterable[Record], schema: Schema) -> str:
    """A Markdown table of label counts, ``/``-separated in the schema's stance order."""
    records = list(records)
    counts = label_counts(records)
    order = " / ".join(schema.stance_names)
    lines = [
        f"| {order} | " + " | ".join(PROVENANCES) + " |",
        "| --- |" + " ---: |" * len(PROVENANCES),
    ]
    for topic in schema.topic_names:
        cells = [
            " / ".join(str(counts[topic, stance, provenance]) for stance in schema.stance_names)
            for provenance in PROVENANCES
        ]
        lines.append(f"| {topic} | " + " | ".join(cells) + " |")
    for title, chosen in (
        ("no topic", [r for r in records if not r.labels]),
        ("all sentences", records),
    ):
        sizes = Counter(r.provenance for r in chosen)
        lines.append(f"| {title} | " + " | ".join(str(sizes[p]) for p in PROVENANCES) + " |")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Source:
    """How much is from one source."""

    name: str
    records: int
    sentences: int
    documents: int


@dataclass(frozen=True, slots=True)
class Annotator:
    """How often one annotator gave what.

    Attributes:
        name: Who.
        records: How many sentences.
        without_topic: Share of them without a topic, in [0, 1].
        unsure: Share of them with serious doubts, in [0, 1].
        topics: Per topic, the share of the sentences with it, in [0, 1].
        stances: Per stance, its share among the topics given, in [0, 1]; empty without any.
    """

    name: str
    records: int
    without_topic: float
    unsure: float
    topics: dict[str, float]
    stances: dict[str, float]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One text in several documents.

    Attributes:
        records: All with the text, in order.
        is_exact: Whether the texts are the same to the character; else they differ in
            case, digits, punctuation or spaces only.
        labels_differ: Whether the labels do.
    """

    records: tuple[Record, ...]
    is_exact: bool
    labels_differ: bool


@dataclass(frozen=True, slots=True)
class LabelStatistics:
    """What is in a set of labels.

    Attributes:
        records: Annotations; a sentence by two annotators counts twice.
        sentences: Different sentences.
        documents: Different documents.
        without_topic: Share of the records without a topic, in [0, 1].
        counts: Records per ``(topic, stance, provenance)``.
        few: ``(topic, stance)`` with under :data:`FEW` sentences.
        words: Length of the texts in words: minimum, quartiles, maximum; empty without text.
        without_text: Standoff records, of which length and near duplicates are not known.
        sources: By name.
        annotators: In order of appearance.
        duplicates: Texts that stand in several documents, the exact ones first.
    """

    records: int
    sentences: int
    documents: int
    without_topic: float
    counts: Counter[tuple[str, str, str]]
    few: tuple[tuple[str, str], ...]
    words: tuple[float, ...]
    without_text: int
    sources: tuple[Source, ...]
    annotators: tuple[Annotator, ...]
    duplicates: tuple[Duplicate, ...]


def label_statistics(records: Sequence[Record], schema: Schema) -> LabelStatistics:
    """Count everything there is to know before training on ``records`` (one at least)."""
    lengths = [len(record.text.split()) for record in records if record.text is not None]
    cells = {
        (topic, stance): len({_sentence(r) for r in records if r.labels.get(topic) == stance})
        for topic in schema.topic_names
        for stance in schema.stances_of(topic)
    }
    return LabelStatistics(
        records=len(records),
        sentences=len({_sentence(record) for record in records}),
        documents=len({record.group for record in records}),
        without_topic=_share(not record.labels for record in records),
        counts=label_counts(records),
        few=tuple(cell for cell, count in cells.items() if count < FEW),
        words=_quartiles(lengths),
        without_text=len(records) - len(lengths),
        sources=tuple(
            Source(
                name,
                len(chosen),
                len({_sentence(record) for record in chosen}),
                len({record.document for record in chosen}),
            )
            for name, chosen in sorted(_by(records, "source").items())
        ),
        annotators=tuple(
            _annotator(name, chosen, schema) for name, chosen in _by(records, "annotator").items()
        ),
        duplicates=tuple(_duplicates(records)),
    )


def _sentence(record: Record) -> tuple[str, int | None, str]:
    return record.group, record.n, text_hash(record)


def _by(records: Sequence[Record], field: str) -> dict[str, list[Record]]:
    found: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[getattr(record, field)].append(record)
    return found


def _annotator(name: str, records: Sequence[Record], schema: Schema) -> Annotator:
    stances = Counter(stance for record in records for stance in record.labels.values())
    return Annotator(
        name,
        len(records),
        without_topic=_share(not record.labels for record in records),
        unsure=_share(not record.sure for record in records),
        topics={
            topic: _share(topic in record.labels for record in records)
            for topic in schema.topic_names
        },
        stances={
            stance: stances[stance] / stances.total() for stance in schema.stance_names if stances
        },
    )


def _duplicates(records: Sequence[Record]) -> list[Duplicate]:
    exact: defaultdict[str, list[Record]] = defaultdict(list)
    near: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        exact[text_hash(record)].append(record)
        normalised = _normalised(record.text or "")
        if normalised:  # there are no letters in some sentences
            near[normalised].append(record)
    several_texts = [
        alike for alike in near.values() if len({text_hash(record) for record in alike}) > 1
    ]
    return [
        Duplicate(
            tuple(alike),
            is_exact,
            len({tuple(sorted(record.labels.items())) for record in alike}) > 1,
        )
        for is_exact, groups in ((True, list(exact.values())), (False, several_texts))
        for alike in groups
        if len({record.group for record in alike}) > 1
    ]


def _normalised(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NOT_LETTERS.sub(" ", folded).strip()


def _share(flags: Iterable[bool]) -> float:
    values = list(flags)
    return sum(values) / len(values)


def _quartiles(values: Sequence[int]) -> tuple[float, ...]:
    if len(values) < 2:
        return tuple(float(value) for value in values) * 5
    return (min(values), *quantiles(values, method="inclusive"), max(values))

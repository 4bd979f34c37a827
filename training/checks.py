"""Look at labels before training on them: what would spoil the model, or its figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from framing.labels.counts import FEW
from framing.labels.errors import LabelsError
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.data import texts_of
from framing.training.splits import joined_documents, normalised

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with a set of labels.

    Attributes:
        errors: Why it cannot be trained on.
        warnings: What makes the model or its figures worse.
    """

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def raise_errors(self) -> None:
        """Raise a :class:`LabelsError` with all errors, if there are any."""
        if self.errors:
            raise LabelsError("; ".join(self.errors))


def check(
    records: Sequence[Record],
    schema: Schema,
    *,
    topics: Collection[str] | None = None,
    complete: bool = True,
    warnings: Sequence[str] = (),
) -> Findings:
    """Check everything at once.

    Args:
        records: With text.
        schema: Topics and stances.
        topics: Those that the records are annotated for; ``None`` for all.
        complete: Whether each of them must be there.
        warnings: What the readers of the files warned of, to go first.
    """
    asked = [name for name in schema.topic_names if topics is None or name in topics]
    counts = Counter(label for record in records for label in record.labels.items())
    missing = _missing_topics(schema, asked, counts) if complete else ()
    return Findings(
        errors=(*annotated_twice(records), *missing),
        warnings=(
            *warnings,
            *_rare_labels(schema, asked, counts),
            *_documents(records),
            *_several_sources(records),
            *_duplicates(records),
        ),
    )


def annotated_twice(records: Sequence[Record]) -> Iterator[str]:
    """Tell of sentences that stand twice; those of two files may have one id, as rows have."""
    annotators: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record, text in zip(records, texts_of(records), strict=True):
        annotators[record.id, normalised(text) or text].append(record.annotator)
    double = [key for key, names in annotators.items() if len(set(names)) > 1]
    if double:
        names = " and ".join(sorted(set(annotators[double[0]])))
        yield (
            f"{len(double)} ids were annotated by several annotators (for example "
            f"{double[0][0]!r} by {names}); merge them first: framing labels merge"
        )
    same = [key for key, names in annotators.items() if len(names) > 1 == len(set(names))]
    if same:
        yield (
            f"{len(same)} ids are there more than once (for example {same[0][0]!r}); "
            "is a file named twice, or within another?"
        )


def _missing_topics(
    schema: Schema, topics: Sequence[str], counts: Counter[tuple[str, str]]
) -> Iterator[str]:
    for topic in topics:
        if not any(counts[topic, stance] for stance in schema.stances_of(topic)):
            yield f"no sentence has the topic {topic!r}; annotate some or take it out of the schema"


def _rare_labels(
    schema: Schema, topics: Sequence[str], counts: Counter[tuple[str, str]]
) -> Iterator[str]:
    cells = [(topic, stance) for topic in topics for stance in schema.stances_of(topic)]
    none = [f"{topic} {stance}" for topic, stance in cells if not counts[topic, stance]]
    few = [
        f"{topic} {stance} ({counts[topic, stance]})"
        for topic, stance in cells
        if 0 < counts[topic, stance] < FEW
    ]
    if none:
        yield f"without any example, and so never predicted: {', '.join(none)}"
    if few:
        yield f"fewer than {FEW} examples: {', '.join(few)}"


def _documents(records: Sequence[Record]) -> Iterator[str]:
    groups = {record.group for record in records}
    if len(records) > 1 and len(groups) == len(records):
        yield (
            "every sentence is its own document; if several are of one, say so in the labels: "
            "sentences of a document are alike, and the figures flatter the model if they are "
            "on both sides"
        )
    elif len(groups) == 1:
        yield "all sentences are of one document, so that nothing can be held out to measure"


def _several_sources(records: Sequence[Record]) -> Iterator[str]:
    """Tell of documents that may be one, as where a pool names its source and labels do not."""
    sources: dict[str, dict[str, None]] = defaultdict(dict)
    for record in records:
        if record.document != record.id:  # else every sentence is its own document
            sources[record.document][record.source] = None
    several = [name for name, found in sources.items() if len(found) > 1]
    if several:
        yield (
            f"{len(several)} documents are named alike in several sources (for example "
            f"{several[0]!r} in {' and '.join(sources[several[0]])}), and count as different "
            "ones; if they are the same, give them one source, or parts of one document are on "
            "both sides of a split"
        )


def _duplicates(records: Sequence[Record]) -> Iterator[str]:
    joined = joined_documents(records)
    if joined:
        firsts = sorted(set(joined.values()))
        examples = [
            " = ".join(sorted(name for name in joined if joined[name] == first)[:2])
            for first in firsts[:_SHOWN]
        ]
        yield (
            f"{len(joined)} documents share at least half of their sentences with another, and "
            f"stay on one side of every split: {_listed(examples, len(firsts))}"
        )
    owners: dict[str, set[str]] = defaultdict(set)
    labels: dict[str, set[str]] = defaultdict(set)
    for record, text in zip(records, texts_of(records), strict=True):
        owners[normalised(text)].add(joined.get(record.group, record.group))
        labels[normalised(text)].add(str(sorted(record.labels.items())))
    shared = sum(len(groups) > 1 for key, groups in owners.items() if key)
    if shared:
        yield (
            f"{shared} sentences stand in several documents (but for case and punctuation); "
            "where one of them is held out, they are not learned from"
        )
    torn = sum(len(found) > 1 for key, found in labels.items() if key)
    if torn:
        yield f"{torn} sentences are there several times with different labels"


def _listed(examples: Sequence[str], count: int) -> str:
    more = count - len(examples)
    return ", ".join(examples) + (f" and {more} more" if more > 0 else "")

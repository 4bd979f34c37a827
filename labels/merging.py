"""One record per sentence out of those of several annotators.

Rules, per sentence and topic:

- **majority**: the topic is present if more than half of the sentence's annotators gave it,
  and absent if more than half did not. If it is present, its stance is the one that most of
  those who gave the topic chose. A topic with exactly half, and a stance that shares the
  first place, are ties. A sentence with a tie is left out as a whole, since a record says
  of every topic whether it is there. A sentence that only one annotated is taken over.
- **adjudicated**: the adjudicator's record wins. Without one, a sentence is taken over if
  its annotators gave exactly the same labels, and is left out if they did not.
- **soft**: :attr:`Record.soft` holds the share of annotators per class, for the topics on
  which they differ; ``labels`` hold the majority.

A merged record is ``sure`` unless half of those who decide had doubts. Its other fields are
those of the first annotator, so that standoff stays standoff.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from framing.labels.errors import LabelsError
from framing.labels.grouping import AnnotatedSentence, annotators_of, disputed_topics
from framing.labels.records import Record
from framing.labels.schema import ABSENT, Schema

By = Literal["majority", "adjudicated", "soft"]
Ties = Literal["drop", "list", "first"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A sentence that has no merged record.

    Attributes:
        sentence: Who said what.
        topics: The topics that could not be decided, in the order of the schema.
    """

    sentence: AnnotatedSentence
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged records, and what is not among them.

    Attributes:
        records: One per sentence, in order; ``annotator`` says how they were merged.
        left_out: Sentences that need a decision.
        single: How many of the records only one annotator labelled, who is not the adjudicator.
        ties: How many of the records have a topic that was decided by the first annotator.
    """

    records: tuple[Record, ...]
    left_out: tuple[LeftOut, ...]
    single: int
    ties: int


def merge(
    sentences: Sequence[AnnotatedSentence],
    schema: Schema,
    *,
    by: By,
    adjudicator: str | None = None,
    first_decides_ties: bool = False,
) -> Merged:
    """Merge by one of the rules above.

    Args:
        sentences: What each annotator said.
        schema: Gives the order of topics and classes.
        by: The rule.
        adjudicator: Whose records win; for ``adjudicated`` only.
        first_decides_ties: Decide a tie as the first of the annotators did, in the order of
            the files, who is for one of the tied classes. Else the sentence is left out.

    Raises:
        LabelsError: ``adjudicated`` and an adjudicator do not come together, or the
            adjudicator is not among the annotators.
    """
    if (by == "adjudicated") != (adjudicator is not None):
        raise LabelsError(
            "merging by 'adjudicated' needs an adjudicator (--adjudicator), and no other way does"
        )
    if adjudicator is not None and adjudicator not in (there := annotators_of(sentences)):
        raise LabelsError(f"no records by {adjudicator!r}; there are {', '.join(there)}")
    records: list[Record] = []
    left_out: list[LeftOut] = []
    single = ties = 0
    for one in sentences:
        final = one.by_annotator.get(adjudicator) if adjudicator is not None else None
        everyone = list(one.by_annotator.values())
        said = everyone if final is None else [final]
        labels, tied = _majority(said, schema)
        undecided = tied if adjudicator is None else disputed_topics(said, schema)
        if undecided and (adjudicator is not None or not first_decides_ties):
            left_out.append(LeftOut(one, undecided))
            continue
        single += len(everyone) == 1 and final is None
        ties += bool(undecided)
        sure = 2 * sum(not record.sure for record in said) < len(said)
        soft = (_shares(said, schema) or None) if by == "soft" else None
        records.append(
            replace(everyone[0], labels=labels, annotator=by, n=one.n, sure=sure, soft=soft)
        )
    return Merged(tuple(records), tuple(left_out), single, ties)


def _majority(records: Sequence[Record], schema: Schema) -> tuple[dict[str, str], tuple[str, ...]]:
    """Labels by majority, and the topics with a tie, decided as the first annotator did."""
    labels: dict[str, str] = {}
    tied = []
    for topic in schema.topic_names:
        said = [record.labels.get(topic, ABSENT) for record in records]
        given = [stance for stance in said if stance != ABSENT]
        is_tie = 2 * len(given) == len(said)
        is_present = said[0] != ABSENT if is_tie else 2 * len(given) > len(said)
        if is_present:
            counts = Counter(given)  # in order of appearance, so that max takes the first
            labels[topic] = max(counts, key=counts.__getitem__)
            is_tie = is_tie or list(counts.values()).count(counts[labels[topic]]) > 1
        if is_tie:
            tied.append(topic)
    return labels, tuple(tied)


def _shares(records: Sequence[Record], schema: Schema) -> dict[str, dict[str, float]]:
    """The share of annotators per class, where that is not one class alone.

    A record that has shares itself, as one merged before, counts by these.
    """
    result = {}
    for topic in schema.topic_names:
        total: dict[str, float] = defaultdict(float)
        for record in records:
            own = (record.soft or {}).get(topic) or {record.labels.get(topic, ABSENT): 1.0}
            for name, share in own.items():
                total[name] += share / len(records)
        if sum(share > 0 for share in total.values()) > 1:
            result[topic] = {name: total[name] for name in schema.classes if total[name]}
    return result

"""Splits that never put parts of one document, or one sentence twice, on two sides."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from framing.labels.errors import LabelsError
from framing.labels.records import Record
from framing.training.data import texts_of

_COMMON = 20
"""A sentence in more documents than this is a set phrase, and says nothing of them."""


@dataclass(frozen=True)
class Split:
    """Records to learn from and records of other documents, kept out of it."""

    train: tuple[Record, ...]
    held_out: tuple[Record, ...]


def split_by_document(records: Sequence[Record], *, fraction: float, seed: int) -> Split:
    """Hold out a random fraction of every source's documents, at least one of all.

    Of sources that have too few documents for one to be held out, the fraction is drawn of
    all together. Documents that :func:`joined_documents` puts together stay together.

    Raises:
        LabelsError: There are too few documents to hold any out.
    """
    joined = joined_documents(records)
    by_source: dict[str, set[str]] = defaultdict(set)
    for record in records:
        first = joined.get(record.group, record.group)
        if first == record.group:
            by_source[record.source].add(first)
    generator = np.random.default_rng(seed)
    chosen: set[str] = set()
    small: set[str] = set()
    for source in sorted(by_source):
        names = sorted(by_source[source])
        count = round(len(names) * fraction)
        chosen.update(generator.permutation(names)[:count].tolist())
        if not count:
            small.update(names)
    if small:
        count = max(0 if chosen else 1, round(len(small) * fraction))
        chosen.update(generator.permutation(sorted(small))[:count].tolist())
    return hold_out(records, with_versions(chosen, joined))


def folds_by_document(records: Sequence[Record], *, count: int, seed: int) -> list[Split]:
    """Splits that hold every document out once, with like shares of each label.

    A fold is balanced by each sentence's rarest label (StratifiedGroupKFold of
    scikit-learn). Documents that :func:`joined_documents` puts together stay together.

    Raises:
        LabelsError: There are fewer documents than folds, or a side would be empty.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    joined = joined_documents(records)
    groups = [joined.get(record.group, record.group) for record in records]
    if len(set(groups)) < count:
        raise LabelsError(
            f"cannot make {count} folds of {len(set(groups))} documents (those that share "
            "sentences count once); ask for fewer folds or annotate more documents"
        )
    frequency = Counter(label for record in records for label in record.labels.items())
    strata = [
        str(min(r.labels.items(), key=lambda label: (frequency[label], label), default=""))
        for r in records
    ]
    if max(Counter(strata).values()) < count:  # which scikit-learn refuses: all alike, then
        strata = [""] * len(records)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # a label with fewer sentences than folds is no mistake
        warnings.simplefilter("ignore", UserWarning)
        places = list(splitter.split(groups, strata, groups))
    return [hold_out(records, {records[place].group for place in held}) for _, held in places]


def joined_documents(records: Sequence[Record]) -> dict[str, str]:
    """Documents that are versions of each other, which a split must not part.

    Two are if at least half of the sentences of the shorter one stand in the other, by letters
    and digits alone. A sentence that many documents share, such as a line of the agency's,
    does not join them: :func:`hold_out` takes it off the side to learn from.

    Returns:
        Each joined document to the first, in alphabetical order, of those it is joined
        with, itself included. Documents that stand alone are left out.
    """
    sentences: dict[str, set[str]] = defaultdict(set)
    owners: dict[str, set[str]] = defaultdict(set)
    for record, text in zip(records, texts_of(records), strict=True):
        if key := normalised(text):
            sentences[record.group].add(key)
            owners[key].add(record.group)
    shared = Counter(
        pair
        for groups in owners.values()
        if 1 < len(groups) <= _COMMON
        for pair in combinations(sorted(groups), 2)
    )
    parents: dict[str, str] = {}

    def first_of(name: str) -> str:
        while (parent := parents.setdefault(name, name)) != name:
            name = parent
        return name

    for (one, other), count in shared.items():
        if 2 * count >= min(len(sentences[one]), len(sentences[other])):
            low, high = sorted((first_of(one), first_of(other)))
            parents[high] = low
    return {name: first_of(name) for name in parents}


def with_versions(groups: set[str], joined: Mapping[str, str]) -> set[str]:
    """Documents, and all that :func:`joined_documents` puts together with them."""
    firsts = {joined.get(group, group) for group in groups}
    return groups | {name for name, first in joined.items() if first in firsts}


def hold_out(records: Sequence[Record], groups: set[str]) -> Split:
    """Hold out whole documents, and drop their sentences from the rest.

    Raises:
        LabelsError: One side would be empty.
    """
    held = tuple(r for r in records if r.group in groups)
    train = without_sentences([r for r in records if r.group not in groups], held)
    if not held or not train:
        raise LabelsError(
            f"cannot split {len({r.group for r in records})} documents: one side would be empty; "
            "annotate more documents or change the fraction held out"
        )
    return Split(train, held)


def without_sentences(records: Sequence[Record], others: Sequence[Record]) -> tuple[Record, ...]:
    """The records whose sentences, by letters and digits alone, are none of the others'."""
    known = {normalised(text) for text in texts_of(others)}
    pairs = zip(records, texts_of(records), strict=True)
    return tuple(record for record, text in pairs if normalised(text) not in known)


def normalised(text: str) -> str:
    """Letters and digits alone, without case: what makes two sentences the same."""
    return "".join(char for char in text.casefold() if char.isalnum())

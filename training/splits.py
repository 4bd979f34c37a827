"""Splits that never put parts of one document, or one sentence twice, on two sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from framing.labels.errors import LabelsError
from framing.labels.records import Record
from framing.training.data import texts_of


@dataclass(frozen=True)
class Split:
    """Records to learn from and records of other documents, kept out of it."""

    train: tuple[Record, ...]
    held_out: tuple[Record, ...]


def split_by_document(records: Sequence[Record], *, fraction: float, seed: int) -> Split:
    """Hold out a random fraction of every source's documents.

    Raises:
        LabelsError: There are too few documents to hold any out.
    """
    documents: dict[str, set[str]] = defaultdict(set)
    for record in records:
        documents[record.source].add(record.group)
    generator = np.random.default_rng(seed)
    chosen: set[str] = set()
    for source in sorted(documents):
        names = sorted(documents[source])
        count = round(len(names) * fraction)
        chosen.update(generator.permutation(names)[:count].tolist())
    return hold_out(records, chosen)


def leave_one_document_out(records: Sequence[Record], documents: Iterable[str]) -> list[Split]:
    """One split per document given by its :attr:`~framing.labels.records.Record.group`."""
    return [hold_out(records, {document}) for document in documents]


def hold_out(records: Sequence[Record], groups: set[str]) -> Split:
    """Hold out whole documents, and drop their sentences from the rest.

    Raises:
        LabelsError: One side would be empty.
    """
    held = tuple(r for r in records if r.group in groups)
    known = {_normal(text) for text in texts_of(held)}
    rest = [r for r in records if r.group not in groups]
    kept = zip(rest, texts_of(rest), strict=True)
    train = tuple(record for record, text in kept if _normal(text) not in known)
    if not held or not train:
        raise LabelsError(
            f"cannot split {len({r.group for r in records})} documents: one side would be empty; "
            "annotate more documents or change the fraction held out"
        )
    return Split(train, held)


def _normal(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())

"""Annotated records as model input: texts joined, labels as class indices."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from framing.encoding import SentenceEncoder
from framing.labels.corpora import find_corpora, join_texts
from framing.labels.errors import LabelsError
from framing.labels.formats import read_labels
from framing.labels.records import PACKAGED, PROVENANCES, Record, packaged_path, read_records
from framing.labels.schema import Schema

if TYPE_CHECKING:
    from datasets import Dataset

    from framing.training.config import TrainConfig

Labels = NDArray[np.int64]
"""Class index per sentence and topic: 0 is ``absent``, ``k`` is stance ``k - 1``."""


@dataclass(frozen=True)
class Loaded:
    """Records with text, and what their readers warn of."""

    records: tuple[Record, ...]
    warnings: tuple[str, ...]


def load_records(
    names: Sequence[str],
    schema: Schema,
    *,
    corpora: str | Path | None = None,
    candidates: Sequence[str | Path] = (),
    without: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
) -> list[Record]:
    """The records of :func:`load` alone."""
    found = load(
        names, schema, corpora=corpora, candidates=candidates, without=without, columns=columns
    )
    return list(found.records)


def load(
    names: Sequence[str],
    schema: Schema,
    *,
    corpora: str | Path | None = None,
    candidates: Sequence[str | Path] = (),
    without: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    asked: Schema | None = None,
) -> Loaded:
    """Read label files, leave out unwanted provenances, and join standoff text.

    Args:
        names: Packaged names (``seeds``, ``real``, …), or paths of any format that
            :func:`framing.labels.formats.read_labels` knows.
        schema: What the labels may be.
        corpora: Folder with the text of standoff records.
        candidates: Folders to try where ``corpora`` is not given.
        without: Provenances to leave out.
        columns: As in :func:`framing.labels.formats.read_labels`, for the files that it reads.
        asked: What the annotators of those files were asked, where that is not all of ``schema``.

    Raises:
        FramingError: A file, a label or a corpus is wrong or missing.
    """
    unknown = sorted(set(without) - set(PROVENANCES))
    if unknown:
        raise LabelsError(
            f"cannot leave out {unknown[0]!r}: provenances are {', '.join(PROVENANCES)}"
        )
    folder = find_corpora(corpora, candidates)
    records: list[Record] = []
    warnings: list[str] = []
    for name in names:
        found = _read(name, schema, columns=columns, asked=asked)
        records += [record for record in found.records if record.provenance not in without]
        warnings += found.warnings
    if not records:
        raise LabelsError(f"no records are left in {', '.join(names)}")
    return Loaded(tuple(join_texts(records, folder)), tuple(warnings))


def measured_ids(config: TrainConfig, schema: Schema) -> frozenset[str] | None:
    """Ids of the records in ``config.measured``; ``None``, for all, where that is empty."""
    if not config.measured:
        return None
    return frozenset(
        record.id for name in config.measured for record in _read(name, schema).records
    )


def texts_of(records: Sequence[Record]) -> list[str]:
    """The sentences of records that all have text."""
    texts = [record.text for record in records]
    present = [text for text in texts if text is not None]
    if len(present) != len(texts):
        raise LabelsError("records without text: join them with their corpus first")
    return present


def class_indices(records: Sequence[Record], schema: Schema) -> Labels:
    """Labels as class indices, shape (records, topics)."""
    index = {name: i for i, name in enumerate(schema.classes)}
    return np.array(
        [[index[r.labels.get(t, schema.classes[0])] for t in schema.topic_names] for r in records],
        dtype=np.int64,
    ).reshape(len(records), len(schema.topics))


def one_hot(labels: Labels, classes: int) -> NDArray[np.float32]:
    """Class indices of (records, topics) as distributions of (records, topics, classes)."""
    result: NDArray[np.float32] = np.eye(classes, dtype=np.float32)[labels]
    return result


def label_shares(records: Sequence[Record], schema: Schema) -> NDArray[np.float32]:
    """Labels as distributions of (records, topics, classes); soft where annotators differed."""
    result = one_hot(class_indices(records, schema), len(schema.classes))
    for row, record in enumerate(records):
        for topic, shares in (record.soft or {}).items():
            if topic in schema.topic_names:
                column = schema.topic_names.index(topic)
                result[row, column] = [shares.get(name, 0.0) for name in schema.classes]
    return result


def encoded_dataset(
    texts: Sequence[str], targets: NDArray[np.float32], encoder: SentenceEncoder
) -> Dataset:
    """A ``datasets.Dataset`` with ``input_ids``, ``labels`` and ``length``.

    A sentence over the model's limit gives one row per window, each with the
    sentence's targets of shape (topics, classes) as ``labels``.
    """
    from datasets import Dataset

    ids, owners = encoder.windows(texts)
    return Dataset.from_dict(
        {
            "input_ids": ids,
            "labels": [targets[owner].tolist() for owner in owners],
            "length": [len(row) for row in ids],
        }
    )


def _read(
    name: str,
    schema: Schema,
    *,
    columns: Mapping[str, str] | None = None,
    asked: Schema | None = None,
) -> Loaded:
    """Read one file; ours strictly, where a slip is an error, other people's with tolerance."""
    if name in PACKAGED:
        return Loaded(tuple(read_records(packaged_path(name), schema)), ())
    if _is_ours(Path(name)):
        return Loaded(tuple(read_records(name, schema)), ())
    found = read_labels(name, asked or schema, columns=columns)
    return Loaded(found.records, tuple(f"{name}: {warning}" for warning in found.warnings))


def _is_ours(path: Path) -> bool:
    """Whether the first line is a record as we write it."""
    if path.suffix != ".jsonl":
        return False
    try:
        with path.open(encoding="utf-8") as lines:
            first = json.loads(next(lines, ""))
    except (OSError, ValueError):
        return True  # what is wrong, read_records says
    return isinstance(first, dict) and {"id", "source", "document", "labels"} <= set(first)

"""Annotated records as model input: texts joined, labels as class indices."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from framing.encoding import SentenceEncoder
from framing.labels.corpora import find_corpora, join_texts
from framing.labels.errors import LabelsError
from framing.labels.formats import read_labels
from framing.labels.grouping import text_hash
from framing.labels.records import (
    OPTIONAL,
    PACKAGED,
    PROVENANCES,
    REQUIRED,
    Record,
    packaged_path,
    read_records,
)
from framing.labels.schema import Schema

if TYPE_CHECKING:
    from datasets import Dataset

    from framing.training.config import TrainConfig

Labels = NDArray[np.int64]
"""Class index per sentence and topic: 0 is ``absent``, ``k`` is stance ``k - 1``."""

SentenceKey = tuple[str, str, str]
"""Document, id and SHA-256 of a sentence."""


@dataclass(frozen=True)
class Loaded:
    """Records with text, what their readers warn of, and sources of which none are left."""

    records: tuple[Record, ...]
    warnings: tuple[str, ...]
    sources_left_out: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _File:
    name: str
    records: tuple[Record, ...]
    warnings: tuple[str, ...] = ()
    names_source: bool = True


def load_records(
    names: Sequence[str],
    schema: Schema,
    *,
    corpora: str | Path | None = None,
    candidates: Sequence[str | Path] = (),
    without: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    beside: Sequence[str] = (),
) -> list[Record]:
    """The records of :func:`load` alone."""
    found = load(
        names,
        schema,
        corpora=corpora,
        candidates=candidates,
        without=without,
        columns=columns,
        beside=beside,
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
    beside: Sequence[str] = (),
) -> Loaded:
    """Read label files, leave out unwanted provenances, and join standoff text.

    Files of other formats than ours that name no source are of one source, so that a document
    of which several hold sentences is one document.

    Args:
        names: Packaged names (``seeds``, ``real``, …), or paths of any format that
            :func:`framing.labels.formats.read_labels` knows.
        schema: What the labels may be.
        corpora: Folder with the text of standoff records.
        candidates: Folders to try where ``corpora`` is not given.
        without: Provenances to leave out.
        columns: As in :func:`framing.labels.formats.read_labels`, for the files that it reads.
        asked: What the annotators of those files were asked, where that is not all of ``schema``.
        beside: Files that these are used with: what names no source has the source it has there.

    Raises:
        FramingError: A file, a label or a corpus is wrong or missing.
    """
    unknown = sorted(set(without) - set(PROVENANCES))
    if unknown:
        raise LabelsError(
            f"cannot leave out {unknown[0]!r}: provenances are {', '.join(PROVENANCES)}"
        )
    folder = find_corpora(corpora, candidates)
    source = _common_source((*beside, *names))
    files = [_read(name, schema, source, columns=columns, asked=asked) for name in names]
    records = [r for file in files for r in file.records if r.provenance not in without]
    if not records:
        raise LabelsError(f"no records are left in {', '.join(names)}")
    warnings = [warning for file in files for warning in file.warnings]
    sources = {record.source for file in files for record in file.records}
    return Loaded(
        records=tuple(join_texts(records, folder)),
        warnings=(*warnings, *_in_several(files)),
        sources_left_out=frozenset(sources - {record.source for record in records}),
    )


def measured_sentences(
    config: TrainConfig, schema: Schema, *, columns: Mapping[str, str] | None = None
) -> frozenset[SentenceKey] | None:
    """Keys of the records in ``config.measured``; ``None``, for all, where that is empty.

    Args:
        config: With the files that are learned from, and those of them that measure.
        schema: What the labels may be.
        columns: As in :func:`load`.
    """
    if not config.measured:
        return None
    source = _common_source((*config.labels, *config.measured))
    files = (_read(name, schema, source, columns=columns) for name in config.measured)
    return frozenset(sentence_key(record) for file in files for record in file.records)


def sentence_key(record: Record) -> SentenceKey:
    """Tells a sentence from those of other files that have its id."""
    return record.group, record.id, text_hash(record)


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


def _common_source(names: Sequence[str]) -> str:
    """The source of all files that name none: the first such file's name, or ``""``."""
    return next((Path(n).stem for n in names if n not in PACKAGED and not _is_ours(Path(n))), "")


def _read(
    name: str,
    schema: Schema,
    source: str,
    *,
    columns: Mapping[str, str] | None = None,
    asked: Schema | None = None,
) -> _File:
    """Read one file; ours strictly, where a slip is an error, other people's with tolerance."""
    if name in PACKAGED:
        return _File(name, tuple(read_records(packaged_path(name), schema)))
    if _is_ours(Path(name)):
        return _File(name, tuple(read_records(name, schema)))
    found = read_labels(name, asked or schema, columns=columns)
    warnings = tuple(f"{name}: {warning}" for warning in found.warnings)
    if "source" in found.columns:
        return _File(name, found.records, warnings)
    # Documents made of ids stay the file's own: row 1 of two files is not one document.
    made = set()
    if "document" not in found.columns:
        made = {record.document for record in found.records if record.document == record.id}
    records = tuple(
        record if record.document in made else replace(record, source=source)
        for record in found.records
    )
    return _File(name, records, warnings, names_source=False)


def _in_several(files: Sequence[_File]) -> list[str]:
    """Warn of documents that are one because files without a source name them alike."""
    holders: dict[str, dict[str, None]] = defaultdict(dict)
    for file in files:
        for record in file.records:
            if not file.names_source:
                holders[record.group][file.name] = None
    shared = [group for group, names in holders.items() if len(names) > 1]
    if not shared:
        return []
    document = shared[0].partition("/")[2]
    return [
        f"{len(shared)} documents are in several files (for example {document!r} in "
        f"{' and '.join(holders[shared[0]])}), and stay on one side of every split; if they are "
        "others, tell them apart by a column 'source'"
    ]


def _is_ours(path: Path) -> bool:
    """Whether the first record is as we write it: all fields that must be, and none unknown."""
    if path.suffix != ".jsonl":
        return False
    try:
        with path.open(encoding="utf-8-sig") as lines:
            first = json.loads(next((line for line in lines if line.strip()), ""))
    except (OSError, ValueError, RecursionError):
        return False  # what is wrong, read_labels says
    return isinstance(first, dict) and REQUIRED <= set(first) <= REQUIRED | set(OPTIONAL)

"""Sentences without labels, from the files of texts that batch jobs read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from framing.batch.files import STANDARD_INPUT, find_files
from framing.batch.job import BatchJob
from framing.batch.readers import open_reader
from framing.labels.errors import FramingError
from framing.labels.records import Record, sentence_hash
from framing.splitting import split_sentences

_NO_COLUMNS = pa.schema([])


def read_pool(
    inputs: Sequence[str], *, text_column: str = "text", lines: bool = False, split: bool = True
) -> Iterator[Record]:
    """The sentences of files, each once, as records without labels.

    A row of a file is a document; bad rows are passed over. Ids come from the text, so that
    they are the same when the pool is read again.

    Args:
        inputs: Files, globs or folders.
        text_column: Column with the text.
        lines: Every line of a text file is a text.
        split: ``False`` takes each text as one sentence.

    Raises:
        FramingError: A file cannot be read or has not the column.
    """
    if STANDARD_INPUT in inputs:
        raise FramingError("a pool is read from files; standard input cannot be one")
    job = BatchJob(
        inputs=tuple(inputs), output=Path(), text_column=text_column, columns=(), lines=lines
    )
    seen: set[str] = set()
    for file in find_files(inputs, input_format=None, lines=lines, spool=Path("stdin")):
        reader = open_reader(file, job)
        for chunk in reader.plan(lambda _: None).chunks:
            rows = reader.read(chunk, _NO_COLUMNS)
            for text, (path, row) in zip(rows.texts, rows.places, strict=True):
                spans = split_sentences(text) if split else [(0, len(text))]
                for number, (start, end) in enumerate(spans):
                    record = _record(text[start:end].strip(), path, row, number)
                    if record.text and record.id not in seen:
                        seen.add(record.id)
                        yield record


def draw(records: Sequence[Record], limit: int, *, seed: int) -> list[Record]:
    """At most ``limit`` of the records, by chance, in their order.

    Raises:
        FramingError: There are none.
    """
    if not records:
        raise FramingError("the pool has no sentences that are not annotated yet")
    if len(records) <= limit:
        return list(records)
    places = np.random.default_rng(seed).choice(len(records), size=limit, replace=False)
    return [records[place] for place in sorted(places)]


def _record(text: str, path: str, row: int, number: int) -> Record:
    return Record(
        id=sentence_hash(text)[:16],
        source=Path(path).stem or path,
        document=f"{row}",
        labels={},
        provenance="real",
        annotator="none",  # a record names one; sentences to annotate are written without
        text=text,
        n=number,
    )

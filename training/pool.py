"""Sentences without labels, from the files of texts that batch jobs read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from framing.batch.files import STANDARD_INPUT, find_files
from framing.batch.job import BatchJob
from framing.batch.readers import open_reader
from framing.batch.rows import Rows
from framing.labels.errors import FramingError
from framing.labels.formats.content import is_blank
from framing.labels.formats.values import CellError, as_text
from framing.labels.records import Record, sentence_hash
from framing.splitting import split_sentences

_DOCUMENT = (
    *("document", "document_id", "doc", "doc_id", "article", "article_id"),
    *("dokument", "artikel", "url", "link", "Document", "Article", "Dokument", "Artikel", "URL"),
)
_SOURCE = (
    *("source", "corpus", "outlet", "newspaper", "publication", "medium", "quelle", "zeitung"),
    *("Source", "Corpus", "Outlet", "Newspaper", "Publication", "Medium", "Quelle", "Zeitung"),
)
"""Columns that name a row's document and source, the best first, as those of labels are called."""


def read_pool(
    inputs: Sequence[str], *, text_column: str = "text", lines: bool = False, split: bool = True
) -> Iterator[Record]:
    """The sentences of files, each once, as records without labels.

    Document and source are those of the columns of that name, or of another name that labels
    know (``article``, ``outlet``, …); else a row of a file is a document, and the file the
    source. Bad rows are passed over. Ids come from the text, so that they are the same when
    the pool is read again.

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
        inputs=tuple(inputs),
        output=Path(),
        text_column=text_column,
        columns=(*_DOCUMENT, *_SOURCE),
        lines=lines,
    )
    seen: set[str] = set()
    for file in find_files(inputs, input_format=None, lines=lines, spool=Path("stdin")):
        reader = open_reader(file, job)
        plan = reader.plan(lambda _: None)
        for chunk in plan.chunks:
            rows = reader.read(chunk, plan.schema)
            names = [_names(rows, columns) for columns in (_DOCUMENT, _SOURCE)]
            for text, (path, row), document, source in zip(
                rows.texts, rows.places, *names, strict=True
            ):
                spans = split_sentences(text) if split else [(0, len(text))]
                for number, (start, end) in enumerate(spans):
                    record = _record(
                        text[start:end].strip(),
                        source or Path(path).stem or path,
                        document or f"{row}",
                        # A document may have other rows, before this one.
                        number if document is None else None,
                    )
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


def _names(rows: Rows, columns: Sequence[str]) -> list[str | None]:
    """What the first of these columns that is there says of each row, ``None`` where nothing."""
    there = [] if rows.table is None else rows.table.schema.names
    column = next((name for name in columns if name in there), None)
    if column is None or rows.table is None:
        return [None] * len(rows.texts)
    field, values = rows.table.schema.field(column), rows.table[column].to_pylist()
    if field.metadata == {b"framing": b"json"}:  # numbers and words in one column
        values = [None if value is None else json.loads(value) for value in values]
    return list(map(_name, values))


def _name(value: object) -> str | None:
    try:
        return None if is_blank(value) else as_text(value).strip()
    except CellError:  # a list or an object names nothing
        return None


def _record(text: str, source: str, document: str, number: int | None) -> Record:
    return Record(
        id=sentence_hash(text)[:16],
        source=source,
        document=document,
        labels={},
        provenance="real",
        annotator="none",  # a record names one; sentences to annotate are written without
        text=text,
        n=number,
    )

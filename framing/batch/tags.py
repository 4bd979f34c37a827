"""Tagged documents as an Arrow table: the output's schema, and its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from framing.batch.job import Level
from framing.batch.rows import Rows
from framing.labels.schema import Schema
from framing.results import Document

_TAGS = pa.list_(
    pa.struct([("topic", pa.string()), ("stance", pa.string()), ("probability", pa.float32())])
)


def output_fields(schema: Schema, level: Level) -> list[pa.Field]:
    """The columns that a job adds, behind those that pass through.

    A row is a sentence with its place in the text (``text[start:end]``, in characters), its
    tags, and per topic the stance (or null) and the probability of every class; or a document
    with its number of sentences and per topic how many are tagged with it, their share, and how
    many take each stance.
    """
    place = [pa.field("source_file", pa.string()), pa.field("source_row", pa.int64())]
    added = sentence_fields(schema) if level is Level.SENTENCE else document_fields(schema)
    return place + added


def sentence_fields(schema: Schema) -> list[pa.Field]:
    """What is said of a sentence."""
    fields = [
        ("sentence_index", pa.int32()),
        ("sentence", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("tags", _TAGS),
        ("abstained", pa.list_(pa.string())),
    ]
    for topic in schema.topic_names:
        fields.append((topic, pa.string()))
        fields += [(f"{topic}_{name}", pa.float32()) for name in schema.classes_of(topic)]
    return [pa.field(name, kind) for name, kind in fields]


def document_fields(schema: Schema) -> list[pa.Field]:
    """What is counted in a document."""
    fields = [("sentences", pa.int32())]
    for topic in schema.topic_names:
        fields += [(f"{topic}_sentences", pa.int32()), (f"{topic}_share", pa.float32())]
        fields += [(f"{topic}_{s}_sentences", pa.int32()) for s in schema.stances_of(topic)]
    return [pa.field(name, kind) for name, kind in fields]


def renamed_columns(passed: Sequence[str], added: Sequence[pa.Field]) -> dict[str, str]:
    """New names for columns of the input that have the name of one that is added."""
    taken = {*passed, *(field.name for field in added)}
    result = {}
    for name in passed:
        if any(field.name == name for field in added):
            new = f"input_{name}"
            while new in taken:
                new = f"input_{new}"
            taken.add(new)
            result[name] = new
    return result


def output_table(
    rows: Rows,
    documents: Sequence[Document],
    schema: Schema,
    level: Level,
    *,
    first: int = 0,
    renamed: Mapping[str, str],
) -> pa.Table:
    """Rows of a part, tagged: see :func:`output_fields`.

    Args:
        rows: The good rows of the part.
        documents: What the classifier made of texts of them, in the same order.
        first: Place among the rows of the first of these documents.
        schema: Topics and stances.
        level: What a row is.
        renamed: New names for columns that pass through.
    """
    if level is Level.SENTENCE:
        owners = [i for i, document in enumerate(documents, first) for _ in document.sentences]
        columns = _sentence_columns(documents, schema)
    else:
        owners = list(range(first, first + len(documents)))
        columns = document_columns(documents, schema)
    columns["source_file"] = [rows.places[owner][0] for owner in owners]
    columns["source_row"] = [rows.places[owner][1] for owner in owners]
    fields, arrays = [], []
    if rows.table is not None:
        taken = rows.table.take(pa.array(owners, pa.int64()))
        for field, column in zip(taken.schema, taken.columns, strict=True):
            fields.append(pa.field(renamed.get(field.name, field.name), field.type))
            arrays.append(column)
    for field in output_fields(schema, level):
        fields.append(field)
        arrays.append(pa.array(columns[field.name], field.type))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _sentence_columns(documents: Sequence[Document], schema: Schema) -> dict[str, list[Any]]:
    sentences = [sentence for document in documents for sentence in document.sentences]
    columns: dict[str, list[Any]] = {
        "sentence_index": [i for document in documents for i in range(len(document.sentences))],
        "sentence": [sentence.text for sentence in sentences],
        "start": [sentence.start for sentence in sentences],
        "end": [sentence.end for sentence in sentences],
        "tags": [
            [(tag.topic, tag.stance, tag.probability) for tag in sentence.tags]
            for sentence in sentences
        ],
        "abstained": [list(sentence.abstained) for sentence in sentences],
    }
    stances = [{tag.topic: tag.stance for tag in sentence.tags} for sentence in sentences]
    for topic in schema.topic_names:
        columns[topic] = [row.get(topic) for row in stances]
        for name in schema.classes_of(topic):
            columns[f"{topic}_{name}"] = [s.probabilities[topic][name] for s in sentences]
    return columns


def document_columns(documents: Sequence[Document], schema: Schema) -> dict[str, list[Any]]:
    """The values of :func:`document_fields`, one for each document."""
    sizes = [len(document.sentences) for document in documents]
    columns: dict[str, list[Any]] = {"sentences": sizes}
    tags = [
        [(tag.topic, tag.stance) for sentence in document.sentences for tag in sentence.tags]
        for document in documents
    ]
    for topic in schema.topic_names:
        counts = [sum(found == topic for found, _ in row) for row in tags]
        columns[f"{topic}_sentences"] = counts
        columns[f"{topic}_share"] = [
            count / size if size else None for count, size in zip(counts, sizes, strict=True)
        ]
        for stance in schema.stances_of(topic):
            columns[f"{topic}_{stance}_sentences"] = [row.count((topic, stance)) for row in tags]
    return columns

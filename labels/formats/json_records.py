"""Our own JSON Lines, and other people's with a sentence and labels in each object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framing.labels.formats.columns import Finder
from framing.labels.formats.content import Content, Item, RawLabel, keys_of
from framing.labels.formats.decoding import json_document, json_lines
from framing.labels.formats.problems import Problems
from framing.labels.formats.tools import write_json_lines
from framing.labels.records import Record, fields_of
from framing.labels.schema import Schema

_LABELS = "labels"
_OURS = {"id", "source", "document"}
"""Fields that all of our own records have, beside labels."""


class JsonRecords:
    """One object a line, or an array of objects; labels as ``{topic: stance}`` or as columns."""

    unit = "line"
    folder = False
    needs_text = False
    long: bool | None = None

    def read(self, path: Path, finder: Finder, problems: Problems) -> Content:
        """Read objects; an array's elements are counted from 1."""
        del finder  # keys are headings, and need not be sought in the file
        if path.suffix.lower() == ".json":
            problems.unit = "record"
            rows = objects_in(json_document(path, problems), problems)
        else:
            rows = json_lines(path, problems)
        # null: labels that are to be filled in, as where an adjudicator is asked
        if not any(isinstance(fields.get(_LABELS, ""), dict | None) for _, fields in rows):
            items = [Item(row, fields) for row, fields in rows]
            return Content(items, keys_of(items), sparse=True)
        items = []
        for row, fields in rows:
            labels = fields.pop(_LABELS, None)
            if not isinstance(labels, dict):
                message = "labels are an object {topic: stance}, which is empty without labels"
                problems.add(message, row=row, column=_LABELS, value=labels)
                continue
            raw = tuple(RawLabel(_LABELS, topic, stance) for topic, stance in labels.items())
            items.append(Item(row, fields, raw))
        keys = keys_of(items)
        return Content(items, keys, has_labels=True, exact=set(keys) >= _OURS)

    def write(
        self, records: Sequence[Record], path: Path, schema: Schema, *, annotated: bool
    ) -> None:
        """Write what :func:`framing.labels.records.read_records` reads.

        Labels that nobody gave are ``null``, and the file is refused until they are filled in.
        """
        del schema
        rows = [fields_of(record) for record in records]
        if not annotated:
            for row in rows:
                row["labels"] = None
                del row["annotator"]
        write_json_lines(rows, path)


def objects_in(document: object, problems: Problems) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a JSON array, counted from 1; notes whatever else is there."""
    if document is None and problems:
        return []
    if not isinstance(document, list):
        problems.add("expected a JSON array of objects", row=1, column="1", value=document)
        return []
    found = []
    for number, element in enumerate(document, start=1):
        if isinstance(element, dict):
            found.append((number, element))
        else:
            problems.add("expected a JSON object", row=number, column="1", value=element)
    return found

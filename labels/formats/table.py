"""Rows and columns: what CSV, XLSX, Parquet and ``datasets`` have in common."""

from __future__ import annotations

import json
from collections.abc import Sequence

from framing.labels.formats.columns import FIELDS, STANCE, TOPIC, Finder, topic_heading
from framing.labels.formats.content import Content, Item, is_blank
from framing.labels.formats.problems import Problems
from framing.labels.records import OPTIONAL, Record
from framing.labels.schema import Schema

Cell = str | int | bool | None

_HEADINGS_WITHIN = 10
"""Titles and merged cells may stand above the headings, but not more than that."""


def heading_row(rows: Sequence[Sequence[object]], finder: Finder) -> int:
    """Index of the row of headings: the best known one, else the first that is not empty."""
    filled = [index for index, row in enumerate(rows) if not all(map(is_blank, row))]
    first = filled[:_HEADINGS_WITHIN]
    scores = {index: finder.score(names_in(rows[index])) for index in first}
    best = max(scores.values(), default=0)
    return next((index for index in first if scores[index] == best), 0)


def names_in(row: Sequence[object]) -> list[str]:
    """The headings in a row; an empty cell has the empty name."""
    return ["" if is_blank(cell) else str(cell).strip() for cell in row]


def content_of(
    rows: Sequence[Sequence[object]], finder: Finder, problems: Problems, *, first_row: int = 1
) -> Content:
    """The items of a table that has its headings within.

    A row with fewer or more cells than headings is a problem: something is
    shifted. Empty rows are left out.
    """
    at = heading_row(rows, finder)
    names = names_in(rows[at]) if rows else []
    items = []
    unnamed = 0
    for number, row in enumerate(rows[at + 1 :], start=first_row + at + 1):
        if all(map(is_blank, row)):
            continue
        if len(row) != len(names):
            message = (
                f"the row has {len(row)} cells, the headings are {len(names)}: "
                "is a separator or a line break not within quotes?"
            )
            column = names[-1] if len(row) > len(names) else names[len(row)]
            problems.add(message, row=number, column=column, value=row[-1])
            continue
        fields: dict[str, object] = {}
        is_left_out = False
        for name, cell in zip(names, row, strict=True):
            if name:
                fields.setdefault(name, cell)
            else:
                is_left_out |= not is_blank(cell)
        unnamed += is_left_out
        items.append(Item(number, fields))
    warnings = [f"cells without a heading in {unnamed} rows are left out"] if unnamed else []
    headings = tuple(name for name in names if name)
    return Content(items, headings, first_row + at, warnings=warnings)


def _cell(record: Record, name: str) -> Cell:
    value: Cell | dict[str, object] = getattr(record, name)
    return json.dumps(value) if isinstance(value, dict) else value


def table_of(
    records: Sequence[Record], schema: Schema, *, long: bool, annotated: bool
) -> tuple[list[str], list[list[Cell]]]:
    """Headings and rows; a column that would hold nothing but defaults is left out.

    Wide: a row is a record, a column a topic. Long: a row is a label; a record
    without labels is a row with an empty topic. What nobody annotated has no annotator.
    """
    fields = [
        name
        for name in FIELDS
        if name not in OPTIONAL
        or any(getattr(record, name) != OPTIONAL[name] for record in records)
    ]
    if not annotated:
        fields.remove("annotator")
    rows: list[list[Cell]] = []
    for record in records:
        start = [_cell(record, name) for name in fields]
        if not long:
            rows.append([*start, *(record.labels.get(topic) for topic in schema.topic_names)])
        elif record.labels:
            rows += [[*start, topic, stance] for topic, stance in record.labels.items()]
        else:
            rows.append([*start, None, None])
    topics = [TOPIC, STANCE] if long else [topic_heading(name) for name in schema.topic_names]
    return [*fields, *topics], rows

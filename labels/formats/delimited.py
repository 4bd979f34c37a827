"""CSV and TSV: UTF-8, one column per topic (wide) or one row per label (long)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from framing.labels.formats.columns import Finder
from framing.labels.formats.content import Content
from framing.labels.formats.decoding import bad_byte, bytes_of
from framing.labels.formats.problems import Problems
from framing.labels.formats.table import content_of, heading_row, names_in, table_of
from framing.labels.records import Record
from framing.labels.schema import Schema


class Delimited:
    """Text of separated values, as RFC 4180 has it."""

    unit = "row"
    folder = False
    needs_text = False

    def __init__(self, *, delimiters: str, long: bool | None, write_long: bool) -> None:
        """Take the separators to look for, the first being the one to write."""
        self._delimiters = delimiters
        self.long = long
        self._write_long = write_long

    def read(self, path: Path, finder: Finder, problems: Problems) -> Content:
        """Read the rows; the separator is the one under which most headings are known."""
        text = bytes_of(path, problems).decode("utf-8-sig", "surrogateescape")
        if text[:4].lower() == "sep=":  # Excel's own line, which it does not show
            delimiters, _, text = text[4:].partition("\n")
            delimiters = delimiters.rstrip("\r")[:1] or self._delimiters
        else:
            delimiters = self._delimiters
        start = text[:100_000]
        scores = {mark: _score(start, mark, finder) for mark in delimiters}
        delimiter = max(scores, key=lambda mark: scores[mark])
        rows = _rows(text, delimiter, problems)
        _note_bad_bytes(rows, finder, problems)
        return content_of(rows, finder, problems)

    def write(
        self, records: Sequence[Record], path: Path, schema: Schema, *, annotated: bool
    ) -> None:
        """Write with a byte order mark, without which Excel takes UTF-8 for another encoding."""
        headings, rows = table_of(records, schema, long=self._write_long, annotated=annotated)
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, delimiter=self._delimiters[0])
            writer.writerow(headings)
            writer.writerows(rows)


def _score(start: str, delimiter: str, finder: Finder) -> tuple[int, int]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(start, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) == 20:
                break
    except csv.Error:
        pass  # what was read up to there decides; the error is reported later
    if not rows:
        return 0, 0
    names = names_in(rows[heading_row(rows, finder)])
    return finder.score(names), len(names)


def _rows(text: str, delimiter: str, problems: Problems) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            rows.append(row)  # not a comprehension: the rows before an error are wanted
    except csv.Error as error:
        column = rows[0][0] if rows and rows[0] else None
        message = (
            f"cannot be split into cells: {error}; a quote within a quoted cell is written twice"
        )
        problems.add(message, row=len(rows) + 1, column=column)
    return rows


def _note_bad_bytes(rows: list[list[str]], finder: Finder, problems: Problems) -> None:
    """Note cells that are not UTF-8, and mend them so that nothing else complains of them."""
    names = names_in(rows[heading_row(rows, finder)]) if rows else []
    for number, row in enumerate(rows, start=1):
        for index, cell in enumerate(row):
            if (message := bad_byte(cell)) is not None:
                name = names[index] if index < len(names) else None
                problems.add(message, row=number, column=name, value=cell)
                row[index] = cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

"""XLSX workbooks, by openpyxl."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framing.labels.errors import LabelsError
from framing.labels.formats.columns import Finder
from framing.labels.formats.content import BadCell, Content, is_blank
from framing.labels.formats.decoding import bytes_of
from framing.labels.formats.problems import Problems
from framing.labels.formats.table import Cell, content_of, heading_row, names_in, table_of
from framing.labels.records import Record
from framing.labels.schema import Schema

if TYPE_CHECKING:
    from openpyxl import Workbook

_LONGEST_CELL = 32_767  # Excel's limit; openpyxl would cut the text there, silently

# ST_Xstring of ECMA-376: characters that XML cannot hold are written _xHHHH_.
_NEEDS_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


class Spreadsheet:
    """The first sheet that fits, or the one asked for."""

    unit = "row"
    folder = False
    needs_text = False

    def __init__(self, *, long: bool | None, write_long: bool) -> None:
        self.long = long
        self._write_long = write_long

    def read(self, path: Path, finder: Finder, problems: Problems) -> Content:
        """Read values: what formulas gave when the workbook was saved, merged cells filled."""
        book = _opened(path, problems, values=False)
        names = [name for name in book.sheetnames if hasattr(book[name], "iter_rows")]
        if not names:
            problems.add("has no sheet with cells")
            problems.raise_if_any()
        if finder.sheet is not None and finder.sheet not in names:
            message = f"there is no such sheet; there are: {', '.join(names)}"
            problems.add(message, row=1, column="sheet", value=finder.sheet)
            problems.raise_if_any()
        sheets = [finder.sheet] if finder.sheet else names
        rows = {name: _trimmed(_rows(book[name])) for name in sheets}
        chosen = next((name for name in rows if _fits(rows[name], finder)), next(iter(rows)))
        if any(isinstance(cell, _Formula) for row in rows[chosen] for cell in row):
            stored = _rows(_opened(path, problems, values=True)[chosen])
            rows[chosen] = [
                [_value(*pair) for pair in zip(row, values, strict=True)]
                for row, values in zip(rows[chosen], stored, strict=False)
            ]
        content = content_of(rows[chosen], finder, problems)
        if len(names) > 1:
            content.warnings.append(f"read sheet {chosen!r} of {', '.join(map(repr, names))}")
        hidden = _hidden_rows(book[chosen], content)
        if hidden:
            content.warnings.append(f"{hidden} hidden rows are read, too")
        return content

    def write(
        self, records: Sequence[Record], path: Path, schema: Schema, *, annotated: bool
    ) -> None:
        """Write one sheet named labels; text that looks like a formula stays text."""
        from openpyxl import Workbook

        headings, rows = table_of(records, schema, long=self._write_long, annotated=annotated)
        cells = [[_escaped(value, headings[i]) for i, value in enumerate(row)] for row in rows]
        book = Workbook(write_only=True)
        sheet = book.create_sheet("labels")
        sheet.freeze_panes = "A2"
        for row in [list[Cell](headings), *cells]:
            sheet.append([_cell(sheet, value) for value in row])
        book.save(path)


class _Formula(str):
    """A formula, whose value stands elsewhere."""

    __slots__ = ()


def _opened(path: Path, problems: Problems, *, values: bool) -> Workbook:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    start = bytes_of(path, problems)[:8]
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        problems.add("is an old .xls file or has a password; save it as .xlsx without one")
        problems.raise_if_any()
    try:
        with path.open("rb") as file:
            return load_workbook(file, data_only=values)
    except (  # openpyxl checks little
        *(zipfile.BadZipFile, InvalidFileException, OSError, KeyError, ValueError, TypeError),
        *(IndexError, AttributeError, SyntaxError, EOFError, RuntimeError, zlib.error),
    ) as error:
        problems.add(f"is not a readable .xlsx file ({error}); save it anew", row=1, column="A")
        problems.raise_if_any()
        raise  # not reached: there is a problem


def _rows(sheet: Any) -> list[list[object]]:
    rows = [[_plain(cell) for cell in row] for row in sheet.iter_rows()]
    for merged in sheet.merged_cells.ranges:
        value = rows[merged.min_row - 1][merged.min_col - 1]
        for row in rows[merged.min_row - 1 : merged.max_row]:
            row[merged.min_col - 1 : merged.max_col] = [value] * (
                min(merged.max_col, len(row)) - merged.min_col + 1
            )
    return rows


def _trimmed(rows: list[list[object]]) -> list[list[object]]:
    """Without the empty rows at the end, of which a format may have made a million."""
    while rows and all(map(is_blank, rows[-1])):
        rows.pop()
    return rows


def _plain(cell: Any) -> object:
    value, kind = cell.value, getattr(cell, "data_type", "n")
    if kind == "f":
        return _Formula(getattr(value, "text", value))
    if kind == "e":
        return BadCell(str(value), "the formula gives an error; correct it in the spreadsheet")
    if value is None and kind == "str":  # what a formula with the result "" has for a value
        value = ""
    if isinstance(value, str):
        return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value


def _value(cell: object, stored: object) -> object:
    if isinstance(cell, _Formula) and stored is None:
        return BadCell(cell, "a formula without its value; open the file in Excel and save it")
    return stored


def _fits(rows: list[list[object]], finder: Finder) -> bool:
    return bool(rows) and finder.fits(names_in(rows[heading_row(rows, finder)]))


def _hidden_rows(sheet: Any, content: Content) -> int:
    return sum(sheet.row_dimensions[item.row].hidden for item in content.items)


def _escaped(value: Cell, heading: str) -> Cell:
    if not isinstance(value, str):
        return value
    escaped = _NEEDS_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", value)
    if len(escaped) > _LONGEST_CELL:
        raise LabelsError(
            f"{heading} {value[:40]!r}… has {len(value)} characters; "
            f"a cell of a spreadsheet holds {_LONGEST_CELL}: choose another format"
        )
    return escaped


def _cell(sheet: Any, value: Cell) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"  # not a formula, not an error, whatever it looks like
    return cell

"""Write part files: whole or not at all, and the same bytes for the same rows."""

from __future__ import annotations

import errno
import json
import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from framing.batch.columns import leaves, plain_type
from framing.batch.job import BatchError, OutputFormat
from framing.batch.rows import Rejection

DATA = "data"
"""Folder for the part files, and nothing else: it can be read as one table."""

REJECTED = "rejected"
"""Folder for the bad rows."""

PART_FILE = re.compile(r"part-\d+-\d+\.(parquet|jsonl|csv)")
"""Names of part files, and of those with their bad rows."""

_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def write_part(table: pa.Table, path: Path, *, to: OutputFormat) -> None:
    """Write a table; nested columns become JSON text in CSV.

    Raises:
        BatchError: The disk is full, or the folder cannot be written.
    """
    writers: dict[OutputFormat, Callable[[], None]] = {
        OutputFormat.PARQUET: lambda: pq.write_table(table, scratch, compression="zstd"),
        OutputFormat.JSONL: lambda: _write_lines(_json_rows(table), scratch),
        OutputFormat.CSV: lambda: pyarrow.csv.write_csv(_flat(table), scratch),
    }
    scratch = _scratch(path)
    _written(path, writers[to])


def write_rejections(rejections: Sequence[Rejection], path: Path) -> None:
    """Write bad rows as JSON Lines with their reasons; a file for no rows is not written.

    Raises:
        BatchError: The disk is full, or the folder cannot be written.
    """
    if not rejections:
        path.unlink(missing_ok=True)
        return
    rows = [
        {
            "source_file": each.file,
            "source_row": each.row,
            **({} if each.line is None else {"line": each.line}),
            **({} if each.identifier is None else {"id": _as_json(each.identifier)}),
            "reason": each.problem.reason.value,
            "detail": each.problem.detail,
            "value": each.problem.value,
        }
        for each in rejections
    ]
    _written(path, lambda: _write_lines(rows, _scratch(path)))


def write_json(content: object, path: Path) -> None:
    """Write a JSON file.

    Raises:
        BatchError: The disk is full, or the folder cannot be written.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    _written(path, lambda: _write_text(text, _scratch(path)))


def append_line(content: object, path: Path) -> None:
    """Add a line of JSON to a file, and have it on the disk when this returns.

    Raises:
        BatchError: The disk is full, or the folder cannot be written.
    """
    try:
        with path.open("ab") as lines:
            lines.write(json.dumps(content).encode() + b"\n")
            lines.flush()
            os.fsync(lines.fileno())
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> BatchError:
    """The error for a file that cannot be written."""
    what = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror
    return BatchError(
        f"{path}: cannot be written: {what or error}. Finished parts are kept: "
        "mend it and give the same command again"
    )


def _scratch(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _written(path: Path, write: Callable[[], None]) -> None:
    """Write beside ``path``, flush, and rename: no reader ever sees half a file."""
    scratch = _scratch(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write()
        with scratch.open("rb+") as file:
            os.fsync(file.fileno())
        scratch.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def _json_rows(table: pa.Table) -> list[dict[str, Any]]:
    columns = [_json_values(column) for column in table.columns]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _json_values(column: pa.ChunkedArray) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if not any(pa.types.is_floating(plain_type(leaf)) for leaf in leaves(column.type)):
        return values
    return [_json_value(value, column.type) for value in values]


def _json_value(value: Any, kind: pa.DataType) -> Any:
    """A value with no more digits than its type holds, and null for what JSON has no number for."""
    kind = plain_type(kind)
    if value is None:
        return None
    if pa.types.is_nested(kind):
        return _json_nested(value, kind)
    if not pa.types.is_floating(kind):
        return value
    if not math.isfinite(value):
        return None
    return float(str(np.float32(value))) if pa.types.is_float32(kind) else value


def _json_nested(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_struct(kind):
        return {field.name: _json_value(value[field.name], field.type) for field in kind}
    if pa.types.is_map(kind):
        names, items = kind.key_type, kind.item_type
        return [[_json_value(name, names), _json_value(each, items)] for name, each in value]
    if any(is_list(kind) for is_list in _LISTS):
        return [_json_value(each, kind.value_type) for each in value]
    return value


def _as_json(value: Any) -> Any:
    """A value of any kind with null for what JSON has no number for, however deep it stands."""
    return json.loads(json.dumps(value, default=str), parse_constant=lambda _: None)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)


def _write_lines(rows: Sequence[dict[str, Any]], path: Path) -> None:
    _write_text("".join(_dumped(row) + "\n" for row in rows), path)


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _flat(table: pa.Table) -> pa.Table:
    """Lists and structs as JSON text, which is all that CSV can hold."""
    for index, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            values = _json_values(table.column(index))
            texts = [None if value is None else _dumped(value) for value in values]
            table = table.set_column(index, field.name, pa.array(texts, pa.string()))
        elif pa.types.is_dictionary(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(pa.string()))
    return table

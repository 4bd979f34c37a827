"""Write part files: whole or not at all, and the same bytes for the same rows."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from framing.batch.columns import leaves
from framing.batch.job import BatchError, OutputFormat
from framing.batch.rows import Rejection

DATA = "data"
"""Folder for the part files, and nothing else: it can be read as one table."""

REJECTED = "rejected"
"""Folder for the bad rows."""


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
            **({} if each.identifier is None else {"id": each.identifier}),
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
        raise _failure(path, error) from error


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
        raise _failure(path, error) from error


def _failure(path: Path, error: OSError) -> BatchError:
    what = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror
    return BatchError(
        f"{path}: cannot be written: {what or error}. Finished parts are kept: "
        "mend it and give the same command again"
    )


def _json_rows(table: pa.Table) -> list[dict[str, Any]]:
    columns = [
        [_json_value(value, field.type) for value in column.to_pylist()]
        if any(map(pa.types.is_floating, leaves(field.type)))
        else column.to_pylist()
        for field, column in zip(table.schema, table.columns, strict=True)
    ]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _json_value(value: Any, kind: pa.DataType) -> Any:
    """A value with no more digits than its type holds, and null for what JSON has no number for."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {field.name: _json_value(value[field.name], field.type) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_json_value(each, kind.value_type) for each in value]
    if not pa.types.is_floating(kind):
        return value
    if not math.isfinite(value):
        return None
    return float(str(np.float32(value))) if pa.types.is_float32(kind) else value


def _write_lines(rows: Sequence[dict[str, Any]], path: Path) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    _write_text(text, path)


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _flat(table: pa.Table) -> pa.Table:
    """Lists and structs as JSON text, which is all that CSV can hold."""
    for index, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            texts = [
                None if value is None else json.dumps(value, ensure_ascii=False, default=str)
                for value in table.column(index).to_pylist()
            ]
            table = table.set_column(index, field.name, pa.array(texts, pa.string()))
        elif pa.types.is_dictionary(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(pa.string()))
    return table

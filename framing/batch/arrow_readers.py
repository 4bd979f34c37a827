"""Read Parquet files and the Arrow files of ``datasets`` folders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from framing.batch.columns import fitted, without_views
from framing.batch.files import InputFile, StoreError
from framing.batch.job import BatchError, BatchJob
from framing.batch.readers import (
    Chunk,
    Cutter,
    FilePlan,
    Progress,
    missing_column,
    passed,
)
from framing.batch.rows import (
    Problem,
    Reason,
    Rejection,
    Rows,
    decoded,
    problem_in_text,
)

_BATCH_ROWS = 4096


class _ArrowReader:
    """What Parquet and Arrow files share: columns with types, read in batches."""

    def __init__(self, file: InputFile, job: BatchJob) -> None:
        self._file = file
        self._job = job
        self._source: Iterator[pa.RecordBatch] = iter(())
        self._rest: list[pa.RecordBatch] = []
        self._position = -1  # row before which the source stands

    def plan(self, progress: Progress) -> FilePlan:
        schema = self._guarded(self._schema)
        name = self._job.text_column
        if name not in schema.names:
            raise missing_column(self._file.label, name, schema.names)
        columns = passed(self._job, schema.names, self._file.label)
        self._check_unique([name, *columns], schema)
        _check_is_text(schema.field(name), self._file.label, schema)
        cutter = Cutter(self._job.part_rows)
        others = self._others_size(columns)
        for batch in self._guarded_batches(0, [name]):
            sizes = pc.fill_null(pc.binary_length(_as_bytes(batch.column(0))), 0)
            for size in sizes.to_pylist():
                cutter.add(size + others)
            progress(len(batch))
        kept = pa.schema([schema.field(column) for column in columns])
        return FilePlan(cutter.finish(), without_views(kept), tuple(schema.names))

    def _others_size(self, columns: list[str]) -> int:
        """Bytes of the columns that pass through, per row, as the first rows have it."""
        first = next(self._guarded_batches(0, columns), None) if columns else None
        return first.nbytes // len(first) if first is not None and len(first) else 0

    def read(self, chunk: Chunk, schema: pa.Schema) -> Rows:
        own = self._guarded(self._schema).names
        columns = [name for name in schema.names if name in own]
        table = self._rows(chunk, [self._job.text_column, *columns])
        rows = Rows()
        good: list[int] = []
        others = table.select(columns)
        others = others.cast(without_views(others.schema))
        bad = _broken_rows(others)
        for place, data in enumerate(_as_bytes(table[self._job.text_column]).to_pylist()):
            text = data if data is None else decoded(data)
            if isinstance(text, Problem):
                problem: Problem | None = text
            else:
                problem = problem_in_text(text, max_chars=self._job.max_chars) or bad.get(place)
            row = chunk.first_row + place
            if problem is None and isinstance(text, str):
                good.append(place)
                rows.texts.append(text)
                rows.places.append((self._file.label, row))
            elif problem is not None:
                known = self._job.id_column and place not in bad
                identifier = others[self._job.id_column][place].as_py() if known else None
                rows.rejections.append(Rejection(self._file.label, row, None, identifier, problem))
        rows.table = fitted(others.take(pa.array(good, pa.int64())), schema)
        return rows

    def _rows(self, chunk: Chunk, columns: list[str]) -> pa.Table:
        """Exactly the rows of a chunk; goes on where the last read ended, if it can."""
        if chunk.first_row != self._position:
            self._source = self._guarded_batches(chunk.first_row, columns)
            self._rest = []
        taken, count = self._rest, sum(len(batch) for batch in self._rest)
        while count < chunk.rows:
            batch = next(self._source, None)
            if batch is None:
                raise BatchError(f"{self._file.label}: ends before row {chunk.first_row + count}")
            taken.append(batch)
            count += len(batch)
        over = count - chunk.rows
        last = taken.pop()
        self._rest = [last.slice(len(last) - over)] if over else []
        taken.append(last.slice(0, len(last) - over))
        self._position = chunk.first_row + chunk.rows
        return pa.Table.from_batches(taken).combine_chunks()

    def _guarded_batches(self, first_row: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Batches from a row on."""
        batches = self._batches(first_row, columns)
        while (batch := self._guarded(lambda: next(batches, None))) is not None:
            yield batch

    def _check_unique(self, columns: list[str], schema: pa.Schema) -> None:
        for name in columns:
            if schema.names.count(name) > 1:
                raise BatchError(f"{self._file.label}: has the column {name!r} more than once")

    def _guarded(self, step: Any) -> Any:
        try:
            return step()
        except StoreError as error:
            raise BatchError(f"{self._file.label}: cannot be read to its end: {error}") from error
        except (OSError, pa.ArrowException) as error:
            why = " ".join(str(error).split())
            kind = self._file.format.value
            raise BatchError(f"{self._file.label}: is no {kind} file or broken: {why}") from error

    def _schema(self) -> pa.Schema:
        raise NotImplementedError

    def _batches(self, first_row: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        raise NotImplementedError


class ParquetReader(_ArrowReader):
    """Reads a Parquet file, by row groups."""

    _opened: pq.ParquetFile | None = None

    def _parquet(self) -> pq.ParquetFile:
        if self._opened is None:
            self._opened = pq.ParquetFile(self._file.open())
        return self._opened

    def _schema(self) -> pa.Schema:
        return self._parquet().schema_arrow

    def _batches(self, first_row: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        file = self._parquet()
        groups, start = [], 0
        for group in range(file.metadata.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            if end > first_row:
                groups.append(group)
            else:
                first_row -= end - start  # rows left to skip after the groups left out
                end = start
            start = end
        batches = file.iter_batches(_BATCH_ROWS, row_groups=groups, columns=columns)
        yield from _without_first(batches, first_row, columns)


class DatasetReader(_ArrowReader):
    """Reads an Arrow file of a folder that ``datasets`` has saved."""

    def _schema(self) -> pa.Schema:
        with self._file.open() as stream:
            return pa.ipc.open_stream(stream).schema

    def _batches(self, first_row: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        with self._file.open() as stream:
            yield from _without_first(pa.ipc.open_stream(stream), first_row, columns)


def _without_first(
    batches: Iterator[pa.RecordBatch], count: int, columns: list[str]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        skipped = min(count, len(batch))
        count -= skipped
        if skipped < len(batch):
            yield batch.slice(skipped).select(columns)


def _check_is_text(field: pa.Field, path: str, schema: pa.Schema) -> None:
    if _is_text(field.type):
        return
    texts = [other.name for other in schema if _is_text(other.type)]
    raise BatchError(
        f"{path}: column {field.name!r} is {field.type}, not text; "
        f"columns of text are: {', '.join(texts) or 'none'}"
    )


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
        pa.types.is_null,
    )
    return any(test(kind) for test in tests)


def _as_bytes(column: Any) -> Any:
    """Undecoded, since Arrow does not check that its strings are UTF-8."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.large_binary())


def _broken_rows(table: pa.Table) -> dict[int, Problem]:
    """Rows with a string in a passed column that is not UTF-8."""
    try:
        table.validate(full=True)
    except pa.ArrowInvalid:
        pass
    else:
        return {}
    bad = {}
    for place in range(len(table)):
        try:
            table.slice(place, 1).to_pylist()
        except UnicodeDecodeError as error:
            detail = f"byte {error.start} of another column is not UTF-8"
            bad[place] = Problem(Reason.INVALID_UTF8, detail)
    return bad

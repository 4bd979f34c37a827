"""Read JSON Lines, CSV and plain text, compressed or not, one broken row at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa

from framing.batch.columns import field_of, json_column, widened
from framing.batch.files import InputFile
from framing.batch.job import BatchError, BatchJob, InputFormat
from framing.batch.lines import BOM, FIELD_LIMIT, LINE_LIMIT, CsvRecords, read_lines
from framing.batch.readers import Chunk, Cutter, FilePlan, Progress, missing_column, passed
from framing.batch.rows import (
    Problem,
    Reason,
    Rejection,
    Rows,
    decoded,
    is_unicode,
    problem_in_text,
    shown,
)

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_TO_UTF8 = "convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8"
_CONVERT = "convert it first, for example with iconv -f UTF-16 -t UTF-8"


@dataclass(frozen=True, slots=True)
class _Raw:
    """One record as parsed: its columns, or what is wrong with it and perhaps its id."""

    content: dict[str, Any] | Problem
    offset: int
    line: int
    size: int
    identifier: Any = None


class _TextReader:
    """What text formats share: a stream of records that is read on, or from an offset."""

    def __init__(self, file: InputFile, job: BatchJob) -> None:
        self._file = file
        self._job = job
        self._records: Iterator[_Raw] = iter(())
        self._position = -1  # row before which the records stand

    def read(self, chunk: Chunk, schema: pa.Schema) -> Rows:
        rows = Rows()
        kept: list[dict[str, Any]] = []
        for place, raw in enumerate(self._chunk(chunk)):
            row = chunk.first_row + place
            if isinstance(raw.content, Problem):
                problem: Problem | None = raw.content
                identifier = raw.identifier
            else:
                problem = self._problem(raw.content)
                identifier = raw.content.get(self._job.id_column) if self._job.id_column else None
            if problem is not None:
                rejection = Rejection(self._file.label, row, raw.line, identifier, problem)
                rows.rejections.append(rejection)
            elif not isinstance(raw.content, Problem):
                rows.texts.append(raw.content[self._job.text_column])
                rows.places.append((self._file.label, row))
                kept.append(raw.content)
        columns = [json_column(field, [row.get(field.name) for row in kept]) for field in schema]
        rows.table = pa.Table.from_arrays(columns, schema=schema) if columns else None
        return rows

    def _problem(self, content: dict[str, Any]) -> Problem | None:
        name = self._job.text_column
        if name not in content:
            found = ", ".join(content) or "none"
            return Problem(Reason.NO_COLUMN, f"no column {name!r}; there are: {shown(found)}")
        return problem_in_text(content[name], max_chars=self._job.max_chars)

    def _chunk(self, chunk: Chunk) -> Iterator[_Raw]:
        if chunk.first_row != self._position:
            stream = self._file.open()
            self._skip(stream, chunk.offset)
            self._records = self._parse(stream, chunk.offset, chunk.line)
        for _ in range(chunk.rows):
            raw = self._next()
            if raw is None:
                raise BatchError(f"{self._file.label}: has fewer rows than it had")
            yield raw
        self._position = chunk.first_row + chunk.rows

    def _skip(self, stream: IO[bytes], offset: int) -> None:
        if self._file.compression is None:
            stream.seek(offset)
            return
        while offset > 0:
            size = min(offset, 1 << 20)
            data = self._guarded(lambda size=size: stream.read(size))
            if not data:
                raise BatchError(f"{self._file.label}: is shorter than it was")
            offset -= len(data)

    def _next(self) -> _Raw | None:
        return self._guarded(lambda: next(self._records, None))  # type: ignore[no-any-return]

    def _all(self) -> Iterator[_Raw]:
        with self._file.open() as stream:
            head = self._guarded(lambda: stream.read(3))
            if head.startswith(_UTF16):
                raise BatchError(f"{self._file.label}: is UTF-16; {_CONVERT}")
        with self._file.open() as stream:
            self._records = self._parse(stream, 0, 1)
            while (raw := self._next()) is not None:
                yield raw
        self._position = -1

    def _guarded(self, step: Any) -> Any:
        try:
            return step()
        except (OSError, EOFError, pa.ArrowException) as error:
            raise BatchError(f"{self._file.label}: cannot be read to its end: {error}") from error

    def _parse(self, stream: IO[bytes], offset: int, line: int) -> Iterator[_Raw]:
        raise NotImplementedError


class JsonlReader(_TextReader):
    """Reads JSON Lines; a column's type is what all of its values have in common."""

    def plan(self, progress: Progress) -> FilePlan:
        cutter = Cutter(self._job.part_rows)
        schema = pa.schema([])
        values: list[dict[str, Any]] = []
        first_bad: tuple[int, Problem] | None = None
        has_object = False
        for raw in self._all():
            if cutter.add(raw.size, offset=raw.offset, line=raw.line):
                schema = widened(schema, self._types(values))
                progress(len(values))
                values = []
            if isinstance(raw.content, Problem):
                first_bad = first_bad or (raw.line, raw.content)
                values.append({})
            else:
                has_object = True
                values.append(raw.content)
        schema = widened(schema, self._types(values))
        progress(len(values))
        if first_bad is not None and not has_object:
            raise self._no_objects(*first_bad)
        if self._job.text_column not in schema.names and cutter.rows:
            raise missing_column(self._file.label, self._job.text_column, schema.names)
        columns = passed(self._job, schema.names, self._file.label) if cutter.rows else []
        kept = pa.schema([schema.field(name) for name in columns])
        return FilePlan(cutter.finish(), kept, tuple(schema.names))

    def _no_objects(self, line: int, problem: Problem) -> BatchError:
        is_array = problem.value.lstrip().startswith("[")
        hint = "; jq -c '.[]' makes such lines of an array" if is_array else ""
        return BatchError(
            f"{self._file.label}, line {line}: {problem.detail}; every line must be one JSON "
            f"object, and none is{hint}"
        )

    def _types(self, rows: list[dict[str, Any]]) -> pa.Schema:
        names = dict.fromkeys(name for row in rows for name in row)
        text = self._job.text_column
        return pa.schema(
            [
                pa.field(name, pa.string())
                if name == text
                else field_of(name, [row.get(name) for row in rows])
                for name in names
            ]
        )

    def _parse(self, stream: IO[bytes], offset: int, line: int) -> Iterator[_Raw]:
        for each in read_lines(stream, offset=offset, number=line):
            data = each.data
            if data is None or data.strip():
                size = 0 if data is None else len(data)
                yield _Raw(_json_object(data), each.offset, each.number, size)


class CsvReader(_TextReader):
    """Reads CSV and TSV. Their columns are text, and stay exactly as they are."""

    _header: tuple[str, ...] = ()

    def plan(self, progress: Progress) -> FilePlan:
        cutter = Cutter(self._job.part_rows)
        records = self._all()
        first = next(records, None)
        if first is None:
            return FilePlan((), pa.schema([]))
        self._check_header(first)
        seen = 0
        for raw in records:
            if cutter.add(raw.size, offset=raw.offset, line=raw.line):
                progress(cutter.rows - 1 - seen)
                seen = cutter.rows - 1
        progress(cutter.rows - seen)
        columns = passed(self._job, list(self._header), self._file.label)
        kept = pa.schema([(name, pa.string()) for name in columns])
        return FilePlan(cutter.finish(), kept, self._header)

    def read(self, chunk: Chunk, schema: pa.Schema) -> Rows:
        if not self._header:
            first = next(self._all(), None)
            if first is None:
                raise BatchError(f"{self._file.label}: has become empty since the job began")
            self._check_header(first)
        return super().read(chunk, schema)

    def _check_header(self, raw: _Raw) -> None:
        if isinstance(raw.content, Problem):
            raise BatchError(
                f"{self._file.label}: the header {raw.content.detail}; save the file as CSV in "
                "UTF-8, with line feeds between its lines"
            )
        broken = [shown(name) for name in raw.content.values() if not is_unicode(name)]
        if broken:
            raise BatchError(
                f"{self._file.label}: the header is not UTF-8: {broken[0]}; {_TO_UTF8}"
            )
        names = _named_columns(list(raw.content.values()))
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise BatchError(
                f"{self._file.label}: the header has {double[0]!r} more than once; rename all but "
                "one of these columns"
            )
        if self._job.text_column not in names:
            error = missing_column(self._file.label, self._job.text_column, names)
            other = next((d for d in ";\t|," if len(names) == 1 and d in names[0]), None)
            hint = f". Is the delimiter {other!r}? Give --delimiter" if other else ""
            raise BatchError(f"{error}{hint}")
        self._header = tuple(names)

    @property
    def _delimiter(self) -> str:
        return "\t" if self._file.format is InputFormat.TSV else self._job.delimiter

    def _parse(self, stream: IO[bytes], offset: int, line: int) -> Iterator[_Raw]:
        records = CsvRecords(stream, delimiter=self._delimiter, offset=offset, number=line)
        for each in records:
            content: dict[str, Any] | Problem
            identifier = None
            if each.problem:
                content = _csv_problem(each.problem, each.line)
            elif not self._header:
                content = {str(n): name.strip() for n, name in enumerate(each.fields)}
            else:
                content = _csv_row(self._header, each.fields)
                identifier = self._identifier(each.fields)
            yield _Raw(content, each.offset, each.number, each.size, identifier)

    def _identifier(self, fields: list[str]) -> str | None:
        """What stands in the id column, also of a row that is broken elsewhere."""
        named = dict(zip(self._header, fields, strict=False))
        value = named.get(self._job.id_column or "")
        return value if value is not None and is_unicode(value) else None


def _named_columns(header: list[str]) -> list[str]:
    """The header, with names for columns that have none."""
    names = []
    for number, name in enumerate(header, start=1):
        own = name or f"column_{number}"
        while not name and own in header:
            own += "_"
        names.append(own)
    return names


class LinesReader(_TextReader):
    """Reads plain text, every line a text; blank lines are none."""

    def plan(self, progress: Progress) -> FilePlan:
        cutter = Cutter(self._job.part_rows)
        for raw in self._all():
            cutter.add(raw.size, offset=raw.offset, line=raw.line)
        progress(cutter.rows)
        return FilePlan(cutter.finish(), pa.schema([]))

    def _parse(self, stream: IO[bytes], offset: int, line: int) -> Iterator[_Raw]:
        for each in read_lines(stream, offset=offset, number=line):
            data = each.data
            if data is not None and not data.strip():
                continue
            text = _too_long() if data is None else decoded(data)
            content = text if isinstance(text, Problem) else {self._job.text_column: text}
            yield _Raw(content, each.offset, each.number, len(data or b""))


class FilesReader:
    """Reads many text files, each of them one text."""

    def __init__(self, file: InputFile, job: BatchJob) -> None:
        self._members = file.members
        self._job = job

    def plan(self, progress: Progress) -> FilePlan:
        cutter = Cutter(self._job.part_rows)
        for member in self._members:
            cutter.add(member.size())
        progress(cutter.rows)
        return FilePlan(cutter.finish(), pa.schema([]))

    def read(self, chunk: Chunk, schema: pa.Schema) -> Rows:
        rows = Rows()
        for member in self._members[chunk.first_row : chunk.first_row + chunk.rows]:
            try:
                with member.open() as stream:
                    data = stream.read(LINE_LIMIT)
            except (OSError, EOFError, pa.ArrowException) as error:
                raise BatchError(f"{member.label}: cannot be read: {error}") from error
            text = _file_text(data)
            problem = (
                text
                if isinstance(text, Problem)
                else problem_in_text(text, max_chars=self._job.max_chars)
            )
            if problem is not None:
                rows.rejections.append(Rejection(member.label, 0, None, None, problem))
            elif isinstance(text, str):
                rows.texts.append(text)
                rows.places.append((member.label, 0))
        if schema.names:  # of other inputs of the job
            nulls = [pa.nulls(len(rows.texts), field.type) for field in schema]
            rows.table = pa.Table.from_arrays(nulls, schema=schema)
        return rows


def _file_text(data: bytes) -> str | Problem:
    if data.startswith(_UTF16):
        return Problem(Reason.INVALID_UTF8, f"is UTF-16; {_CONVERT}")
    return decoded(data.removeprefix(BOM)) if len(data) < LINE_LIMIT else _too_long()


def _too_long() -> Problem:
    return Problem(Reason.TOO_LONG, f"longer than {LINE_LIMIT:,} bytes")


def _json_object(data: bytes | None) -> dict[str, Any] | Problem:
    text = _too_long() if data is None else decoded(data)
    if isinstance(text, Problem):
        return text
    try:
        content = json.loads(text, parse_constant=_constant)
    except (ValueError, RecursionError) as error:  # ValueError: also an integer of too many digits
        return Problem(Reason.MALFORMED, f"is not JSON: {error}", shown(text))
    if not isinstance(content, dict):
        kind = type(content).__name__
        return Problem(Reason.MALFORMED, f"is a {kind}, not a JSON object", shown(text))
    if "\\u" in text and not is_unicode(json.dumps(content, ensure_ascii=False)):
        return Problem(Reason.INVALID_UTF8, "has half a surrogate pair", shown(text))
    return content


def _constant(name: str) -> float | None:
    """What is no JSON: pandas writes NaN for a value that is missing."""
    return None if name == "NaN" else float(name)


def _csv_problem(message: str, line: str) -> Problem:
    if message.startswith("field larger"):
        detail = f"a field has over {FIELD_LIMIT:,} characters, or its quote is not closed"
        return Problem(Reason.TOO_LONG, detail, shown(line))
    if message == "unexpected end of data":
        message = "a quote is not closed"
    elif message.startswith("new-line character"):
        message = "a carriage return stands within a line, where lines end with a line feed"
    return Problem(Reason.MALFORMED, f"is not CSV: {message}", shown(line))


def _csv_row(header: tuple[str, ...], fields: list[str]) -> dict[str, Any] | Problem:
    if len(fields) != len(header):
        detail = f"has {len(fields)} fields, the header {len(header)}"
        return Problem(Reason.FIELD_COUNT, detail, shown(", ".join(fields)))
    content = dict(zip(header, fields, strict=True))
    for name, value in content.items():
        if not is_unicode(value):
            return Problem(
                Reason.INVALID_UTF8, f"column {name!r} is not UTF-8; {_TO_UTF8}", shown(value)
            )
    return content

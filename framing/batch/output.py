"""The output folder of a batch job, read back as a stream of record batches."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from framing.batch.job import Level, OutputFormat
from framing.batch.parts import DATA, PART_FILE, REJECTED
from framing.labels.errors import FramingError
from framing.labels.schema import Schema, parse_schema

if TYPE_CHECKING:
    import pyarrow as pa

_PLAN = "_framing/plan.json"
_ROWS = 32_768  # rows a batch: a few MB of text
_BLOCK = 16 << 20  # bytes of CSV parsed at a time, so that a row of several MB fits


@dataclass(frozen=True)
class JobOutput:
    """An output folder; :func:`open_output` makes one.

    Attributes:
        folder: Its path.
        schema: The label schema of the model that wrote it.
        level: What a row is.
        format: Of the part files.
        model: Name of the model.
        model_hash: SHA-256 of its weights.
        finished: Whether the job has ended; else rows are missing.
        parts: The part files, in the order of the input.
        columns: Names of all columns and their pyarrow types, in order. Columns that CSV and
            JSON Lines carry over from the input are strings.
    """

    folder: Path
    schema: Schema
    level: Level
    format: OutputFormat
    model: str
    model_hash: str
    finished: bool
    parts: tuple[Path, ...]
    columns: Mapping[str, pa.DataType]

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns carried over from the input, and ``source_file``."""
        own = set(_own_types(self.schema, self.level)) - {"source_file"}
        return tuple(name for name in self.columns if name not in own)

    def batches(
        self, columns: Sequence[str], *, parts: Sequence[Path] | None = None
    ) -> Iterator[tuple[Path, pa.RecordBatch]]:
        """The named columns of all rows, in order, a few MB at a time, each with its part.

        Raises:
            FramingError: A part cannot be read or lacks a column.
        """
        import pyarrow as pa

        wanted = list(dict.fromkeys(columns))
        types = {name: self.columns[name] for name in wanted}
        for part in self.parts if parts is None else parts:
            try:
                with part.open("rb") as handle:
                    for batch in _READERS[self.format](handle, types):
                        yield part, batch.select(wanted)
            except KeyError as error:
                raise FramingError(f"{part}: has no column {error.args[0]!r}") from error
            except (OSError, TypeError, ValueError, pa.ArrowException) as error:
                raise FramingError(f"{part}: cannot be read: {_one_line(error)}") from error

    def rejected(self) -> int:
        """Number of input rows that the job set aside under ``rejected``."""
        count = 0
        for path in sorted((self.folder / REJECTED).glob("*.jsonl")):
            try:
                with path.open("rb") as handle:
                    count += sum(1 for line in handle if line.strip())
            except OSError as error:
                raise FramingError(f"{path}: cannot be read: {_one_line(error)}") from error
        return count


def open_output(folder: str | Path, *, partial: bool = False) -> JobOutput:
    """Open the output folder of a batch job.

    Args:
        folder: Its path.
        partial: Accept a job that has not finished, and read the parts that are there.

    Raises:
        FramingError: It is no such folder, is damaged, unfinished or without parts.
    """
    folder = Path(folder)
    plan = _read_plan(folder)
    level, form = Level(plan["level"]), OutputFormat(plan["format"])
    finished = (folder / "_SUCCESS").exists()
    parts = tuple(
        path
        for path in sorted((folder / DATA).glob(f"part-*.{form.value}"), key=_part_order)
        if PART_FILE.fullmatch(path.name)
    )
    if not finished and not partial:
        raise FramingError(
            f"{folder}: the job has not finished (no file _SUCCESS); let it finish, or give "
            f"--partial to use the {len(parts)} part files that are there"
        )
    planned = sum(len(file["chunks"]) for file in plan["files"])
    if len(parts) != planned and not partial:
        raise FramingError(
            f"{folder / DATA}: holds {len(parts)} part files of {planned}; run "
            "'framing batch' on it again to write what is missing, or give --partial to use those "
            "that are there"
        )
    if not parts:
        raise FramingError(f"{folder / DATA}: holds no part-*.{form.value} files")
    schema = parse_schema(plan["schema"], where=str(folder / _PLAN))
    return JobOutput(
        folder=folder,
        schema=schema,
        level=level,
        format=form,
        model=str(plan["model"]["name"]),
        model_hash=str(plan["model"]["sha256"]),
        finished=finished,
        parts=parts,
        columns=_columns(parts, form, _own_types(schema, level)),
    )


def _read_plan(folder: Path) -> dict[str, Any]:
    path = folder / _PLAN
    if not folder.is_dir():
        raise FramingError(f"{folder}: no such folder")
    if not path.is_file():
        raise FramingError(f"{folder}: is not the output folder of a batch job; it has no {_PLAN}")
    try:
        plan = json.loads(path.read_bytes())
        Level(plan["level"]), OutputFormat(plan["format"])
        if not {"name", "sha256"} <= set(plan["model"]):
            raise ValueError("the model has no name or no hash")
        return {"schema": plan["schema"], "files": plan["files"], **plan}
    except KeyError as error:
        raise FramingError(f"{path}: lacks the key {error}") from error
    except (OSError, ValueError, TypeError) as error:
        raise FramingError(f"{path}: is damaged: {_one_line(error)}") from error


def _part_order(path: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", path.name)]


def _own_types(schema: Schema, level: Level) -> dict[str, pa.DataType]:
    """The columns that a job adds, with their types; nested ones as JSON text."""
    import pyarrow as pa

    from framing.batch.tags import output_fields

    return {
        field.name: pa.string() if pa.types.is_nested(field.type) else field.type
        for field in output_fields(schema, level)
    }


def _columns(
    parts: Sequence[Path], form: OutputFormat, own: Mapping[str, pa.DataType]
) -> dict[str, pa.DataType]:
    """Names and types of the columns, from the first part that shows them."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    for part in parts:
        try:
            with part.open("rb") as handle:
                if form is OutputFormat.PARQUET:
                    schema = parquet.read_schema(handle)
                    return dict(zip(schema.names, schema.types, strict=True))
                if form is OutputFormat.CSV:
                    # A delimiter or a line end may stand in a quoted name, so no splitting.
                    names = csv.open_csv(handle, parse_options=_parse_options()).schema.names
                else:
                    names = list(json.loads(handle.readline() or b"{}"))
        except (OSError, TypeError, ValueError, pa.ArrowException) as error:
            raise FramingError(f"{part}: cannot be read: {_one_line(error)}") from error
        if names:
            return {name: own.get(name, pa.string()) for name in names}
    return dict(own)


def _read_parquet(handle: IO[bytes], types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    from pyarrow import parquet

    yield from parquet.ParquetFile(handle).iter_batches(_ROWS, columns=list(types))


def _parse_options() -> Any:
    from pyarrow import csv

    return csv.ParseOptions(newlines_in_values=True)


def _read_csv(handle: IO[bytes], types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    from pyarrow import csv

    convert = csv.ConvertOptions(
        include_columns=list(types),
        column_types=dict(types),
        null_values=[""],  # by default "NA" and "null" would be no values, and they may be names
        strings_can_be_null=True,
    )
    blocks = csv.ReadOptions(block_size=_BLOCK)
    yield from csv.open_csv(handle, blocks, _parse_options(), convert)


def _read_jsonl(handle: IO[bytes], types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Line by line: pyarrow's reader guesses types from the first block and fails on others."""
    import pyarrow as pa

    rows = (json.loads(line) for line in handle if line.strip())
    while some := list(islice(rows, _ROWS)):
        columns = [
            pa.array(
                [_text(row[name]) for row in some]
                if pa.types.is_string(kind)
                else [row[name] for row in some],
                kind,
            )
            for name, kind in types.items()
        ]
        yield pa.record_batch(columns, names=list(types))


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


_Reader = Callable[[IO[bytes], Mapping[str, "pa.DataType"]], Iterator["pa.RecordBatch"]]
_READERS: dict[OutputFormat, _Reader] = {
    OutputFormat.PARQUET: _read_parquet,
    OutputFormat.CSV: _read_csv,
    OutputFormat.JSONL: _read_jsonl,
}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

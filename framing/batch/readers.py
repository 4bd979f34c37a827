"""Cut input files into parts and read a part: one class for each kind of file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from framing.batch.job import BatchError, BatchJob, InputFormat

if TYPE_CHECKING:
    import pyarrow as pa

    from framing.batch.files import InputFile
    from framing.batch.rows import Rows

PART_BYTES = 4 << 20
"""Input of a part at most, so that little is lost when a job is killed."""

Progress = Callable[[int], None]
"""Told how many more rows have been seen."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The rows of one part.

    Attributes:
        first_row: 0-based row in the file.
        rows: How many.
        offset: Byte at which they start in a text file.
        line: 1-based line at which they start in a text file.
    """

    first_row: int
    rows: int
    offset: int = 0
    line: int = 1


@dataclass(frozen=True, slots=True)
class FilePlan:
    """How a file is cut, the columns it passes through, and the names of all that it has."""

    chunks: tuple[Chunk, ...]
    schema: pa.Schema
    names: tuple[str, ...] = ()


class Reader(Protocol):
    """Reads one file."""

    def plan(self, progress: Progress) -> FilePlan:
        """Read the file once to cut it into parts and see its columns.

        Raises:
            BatchError: It cannot be read, or the text's column is missing.
        """
        ...

    def read(self, chunk: Chunk, schema: pa.Schema) -> Rows:
        """The rows of a part, with the job's columns. Parts in order are read the fastest."""
        ...


@dataclass(slots=True)
class Cutter:
    """Cuts rows into parts by number and bytes."""

    part_rows: int
    chunks: list[Chunk] = field(default_factory=list)
    rows: int = 0
    _start: tuple[int, int, int] = (0, 0, 1)
    _bytes: int = 0

    def add(self, size: int, *, offset: int = 0, line: int = 1) -> bool:
        """Count one row; true if a part ended before it."""
        ended = False
        count = self.rows - self._start[0]
        if count and (count >= self.part_rows or self._bytes + size > PART_BYTES):
            self._end()
            ended = True
        if self.rows == self._start[0]:
            self._start = (self.rows, offset, line)
        self.rows += 1
        self._bytes += size
        return ended

    def finish(self) -> tuple[Chunk, ...]:
        """All parts."""
        if self.rows > self._start[0]:
            self._end()
        return tuple(self.chunks)

    def _end(self) -> None:
        first, offset, line = self._start
        self.chunks.append(Chunk(first, self.rows - first, offset, line))
        self._start = (self.rows, 0, 1)
        self._bytes = 0


def open_reader(file: InputFile, job: BatchJob) -> Reader:
    """The reader for a file."""
    from framing.batch import arrow_readers, text_readers

    if file.format is InputFormat.PARQUET:
        return arrow_readers.ParquetReader(file, job)
    if file.format is InputFormat.DATASET:
        return arrow_readers.DatasetReader(file, job)
    if file.format is InputFormat.JSONL:
        return text_readers.JsonlReader(file, job)
    if file.format is InputFormat.TEXT:
        return (
            text_readers.FilesReader(file, job)
            if file.members
            else text_readers.LinesReader(file, job)
        )
    return text_readers.CsvReader(file, job)


def missing_column(path: str, name: str, found: list[str]) -> BatchError:
    """The error for a column that an input does not have."""
    listed = ", ".join(found) if found else "none"
    return BatchError(f"{path}: has no column {name!r}; its columns are: {listed}")


def passed(job: BatchJob, found: list[str], path: str) -> list[str]:
    """The columns of an input to pass through: all but the text, or those asked for.

    Raises:
        BatchError: The id column is missing.
    """
    if job.id_column is not None and job.id_column not in found:
        raise missing_column(path, job.id_column, found)
    wanted = found if job.columns is None else [*job.columns, job.id_column or ""]
    return [name for name in found if name in wanted and name != job.text_column]

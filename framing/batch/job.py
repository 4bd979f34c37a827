"""What a batch job is to do, and what it did."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

from framing.labels.errors import FramingError
from framing.tagging import is_number


class BatchError(FramingError):
    """A batch job cannot start or go on; the parts that are finished stay as they are."""


class Level(str, Enum):
    """What a row of the output is."""

    SENTENCE = "sentence"
    DOCUMENT = "document"


class OutputFormat(str, Enum):
    """How part files are written; the value is their ending."""

    PARQUET = "parquet"
    JSONL = "jsonl"
    CSV = "csv"


class InputFormat(str, Enum):
    """How an input is read."""

    PARQUET = "parquet"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    TEXT = "text"
    DATASET = "dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """A batch job: what to read, what to make of it, and where to write it.

    Attributes:
        inputs: Files, globs, folders, ``datasets`` folders, fsspec URLs, or ``-`` for standard
            input; one of them may stand alone.
        output: Local folder to write to; the job goes on there if it was stopped.
        text_column: Column with the text; ``text`` for text files, whatever is asked.
        id_column: Column that names a row in ``rejected/`` and is passed through.
        columns: Other columns to pass through; ``None`` for all.
        level: One row per sentence or per document.
        format: Format of the part files.
        input_format: Read all inputs like this, whatever their names say. Standard input is
            JSON Lines unless this is given.
        delimiter: Between fields of a CSV file.
        lines: Every line of a text file is a text, not the file as a whole.
        model: As in ``Classifier.from_pretrained``, like the six below.
        device: Where to compute; ``cuda`` uses every GPU there is.
        engine: What computes.
        precision: What it computes in.
        threads: Processors to use on a CPU.
        threshold: Tag a topic where P(topic) is at least this, in [0, 1].
        min_confidence: Abstain from tags less probable than this, in [0, 1].
        split: ``False`` takes each text as one sentence.
        max_chars: A longer text is a bad row.
        part_rows: Rows of a part file at most; parts also end after 4 MiB of input.
        workers: Parts worked on at a time per device. Each is a thread; they share the model.
        strict: Stop at the first bad row.
        restart: Start afresh, whatever an unfinished job left in ``output``.
        force: Overwrite what is in ``output``, a finished job too.
    """

    inputs: Sequence[str | Path]
    output: Path
    text_column: str = "text"
    id_column: str | None = None
    columns: tuple[str, ...] | None = None
    level: Level = Level.SENTENCE
    format: OutputFormat = OutputFormat.PARQUET
    input_format: InputFormat | None = None
    delimiter: str = ","
    lines: bool = False
    model: str = "default"
    device: str = "auto"
    engine: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    threshold: float | None = None
    min_confidence: float = 0.0
    split: bool = True
    max_chars: int = 1_000_000
    part_rows: int = 10_000
    workers: int = 2
    strict: bool = False
    restart: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        """Take one input or column for a list of one, paths as strings or not, and enums by value.

        Raises:
            BatchError: A level or format is none of those that there are.
        """
        given = self.inputs
        inputs = [given] if isinstance(given, str | Path) else given
        object.__setattr__(self, "inputs", tuple(map(os.fspath, inputs)))
        object.__setattr__(self, "output", Path(self.output))
        if isinstance(self.columns, str):
            object.__setattr__(self, "columns", (self.columns,))
        for name, kind in (
            ("level", Level),
            ("format", OutputFormat),
            ("input_format", InputFormat),
        ):
            value = getattr(self, name)
            if value is not None or name != "input_format":
                object.__setattr__(self, name, _chosen(name, value, kind))

    def check(self) -> None:
        """Raise a :class:`BatchError` that names the first option that is out of range."""
        if not self.inputs:
            raise BatchError("no input: give files, globs, folders, or - for standard input")
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(self.output)):  # Path has taken a slash
            url = str(self.output).replace(":/", "://", 1)
            raise BatchError(
                f"{url}: is a URL, and output goes to a local folder; write to one, "
                "and copy it when the job is finished"
            )
        if self.id_column == self.text_column:
            raise BatchError(f"the id column cannot be the text's column {self.text_column!r}")
        if self.level is Level.DOCUMENT and self.text_column in (self.columns or ()):
            raise BatchError(
                f"the text's column {self.text_column!r} cannot pass through where a row is a "
                "document; take it from the input, by source_file and source_row, or an id"
            )
        for name in ("max_chars", "part_rows", "workers"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise BatchError(f"{name} must be a whole number of at least 1, got {value!r}")
        for name in ("threshold", "min_confidence"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and 0 <= value <= 1):
                raise BatchError(f"{name} must be in [0, 1], got {value!r}")
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise BatchError(f"the delimiter must be one character, got {self.delimiter!r}")

    def decisive(self) -> dict[str, Any]:
        """The options on which the content of the output depends, ready for JSON.

        The model is told apart by its hash, engine and precision by what was chosen.
        """
        left_out = {"inputs", "output", "model", "device", "engine", "precision", "threads"}
        left_out |= {"workers", "strict", "restart", "force"}
        options = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}
        return {
            name: value.value if isinstance(value, Enum) else value
            for name, value in options.items()
        }


def _chosen(name: str, value: object, kind: type[Enum]) -> Enum:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(each.value) for each in kind)
        raise BatchError(f"{name} must be one of {known}, got {value!r}") from None


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What a finished job read and wrote; also ``report.json`` in its folder.

    Attributes:
        output: The folder.
        rows_in: Rows of the input, blank lines not counted.
        rows_out: Rows that were tagged, texts without any sentence included.
        sentences: Sentences in them.
        rejected: Bad rows by reason; with ``rows_out`` they add up to ``rows_in``.
        parts: Part files.
        renamed: Input columns that had the name of an output column, and their new names.
        mixed: Columns whose values were of several kinds, and are text in the output.
        seconds: Time spent on parts, over all runs of the job.
        rows_per_second: Rate over ``seconds``.
        sentences_per_second: Rate over ``seconds``.
        model: Where the model lay.
        model_sha256: Hash of its weights.
        versions: Of framing and the libraries that matter.
    """

    output: str
    rows_in: int
    rows_out: int
    sentences: int
    rejected: Mapping[str, int]
    parts: int
    renamed: Mapping[str, str]
    mixed: Sequence[str]
    seconds: float
    rows_per_second: float
    sentences_per_second: float
    model: str
    model_sha256: str
    versions: Mapping[str, str]

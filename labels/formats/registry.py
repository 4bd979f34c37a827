"""The formats by name: one small class each, behind one protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Protocol

from framing.labels.errors import LabelsError
from framing.labels.formats.argilla import Argilla
from framing.labels.formats.arrow import DatasetFolder, Parquet
from framing.labels.formats.columns import Finder
from framing.labels.formats.content import Content
from framing.labels.formats.delimited import Delimited
from framing.labels.formats.doccano import Doccano
from framing.labels.formats.json_records import JsonRecords
from framing.labels.formats.label_studio import LabelStudio
from framing.labels.formats.problems import Problems
from framing.labels.formats.prodigy import Prodigy
from framing.labels.formats.spreadsheet import Spreadsheet
from framing.labels.records import Record
from framing.labels.schema import Schema


class Format(str, Enum):
    """A format of annotated sentences.

    ``csv``, ``tsv`` and ``xlsx`` are written with a column per topic, those
    with ``-long`` with a row per label; on reading, either is found out.
    """

    JSONL = "jsonl"
    CSV = "csv"
    CSV_LONG = "csv-long"
    TSV = "tsv"
    TSV_LONG = "tsv-long"
    XLSX = "xlsx"
    XLSX_LONG = "xlsx-long"
    LABEL_STUDIO = "label-studio"
    ARGILLA = "argilla"
    DOCCANO = "doccano"
    PRODIGY = "prodigy"
    DATASETS = "datasets"
    PARQUET = "parquet"


class LabelFormat(Protocol):
    """Reads and writes one format.

    Attributes:
        unit: What the rows of problems count: row, line, task or record.
        folder: Whether it is a folder.
        needs_text: Whether a record without text cannot be written.
        long: Whether a row is a label; ``None`` to find out.
    """

    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def folder(self) -> bool: ...  # noqa: D102
    @property
    def needs_text(self) -> bool: ...  # noqa: D102
    @property
    def long(self) -> bool | None: ...  # noqa: D102

    def read(self, path: Path, finder: Finder, problems: Problems) -> Content:
        """Read what is there, unchecked; note what cannot be read."""
        ...

    def write(
        self, records: Sequence[Record], path: Path, schema: Schema, *, annotated: bool
    ) -> None:
        """Write to a path where there is nothing; without annotations if nobody annotated."""
        ...


FORMATS: Mapping[Format, LabelFormat] = {
    Format.JSONL: JsonRecords(),
    Format.CSV: Delimited(delimiters=",;\t|", long=None, write_long=False),
    Format.CSV_LONG: Delimited(delimiters=",;\t|", long=True, write_long=True),
    Format.TSV: Delimited(delimiters="\t", long=None, write_long=False),
    Format.TSV_LONG: Delimited(delimiters="\t", long=True, write_long=True),
    Format.XLSX: Spreadsheet(long=None, write_long=False),
    Format.XLSX_LONG: Spreadsheet(long=True, write_long=True),
    Format.LABEL_STUDIO: LabelStudio(),
    Format.ARGILLA: Argilla(),
    Format.DOCCANO: Doccano(),
    Format.PRODIGY: Prodigy(),
    Format.DATASETS: DatasetFolder(),
    Format.PARQUET: Parquet(),
}


def format_named(name: str) -> Format:
    """The format of that name.

    Raises:
        LabelsError: With the names there are.
    """
    try:
        return Format(name)
    except ValueError as error:
        known = ", ".join(one.value for one in Format)
        raise LabelsError(f"unknown format {name!r}; there are {known}") from error

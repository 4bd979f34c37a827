"""Labels in and out: spreadsheets, annotation tools, ``datasets``.

:func:`read_labels` finds the format and the columns, and either gives checked
records or lists every problem of the file; :func:`write_labels` writes what it
reads again without loss, outer white space aside; :func:`count_labels` reads a table to learn its
topics and stances, before there is a schema.
"""

from __future__ import annotations

from framing.labels.formats.label_studio import labelling_config
from framing.labels.formats.problems import ImportProblems, Problem
from framing.labels.formats.reading import Imported, count_labels, read_labels
from framing.labels.formats.registry import FORMATS, Format, LabelFormat
from framing.labels.formats.writing import write_labels

__all__ = [
    "FORMATS",
    "Format",
    "ImportProblems",
    "Imported",
    "LabelFormat",
    "Problem",
    "count_labels",
    "labelling_config",
    "read_labels",
    "write_labels",
]

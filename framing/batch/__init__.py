"""Batch jobs: files of millions of rows in, tags beside the original columns out.

>>> from framing.batch import BatchJob, run
>>> report = run(BatchJob(inputs=("articles/*.parquet",), output=Path("tagged")))  # doctest: +SKIP

A job cuts its inputs into parts and writes each part whole or not at all, so that it can be
killed at any moment; the same job then goes on, and ends with the same bytes.
"""

from framing.batch.job import (
    BatchError,
    BatchJob,
    BatchReport,
    InputFormat,
    Level,
    OutputFormat,
)
from framing.batch.runner import run

__all__ = [
    "BatchError",
    "BatchJob",
    "BatchReport",
    "InputFormat",
    "Level",
    "OutputFormat",
    "run",
]

"""Tag the rows of a part and write it: the work that every way of running a job shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pyarrow as pa

from framing.batch.job import BatchError, Level, OutputFormat
from framing.batch.parts import DATA, REJECTED, write_part, write_rejections
from framing.batch.plan import ChunkId, Done, Plan, part_name
from framing.batch.rows import Rejection, Rows
from framing.batch.tags import output_table

if TYPE_CHECKING:
    from framing.classifier import Classifier


_DOCUMENTS = 256
"""Documents that are turned into columns at a time."""


class StoppedError(Exception):
    """The job has been stopped; the part is not written."""


def finish_part(
    plan: Plan,
    chunk: ChunkId,
    rows: Rows,
    classifier: Classifier,
    folder: Path,
    *,
    stop: Event | None = None,
) -> Done:
    """Tag the rows of a chunk and write its part.

    A part is computed on its own, so that its bytes do not depend on what ran before.

    Args:
        plan: The job's plan.
        chunk: Which chunk.
        rows: Its rows.
        classifier: The model.
        folder: The job's output folder.
        stop: Give up when this is set.

    Raises:
        BatchError: The part cannot be written.
        StoppedError: ``stop`` was set.
    """
    level = Level(plan.options["level"])
    tagged = classifier.classify_many(
        rows.texts,
        split=plan.options["split"],
        threshold=plan.options["threshold"],
        min_confidence=plan.options["min_confidence"],
    )
    tables, documents, sentences = [], 0, 0
    # Columns take a tenth of the memory of result objects, so these live shortly.
    while found := list(islice(tagged, _DOCUMENTS)):
        if stop is not None and stop.is_set():
            raise StoppedError
        with _fitting_together(chunk, plan):
            tables.append(
                output_table(rows, found, plan.labels, level, first=documents, renamed=plan.renamed)
            )
        documents += len(found)
        sentences += sum(len(document.sentences) for document in found)
    if not tables:
        tables.append(output_table(rows, [], plan.labels, level, renamed=plan.renamed))
    with _fitting_together(chunk, plan):
        table = pa.concat_tables(tables).combine_chunks()
    name, ending = part_name(chunk), OutputFormat(plan.options["format"])
    write_rejections(rows.rejections, folder / REJECTED / f"{name}.jsonl")
    path = folder / DATA / f"{name}.{ending.value}"
    write_part(table, path, to=ending)
    return Done(
        part=name,
        rows=len(rows.texts) + len(rows.rejections),
        documents=documents,
        sentences=sentences,
        rejected=dict(sorted(Counter(r.problem.reason.value for r in rows.rejections).items())),
        bytes=path.stat().st_size,
    )


@contextmanager
def _fitting_together(chunk: ChunkId, plan: Plan) -> Iterator[None]:
    """Say what to do where a part gets too large: every sentence has the columns of its text."""
    try:
        yield
    except pa.ArrowException as error:
        names = ", ".join(plan.columns.names)
        raise BatchError(
            f"{plan.files[chunk[0]].file.label}, part {chunk[1]}: the columns that pass through "
            f"({names}) are too large to stand beside every sentence: leave large ones out with "
            f"--column, or take --level document or fewer --part-rows ({error})"
        ) from error


def check_strict(rejections: list[Rejection]) -> None:
    """Raise a BatchError for the first bad row, if there is one."""
    if rejections:
        first = rejections[0]
        place = f"line {first.line}" if first.line is not None else f"row {first.row}"
        raise BatchError(f"{first.file}, {place}: {first.problem.detail} (--strict)")

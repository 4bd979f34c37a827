"""Write records in any format, so that they come back the same, outer white space aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from framing.labels.errors import LabelsError
from framing.labels.formats.detection import check_name
from framing.labels.formats.output import replacing
from framing.labels.formats.registry import FORMATS, Format, format_named
from framing.labels.formats.values import CellError, as_text
from framing.labels.records import Record
from framing.labels.schema import Schema

_NAMED = 5
"""How many records an error names."""


def write_labels(
    records: Sequence[Record],
    path: str | Path,
    schema: Schema,
    *,
    format: Format | str,  # noqa: A002  the field's word
    force: bool = False,
    annotated: bool = True,
) -> None:
    """Write records to a file, or to a folder for ``argilla`` and ``datasets``.

    It is written under a temporary name and renamed, and not overwritten
    without ``force``.

    Args:
        records: At least one, each with an id of its own for each annotator.
        path: Where to write.
        schema: What the labels are of; annotation tools are told of it.
        format: One of :class:`Format`.
        force: Overwrite what is there.
        annotated: ``False`` for sentences to annotate: they are written without
            annotation and annotator, so that none passes for one without topic.

    Raises:
        LabelsError: There is something already, a record does not fit the
            schema, has labels without being ``annotated``, or cannot be written
            in that format.
    """
    named = format_named(format)
    chosen = FORMATS[named]
    check_name(Path(path), named.value)
    _check(records, schema, needs_text=chosen.needs_text)
    if not annotated and (labelled := [record.id for record in records if record.labels]):
        raise LabelsError(f"record {labelled[0]!r} has labels; write it as annotated")
    with replacing(path, force=force) as temporary:
        chosen.write(records, temporary, schema, annotated=annotated)


def _check(records: Sequence[Record], schema: Schema, *, needs_text: bool) -> None:
    if not records:
        raise LabelsError("there are no records to write")
    bare = [record.id for record in records if record.text is None]
    if bare and needs_text:
        shown = ", ".join(bare[:_NAMED]) + (
            f" and {len(bare) - _NAMED} more" * (len(bare) > _NAMED)
        )
        raise LabelsError(
            f"this format needs the text of every record; without are {shown}. "
            "Join it from the corpora first (framing.labels.corpora), or choose a table or jsonl"
        )
    for record in records:
        if problem := schema.problem_in(record.labels) or _unwritable(record):
            raise LabelsError(f"record {record.id!r} by {record.annotator!r}: {problem}")
    counts = Counter((record.id, record.annotator) for record in records)
    (name, annotator), most = counts.most_common(1)[0]
    if most > 1:
        raise LabelsError(f"record {name!r} by {annotator!r} stands {most} times")


def _unwritable(record: Record) -> str | None:
    """What would not come back from a cell."""
    for field in ("id", "source", "document", "annotator", "text", "sha256"):
        value = getattr(record, field)
        if value is not None and not value.strip():
            return f"{field} is empty"
        try:
            as_text(value)
        except CellError as error:
            return f"{field} {error}"
    return None

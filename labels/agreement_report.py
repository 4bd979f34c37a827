"""Agreement and disagreement as files: for the paper, and for the adjudicator."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from framing.labels.agreement import Agreement, Disagreement, Figure
from framing.labels.errors import LabelsError
from framing.labels.formats.output import replacing
from framing.labels.grouping import AnnotatedSentence

ADJUDICATOR = "adjudicator"
"""The annotator of the records that an adjudicator fills in."""

_KINDS = (".json", ".csv")


def check_report_name(path: Path) -> None:
    """Refuse a report that is neither JSON nor CSV.

    Raises:
        LabelsError: The name ends otherwise.
    """
    if path.suffix.lower() not in _KINDS:
        raise LabelsError(f"{path}: a report ends in {' or '.join(_KINDS)}")


def write_report(
    measured: Agreement, disputed: Sequence[Disagreement], path: Path, *, force: bool = False
) -> None:
    """Write every figure, one a row (CSV), or with the disputed sentences (JSON).

    Raises:
        LabelsError: The name ends otherwise, the file exists and ``force`` is not given, or
            it cannot be written.
    """
    check_report_name(path)
    figures = [_figure(figure) for figure in measured.figures]
    if path.suffix.lower() == ".json":
        report = {
            "annotators": measured.annotators,
            "sentences": measured.sentences,
            "documents": measured.documents,
            "figures": figures,
            "disagreements": [
                {**_sentence(one.sentence), "topics": one.topics, "entropy": one.entropy}
                for one in disputed
            ],
        }
        text = json.dumps(report, ensure_ascii=False, indent=1) + "\n"
    else:
        rows = io.StringIO()
        writer = csv.DictWriter(rows, figures[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(figures)
        text = rows.getvalue()
    with replacing(path, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_adjudication(
    sentences: Sequence[AnnotatedSentence], path: Path, *, force: bool = False
) -> None:
    """Write sentences as JSON Lines for an adjudicator.

    ``said`` is what each annotator gave; ``labels`` is ``null``, to be filled in. As long as
    one is not, the file is refused as labels, so that no sentence passes for one without topic.

    Raises:
        LabelsError: The file exists and ``force`` is not given, or it cannot be written.
    """
    lines = [
        {**_sentence(one), "provenance": one.record.provenance, "labels": None}
        | {"annotator": ADJUDICATOR}
        for one in sentences
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    with replacing(path, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _figure(figure: Figure) -> dict[str, Any]:
    fields = asdict(figure)
    first, second = fields.pop("pair") or (None, None)
    return {"first": first, "second": second, **fields}


def _sentence(one: AnnotatedSentence) -> dict[str, Any]:
    record = one.record
    fields = {
        "id": record.id,
        "source": record.source,
        "document": record.document,
        "n": one.n,
        "text": record.text,
        "sha256": record.sha256,
    }
    said = {name: record.labels for name, record in one.by_annotator.items()}
    return {name: value for name, value in fields.items() if value is not None} | {"said": said}

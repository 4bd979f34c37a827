"""What the formats of annotation tools have in common."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from framing.labels.records import Record

SEPARATOR = ": "
"""Between topic and stance, where a tool has one string for both."""

RECORD_ID = "record_id"
"""Our id in the metadata; the tools have an ``id`` of their own."""


def metadata_of(record: Record) -> dict[str, str | int | bool]:
    """Every field but text and labels; defaults are left out."""
    found: dict[str, str | int | bool | None] = {
        RECORD_ID: record.id,
        "source": record.source,
        "document": record.document,
        "annotator": record.annotator,
        "provenance": record.provenance,
        "n": record.n,
        "sure": None if record.sure else False,
        "sha256": record.sha256,
        "soft": None if record.soft is None else json.dumps(record.soft),
    }
    return {name: value for name, value in found.items() if value is not None}


def write_json_lines(lines: Iterable[object], path: Path) -> None:
    """Write one JSON value a line."""
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")


def write_json_array(elements: Iterable[object], path: Path) -> None:
    """Write one JSON array, an element a line."""
    lines = ",\n".join(json.dumps(element, ensure_ascii=False) for element in elements)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def write_json(content: object, path: Path) -> None:
    """Write one JSON document, for people to read."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def with_id(fields: Mapping[str, object], own: object) -> dict[str, object]:
    """The fields with the tool's own id, unless they have ours."""
    found = {name: value for name, value in fields.items() if name != "id"}
    if RECORD_ID in fields:
        return found
    return {**found, "id": fields.get("id", own)}


class LeftOut:
    """Counts what is not imported by reason, to tell the user."""

    def __init__(self, *, unit: str) -> None:
        self._unit = unit
        self._reasons: Counter[str] = Counter()

    def add(self, reason: str) -> None:
        """Count one more for this reason."""
        self._reasons[reason] += 1

    def warnings(self) -> list[str]:
        """One sentence a reason."""
        return [
            f"{count} {self._unit}{'' if count == 1 else 's'} left out: {reason}"
            for reason, count in self._reasons.items()
        ]


def annotator_of(fields: Mapping[str, object], user: object, *, alone: bool) -> object:
    """Who made an annotation: the one named in the metadata if it is the only one, else the user.

    A tool that reads our file gives the annotation to whoever imports it, so
    that the name in the metadata says more, until others annotate the same.
    """
    named = fields.get("annotator")
    return named if named is not None and (alone or user is None) else user

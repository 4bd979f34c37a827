"""What the formats of annotation tools have in common."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from framing.labels.formats.content import Item
from framing.labels.formats.names import Vocabulary
from framing.labels.records import Record

SEPARATOR = ": "
"""Between topic and stance, where a tool has one string for both."""

RECORD_ID = "record_id"
"""Our id in the metadata; the tools have an ``id`` of their own."""


def metadata_of(record: Record, *, annotated: bool) -> dict[str, str | int | bool]:
    """Every field but text and labels; defaults are left out, and who annotated if nobody did."""
    found: dict[str, str | int | bool | None] = {
        RECORD_ID: record.id,
        "source": record.source,
        "document": record.document,
        "annotator": record.annotator if annotated else None,
        "provenance": record.provenance,
        "n": record.n,
        "sure": None if record.sure else False,
        "sha256": record.sha256,
        "soft": None if record.soft is None else json.dumps(record.soft),
        "chosen_by": record.chosen_by,
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


def topics_alone(
    items: Sequence[Item], vocabulary: Vocabulary | None
) -> tuple[list[Item], list[str]]:
    """Items without the answers to questions about something else, and a note that names these.

    A question stays if a stance is among its answers: it may be a topic that is misspelt. So do
    all if none is a topic.
    """
    answers: defaultdict[str, list[object]] = defaultdict(list)
    for item in items:
        for label in item.labels:
            answers[label.column].append(label.stance)
    if vocabulary is None or not any(map(vocabulary.topic, answers)):
        return list(items), []
    others = [
        question
        for question, given in answers.items()
        if vocabulary.topic(question) is None
        and not any(isinstance(one, str) and vocabulary.is_stance(one) for one in given)
    ]
    kept = [
        replace(item, labels=tuple(one for one in item.labels if one.column not in others))
        for item in items
    ]
    return kept, [f"not used: {', '.join(map(repr, others))}"] if others else []


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

"""Argilla 2: records and settings as ``Dataset.to_disk`` writes them; needs no argilla."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from framing.labels.errors import LabelsError
from framing.labels.formats.columns import Finder, topic_heading
from framing.labels.formats.content import Content, Item, RawLabel, keys_of
from framing.labels.formats.decoding import json_document
from framing.labels.formats.json_records import objects_in
from framing.labels.formats.problems import Problems
from framing.labels.formats.tools import (
    LeftOut,
    annotator_of,
    metadata_of,
    topics_alone,
    with_id,
    write_json,
    write_json_array,
)
from framing.labels.records import Record
from framing.labels.schema import ABSENT, Schema

RECORDS = "records.json"
SETTINGS_FOLDER = ".argilla"

_NAMESPACE = uuid.UUID("5f1c1d50-0d3c-5c55-9d4d-6f5a3c2b7e11")
"""Argilla's users are UUIDs; an annotator of another name gets one made of it."""

_NOT_SUBMITTED = ("draft", "discarded")


class Argilla:
    """A folder: ``records.json`` and settings with one label question per topic."""

    unit = "record"
    folder = True
    needs_text = True
    long: bool | None = None

    def read(self, path: Path, finder: Finder, problems: Problems) -> Content:
        """Read a folder, or a file of records as ``to_json`` or ``to_dict`` gives them."""
        document = json_document(path / RECORDS if path.is_dir() else path, problems)
        items: list[Item] = []
        left_out = LeftOut(unit="record")
        for row, record in objects_in(_as_list(document), problems):
            parts = {name: record.get(name) or {} for name in ("fields", "metadata", "responses")}
            wrong = [name for name, part in parts.items() if not isinstance(part, dict)]
            for name in wrong or ([] if parts["fields"] else ["fields"]):
                message = f"{name} is an object (to_dict and to_list with flatten=False)"
                problems.add(message, row=row, column=name, value=record.get(name))
            if not wrong and parts["fields"]:
                items += _items(row, record, parts, problems, left_out)
        items, notes = topics_alone(items, finder.vocabulary)
        warnings = [*left_out.warnings(), *notes]
        return Content(items, keys_of(items), has_labels=True, warnings=warnings)

    def write(
        self, records: Sequence[Record], path: Path, schema: Schema, *, annotated: bool
    ) -> None:
        """Write a folder that ``argilla.Dataset.from_disk`` reads.

        Every topic is a required question, absent one of its answers: Argilla
        cannot tell an unanswered question from one that was not looked at.
        """
        settings = path / SETTINGS_FOLDER
        settings.mkdir(parents=True)
        write_json({"name": path.name.lstrip("."), "status": "draft"}, settings / "dataset.json")
        write_json(_settings(schema), settings / "settings.json")
        seen: set[str] = set()
        rows = []
        for record in records:
            # Two annotators' records of one sentence are two records there.
            name = record.id if record.id not in seen else f"{record.id} ({record.annotator})"
            if name in seen:
                raise LabelsError(f"id {name!r} would stand twice in Argilla; rename the record")
            seen.add(name)
            rows.append(_row(record, name, schema, annotated=annotated))
        write_json_array(rows, path / RECORDS)


def _as_list(document: object) -> object:
    """Records as a list, whichever of its three shapes ``to_dict`` and ``to_list`` gave."""
    if not isinstance(document, dict):
        return document
    columns = {key: values for key, values in document.items() if isinstance(values, list)}
    if columns:
        count = min(map(len, columns.values()))
        return [{key: columns[key][index] for key in columns} for index in range(count)]
    return list(document.values())


def _items(
    row: int,
    record: Mapping[str, Any],
    parts: Mapping[str, dict[str, Any]],
    problems: Problems,
    left_out: LeftOut,
) -> Iterator[Item]:
    by_user: dict[str | None, list[RawLabel]] = {}
    for question, responses in parts["responses"].items():
        if not isinstance(responses, list) or not all(isinstance(one, dict) for one in responses):
            message = "responses are an array of objects with value and user_id"
            problems.add(message, row=row, column=question, value=responses)
            return
        for response in responses:
            if response.get("status") in _NOT_SUBMITTED:
                continue
            value, user = response.get("value"), response.get("user_id")
            labels = by_user.setdefault(None if user is None else str(user), [])
            for one in value if isinstance(value, list) else [value]:
                labels.append(RawLabel(question, question, one))
    if not by_user:
        suggested = bool(record.get("suggestions"))
        left_out.add("suggestions only, which nobody confirmed" if suggested else "no response")
    fields = with_id({**parts["metadata"], **parts["fields"]}, record.get("id"))
    for annotator, labels in by_user.items():
        who = annotator_of(fields, annotator, alone=len(by_user) == 1)
        named = {**fields, "annotator": who} if who is not None else fields
        yield Item(row, named, tuple(labels))


def _row(record: Record, name: str, schema: Schema, *, annotated: bool) -> dict[str, object]:
    user = _user_id(record.annotator)
    responses = {
        topic_heading(topic): [{"value": record.labels.get(topic, ABSENT), "user_id": user}]
        for topic in schema.topic_names
    }
    return {
        "id": name,
        "fields": {"text": record.text},
        "metadata": metadata_of(record, annotated=annotated),
        "suggestions": {},
        "responses": responses if annotated else {},
        "vectors": {},
        "status": "completed" if annotated else "pending",
        "_server_id": None,
    }


def _user_id(annotator: str) -> str:
    try:
        return str(uuid.UUID(annotator))
    except ValueError:
        return str(uuid.uuid5(_NAMESPACE, annotator))


def _settings(schema: Schema) -> dict[str, object]:
    stances = "\n".join(f"- {stance.name}: {stance.definition}" for stance in schema.stances)
    questions = [
        {
            "name": topic_heading(topic.name),
            "title": topic.title,
            "description": f"{topic.definition} Target: {topic.target}",
            "required": True,
            "type": "label_selection",
            "settings": {
                "type": "label_selection",
                "options": [
                    {"value": name, "text": name, "description": None}
                    for name in schema.classes_of(topic.name)
                ],
                "visible_options": None,
            },
        }
        for topic in schema.topics
    ]
    field = {
        "name": "text",
        "title": "Sentence",
        "required": True,
        "type": "text",
        "settings": {"type": "text", "use_markdown": False},
    }
    return {
        "guidelines": f"Per topic, choose the stance towards its target, or absent.\n{stances}",
        "questions": questions,
        "fields": [field],
        "vectors": [],
        "metadata": [],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }

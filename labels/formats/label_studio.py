"""Label Studio: tasks with annotations as JSON, and the labelling configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framing.labels.formats.columns import Finder
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
    write_json_array,
)
from framing.labels.records import Record
from framing.labels.schema import Schema

if TYPE_CHECKING:
    from typing import TypeGuard

_SENTENCE = "Sentence"  # in capitals, which no topic's name has: names are unique there
_OF_ANNOTATION = ("sure", "soft")
"""What metadata says of labels, and not of the sentence."""


class LabelStudio:
    """One task per record, with its fields as the task's data and one annotation."""

    unit = "task"
    folder = False
    needs_text = True
    long: bool | None = None

    def read(self, path: Path, finder: Finder, problems: Problems) -> Content:
        """Read every annotation of every task; skipped and missing ones are left out."""
        items: list[Item] = []
        left_out = LeftOut(unit="task")
        tasks = objects_in(json_document(path, problems), problems)
        users = _users(task for _, task in tasks)
        for row, task in tasks:
            data, annotations = task.get("data"), task.get("annotations", [])
            if not isinstance(data, dict):
                problems.add("the task has no data", row=row, column="data", value=data)
            elif not _objects(annotations):
                message = "annotations are an array of objects"
                problems.add(message, row=row, column="annotations", value=annotations)
            else:
                items += _items(row, task, annotations, problems, left_out, users=users)
        items, notes = topics_alone(items, finder.vocabulary)
        warnings = [*left_out.warnings(), *notes]
        return Content(items, keys_of(items), has_labels=True, warnings=warnings)

    def write(
        self, records: Sequence[Record], path: Path, schema: Schema, *, annotated: bool
    ) -> None:
        """Write tasks for the configuration of :func:`labelling_config`."""
        del schema
        tasks = (
            _task(record, number, annotated=annotated)
            for number, record in enumerate(records, start=1)
        )
        write_json_array(tasks, path)


def labelling_config(schema: Schema) -> str:
    """Label Studio's labelling configuration for a schema, as ElementTree.

    Per topic there is one group of choices, the stances; none is required,
    and none chosen means that the sentence is not about the topic. Headers
    give definitions and targets, hints those of the stances.
    """
    from xml.etree import ElementTree

    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Text", name=_SENTENCE, value="$text")
    for topic in schema.topics:
        ElementTree.SubElement(view, "Header", value=_literal(topic.title), size="4")
        meaning = f"{topic.definition} Target: {topic.target}"
        ElementTree.SubElement(view, "Header", value=_literal(meaning), size="6")
        choices = ElementTree.SubElement(
            view,
            "Choices",
            name=topic.name,
            toName=_SENTENCE,
            choice="single",
            required="false",
            showInline="true",
        )
        for stance in schema.stances:
            if stance.name not in schema.stances_of(topic.name):
                continue
            ElementTree.SubElement(choices, "Choice", value=stance.name, hint=stance.definition)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _literal(text: str) -> str:
    # Label Studio takes "$5" for a key of the task; a word joiner in between is not seen.
    return " ".join(text.replace("$", "$\u2060").split())


def _items(
    row: int,
    task: dict[str, Any],
    annotations: list[dict[str, Any]],
    problems: Problems,
    left_out: LeftOut,
    *,
    users: Mapping[int, object],
) -> Iterator[Item]:
    fields = with_id(task["data"], task.get("id"))
    given = [one for one in annotations if not one.get("was_cancelled")]
    if not given:
        why = "every annotation was skipped" if annotations else "no annotation"
        left_out.add(f"{why}{', predictions only' if task.get('predictions') else ''}")
    unchanged = [one for one in given if _was_imported(one) and one.get("updated_by") is None]
    for annotation in given:
        alone = len(given) == 1 or unchanged == [annotation]
        own = _fields_of(annotation, fields, users, alone=alone)
        yield Item(row, own, tuple(_labels(row, annotation.get("result"), problems)))


def _fields_of(
    annotation: dict[str, Any],
    fields: Mapping[str, object],
    users: Mapping[int, object],
    *,
    alone: bool,
) -> Mapping[str, object]:
    """The fields of a task as they hold for one of its annotations.

    Label Studio gives the annotations of a file to the account that imports it, and notes who
    made or changed one there as ``updated_by``. Annotator, doubts and shares among the task's
    data are of the annotation that came with the task.
    """
    user = _name_of(annotation.get("completed_by"), users)
    changed_by = _name_of(annotation.get("updated_by"), users)
    if changed_by is None:
        who = annotator_of(fields, user, alone=alone)
    else:
        who = changed_by if _was_imported(annotation) else user
    if who is None or who == fields.get("annotator"):
        return fields
    kept = {name: value for name, value in fields.items() if name not in _OF_ANNOTATION}
    return {**(kept if "annotator" in fields else fields), "annotator": who}


def _was_imported(annotation: dict[str, Any]) -> bool:
    return annotation.get("import_id") is not None  # the id that it had in the file


def _users(tasks: Iterable[dict[str, Any]]) -> dict[int, object]:
    """Names of accounts by their ids, where the export has both (a snapshot can)."""
    found: dict[int, object] = {}
    for task in tasks:
        annotations = task.get("annotations")
        for annotation in annotations if _objects(annotations) else ():
            user = annotation.get("completed_by")
            if isinstance(user, dict) and isinstance(user.get("id"), int):
                found[user["id"]] = _name_of(user, {})
    return found


def _name_of(user: object, users: Mapping[int, object]) -> object:
    if isinstance(user, dict):
        return user.get("email") or user.get("username") or user.get("id")
    return users.get(user, user) if isinstance(user, int) else user


def _labels(row: int, result: object, problems: Problems) -> Iterator[RawLabel]:
    if not _objects(result):
        problems.add("a result is an array of objects", row=row, column="result", value=result)
        return
    for part in result:
        if part.get("type", "choices") != "choices":
            continue  # a comment, a rating or a span beside the topics
        value = part.get("value")
        choices = value.get("choices") if isinstance(value, dict) else None
        name = str(part.get("from_name"))
        if not isinstance(choices, list):
            message = "a choice has value.choices, an array"
            problems.add(message, row=row, column=name, value=value)
            continue
        for choice in choices:
            yield RawLabel(name, name, choice)


def _objects(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _task(record: Record, number: int, *, annotated: bool) -> dict[str, object]:
    data = {"text": record.text, **metadata_of(record, annotated=annotated)}
    if not annotated:
        return {"data": data}
    result = [
        {
            "id": topic,
            "from_name": topic,
            "to_name": _SENTENCE,
            "type": "choices",
            "value": {"choices": [stance]},
        }
        for topic, stance in record.labels.items()
    ]
    # Label Studio keeps the id as import_id: it tells our annotation from later ones.
    return {"data": data, "annotations": [{"id": number, "result": result}]}

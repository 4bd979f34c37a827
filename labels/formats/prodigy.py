"""Prodigy: examples of the ``choice`` and ``classification`` interfaces as JSON Lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framing.labels.formats.columns import Finder
from framing.labels.formats.content import Content, Item, RawLabel, keys_of
from framing.labels.formats.decoding import json_lines
from framing.labels.formats.names import Vocabulary
from framing.labels.formats.problems import Problems
from framing.labels.formats.tools import SEPARATOR, LeftOut, metadata_of, with_id, write_json_lines
from framing.labels.records import Record
from framing.labels.schema import Schema

_ANSWERS = ("accept", "reject", "ignore")
_OWN = ("options", "accept", "answer", "label", "spans", "tokens", "meta", "html", "config")


class Prodigy:
    """One answer a line.

    Of a choice, ``accept`` lists the options chosen, and counts if the answer
    is accept: reject and ignore say that the example should not be used. Of a
    classification, the answer is whether the one ``label`` applies, so the
    lines of one sentence and annotator are taken together.
    """

    unit = "line"
    folder = False
    needs_text = True
    long: bool | None = None

    def read(self, path: Path, finder: Finder, problems: Problems) -> Content:
        """Read the answers that are to be used, and count the others."""
        left_out = LeftOut(unit="example")
        items: list[Item] = []
        single: dict[tuple[str, str], Item] = {}
        for row, example in json_lines(path, problems):
            if not _usable(row, example, problems, left_out):
                continue
            fields = _fields(example)
            if not _is_of_one_label(example):
                labels = tuple(_chosen(row, example, finder.vocabulary, problems))
                items.append(Item(row, fields, labels))
                continue
            key = str(example.get("_input_hash", example.get("text"))), str(fields.get("annotator"))
            label = RawLabel("label", None, example["label"])
            known = single.get(key, Item(row, fields))
            new = (label,) if example["answer"] == "accept" else ()
            single[key] = Item(known.row, known.fields, known.labels + new)
        warnings = left_out.warnings()
        if single:
            warnings.append(
                f"{len(single)} sentences were asked for one label at a time; what was not asked "
                "or was rejected is taken as absent"
            )
        items += single.values()
        return Content(items, keys_of(items), has_labels=True, warnings=warnings)

    def write(
        self, records: Sequence[Record], path: Path, schema: Schema, *, annotated: bool
    ) -> None:
        """Write examples with all topics and stances as options, answered if annotated."""
        options = [
            {
                "id": f"{topic.name}{SEPARATOR}{stance}",
                "text": f"{topic.title}{SEPARATOR}{stance}",
            }
            for topic in schema.topics
            for stance in schema.stances_of(topic.name)
        ]
        examples = (_example(record, options, annotated=annotated) for record in records)
        write_json_lines(examples, path)


def _usable(row: int, example: dict[str, Any], problems: Problems, left_out: LeftOut) -> bool:
    answer, options, meta = (example.get(key) for key in ("answer", "options", "meta"))
    if not isinstance(options, list | None):
        problems.add("options are an array", row=row, column="options", value=options)
    elif not isinstance(meta, dict | None):
        problems.add("meta is an object", row=row, column="meta", value=meta)
    elif answer is None:
        left_out.add("no answer")
    elif answer not in _ANSWERS:
        message = f"an answer is one of {', '.join(_ANSWERS)}"
        problems.add(message, row=row, column="answer", value=answer)
    elif answer == "ignore":
        left_out.add("the annotator ignored it")
    elif answer == "reject" and not _is_of_one_label(example):
        left_out.add("the annotator rejected it")
    else:
        return True
    return False


def _is_of_one_label(example: dict[str, Any]) -> bool:
    return "label" in example and "accept" not in example


def _fields(example: dict[str, Any]) -> dict[str, object]:
    fields = {
        key: value for key, value in example.items() if key not in _OWN and not key.startswith("_")
    }
    fields |= example.get("meta") or {}
    who = example.get("_annotator_id") or example.get("_session_id")
    if who is not None:
        fields["annotator"] = who
    # The hash of the input is the same for all annotators of a sentence.
    return with_id(fields, example.get("_input_hash"))


def _chosen(
    row: int, example: dict[str, Any], vocabulary: Vocabulary | None, problems: Problems
) -> Iterator[RawLabel]:
    accepted, options = example.get("accept", []), example.get("options") or []
    if not isinstance(accepted, list):
        message = "accept is an array of the options chosen"
        problems.add(message, row=row, column="accept", value=accepted)
        return
    texts = {
        option["id"]: option.get("text")
        for option in options
        if isinstance(option, dict) and isinstance(option.get("id"), str | int)
    }
    for option in accepted:
        known = option in texts if isinstance(option, str | int) else False
        if texts and not known:
            message = f"is not one of the options: {', '.join(map(str, texts))}"
            problems.add(message, row=row, column="accept", value=option)
            continue
        text = texts.get(option) if known else None
        # Options may be numbered, and then only their text says what they mean.
        named = isinstance(option, str) and (vocabulary is None or vocabulary.pair(option))
        yield RawLabel("accept", None, option if named or text is None else text)


def _example(
    record: Record, options: list[dict[str, str]], *, annotated: bool
) -> dict[str, object]:
    meta = metadata_of(record, annotated=annotated)
    if not annotated:
        return {"text": record.text, "options": options, "meta": meta, "_view_id": "choice"}
    return {
        "text": record.text,
        "options": options,
        "accept": [f"{topic}{SEPARATOR}{stance}" for topic, stance in record.labels.items()],
        "answer": "accept",
        "meta": meta,
        "_annotator_id": record.annotator,
        "_session_id": record.annotator,
        "_view_id": "choice",
    }

"""doccano: text classification as JSON Lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from framing.labels.formats.columns import Finder
from framing.labels.formats.content import Content, Item, RawLabel, keys_of
from framing.labels.formats.decoding import json_lines
from framing.labels.formats.problems import Problems
from framing.labels.formats.tools import SEPARATOR, LeftOut, metadata_of, with_id, write_json_lines
from framing.labels.records import Record
from framing.labels.schema import Schema


class Doccano:
    """One example a line; ``label`` is an array of strings like ``topic: stance``."""

    unit = "line"
    folder = False
    needs_text = True
    long: bool | None = None

    def read(self, path: Path, finder: Finder, problems: Problems) -> Content:
        """Read examples; metadata stands at the top level or in ``meta``."""
        del finder  # keys have names of their own
        items = []
        left_out = LeftOut(unit="example")
        for row, example in json_lines(path, problems):
            meta = example.pop("meta", None) or {}
            key = "label" if "label" in example else "labels"
            if key not in example:
                left_out.add("no label")
                continue
            labels = example.pop(key)
            example.pop("Comments", None)
            if not isinstance(meta, dict):
                problems.add("meta is an object", row=row, column="meta", value=meta)
                continue
            if not isinstance(labels, list):
                message = "label is an array of strings like 'topic: stance', empty without labels"
                problems.add(message, row=row, column=key, value=labels)
                continue
            raw = tuple(RawLabel(key, None, label) for label in labels)
            items.append(Item(row, with_id({**example, **meta}, None), raw))
        warnings = left_out.warnings()
        return Content(items, keys_of(items), has_labels=True, warnings=warnings)

    def write(
        self, records: Sequence[Record], path: Path, schema: Schema, *, annotated: bool
    ) -> None:
        """Write examples that doccano imports as JSONL of text classification."""
        del schema
        write_json_lines((_example(record, annotated=annotated) for record in records), path)


def _example(record: Record, *, annotated: bool) -> dict[str, object]:
    labels = [f"{topic}{SEPARATOR}{stance}" for topic, stance in record.labels.items()]
    metadata = metadata_of(record, annotated=annotated)
    return {"text": record.text, **({"label": labels} if annotated else {}), **metadata}

"""Small output folders of batch jobs, as :mod:`framing.batch` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from framing.labels.schema import Schema, parse_schema

Row = dict[str, Any]


def make_schema(*stances: str, topics: Sequence[str] = ("bases", "aid")) -> Schema:
    content = {
        "topics": [
            {"name": t, "title": t.title(), "definition": f"About {t}.", "target": f"More {t}."}
            for t in topics
        ],
        "stances": [{"name": s, "definition": f"Is {s}."} for s in stances],
    }
    return parse_schema(content, where="test")


SCHEMA = make_schema("favor", "against", "neutral")


def sentence_rows(
    text: Sequence[tuple[str, Mapping[str, str]]],
    row: int,
    *,
    probability: float = 0.9,
    schema: Schema = SCHEMA,
    file: str = "in.jsonl",
    **columns: Any,
) -> list[Row]:
    """The rows of a document, given its sentences with their ``{topic: stance}``."""
    rows = []
    for index, (sentence, labels) in enumerate(text):
        tags = [{"topic": t, "stance": s, "probability": probability} for t, s in labels.items()]
        made: Row = {**columns, "source_file": file, "source_row": row, "sentence_index": index}
        made |= {"sentence": sentence, "start": 0, "end": len(sentence)}
        made |= {"tags": tags, "abstained": []}
        for topic in schema.topic_names:
            made[topic] = labels.get(topic)
            found = labels.get(topic, "absent")
            made |= {
                f"{topic}_{name}": probability if name == found else 0.01 for name in schema.classes
            }
        rows.append(made)
    return rows


def document_rows(rows: Sequence[Row], schema: Schema = SCHEMA) -> list[Row]:
    """What a job at document level would have made of the sentences."""
    made: dict[tuple[str, int], Row] = {}
    own = {"sentence_index", "sentence", "start", "end", "tags", "abstained", *schema.topic_names}
    own |= {f"{topic}_{name}" for topic in schema.topic_names for name in schema.classes}
    for row in rows:
        document = made.setdefault(
            (row["source_file"], row["source_row"]),
            {name: value for name, value in row.items() if name not in own} | {"sentences": 0},
        )
        document["sentences"] += 1
        for topic in schema.topic_names:
            for stance in schema.stance_names:
                name = f"{topic}_{stance}_sentences"
                document[name] = document.get(name, 0) + (row[topic] == stance)
    for document in made.values():
        for topic in schema.topic_names:
            count = sum(document[f"{topic}_{s}_sentences"] for s in schema.stance_names)
            document[f"{topic}_sentences"] = count
            document[f"{topic}_share"] = count / document["sentences"]
    return list(made.values())


def write_output(
    folder: Path,
    parts: Sequence[Sequence[Row]],
    *,
    schema: Schema = SCHEMA,
    level: str = "sentence",
    form: str = "parquet",
    finished: bool = True,
    rejected: int = 0,
) -> Path:
    (folder / "_framing").mkdir(parents=True)
    (folder / "rejected").mkdir()
    (folder / "data").mkdir()
    plan = {
        "schema": schema.model_dump(mode="json"),
        "level": level,
        "format": form,
        "text_column": "text",
        "model": {"name": "default", "sha256": "ab" * 32},
        "files": [{"chunks": [[0, len(rows), 0, 0] for rows in parts]}],
    }
    (folder / "_framing" / "plan.json").write_text(json.dumps(plan))
    if rejected:
        (folder / "rejected" / "part-00000-00000.jsonl").write_text('{"row": 1}\n' * rejected)
    kinds = pa.Table.from_pylist([row for part in parts for row in part]).schema
    for number, rows in enumerate(parts):
        _write_part(folder / "data" / f"part-00000-{number:05}.{form}", rows, kinds)
    if finished:
        (folder / "_SUCCESS").touch()
    return folder


def _write_part(path: Path, rows: Sequence[Row], kinds: pa.Schema) -> None:
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(list(rows), schema=kinds), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))
    else:
        nested = {field.name for field in kinds if pa.types.is_nested(field.type)}
        flat = [
            {name: json.dumps(value) if name in nested else value for name, value in row.items()}
            for row in rows
        ]
        csv.write_csv(pa.Table.from_pylist(flat), path)

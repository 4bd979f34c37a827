"""Annotated sentences on disk: one record type, one JSON object a line.

A record carries either its text or, for text that is not ours to store, the
SHA-256 of it (*standoff*); :mod:`framing.labels.corpora` joins the text again.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from framing.labels.errors import LabelsError
from framing.labels.schema import ABSENT, Schema

PROVENANCES = ("seed", "real", "authored")
"""Articles given to the project, third-party corpora, text written for it."""

PACKAGED = (
    "seeds",
    "authored",
    "reports",
    "analyses",
    "coverage",
    "contrasts",
    "articles",
    "real",
    "real_more",
    "real_pool",
    "real_rest",
    "behaviour",
    "held_out",
)
"""The annotated files that come with the package, by name."""

MEASURING = ("behaviour", "held_out")
"""Those of them that measure, and that no shipped model learns from."""

CHOSEN_BY = ("model", "chance")
"""Why a sentence was suggested: a model learns from it the most, or it was drawn at random."""

OPTIONAL = {
    **{"text": None, "sha256": None, "n": None, "sure": True, "soft": None},
    "chosen_by": None,
}
"""Fields of a record that a file need not have, and their defaults."""

REQUIRED = frozenset({"id", "source", "document", "labels", "provenance", "annotator"})
"""Fields of a record that a file must have."""


@dataclass(frozen=True, slots=True)
class Record:
    """One annotated sentence.

    Attributes:
        id: Of the sentence; unique within a file for each annotator.
        source: The corpus that the sentence is from, for example ``fa-kes``.
        document: The document within the source; splits never cut through one.
        labels: ``{topic: stance}``; empty where the sentence has no topic.
        provenance: One of :data:`PROVENANCES`.
        annotator: Who labelled it, for example ``adjudicated``.
        text: The sentence, or ``None`` in a standoff record.
        sha256: Hex SHA-256 of the UTF-8 text; required where there is no text.
        n: Position of the sentence in the document, where it is known.
        sure: ``False`` where the annotator had serious doubts.
        soft: ``{topic: {class: share of the annotators}}`` for the topics on which several
            annotators differ, ``absent`` among the classes; of all others, ``labels`` is certain.
        chosen_by: One of :data:`CHOSEN_BY` for a sentence that ``framing suggest`` chose; only
            those by ``chance`` can measure a model.
    """

    id: str
    source: str
    document: str
    labels: dict[str, str]
    provenance: str
    annotator: str
    text: str | None = None
    sha256: str | None = None
    n: int | None = None
    sure: bool = True
    soft: dict[str, dict[str, float]] | None = None
    chosen_by: str | None = None

    @property
    def group(self) -> str:
        """Names the document across sources; the unit that splits keep whole."""
        return f"{self.source}/{self.document}"


def sentence_hash(text: str) -> str:
    """Hex SHA-256 of the UTF-8 bytes of a sentence, exactly as it stands."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def packaged_path(name: str) -> Path:
    """Where the annotated file ``name`` (one of :data:`PACKAGED`) lies."""
    if name not in PACKAGED:
        raise LabelsError(f"no packaged labels {name!r}; there are {', '.join(PACKAGED)}")
    return Path(str(resources.files(__package__) / f"{name}.jsonl"))


def read_records(path: str | Path, schema: Schema) -> list[Record]:
    """Read and check a JSON Lines file of records.

    Raises:
        LabelsError: The file cannot be read, or a line is not a valid record;
            the message names file, line and value.
    """
    records: list[Record] = []
    first_seen: dict[tuple[str, str], int] = {}
    for number, content in json_lines(Path(path)):
        where = f"{path}, line {number}"
        record = _record(content, schema, where)
        key = record.id, record.annotator
        if key in first_seen:
            raise LabelsError(
                f"{where}: id {record.id!r} is already on line {first_seen[key]}, "
                "by the same annotator"
            )
        first_seen[key] = number
        records.append(record)
    if not records:
        raise LabelsError(f"{path}: holds no records")
    return records


def write_records(records: Iterable[Record], path: str | Path) -> None:
    """Write records as JSON Lines; fields that hold their default are left out."""
    lines = [json.dumps(fields_of(record), ensure_ascii=False) + "\n" for record in records]
    Path(path).write_text("".join(lines), encoding="utf-8")


def fields_of(record: Record) -> dict[str, Any]:
    """The fields of a record as JSON has them, without those that hold their default."""
    fields = asdict(record)
    return {k: v for k, v in fields.items() if k not in OPTIONAL or v != OPTIONAL[k]}


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Number and content of every line of JSON Lines; empty lines are passed over.

    Raises:
        LabelsError: The file cannot be read, or a line is not JSON in UTF-8.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _parsed(line, f"{path}, line {number}")
    except OSError as error:
        raise LabelsError(f"{path}: cannot be read: {error.strerror}") from error


def _parsed(line: bytes, where: str) -> Any:
    try:
        return json.loads(line, object_pairs_hook=_distinct)
    except LabelsError as error:
        raise LabelsError(f"{where}: {error}") from error
    except RecursionError as error:
        raise LabelsError(f"{where}: is nested too deep") from error
    except UnicodeDecodeError as error:
        raise LabelsError(f"{where}: is not UTF-8: {error.reason}") from error
    except json.JSONDecodeError as error:
        raise LabelsError(f"{where}: is not valid JSON: {error.msg}") from error
    except ValueError as error:  # a whole number of more digits than Python converts
        raise LabelsError(f"{where}: {error}") from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands twice, of which JSON would take the last without a word."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise LabelsError(f"the key {double!r} stands twice in one object; leave one")
    return found


_TYPES: dict[str, type] = {
    "id": str,
    "source": str,
    "document": str,
    "labels": dict,
    "provenance": str,
    "annotator": str,
    "text": str,
    "sha256": str,
    "n": int,
    "sure": bool,
    "soft": dict,
    "chosen_by": str,
}


def _record(content: Any, schema: Schema, where: str) -> Record:
    if not isinstance(content, dict):
        raise LabelsError(f"{where}: expected a JSON object, got {str(content)[:60]!r}")
    unknown = sorted(set(content) - set(_TYPES))
    if unknown:
        raise LabelsError(f"{where}: unknown field {unknown[0]!r}; fields are {', '.join(_TYPES)}")
    for name, kind in _TYPES.items():
        value = content.get(name)
        if name in OPTIONAL and content.get(name, OPTIONAL[name]) is OPTIONAL[name]:
            continue
        if name not in content:
            raise LabelsError(f"{where}: the field {name!r} is missing")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise LabelsError(f"{where}: {name} must be {kind.__name__}, got {value!r}")
    problem = (
        schema.problem_in(content["labels"])
        or _problem_in_text(content)
        or problem_in_soft(content["labels"], content.get("soft"), schema)
    )
    if content.get("chosen_by") not in (None, *CHOSEN_BY):
        problem = f"chosen_by {content['chosen_by']!r} is not one of {', '.join(CHOSEN_BY)}"
    if content["provenance"] not in PROVENANCES:
        problem = f"provenance {content['provenance']!r} is not one of {', '.join(PROVENANCES)}"
    if problem:
        other = isinstance(content["labels"], dict) and not (
            content["labels"].keys() <= set(schema.topic_names)
        )
        raise LabelsError(f"{where}: {problem}", other_topics=other)
    return Record(**content)


def _problem_in_text(content: dict[str, Any]) -> str | None:
    text, sha256 = content.get("text"), content.get("sha256")
    if text is None and sha256 is None:
        return "needs 'text', or 'sha256' of a text that is stored elsewhere"
    if text is not None and not text.strip():
        return "text is empty"
    if text is not None and sha256 is not None and sentence_hash(text) != sha256:
        return f"sha256 {sha256[:12]}… is not that of the text"
    return None


def problem_in_soft(
    labels: Mapping[str, str], soft: Mapping[str, object] | None, schema: Schema
) -> str | None:
    """Say what is wrong with the shares of a record with these labels, or ``None``."""
    for topic, shares in (soft or {}).items():
        if topic not in schema.topic_names:
            return f"soft: unknown topic {topic!r}; the schema has {', '.join(schema.topic_names)}"
        label = labels.get(topic, ABSENT)
        problem = _problem_in_shares(shares, label, schema.classes_of(topic))
        if problem:
            return f"soft: {topic}: {problem}"
    return None


def _problem_in_shares(shares: object, label: str, classes: Sequence[str]) -> str | None:
    if not isinstance(shares, dict):
        return f"must be an object like {{class: share}}, got {shares!r}"
    for name, share in shares.items():
        if name not in classes:
            return f"unknown class {name!r}; there are {', '.join(classes)}"
        is_number = isinstance(share, int | float) and not isinstance(share, bool)
        if not is_number or not 0 <= share <= 1:
            return f"the share of {name} must be in [0, 1], got {share!r}"
    if not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        return f"the shares sum to {sum(shares.values()):.6g}, not to 1"
    if not shares.get(label):
        return f"the label is {label}, which has no share"
    return None

"""Ids and documents of sentences whose file names none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from framing.labels.records import sentence_hash

Values = dict[str, Any]
"""Record field to value; ``None`` where the cell was unusable."""

_NUMBERED = re.compile(r"(.+?)[-_./:#]0*(\d+)", re.DOTALL)
_HELD_OUT = "evaluation holds out whole documents and would flatter the model"


def sentence_of(values: Values) -> str:
    """The text, or where there is none its hash: the same for every annotator."""
    text: str = values.get("text") or values.get("sha256") or ""
    return text.strip()


def record_key(values: Values) -> tuple[object, ...]:
    """What makes rows of a long table one record."""
    if values.get("id") is not None:
        return values["id"], values["annotator"]
    return sentence_key(values)


def sentence_key(values: Values) -> tuple[object, ...]:
    """What makes rows of a long table one annotator's sentence where there is no id."""
    return values["source"], values.get("document"), sentence_of(values), values["annotator"]


def make_ids(drafts: Sequence[Values]) -> list[str]:
    """Give ids made of source, document and text, whatever annotator and order; return warnings."""
    count: Counter[tuple[str, str]] = Counter()
    for values in drafts:
        if values.get("id") is not None:
            continue
        parts = (values["source"], values.get("document"), sentence_of(values))
        name = sentence_hash("\0".join(map(str, parts)))[:16]
        key = name, values["annotator"]
        count[key] += 1
        values["id"] = name if count[key] == 1 else f"{name}-{count[key]}"
    made = sum(count.values())
    return [f"{made} records have no id; theirs are made of document and text"] if made else []


def make_documents(drafts: Sequence[Values], *, has_ids: bool) -> list[str]:
    """Give documents: those that the ids tell of, else one per sentence; return warnings."""
    names = list(dict.fromkeys(values["id"] for values in drafts))
    found = _documents_in(names) if has_ids else {}
    first: dict[str, str] = {}
    for values in drafts:
        # The same words twice are one document, or a test would find its answer in training.
        own = first.setdefault(sentence_of(values), values["id"])
        values["document"] = found.get(values["id"], own)
    if found:
        return [
            f"no column for the document: took {len(set(found.values()))} documents from the ids "
            f"({names[0]!r} is of {found[names[0]]!r}); if they are others, {_HELD_OUT}: "
            "name the column of the document"
        ]
    return [
        "no column for the document: every sentence counts as its own; if several are of one "
        f"document, {_HELD_OUT}: name the column of the document"
    ]


def ids_of_several_sentences(drafts: Sequence[Values]) -> list[str]:
    """Warn where annotators have different sentences under one id."""
    first: dict[str, str] = {}
    others = [
        values["id"]
        for values in drafts
        if first.setdefault(values["id"], sentence_of(values)) != sentence_of(values)
    ]
    if not others:
        return []
    return [
        f"{len(others)} ids stand for different sentences of different annotators, "
        f"the first is {others[0]!r}; agreement is measured by id"
    ]


def _documents_in(names: Sequence[str]) -> dict[str, str]:
    """``{id: document}`` of ids like ``a-1, a-2, b-1``; empty if they do not tell.

    Numbers must rise within a document, and there must be several documents,
    one of them with several sentences.
    """
    found: dict[str, str] = {}
    last: dict[str, int] = {}
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if match is None or int(match[2]) <= last.get(match[1], -1):
            return {}
        found[name], last[match[1]] = match[1], int(match[2])
    return found if 1 < len(last) < len(names) else {}

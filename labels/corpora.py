"""Join the text of standoff records from corpora on this machine.

A corpus folder holds ``*.jsonl`` files with a ``text`` field, one sentence a
line. Text is found by its SHA-256 alone, so how a folder is organised does not
matter, and a sentence that differs by one character is never mistaken.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from framing.labels.errors import CorpusError, LabelsError
from framing.labels.records import Record, json_lines, sentence_hash

CORPORA_VARIABLE = "FRAMING_CORPORA"
"""Environment variable that names the folder of corpora."""

_HELP = (
    f"Give their folder by --corpora or {CORPORA_VARIABLE}, or leave these records out by "
    "'--without real' (labels/README.md says where the corpora come from)"
)


def find_corpora(
    folder: str | Path | None = None, candidates: Sequence[str | Path] = ()
) -> Path | None:
    """The folder given, else that of the environment, else the first candidate there is.

    Raises:
        CorpusError: A folder was asked for, and it is not there.
    """
    asked = folder if folder is not None else os.environ.get(CORPORA_VARIABLE) or None
    if asked is not None:
        if not Path(asked).is_dir():
            raise CorpusError(f"{asked}: no such folder of corpora")
        return Path(asked)
    return next((Path(path) for path in candidates if Path(path).is_dir()), None)


def join_texts(records: Sequence[Record], folder: Path | None) -> list[Record]:
    """Give every standoff record its text; records that have one stay as they are.

    Raises:
        CorpusError: There is no folder, one of its files cannot be read, or it
            lacks the text of some records; the message counts them by source.
    """
    wanted = {r.sha256 for r in records if r.text is None and r.sha256 is not None}
    if not wanted:
        return list(records)
    missing = Counter(r.source for r in records if r.text is None)
    if folder is None:
        raise CorpusError(f"the text of {_listed(missing)} is not stored here. {_HELP}")
    texts = _texts(folder, wanted)
    missing = Counter(r.source for r in records if r.text is None and r.sha256 not in texts)
    if missing:
        raise CorpusError(f"{folder}: lacks the text of {_listed(missing)}. {_HELP}")
    return [r if r.text is not None else replace(r, text=texts[r.sha256 or ""]) for r in records]


def _texts(folder: Path, wanted: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        for path in sorted(folder.rglob("*.jsonl")):
            for _, content in json_lines(path):
                text = content.get("text") if isinstance(content, dict) else None
                if isinstance(text, str) and (digest := sentence_hash(text)) in wanted:
                    found[digest] = text
    except LabelsError as error:
        raise CorpusError(str(error)) from error
    return found


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {source} sentences" for source, count in sorted(counts.items()))

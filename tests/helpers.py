"""Paths and small makers that several test modules use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from framing.labels.records import Record

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
BACKBONE = Path(__file__).parent / "data" / "tiny_backbone"
MAX_TOKENS = 32

SENTENCES = (
    ("Russia will keep its base at Tartus.", {"military_bases": "favor"}),
    ("The last troops left the airfield.", {"military_bases": "against"}),
    ("Doha will pay for the power plants.", {"reconstruction": "favor"}),
    ("Damascus wants Assad extradited.", {"asylum": "against"}),
    ("Israeli jets struck near Homs.", {"sovereignty": "against"}),
    ("The two ministers met for an hour.", {}),
)


def make_records(count: int, *, per_document: int = 2) -> list[Record]:
    result = []
    for number in range(count):
        text, labels = SENTENCES[number % len(SENTENCES)]
        result.append(
            Record(
                id=str(number),
                source=("wire", "blog")[number // per_document % 2],
                document=f"d{number // per_document}",
                labels=dict(labels),
                provenance="authored",
                annotator="test",
                text=f"{text[:-1]}, item {number}.",
            )
        )
    return result


def write_lines(path: Path, lines: Sequence[object]) -> Path:
    """JSON Lines; a string is written as it stands."""
    path.write_text(
        "".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines),
        encoding="utf-8",
    )
    return path

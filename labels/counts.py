"""Count labels per topic, stance and provenance: the tables of both cards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from framing.labels.records import PROVENANCES, Record
from framing.labels.schema import Schema


def label_counts(records: Iterable[Record]) -> Counter[tuple[str, str, str]]:
    """How many records carry each ``(topic, stance, provenance)``."""
    return Counter(
        (topic, stance, record.provenance)
        for record in records
        for topic, stance in record.labels.items()
    )


def counts_table(records: Iterable[Record], schema: Schema) -> str:
    """A Markdown table of label counts, ``/``-separated in the schema's stance order."""
    records = list(records)
    counts = label_counts(records)
    order = " / ".join(schema.stance_names)
    lines = [
        f"| {order} | " + " | ".join(PROVENANCES) + " |",
        "| --- |" + " ---: |" * len(PROVENANCES),
    ]
    for topic in schema.topic_names:
        cells = [
            " / ".join(str(counts[topic, stance, provenance]) for stance in schema.stance_names)
            for provenance in PROVENANCES
        ]
        lines.append(f"| {topic} | " + " | ".join(cells) + " |")
    for title, chosen in (
        ("no topic", [r for r in records if not r.labels]),
        ("all sentences", records),
    ):
        sizes = Counter(r.provenance for r in chosen)
        lines.append(f"| {title} | " + " | ".join(str(sizes[p]) for p in PROVENANCES) + " |")
    return "\n".join(lines)

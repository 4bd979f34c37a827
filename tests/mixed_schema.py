"""A schema whose topics differ in their stances: for and against, a scale, and a topic alone."""

from __future__ import annotations

from framing.labels.schema import parse_schema

_STANCES = {
    "trade": ["against", "favor", "neutral"],  # not in the schema's order
    "taxes": ["against", "neutral", "favor", "strongly_favor"],
    "crime": ["mentioned"],
}
_NAMES = ("against", "neutral", "favor", "strongly_favor", "mentioned")

MIXED = parse_schema(
    {
        "topics": [
            {"name": name, "title": name.title(), "definition": f"On {name}.", "stances": own}
            | ({"target": f"There is {name}."} if len(own) > 1 else {})
            for name, own in _STANCES.items()
        ],
        "stances": [{"name": name, "definition": f"It is {name}."} for name in _NAMES],
    },
    where="tests",
)

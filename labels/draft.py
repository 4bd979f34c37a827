"""Draft a schema from the topics and stances of a labelled file, for a person to finish."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from framing.labels.schema import ABSENT, MENTIONED, NO_TARGET, Schema, parse_schema

FILL_IN = "FILL IN"
"""What a text of a draft starts with where a person has to write."""

_TOPIC = f"{FILL_IN}: what a sentence of this topic says, and what does not count"
_TARGET = f"{FILL_IN}: the proposition that stances are towards, such as: Taxes are raised."
_STANCE = f"{FILL_IN}: when a sentence takes this stance towards the target of its topic"
_MENTIONED = f"{FILL_IN}: when a sentence counts as being about its topic"

_HEAD = """\
# Topics and stances, drafted by `framing schema init`. Replace every text that starts
# with "FILL IN", and ask `framing schema check` what is left. The order is that of the
# model's outputs: change it before you train, and after that only append.
"""
_TOPICS_HEAD = """
# What a sentence can be about:
#   name        in labels and results: a to z, 0 to 9 and _, a letter first
#   title       for people; a spreadsheet may have it as heading
#   definition  what a sentence of the topic says, for those who label
#   target      the proposition that stances are for or against; a topic with only one
#               stance needs none
#   stances     which of the stances below apply to the topic; without this key, all do
topics:
"""
_STANCES_HEAD = """
# How a sentence can stand towards its topic's target:
#   name        in labels and results, as above
#   title       what people call it; only where that is not the name
#   definition  when a sentence takes the stance, for those who label
# "absent", for a sentence that is not about the topic, needs no entry.
stances:
"""
_NO_STANCES = """
# There is no key "stances": a sentence is about a topic, or it is not. In labels, the
# one stance is called "mentioned".
"""


def draft_schema(found: Mapping[str, Collection[str]]) -> Schema:
    """A schema with placeholders for what a file of labels cannot say.

    Args:
        found: Topics with their stances, spelled as people do, or also with the number of
            times. Names are made of the spellings; of several, the most frequent is kept as
            title. Topics stay in their order. Stances are sorted by what the words say (favor,
            against, neutral; a scale from its lower end; numbers), else those of most topics
            first. A topic without any is left out.

    Raises:
        SchemaError: No topic is left.
    """
    counts = Counter(s for stances in found.values() for s in set(stances) if _is_stance(s))
    often = _frequencies(found)
    topics = _names((t for t, own in found.items() if counts.keys() & set(own)), kind="topic")
    stances = _names(_in_order(counts), kind="stance")
    every = list(dict.fromkeys(stances.values()))
    merged: dict[str, set[str]] = {}
    for topic, name in topics.items():
        own = {stances[stance] for stance in found[topic] if stance in stances}
        merged[name] = merged.get(name, set()) | own
    titles = _titles(topics, {topic: sum(own.values()) for topic, own in often.items()})
    content: dict[str, Any] = {
        "topics": [
            _topic(name, titles[name], [stance for stance in every if stance in names], every)
            for name, names in merged.items()
        ]
    }
    if every not in ([], [MENTIONED]):
        called = _titles(stances, sum(often.values(), Counter()))
        content["stances"] = [_stance(name, called[name]) for name in every]
    return parse_schema(content, where="draft")


def schema_yaml(schema: Schema) -> str:
    """The schema as a commented YAML file, which :func:`load_schema` reads as the same."""
    topics = [topic.model_dump(mode="json") for topic in schema.topics]
    parts = [_HEAD, _TOPICS_HEAD, *map(_entry, topics)]
    if schema.stance_names == (MENTIONED,):
        return "".join([*parts, _NO_STANCES])
    stances = [stance.model_dump(mode="json") for stance in schema.stances]
    return "".join([*parts, _STANCES_HEAD, *map(_entry, stances)])


def unfinished(schema: Schema) -> tuple[str, ...]:
    """The texts that still are placeholders, such as ``target of the topic trade``."""
    return tuple(
        f"{key} of the {kind} {entry.name}"
        for kind, entries in (("topic", schema.topics), ("stance", schema.stances))
        for entry in entries
        for key, value in entry.model_dump().items()
        if isinstance(value, str) and value.startswith(FILL_IN)
    )


def _frequencies(found: Mapping[str, Collection[str]]) -> dict[str, Counter[str]]:
    """How often each spelling stands there; once where nobody counted."""
    counts = {t: own if isinstance(own, Mapping) else set(own) for t, own in found.items()}
    return {topic: Counter(own) for topic, own in counts.items()}


def _titles(names: Mapping[str, str], often: Mapping[str, int]) -> dict[str, str]:
    """``{name: title}``: the most frequent spelling, of equally frequent ones the first."""
    titles: dict[str, str] = {}
    for spelling, name in names.items():
        if name not in titles or often[spelling] > often[titles[name]]:
            titles[name] = spelling
    return titles


def _topic(name: str, title: str, own: list[str], every: list[str]) -> dict[str, Any]:
    topic: dict[str, Any] = {"name": name, "title": title, "definition": _TOPIC}
    if len(own) > 1:
        topic["target"] = _TARGET
    return {**topic, "stances": own} if own != every else topic


def _stance(name: str, title: str) -> dict[str, str]:
    stance = {"name": name, "definition": _MENTIONED if name == MENTIONED else _STANCE}
    return stance if title == name else {**stance, "title": title}


def _is_stance(spelling: str) -> bool:
    return _slug(spelling) != ABSENT


def _names(spellings: Iterable[str], *, kind: str) -> dict[str, str]:
    """``{spelling: name}``; spellings that differ by case or spacing alone share a name."""
    found: dict[str, str] = {}
    by_words: dict[str, str] = {}
    for spelling in spellings:
        words = " ".join(re.split(r"[\s_]+", spelling.strip(" _").casefold()))
        if words not in by_words:
            name = first = _slug(spelling) or kind
            if not first[0].isalpha():
                name = first = f"{kind}_{first}"
            number = 2
            while name in by_words.values():
                name, number = f"{first}_{number}", number + 1
            by_words[words] = name
        found[spelling] = by_words[words]
    return found


_LETTERS = str.maketrans({"æ": "ae", "ø": "o", "œ": "oe", "đ": "d", "ł": "l", "ı": "i"})
_SIGNS = {"-": "minus ", "\N{MINUS SIGN}": "minus ", "+": "plus "}


def _slug(spelling: str) -> str:
    """Lower-case ASCII words joined by ``_``; empty where there are none."""
    text = spelling.strip()
    if text[:1] in _SIGNS and text[1:2].isdigit():
        text = _SIGNS[text[0]] + text[1:]
    text = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    text = "".join(char for char in text if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:50].rstrip("_")


_SIDES = {
    **dict.fromkeys(("favor", "favour", "pro", "for", "support", "supports"), 1),
    **dict.fromkeys(("supportive", "favorable", "favourable", "positive", "agree"), 1),
    **dict.fromkeys(("neutral", "balanced", "mixed", "undecided", "neither"), 0),
    **dict.fromkeys(("against", "anti", "con", "contra", "oppose", "opposes", "opposed"), -1),
    **dict.fromkeys(("unfavorable", "unfavourable", "negative", "disagree"), -1),
}
_GRADES = {"low": -1, "bad": -1, "poor": -1, "medium": 0, "average": 0, "high": 1, "good": 1}
_DEGREES = {
    **dict.fromkeys(("slightly", "somewhat", "weakly", "weak", "mildly", "rather", "partly"), 1),
    **dict.fromkeys(("strongly", "strong", "very", "fully", "completely", "extremely"), 3),
}
_FREQUENCIES = ("never", "rarely", "seldom", "sometimes", "often", "usually", "always")
_FILLERS = {"in", "of", "the", "to", "towards"}


def _in_order(counts: Mapping[str, int]) -> list[str]:
    """Stances as a reader expects them; ``mentioned``, which is of topics alone, comes last."""
    last = [stance for stance in counts if _slug(stance) == MENTIONED]
    rest = sorted(stance for stance in counts if stance not in last)
    for place in (_number, _side, _grade, _frequency):
        places = {stance: place(stance) for stance in rest}
        known = {stance: value for stance, value in places.items() if value is not None}
        if len(known) < len(rest):
            continue
        if place is _side and {abs(value) for value in known.values()} <= {0, 2}:
            # No scale: the order of the field, and that of the shipped model.
            return [*sorted(rest, key=lambda s: (known[s] == 0, -known[s])), *last]
        return [*sorted(rest, key=known.__getitem__), *last]
    return [*sorted(rest, key=lambda stance: -counts[stance]), *last]


def _number(stance: str) -> float | None:
    text = stance.strip().replace("\N{MINUS SIGN}", "-")
    return float(text) if re.fullmatch(r"[+-]?\d+(\.\d+)?", text) else None


def _side(stance: str) -> float | None:
    return _on_scale(stance, _SIDES)


def _grade(stance: str) -> float | None:
    return _on_scale(stance, _GRADES)


def _frequency(stance: str) -> float | None:
    words = _slug(stance)
    return float(_FREQUENCIES.index(words)) if words in _FREQUENCIES else None


def _on_scale(stance: str, sides: Mapping[str, int]) -> float | None:
    """Side times degree (2 where no word says how much), or ``None`` for other words."""
    words = [word for word in _slug(stance).split("_") if word not in _FILLERS]
    side = [sides[word] for word in words if word in sides]
    degree = [_DEGREES[word] for word in words if word in _DEGREES]
    if len(side) != 1 or len(degree) > 1 or len(words) > 1 + len(degree):
        return None
    return float(side[0] * (degree[0] if degree else 2))


def _entry(fields: Mapping[str, object]) -> str:
    lines = [
        line for key, value in fields.items() if value != NO_TARGET for line in _yaml(key, value)
    ]
    return "".join(f"  {'-' if index == 0 else ' '} {line}\n" for index, line in enumerate(lines))


def _yaml(key: str, value: object) -> list[str]:
    import yaml

    if isinstance(value, list):
        return [f"{key}: {yaml.safe_dump(value, default_flow_style=True, width=10**6).strip()}"]
    if key in ("definition", "target"):
        # A block, so that whoever writes over it need not think of quotes and colons.
        words = textwrap.wrap(str(value), 80, break_long_words=False, break_on_hyphens=False)
        if " ".join(words) == value and value.isprintable():
            return [f"{key}: >-", *(f"  {line}" for line in words)]
    text: str = yaml.safe_dump({key: value}, allow_unicode=True, width=88)
    return text.splitlines()

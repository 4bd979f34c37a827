"""Find the topic and the stance that a cell means, however it is spelled."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from framing.labels.schema import ABSENT, Schema

_STANCE_SYNONYMS = (
    frozenset(
        {"favor", "favour", "favorable", "favourable", "infavor", "infavour", "pro", "for"}
        | {"support", "supports", "supportive", "positive", "dafür"}
    ),
    frozenset(
        {"against", "anti", "con", "contra", "oppose", "opposes", "opposed", "opposing"}
        | {"unfavorable", "unfavourable", "negative", "dagegen"}
    ),
    frozenset({"neutral", "neutrally", "balanced"}),
)
_ABSENT_SYNONYMS = frozenset({"na", "notmentioned", "nomention", "notpresent"})
_YES = frozenset({"x", "1", "yes", "true", "ja", "wahr"})
_NO = frozenset({"0", "no", "false", "nein", "falsch"})


@lru_cache(maxsize=4096)  # headings and stances stand in every row
def plain(text: str) -> str:
    """Letters and digits alone, in one case: ``Military Bases`` is ``military_bases``."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())


class Vocabulary:
    """The topics and stances of a schema, by name, title, alias and synonym."""

    def __init__(self, schema: Schema, aliases: Mapping[str, str] | None = None) -> None:
        """Take the schema, and ``{other spelling: topic name}`` for spellings of the user's."""
        self.schema = schema
        self._aliases = dict(aliases or {})
        self._topics = _unambiguous(
            (spelling, topic.name)
            for topic in schema.topics
            for spelling in (topic.name, topic.title, f"topic {topic.name}")
        )
        self._stances = {topic: _stances(schema, topic) for topic in schema.topic_names}
        self._any_stance = set().union(*self._stances.values())

    def topic(self, spelling: str) -> str | None:
        """The topic's name, or ``None`` where the schema has none of that spelling."""
        spelling = spelling.strip()
        if spelling in self._aliases:
            return self._aliases[spelling]
        if spelling in self.schema.topic_names:
            return spelling
        return self._topics.get(plain(spelling))

    def stance(self, spelling: str, topic: str) -> str | None:
        """The stance's name, ``absent``, or ``None`` for one that the topic does not have."""
        spelling = spelling.strip()
        if spelling in self.schema.classes_of(topic):
            return spelling
        return self._stances[topic].get(plain(spelling))

    def is_stance(self, spelling: str) -> bool:
        """Whether any topic has such a stance."""
        return plain(spelling) in self._any_stance

    def pair(self, spelling: str) -> tuple[str, str] | None:
        """Topic and stance of a string like ``topic: stance``, with any separator."""
        found: dict[tuple[str, str], None] = {}
        for cut in re.finditer(r"[\W_]+", spelling):
            topic = self.topic(spelling[: cut.start()])
            if (
                topic is not None
                and (stance := self.stance(spelling[cut.end() :], topic)) is not None
            ):
                found[topic, stance] = None
        return next(iter(found)) if len(found) == 1 else None


def _stances(schema: Schema, topic: str) -> dict[str, str]:
    """``{plain spelling: class}`` for a topic; a synonym only where one stance can be meant."""
    own = [stance for stance in schema.stances if stance.name in schema.stances_of(topic)]
    found: dict[str, str] = dict.fromkeys(_ABSENT_SYNONYMS, ABSENT)
    if len(own) == 1:  # the topic is there or it is not
        found |= {**dict.fromkeys(_YES, own[0].name), **dict.fromkeys(_NO, ABSENT)}
    for group in _STANCE_SYNONYMS:
        meant = [stance.name for stance in own if plain(stance.name) in group]
        if len(meant) == 1:
            found |= dict.fromkeys(group, meant[0])
    titles = ((stance.title or stance.name, stance.name) for stance in own)
    names = ((name, name) for name in schema.classes_of(topic))
    return found | _unambiguous((*titles, *names))


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """``{plain spelling: name}`` without the spellings of several names."""
    names: dict[str, set[str]] = {}
    for spelling, name in pairs:
        names.setdefault(plain(spelling), set()).add(name)
    return {spelling: found.pop() for spelling, found in names.items() if len(found) == 1}

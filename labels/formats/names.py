"""Find the topic and the stance that a cell means, however it is spelled."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from framing.labels.schema import ABSENT, Schema, StanceLabel, Topic

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
_ABSENT = frozenset({ABSENT, "na", "notmentioned", "nomention", "notpresent"})
_YES = frozenset({"x", "1", "yes", "true", "ja", "wahr"})
_NO = frozenset({"0", "no", "false", "nein", "falsch"})


# One separator as a rule, so that the sign in "taxes: -2" is left to the stance.
_BETWEEN = re.compile(r"(?<=[^\W_])[\W_]+?(?=[-+\N{MINUS SIGN}]\d|[-+]$|[^\W_]|$)")
_COLON = re.compile(":")
_NEGATIVE = re.compile(r"[-\N{MINUS SIGN}]\s*[\d.,]+")


@lru_cache(maxsize=4096)  # headings and stances stand in every row
def plain(text: str) -> str:
    """Letters and digits alone, in one case: ``Military Bases`` is ``military_bases``."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())


def means_absent(word: str) -> bool:
    """Whether a word says, whatever the schema, that the topic is not there."""
    return plain(word) in _ABSENT


def is_missing(word: str) -> bool:
    """Whether it is R's ``NA``, which stands in columns of all kinds."""
    return plain(word) == "na"


def says_yes_or_no(words: Iterable[str]) -> bool:
    """Whether all words say that a topic is there or is not, without stance."""
    return all(word.casefold() in _YES | _NO for word in words)  # not plain: -1 is no yes


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
        # As they stand: letters and digits alone do not tell C from C++, or -2 from 2.
        self._topic_titles = _titles(schema.topics)
        self._stance_titles = {
            topic: _titles(s for s in schema.stances if s.name in schema.stances_of(topic))
            for topic in schema.topic_names
        }
        self._stances = {topic: _stances(schema, topic) for topic in schema.topic_names}
        unsaid = (_YES | _NO) - set(map(plain, schema.stance_names))
        self._any_stance = set().union(*self._stances.values()) - unsaid

    def topic(self, spelling: str) -> str | None:
        """The topic's name, or ``None`` where the schema has none of that spelling."""
        spelling = spelling.strip()
        if spelling in self._aliases:
            return self._aliases[spelling]
        if spelling in self.schema.topic_names:
            return spelling
        return self._topic_titles.get(spelling) or self._topics.get(plain(spelling))

    def stance(self, spelling: str, topic: str) -> str | None:
        """The stance's name, ``absent``, or ``None`` for one that the topic does not have."""
        spelling = spelling.strip()
        if spelling in self.schema.classes_of(topic):
            return spelling
        if spelling in self._stance_titles[topic]:
            return self._stance_titles[topic][spelling]
        return None if _NEGATIVE.fullmatch(spelling) else self._stances[topic].get(plain(spelling))

    def is_stance(self, spelling: str) -> bool:
        """Whether any topic has such a stance; a mere yes or no is none."""
        return plain(spelling) in self._any_stance

    def pair(self, spelling: str) -> tuple[str, str] | None:
        """Topic and stance of a string like ``topic: stance``, with any separator."""
        for separator in (_COLON, _BETWEEN):
            found: dict[tuple[str, str], None] = {}
            for cut in separator.finditer(spelling):
                topic = self.topic(spelling[: cut.start()])
                stance = None if topic is None else self.stance(spelling[cut.end() :], topic)
                if topic is not None and stance is not None:
                    found[topic, stance] = None
            if len(found) == 1:
                return next(iter(found))
        return None


def _stances(schema: Schema, topic: str) -> dict[str, str]:
    """``{plain spelling: class}`` for a topic; a synonym only where one stance can be meant."""
    own = [stance for stance in schema.stances if stance.name in schema.stances_of(topic)]
    found: dict[str, str] = dict.fromkeys(_ABSENT, ABSENT)
    if len(own) == 1:  # the topic is there or it is not
        found |= {**dict.fromkeys(_YES, own[0].name), **dict.fromkeys(_NO, ABSENT)}
    for group in _STANCE_SYNONYMS:
        meant = [stance.name for stance in own if plain(stance.name) in group]
        if len(meant) == 1:
            found |= dict.fromkeys(group, meant[0])
    titles = ((stance.title or stance.name, stance.name) for stance in own)
    names = ((name, name) for name in schema.classes_of(topic))
    return found | _unambiguous((*titles, *names))


def _titles(entries: Iterable[Topic | StanceLabel]) -> dict[str, str]:
    """``{title: name}`` without the titles of several."""
    titles = [(entry.title.strip(), entry.name) for entry in entries if entry.title]
    several = Counter(title for title, _ in titles)
    return {title: name for title, name in titles if several[title] == 1}


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """``{plain spelling: name}`` without the spellings of several names, and of signs alone."""
    names: dict[str, set[str]] = {}
    for spelling, name in pairs:
        names.setdefault(plain(spelling), set()).add(name)
    return {key: found.pop() for key, found in names.items() if key and len(found) == 1}

"""Tell topics and stances from a file alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection

from framing.labels.formats.columns import Columns
from framing.labels.formats.content import Content, is_blank
from framing.labels.formats.names import is_missing, means_absent, says_yes_or_no
from framing.labels.formats.problems import Problems
from framing.labels.formats.tools import SEPARATOR
from framing.labels.formats.values import CellError, as_text
from framing.labels.schema import MENTIONED

_MOST_STANCES = 12
_LONGEST_STANCE = 40  # characters


def labels_in(content: Content, columns: Columns, problems: Problems) -> dict[str, Counter[str]]:
    """``{topic: stances}`` as they are spelled, and how often.

    What the reader takes for absent is no stance. A topic that is answered by yes and no alone
    has the one stance ``mentioned``, of which the reader understands these.
    """
    if content.has_labels:
        found = _stated(content, problems)
    elif columns.long is not None:
        found = _in_rows(content, *columns.long)
    else:
        found = _in_columns(content, columns)
    there = {
        topic: Counter({word: n for word, n in words.items() if not means_absent(word)})
        for topic, words in found.items()
    }
    return {
        topic: Counter({MENTIONED: words.total()}) if says_yes_or_no(words) else words
        for topic, words in there.items()
        if words
    }


def _stated(content: Content, problems: Problems) -> dict[str, Counter[str]]:
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in content.items:
        for label in item.labels:
            topic, stance = label.topic, _spelled(label.stance)
            if stance is None:
                continue
            if topic is None:
                topic, separator, stance = stance.partition(SEPARATOR.strip())
                if not separator:
                    message = "expected 'topic: stance'"
                    column, value = label.column, label.stance
                    problems.add(message, row=item.row, column=column, value=value)
                    continue
            found[str(topic).strip()][stance.strip()] += 1
    return found


def _in_rows(content: Content, topic: str, stance: str) -> dict[str, Counter[str]]:
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in content.items:
        names = _spelled(item.fields.get(topic)), _spelled(item.fields.get(stance))
        if names[0] is not None and names[1] is not None:
            found[names[0]][names[1]] += 1
    return found


def _in_columns(content: Content, columns: Columns) -> dict[str, Counter[str]]:
    names = {heading: topic for topic, heading in columns.topics.items()}
    values: dict[str, Counter[str]] = {}
    for heading in content.headings:
        if heading in columns.fields.values() or (names and heading not in names):
            continue
        cells = [item.fields.get(heading) for item in content.items]
        spelled = Counter(word for cell in cells if (word := _spelled(cell)) is not None)
        words = Counter({word: n for word, n in spelled.items() if not is_missing(word)})
        if names or (words and all(isinstance(c, str) or is_blank(c) for c in cells)):
            values[names.get(heading, heading)] = words
    return values if names else _alike({k: v for k, v in values.items() if _few_words(v)})


def _spelled(cell: object) -> str | None:
    """What a cell says, as the reader takes it, or ``None``: what is wrong with it, that says."""
    try:
        return None if is_blank(cell) else as_text(cell).strip()
    except CellError:
        return None


def _few_words(values: Collection[str]) -> bool:
    return len(values) <= _MOST_STANCES and all(
        len(value) <= _LONGEST_STANCE and any(map(str.isalpha, value)) for value in values
    )


def _alike(values: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    """The largest group of columns that share words, or the largest groups if equal."""
    groups: list[tuple[set[str], list[str]]] = []
    for name, words in values.items():
        sharing = [group for group in groups if group[0] & words.keys()]
        merged = (set().union(words, *(g[0] for g in sharing)), [name])
        for group in sharing:
            merged[1][:0] = group[1]
            groups.remove(group)
        groups.append(merged)
    size = max((len(names) for _, names in groups), default=0)
    largest = {name for _, names in groups if len(names) == size for name in names}
    return {name: words for name, words in values.items() if name in largest}

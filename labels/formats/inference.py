"""Tell topics and stances from a file alone."""

from __future__ import annotations

from collections import defaultdict

from framing.labels.formats.columns import Columns
from framing.labels.formats.content import Content, is_blank
from framing.labels.formats.problems import Problems
from framing.labels.formats.tools import SEPARATOR
from framing.labels.schema import ABSENT

_MOST_STANCES = 12
_LONGEST_STANCE = 40  # characters


def labels_in(content: Content, columns: Columns, problems: Problems) -> dict[str, set[str]]:
    """``{topic: stances}`` as they are spelled; ``absent`` is no stance."""
    if content.has_labels:
        found = _stated(content, problems)
    elif columns.long is not None:
        found = _in_rows(content, *columns.long)
    else:
        found = _in_columns(content, columns)
    return {topic: stances - {ABSENT} for topic, stances in found.items() if stances - {ABSENT}}


def _stated(content: Content, problems: Problems) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for item in content.items:
        for label in item.labels:
            topic, stance = label.topic, str(label.stance)
            if topic is None:
                topic, separator, stance = stance.partition(SEPARATOR.strip())
                if not separator:
                    message = "expected 'topic: stance'"
                    column, value = label.column, label.stance
                    problems.add(message, row=item.row, column=column, value=value)
                    continue
            found[str(topic).strip()].add(stance.strip())
    return found


def _in_rows(content: Content, topic: str, stance: str) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for item in content.items:
        cells = item.fields.get(topic), item.fields.get(stance)
        if not any(map(is_blank, cells)):
            found[str(cells[0]).strip()].add(str(cells[1]).strip())
    return found


def _in_columns(content: Content, columns: Columns) -> dict[str, set[str]]:
    names = {heading: topic for topic, heading in columns.topics.items()}
    values: dict[str, set[str]] = {}
    for heading in content.headings:
        if heading in columns.fields.values() or (names and heading not in names):
            continue
        cells = [item.fields.get(heading) for item in content.items]
        words = {str(cell).strip() for cell in cells if not is_blank(cell)}
        if names or (words and all(isinstance(c, str) or is_blank(c) for c in cells)):
            values[names.get(heading, heading)] = words
    return values if names else _alike({k: v for k, v in values.items() if _few_words(v)})


def _few_words(values: set[str]) -> bool:
    return len(values) <= _MOST_STANCES and all(
        len(value) <= _LONGEST_STANCE and any(map(str.isalpha, value)) for value in values
    )


def _alike(values: dict[str, set[str]]) -> dict[str, set[str]]:
    """The largest group of columns that share words, or the largest groups if equal."""
    groups: list[tuple[set[str], list[str]]] = []
    for name, words in values.items():
        sharing = [group for group in groups if group[0] & words]
        merged = (set().union(words, *(g[0] for g in sharing)), [name])
        for group in sharing:
            merged[1][:0] = group[1]
            groups.remove(group)
        groups.append(merged)
    size = max((len(names) for _, names in groups), default=0)
    largest = {name for _, names in groups if len(names) == size for name in names}
    return {name: words for name, words in values.items() if name in largest}

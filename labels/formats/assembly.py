"""Raw items to checked records: values, labels, ids and documents."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from framing.labels.formats.columns import Columns
from framing.labels.formats.content import BadCell, Content, Item, RawLabel, is_blank
from framing.labels.formats.identity import (
    ids_of_several_sentences,
    make_documents,
    make_ids,
    record_key,
    sentence_key,
)
from framing.labels.formats.names import Vocabulary, plain
from framing.labels.formats.problems import Problems
from framing.labels.formats.values import CellError, as_text, field_value
from framing.labels.records import Record, problem_in_soft, sentence_hash
from framing.labels.schema import ABSENT

UNKNOWN_ANNOTATOR = "unknown"

_SHOWN = 10
"""How many contradictions are told one by one."""
_BETWEEN_STANCES = re.compile(r"[;,/|+&\n]")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a record gets whose row does not say it.

    Attributes:
        source: The corpus.
        annotator: Who labelled; ``None`` where the user did not say.
        provenance: One of :data:`framing.labels.records.PROVENANCES`.
    """

    source: str
    annotator: str | None
    provenance: str


@dataclass(slots=True)
class _Draft:
    row: int
    values: dict[str, Any]
    labels: dict[str, str] = field(default_factory=dict)
    label_rows: dict[str, int] = field(default_factory=dict)


class Assembler:
    """Makes the records of one file; problems and warnings collect on the way."""

    def __init__(
        self, columns: Columns, vocabulary: Vocabulary, defaults: Defaults, problems: Problems
    ) -> None:
        self.warnings: list[str] = []
        self.contradictions: list[str] = []
        self._columns = columns
        self._vocabulary = vocabulary
        self._defaults = defaults
        self._problems = problems
        self._synonyms: Counter[tuple[str, str]] = Counter()

    def records(self, content: Content) -> list[Record]:
        """All records, in the order of the file; only to be used if there are no problems."""
        drafts: list[_Draft] = []
        by_key: dict[tuple[object, ...], _Draft] = {}
        for item in content.items:
            values = self._values(item, exact=content.exact)
            draft = _Draft(item.row, values)
            if self._columns.long is not None and values.keys() & {"text", "sha256", "id"}:
                draft = by_key.setdefault(record_key(values), draft)
            if draft.row == item.row:
                drafts.append(draft)
            else:
                self._compare(draft, item.row, values)
            self._add_labels(draft, item, content)
        if self._columns.long is not None:
            self._note_ids_of_labels(drafts)
        self._name(drafts)
        self._warn_of_spellings(drafts)
        self._warn_of_repeats(drafts)
        self._check_soft(drafts)
        if self._problems:
            return []
        return [Record(labels=draft.labels, **draft.values) for draft in drafts]

    def _values(self, item: Item, *, exact: bool) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, heading in self._columns.fields.items():
            cell = item.fields.get(heading)
            if is_blank(cell):
                continue
            try:
                values[name] = field_value(name, cell)
            except CellError as error:
                values[name] = None  # noted here; not to be called empty, too
                self._problems.add(str(error), row=item.row, column=heading, value=_shown(cell))
        if not exact:
            _trim(values)
        heading = self._columns.fields.get("text", "text")
        if not values.keys() & {"text", "sha256"}:
            self._problems.add("the sentence is empty", row=item.row, column=heading)
        text, sha256 = values.get("text"), values.get("sha256")
        if text is not None and sha256 is not None and sentence_hash(text) != sha256:
            message = "is not the SHA-256 of the text"
            column = self._columns.fields["sha256"]
            self._problems.add(message, row=item.row, column=column, value=sha256)
        if "document" in self._columns.fields and "document" not in values:
            message = "the document is empty; documents are held out as a whole"
            self._problems.add(message, row=item.row, column=self._columns.fields["document"])
        values.setdefault("source", self._defaults.source)
        values.setdefault("provenance", self._defaults.provenance)
        values.setdefault("annotator", self._defaults.annotator or UNKNOWN_ANNOTATOR)
        return values

    def _compare(self, first: _Draft, row: int, values: dict[str, Any]) -> None:
        """Rows of one sentence in a long table say the same of it."""
        why = "is the same sentence, by the same annotator"
        if values.get("id") is not None:
            why = "has the same id"
        for name in self._columns.fields:
            if values.get(name) != first.values.get(name):
                message = f"differs from row {first.row}, which {why}"
                if name == "sure":
                    message += "; a sentence is sure or unsure as a whole"
                column = self._columns.fields[name]
                self._problems.add(message, row=row, column=column, value=values.get(name))

    def _note_ids_of_labels(self, drafts: Sequence[_Draft]) -> None:
        """Ids of labels would make records of one sentence that deny each other's topics."""
        first: dict[tuple[object, ...], _Draft] = {}
        for draft in drafts:
            if draft.values.get("id") is None or not draft.labels:
                continue
            key = (*sentence_key(draft.values), draft.values.get("n"))
            other = first.setdefault(key, draft)
            if not other.labels.keys() & draft.labels.keys():
                message = (
                    f"rows {other.row} and {draft.row} are one sentence with two ids; in a long "
                    "table the id is the sentence's: give it one, or leave the column out"
                )
                column = self._columns.fields["id"]
                self._problems.add(message, row=draft.row, column=column, value=draft.values["id"])

    def _add_labels(self, draft: _Draft, item: Item, content: Content) -> None:
        labels = item.labels if content.has_labels else self._labels_in_columns(item)
        for label in labels:
            if label.stance is None:  # a JSON null: not answered
                continue
            found = self._resolved(item.row, label)
            if found is None or found[1] == ABSENT:
                continue
            topic, stance = found
            if topic in draft.labels:
                there = draft.label_rows[topic]
                where = f"{self._problems.unit} {there}" if there != item.row else "the same place"
                message = f"{topic} has a stance already: {draft.labels[topic]}, in {where}"
                self._problems.add(message, row=item.row, column=label.column, value=label.stance)
                continue
            draft.labels[topic], draft.label_rows[topic] = stance, item.row

    def _labels_in_columns(self, item: Item) -> list[RawLabel]:
        cells = item.fields
        if self._columns.long is None:
            return [
                RawLabel(heading, topic, cells.get(heading))
                for topic, heading in self._columns.topics.items()
                if not is_blank(cells.get(heading))
            ]
        topic_heading, stance_heading = self._columns.long
        topic, stance = cells.get(topic_heading), cells.get(stance_heading)
        if is_blank(topic) and is_blank(stance):
            return []
        if is_blank(topic) or is_blank(stance):
            empty, full = ("topic", "stance") if is_blank(topic) else ("stance", "topic")
            column = topic_heading if is_blank(topic) else stance_heading
            message = f"the {empty} is empty, but there is a {full}"
            self._problems.add(message, row=item.row, column=column)
            return []
        return [RawLabel(stance_heading, topic, stance)]

    def _resolved(self, row: int, label: RawLabel) -> tuple[str, str] | None:
        """Topic and stance by their names, or ``None`` after noting why not."""
        schema = self._vocabulary.schema
        try:
            spelled = as_text(label.stance)
            topic_spelled = None if label.topic is None else as_text(label.topic)
        except CellError as error:
            shown = _shown(label.stance)
            self._problems.add(str(error), row=row, column=label.column, value=shown)
            return None
        if topic_spelled is None:
            pair = self._vocabulary.pair(spelled)
            if pair is not None:
                self._count_synonym(re.split(r"[:=/|]", spelled)[-1].strip(), pair[1])
                return pair
            topic_spelled, _, spelled = spelled.partition(":")
            spelled = spelled.strip()
        topic = self._topic(topic_spelled)
        if topic is None:
            column = label.column if self._columns.long is None else self._columns.long[0]
            message = f"unknown topic; the schema has {', '.join(schema.topic_names)}"
            value = topic_spelled
        else:
            stance = self._vocabulary.stance(spelled, topic)
            if stance is not None:
                self._count_synonym(spelled.strip(), stance)
                return topic, stance
            column, value = label.column, spelled
            parts = [
                self._vocabulary.stance(part, topic) for part in _BETWEEN_STANCES.split(spelled)
            ]
            known = ", ".join(schema.stances_of(topic))
            message = f"unknown stance for {topic}; the schema has {known}"
            if len(parts) > 1 and all(parts):
                message = f"two stances for {topic}; a sentence has one stance per topic"
        self._problems.add(message, row=row, column=column, value=value, other_topics=topic is None)
        return None

    def _topic(self, spelled: str) -> str | None:
        # The columns of a wide table are found already, and are named by topic.
        return spelled if spelled in self._columns.topics else self._vocabulary.topic(spelled)

    def _count_synonym(self, spelled: str, stance: str) -> None:
        if plain(spelled) != plain(stance):
            self._synonyms[spelled, stance] += 1

    def _name(self, drafts: Sequence[_Draft]) -> None:
        """Give ids and documents to those without, and note ids that stand twice."""
        values = [draft.values for draft in drafts]
        has_ids = all(value.get("id") is not None for value in values)
        self.warnings += make_ids(values)
        if "document" not in self._columns.fields:
            self.warnings += make_documents(values, has_ids=has_ids)
        self.warnings += ids_of_several_sentences(values)
        if "annotator" not in self._columns.fields and self._defaults.annotator is None:
            self.warnings.append(
                f"no annotator is named; all labels are by {UNKNOWN_ANNOTATOR!r} "
                "(say who by annotator)"
            )
        seen: dict[tuple[str, str], int] = {}
        for draft in drafts:
            name, annotator = draft.values["id"], draft.values["annotator"]
            if (there := seen.get((name, annotator))) is not None:
                message = (
                    f"this id is in {self._problems.unit} {there} already, "
                    f"by the same annotator ({annotator})"
                )
                column = self._columns.fields.get("id", "id")
                self._problems.add(message, row=draft.row, column=column, value=name)
            seen.setdefault((name, annotator), draft.row)

    def _warn_of_repeats(self, drafts: Iterable[_Draft]) -> None:
        """Tell of sentences that one annotator labelled twice, above all of two labels for one."""
        groups: defaultdict[tuple[object, ...], list[_Draft]] = defaultdict(list)
        for draft in drafts:
            key = (*sentence_key(draft.values), draft.values.get("n"))
            groups[key].append(draft)
        repeated = [alike for alike in groups.values() if len(alike) > 1]
        contradictory = [
            alike for alike in repeated if any(one.labels != alike[0].labels for one in alike)
        ]
        unit = self._problems.unit
        for alike in contradictory[:_SHOWN]:
            said = "; ".join(f"{unit} {one.row}: {_told(one.labels)}" for one in alike)
            self.contradictions.append(
                f"{alike[0].values['annotator']!r} labelled one sentence of document "
                f"{alike[0].values['document']!r} differently ({said}); leave one, or "
                "give two people two names"
            )
        if (more := len(contradictory) - _SHOWN) > 0:
            self.contradictions.append(f"and {more} more sentences labelled twice, differently")
        same = sum(len(alike) - 1 for alike in repeated if alike not in contradictory)
        if same:
            self.warnings.append(
                f"{same} {unit}s repeat a sentence of the same document and annotator, "
                "with the same labels"
            )

    def _check_soft(self, drafts: Iterable[_Draft]) -> None:
        for draft in drafts:
            soft = draft.values.get("soft")
            problem = problem_in_soft(draft.labels, soft, self._vocabulary.schema)
            if problem:
                column = self._columns.fields["soft"]
                self._problems.add(problem, row=draft.row, column=column, value=soft)

    def _warn_of_spellings(self, drafts: Iterable[_Draft]) -> None:
        for (spelled, stance), count in self._synonyms.items():
            self.warnings.append(f"{spelled!r} is taken as {stance!r} ({count} times)")
        for name in ("source", "document", "annotator"):
            spellings: defaultdict[str, set[str]] = defaultdict(set)
            for draft in drafts:
                if isinstance(value := draft.values.get(name), str):
                    spellings[" ".join(value.casefold().split())].add(value)
            for alike in spellings.values():
                if len(alike) > 1:
                    shown = " and ".join(map(repr, sorted(alike)))
                    self.warnings.append(f"{name}s that differ by case or spaces only: {shown}")


def _trim(values: dict[str, Any]) -> None:
    """Take outer white space off, which nobody sees and which would tell two annotators apart.

    A text whose hash is with blanks and all stays as it is: it is to be found again by the hash.
    """
    text, sha256 = values.get("text"), values.get("sha256")
    is_hashed = text is not None and sha256 is not None and sentence_hash(text) == sha256
    for name in ("id", "source", "document", "annotator", *(() if is_hashed else ("text",))):
        if isinstance(value := values.get(name), str):
            values[name] = value.strip()


def _told(labels: dict[str, str]) -> str:
    return ", ".join(f"{topic} {stance}" for topic, stance in labels.items()) or "no topic"


def _shown(cell: object) -> object:
    return cell.value if isinstance(cell, BadCell) else cell

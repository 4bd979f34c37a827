"""Find out which column holds what, from the headings and what the user says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from framing.labels.formats.content import Content
from framing.labels.formats.names import Vocabulary, plain
from framing.labels.formats.problems import Problems

TOPIC, STANCE = "topic", "stance"
_OF_ROW = "rowid"

# Plain spellings by record field, the best first: of "document" and "url" in
# one file, the first is the document. record_id is what we write for tools
# that keep an "id" of their own.
_HEADINGS: dict[str, tuple[str, ...]] = {
    "id": ("recordid", "id", "sentenceid", "satzid", "textid", _OF_ROW),
    "text": ("text", "sentence", "sentencetext", "satz", "phrase", "frase", "quote", "content"),
    "source": (
        *("source", "corpus", "quelle", "outlet", "newspaper", "zeitung", "medium"),
        "publication",
    ),
    "document": (
        *("document", "documentid", "doc", "docid", "article", "articleid", "dokument"),
        *("artikel", "artikelid", "url", "link", "filename", "file"),
    ),
    "annotator": (
        *("annotator", "annotatorid", "coder", "coderid", "rater", "labeler", "labeller"),
        *("annotatedby", "codierer", "kodierer", "codiererin", "kodiererin"),
    ),
    "provenance": ("provenance",),
    "n": ("n", "sentenceindex", "sentencenumber", "satznummer"),
    "sure": ("sure", "certain", "sicher"),
    "sha256": ("sha256",),
    "soft": ("soft", "softlabels"),
    "chosen_by": ("chosenby",),
    TOPIC: ("topic", "thema", "issue"),
    STANCE: ("stance", "haltung", "position", "label"),
}
FIELDS = tuple(name for name in _HEADINGS if name not in (TOPIC, STANCE))
_OWN = frozenset({*(plain(name) for name in _HEADINGS), "recordid"})


def topic_heading(topic: str) -> str:
    """The heading that we write for a topic; apart from those of the record's fields."""
    return f"topic-{topic}" if plain(topic) in _OWN else topic


@dataclass(frozen=True, slots=True)
class Columns:
    """Which heading stands for what.

    Attributes:
        fields: Record field to heading.
        topics: Topic to heading, where each topic has its column (wide).
        long: The headings of topic and stance, where each label has its row (long).
    """

    fields: dict[str, str]
    topics: dict[str, str]
    long: tuple[str, str] | None = None

    def named(self) -> dict[str, str]:
        """Everything in one mapping, for people."""
        topics = {topic_heading(topic): heading for topic, heading in self.topics.items()}
        long = dict(zip((TOPIC, STANCE), self.long, strict=True)) if self.long else {}
        return {**self.fields, **topics, **long}


class Finder:
    """Knows the schema and the user's wishes, and finds columns by them."""

    def __init__(
        self,
        vocabulary: Vocabulary | None,
        fields: Mapping[str, str],
        topics: Mapping[str, str],
        *,
        long: bool | None = None,
        sheet: str | None = None,
    ) -> None:
        """Take headings by field and by topic, the layout (``None``: find out), the sheet."""
        self.vocabulary = vocabulary
        self.sheet = sheet
        self._fields = dict(fields)
        self._topics = dict(topics)
        self._long = long

    def score(self, headings: Sequence[str]) -> int:
        """How much of a row of headings is known; 0 where it cannot be one."""
        found = self.match(headings)
        if not {"text", "sha256"} & set(found.fields):
            return 0
        return len(found.fields) + len(found.topics) + 2 * (found.long is not None)

    def fits(self, headings: Sequence[str]) -> bool:
        """Whether sentences and labels can be read under these headings."""
        found = self.match(headings)
        labels = bool(found.topics) or found.long is not None or self.vocabulary is None
        return labels and self.score(headings) > 0

    def match(self, headings: Sequence[str]) -> Columns:
        """The columns that these headings have, wanted or not."""
        asked = _present(self._fields, headings)
        fields, topics = dict(asked), _present(self._topics, headings)
        taken = {*fields.values(), *topics.values()}
        # Our own names come before the schema's, those before other people's names.
        self._add_fields(fields, taken, headings, only=_OWN)
        if not self._long:
            self._add_topics(topics, taken, headings)
        self._add_fields(fields, taken, headings)
        topic, stance = fields.pop(TOPIC, None), fields.pop(STANCE, None)
        if topic is None or stance is None:
            # One of them alone is a topic that is called so, if the schema has it.
            alone = [h for h in (topic, stance) if h is not None and h not in asked.values()]
            if not self._long:
                self._add_topics(topics, taken - {*alone}, alone)
            return Columns(fields, topics)
        if topics or self._long is False:
            return Columns(fields, topics)
        if "id" not in self._fields and plain(fields.get("id", "")) == _OF_ROW:
            del fields["id"]  # a row is a label here, not a sentence
        return Columns(fields, {}, (topic, stance))

    def find(self, content: Content, problems: Problems) -> Columns:
        """The columns of a file; notes those that are missing or stand twice."""
        found = self.match(content.headings)
        there = ", ".join(content.headings) or "none"
        row = content.heading_row
        asked = {**self._fields, **({} if content.has_labels else self._topics)}
        for name in asked.keys() - _present(asked, content.headings).keys():
            message = f"no such column for {name}; there are: {there}"
            problems.add(message, row=row, column=asked[name])
        if "text" not in self._fields and not {"text", "sha256"} & found.fields.keys():
            message = f"no column for the sentence; name it by --column text=…; there are: {there}"
            problems.add(message, row=row, column="text")
        if content.has_labels:
            found = Columns(found.fields, {})
        elif self.vocabulary is not None and found.long is None:
            self._note_missing_topics(found, self.vocabulary, content, problems)
        self._note_doubles(found, content, problems)
        return found

    def _note_missing_topics(
        self, found: Columns, vocabulary: Vocabulary, content: Content, problems: Problems
    ) -> None:
        row, names = content.heading_row, vocabulary.schema.topic_names
        if not found.topics and not self._topics:
            message = (
                f"no column for any topic of the schema ({', '.join(names)}), and no two columns "
                f"for topic and stance; name them by --column {topic_heading(names[0])}=… or "
                f"--column topic=… and --column stance=…; there are: {', '.join(content.headings)}"
            )
            problems.add(message, row=row, column="topic", other_topics=True)
            return
        for topic in names:
            if topic in found.topics or topic in self._topics:
                continue
            heading = topic_heading(topic)
            if content.sparse:
                content.warnings.append(f"no {heading} anywhere; taken as absent")
            else:
                message = (
                    f"no column for this topic; name it by --column {heading}=…, "
                    "or add an empty one"
                )
                problems.add(message, row=row, column=heading, other_topics=True)

    def _note_doubles(self, found: Columns, content: Content, problems: Problems) -> None:
        headings, used = content.headings, set(found.fields.values())
        groups = {
            name: [other for other in headings if plain(other) == plain(heading)]
            for name, heading in found.named().items()
        }
        if self.vocabulary is not None:
            known = {h: self.vocabulary.topic(h) for h in headings if h not in used}
            for topic in found.topics:
                groups[topic_heading(topic)] = [h for h in headings if known.get(h) == topic]
        asked = {*self._fields.values(), *self._topics.values()}
        for name, heading in found.named().items():
            same = groups[name]
            if headings.count(heading) > 1 or (len(same) > 1 and heading not in asked):
                shown = " and ".join(repr(other) for other in same)
                message = f"several columns could be {name}: {shown}; rename all but one"
                problems.add(message, row=content.heading_row, column=heading)

    def _add_fields(
        self,
        fields: dict[str, str],
        taken: set[str],
        headings: Sequence[str],
        only: frozenset[str] | None = None,
    ) -> None:
        for name, spellings in _HEADINGS.items():
            if name in fields or name in self._fields:
                continue
            for spelling in spellings if only is None else [s for s in spellings if s in only]:
                heading = next(
                    (h for h in headings if plain(h) == spelling and h not in taken), None
                )
                if heading is not None:
                    fields[name] = heading
                    taken.add(heading)
                    break

    def _add_topics(self, topics: dict[str, str], taken: set[str], headings: Sequence[str]) -> None:
        for heading in headings:
            if self.vocabulary is None or heading in taken:
                continue
            topic = self.vocabulary.topic(heading)
            if topic is not None and topic not in topics and topic not in self._topics:
                topics[topic] = heading
                taken.add(heading)


def _present(asked: Mapping[str, str], headings: Sequence[str]) -> dict[str, str]:
    """The headings that the user means: as they stand, or in another case and spacing."""
    found = {}
    for name, heading in asked.items():
        alike = {other for other in headings if plain(other) == plain(heading) != ""}
        if heading in headings:
            found[name] = heading
        elif len(alike) == 1:
            found[name] = alike.pop()
    return found

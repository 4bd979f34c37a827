"""Which records are about the same sentence: what agreement and merging start from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from framing.labels.errors import LabelsError
from framing.labels.records import Record, sentence_hash
from framing.labels.schema import ABSENT, Schema


@dataclass(frozen=True, slots=True)
class AnnotatedSentence:
    """One sentence and what each annotator said of it.

    Attributes:
        by_annotator: At least one record, in the order of the files. An annotator who is
            not in it did not annotate the sentence, which is not the same as no topic.
    """

    by_annotator: dict[str, Record]

    @property
    def record(self) -> Record:
        """The first record that has the text, else the first: for id, document and text."""
        records = list(self.by_annotator.values())
        return next((record for record in records if record.text is not None), records[0])

    @property
    def n(self) -> int | None:
        """Position in the document, if any annotator's record has it."""
        return next((r.n for r in self.by_annotator.values() if r.n is not None), None)


@dataclass(slots=True)
class _Draft:
    by_annotator: dict[str, Record] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # by annotator, for messages


def group_sentences(files: Mapping[str, Sequence[Record]]) -> list[AnnotatedSentence]:
    """Bring together the records of each sentence, in the order of the files.

    Records with one id are about one sentence. So are records with different ids, by
    different annotators, whose documents, texts and (where both are known) positions in
    the document are the same.

    Args:
        files: Records by the name of their file, which goes into errors.

    Raises:
        LabelsError: Records with one id differ in text, source, document, position or
            provenance, or one annotator labelled a sentence twice and differently.
    """
    by_id: dict[str, _Draft] = {}
    for file, records in files.items():
        for record in records:
            draft = by_id.setdefault(record.id, _Draft())
            _check_same_sentence(draft, record, file)
            _add(draft, record, file)
    joined: dict[tuple[str, str], list[_Draft]] = {}
    result: list[_Draft] = []
    for draft in by_id.values():
        record = next(iter(draft.by_annotator.values()))
        keys = [(record.group, text) for text in _text_hashes(record)]
        alike: list[_Draft] = next((joined[key] for key in keys if key in joined), [])
        for key in keys:
            joined.setdefault(key, alike)
        first = next((other for other in alike if _may_be_one(other, draft)), None)
        if first is None:
            alike.append(draft)
            result.append(draft)
        else:
            first.by_annotator |= draft.by_annotator
    return [AnnotatedSentence(draft.by_annotator) for draft in result]


def annotators_of(sentences: Sequence[AnnotatedSentence]) -> tuple[str, ...]:
    """All annotators, in order of appearance."""
    return tuple(dict.fromkeys(name for one in sentences for name in one.by_annotator))


def only_by(
    sentences: Sequence[AnnotatedSentence], annotators: Collection[str]
) -> list[AnnotatedSentence]:
    """What these annotators said; a sentence that none of them annotated is left out.

    Raises:
        LabelsError: There is no such annotator.
    """
    there = annotators_of(sentences)
    for name in annotators:
        if name not in there:
            raise LabelsError(f"no annotator {name!r}; there are {', '.join(there)}")
    chosen = (
        {name: record for name, record in one.by_annotator.items() if name in annotators}
        for one in sentences
    )
    return [AnnotatedSentence(records) for records in chosen if records]


def disputed_topics(records: Sequence[Record], schema: Schema) -> tuple[str, ...]:
    """The topics that not all labelled alike, in the order of the schema."""
    return tuple(
        topic
        for topic in schema.topic_names
        if len({record.labels.get(topic, ABSENT) for record in records}) > 1
    )


def text_hash(record: Record) -> str:
    """The SHA-256 of a record's text, also where the record holds the text itself."""
    if record.text is not None:
        return sentence_hash(record.text)
    return record.sha256 or ""


def _text_hashes(record: Record) -> list[str]:
    """The hashes of a record's text as it stands and without outer white space.

    Tables are read without it, our own records as they are.
    """
    hashes = [text_hash(record)]
    return hashes if record.text is None else [*hashes, sentence_hash(record.text.strip())]


def _check_same_sentence(draft: _Draft, record: Record, file: str) -> None:
    known = {text for other in draft.by_annotator.values() for text in _text_hashes(other)}
    for annotator, other in draft.by_annotator.items():
        different = {
            name: (repr(getattr(other, name)), repr(getattr(record, name)))
            for name in ("source", "document", "n", "provenance")
            if getattr(other, name) != getattr(record, name)
            and None not in (getattr(other, name), getattr(record, name))
        }
        if known.isdisjoint(_text_hashes(record)):
            different = {"text": (_shown_text(other), _shown_text(record)), **different}
        for name, (first, second) in different.items():
            raise LabelsError(
                f"id {record.id!r} stands for two sentences: {name} {first} in "
                f"{draft.files[annotator]}, {second} in {file}; "
                f"rename one of the ids or correct the {name}"
            )


def _shown_text(record: Record) -> str:
    if record.text is None:
        return f"with SHA-256 {(record.sha256 or '')[:12]}…"
    return repr(record.text if len(record.text) <= 60 else record.text[:59] + "…")


def _add(draft: _Draft, record: Record, file: str) -> None:
    earlier = draft.by_annotator.setdefault(record.annotator, record)
    earlier_file = draft.files.setdefault(record.annotator, file)
    if earlier.labels != record.labels:
        raise LabelsError(
            f"id {record.id!r} is labelled twice by {record.annotator!r}: {earlier.labels} in "
            f"{earlier_file}, {record.labels} in {file}; if these are two people, or one at two "
            "times, give them two names in the field annotator, else remove one"
        )


def _may_be_one(first: _Draft, second: _Draft) -> bool:
    if first.by_annotator.keys() & second.by_annotator.keys():
        return False
    positions = {
        record.n
        for draft in (first, second)
        for record in draft.by_annotator.values()
        if record.n is not None
    }
    return len(positions) <= 1

"""Read labels in any format: all of a file, or a list of all its problems."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from framing.labels.errors import LabelsError
from framing.labels.formats.assembly import Assembler, Defaults
from framing.labels.formats.columns import FIELDS, STANCE, TOPIC, Columns, Finder
from framing.labels.formats.content import Content, is_blank
from framing.labels.formats.detection import detect
from framing.labels.formats.inference import labels_in
from framing.labels.formats.names import Vocabulary
from framing.labels.formats.problems import Problems
from framing.labels.formats.registry import FORMATS, Format, format_named
from framing.labels.records import PROVENANCES, Record
from framing.labels.schema import Schema

_LONG = {
    Format.CSV: Format.CSV_LONG,
    Format.TSV: Format.TSV_LONG,
    Format.XLSX: Format.XLSX_LONG,
}


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read.

    Attributes:
        records: In the order of the file.
        format: The format it was read as.
        columns: Record field, topic, or ``topic`` and ``stance``, to the
            heading or JSON key that it was taken from.
        warnings: What the user should know: columns not used, synonyms,
            documents that had to be guessed.
        contradictions: Those of the warnings that say that an annotator labelled one sentence
            twice and differently.
    """

    records: tuple[Record, ...]
    format: Format
    columns: Mapping[str, str]
    warnings: tuple[str, ...]
    contradictions: tuple[str, ...] = ()


def read_labels(
    path: str | Path,
    schema: Schema,
    *,
    format: Format | str | None = None,  # noqa: A002  the field's word
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
    source: str | None = None,
    annotator: str | None = None,
    provenance: str = "real",
) -> Imported:
    """Read annotated sentences, and check every one against the schema.

    Args:
        path: A file, or a folder of Argilla or ``datasets``.
        schema: Topics and stances that labels must be of.
        format: One of :class:`Format`; by default found out.
        columns: Record field (``text``, ``document``, …), topic, or ``topic``
            and ``stance``, to heading, where they are not found or found wrong.
        sheet: Of an XLSX workbook; by default the first that fits.
        source: Of records whose file names none; by default the file's name.
        annotator: Of records whose file names none; by default ``unknown``.
        provenance: Of records whose file names none.

    Raises:
        ImportProblems: Anything is wrong with the content; lists everything.
        LabelsError: The file cannot be read, or an argument is wrong.
    """
    path = Path(path)
    if provenance not in PROVENANCES:
        raise LabelsError(f"provenance {provenance!r} is not one of {', '.join(PROVENANCES)}")
    fields, topics = _split(columns or {}, schema)
    vocabulary = Vocabulary(schema, {heading: topic for topic, heading in topics.items()})
    chosen = _format(path, format, sheet)
    problems = Problems(path, unit=FORMATS[chosen].unit)
    finder = Finder(vocabulary, fields, topics, long=FORMATS[chosen].long, sheet=sheet)
    content, found = _read(chosen, path, finder, problems)
    defaults = Defaults(path.stem if source is None else source, annotator, provenance)
    assembler = Assembler(found, vocabulary, defaults, problems)
    records = assembler.records(content)
    problems.raise_if_any()
    return Imported(
        records=tuple(records),
        format=_LONG.get(chosen, chosen) if found.long else chosen,
        columns=found.named(),
        warnings=(
            *assembler.contradictions,
            *content.warnings,
            *_unused(content, found, vocabulary),
            *_unlabelled(content, found, problems.unit),
            *assembler.warnings,
        ),
        contradictions=tuple(assembler.contradictions),
    )


def count_labels(
    path: str | Path,
    *,
    format: Format | str | None = None,  # noqa: A002  the field's word
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
) -> dict[str, Counter[str]]:
    """Learn the topics of a file and the stances of each, as they are spelled there, how often.

    A column is taken for a topic if it repeats a few short words, and shares
    some with the other topics' columns; ``columns`` names others.

    Raises:
        ImportProblems: The file cannot be read, or no topic can be told.
        LabelsError: There is no such file, or an argument is wrong.
    """
    path = Path(path)
    fields, topics = _split(columns or {}, None)
    chosen = _format(path, format, sheet)
    problems = Problems(path, unit=FORMATS[chosen].unit)
    finder = Finder(None, fields, topics, long=FORMATS[chosen].long, sheet=sheet)
    content, found = _read(chosen, path, finder, problems)
    labels = labels_in(content, found, problems)
    if not labels and not problems:
        problems.add("no topics found; name their columns, or those of topic and stance")
    problems.raise_if_any()
    return labels


def _read(
    chosen: Format, path: Path, finder: Finder, problems: Problems
) -> tuple[Content, Columns]:
    """What is there and where; stops where there is no sentence to go on with."""
    content = FORMATS[chosen].read(path, finder, problems)
    if not content.items:
        if not problems:
            problems.add("; ".join(["holds no annotated sentences", *content.warnings]))
        problems.raise_if_any()
    found = finder.find(content, problems)
    if not {"text", "sha256"} & found.fields.keys():
        problems.raise_if_any()
    return content, found


def _format(path: Path, asked: Format | str | None, sheet: str | None) -> Format:
    if not path.exists():
        raise LabelsError(f"{path}: cannot be read: no such file")
    chosen = format_named(detect(path) if asked is None else asked)
    if path.is_dir() and not FORMATS[chosen].folder:
        raise LabelsError(f"{path}: is a folder, and {chosen.value} is a file")
    if sheet is not None and chosen not in (Format.XLSX, Format.XLSX_LONG):
        raise LabelsError(f"{path}: is {chosen.value} and has no sheets")
    return chosen


def _split(
    columns: Mapping[str, str], schema: Schema | None
) -> tuple[dict[str, str], dict[str, str]]:
    """The columns asked for, of record fields and of topics."""
    fields: dict[str, str] = {}
    topics: dict[str, str] = {}
    vocabulary = Vocabulary(schema) if schema is not None else None
    for name, heading in columns.items():
        topic = vocabulary.topic(name) if vocabulary is not None else name
        if name in (*FIELDS, TOPIC, STANCE):
            fields[name] = heading
        elif topic is not None:
            topics[topic] = heading
        else:
            known = ", ".join([*FIELDS, TOPIC, STANCE, *(schema.topic_names if schema else ())])
            raise LabelsError(
                f"columns: {name!r} is neither a field nor a topic; there are {known}"
            )
    return fields, topics


def _unlabelled(content: Content, found: Columns, unit: str) -> list[str]:
    """Warn of what nobody may have looked at: without any label, and without an annotator."""
    who = found.fields.get("annotator")
    headings = () if content.has_labels else (*found.topics.values(), *(found.long or ()))
    count = sum(
        not item.labels
        and all(is_blank(item.fields.get(heading)) for heading in headings)
        and (who is None or is_blank(item.fields.get(who)))
        for item in content.items
    )
    if not count:
        return []
    return [
        f"{count} {unit}s have no label and name no annotator: they count as sentences without "
        "topic; delete those that nobody looked at"
    ]


def _unused(content: Content, found: Columns, vocabulary: Vocabulary) -> list[str]:
    used = set(found.named().values())
    unused = [name for name in dict.fromkeys(content.headings) if name not in used]
    warnings = [f"not used: {', '.join(map(repr, unused))}"] if unused else []
    if content.has_labels:
        return warnings
    cells: defaultdict[str, set[str]] = defaultdict(set)
    for item in content.items:
        for name in unused:
            if not is_blank(cell := item.fields.get(name)):
                cells[name].add(str(cell))
    for name, values in cells.items():
        if all(map(vocabulary.is_stance, values)):
            warnings.append(f"{name!r} holds stances, but is no topic of the schema: not imported")
    return warnings

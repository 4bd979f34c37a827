"""Agreement, disagreement and label statistics on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from framing.cli.tables import console
from framing.labels import agreement as figures
from framing.labels.counts import FEW
from framing.labels.records import PROVENANCES

if TYPE_CHECKING:
    from framing.labels.agreement import Agreement, Disagreement, Figure
    from framing.labels.counts import Duplicate, LabelStatistics
    from framing.labels.grouping import AnnotatedSentence
    from framing.labels.records import Record
    from framing.labels.schema import Schema

_PAIRS_SIDE_BY_SIDE = 3
_CAPTION = """\
Stance is over the topics that two or more gave. [ ] 95 % bootstrap intervals over documents;
one of [1.00, 1.00] only says that there was no disagreement to draw."""


def print_agreement(measured: Agreement, schema: Schema) -> None:
    """All annotators together, then each pair; below, why figures are missing."""
    title = (
        f"{measured.sentences} sentences of {measured.documents} documents annotated by two or "
        f"more of: {', '.join(measured.annotators)}"
    )
    measures = {figures.ALPHA: "alpha", figures.KAPPA: "kappa, mean of pairs"}
    if measured.figure(figures.ORDINAL, figures.STANCE) is not None:
        measures[figures.ORDINAL] = "alpha, ordinal"
    table = _table(title, _CAPTION)
    table.add_column("agreement on")
    for heading in ("n", *measures.values(), "same"):
        table.add_column(heading, justify="right")
    for about, topic, words in _variables(measured, schema):
        row = [measured.figure(name, about, topic=topic) for name in (*measures, figures.SAME)]
        table.add_row(words, str(_units(row)), *map(_cell, row))
    console().print(table)
    pairs = measured.pairs
    for start in range(0, len(pairs), _PAIRS_SIDE_BY_SIDE):
        _print_pairs(measured, schema, pairs[start : start + _PAIRS_SIDE_BY_SIDE])
    notes: dict[str, None] = {}
    for figure in measured.figures:
        if figure.note is not None and figure.pair is None:
            what = figure.topic or (figures.STANCE if figure.about == figures.STANCE else "labels")
            stance = " (stance)" if figure.topic and figure.about == figures.STANCE else ""
            notes[f"{what}{stance}, {figure.measure}: {figure.note}"] = None
    for note in notes:
        typer.echo(f"– {_plain(note)}")


def print_disputed(disputed: Sequence[Disagreement], *, shown: int) -> None:
    """The sentences that annotators labelled differently, with who said what."""
    if not disputed:
        typer.echo("No sentence was labelled differently.")
        return
    count = min(shown, len(disputed))
    if count:
        typer.echo(f"\nDisputed sentences, the first {count} of {len(disputed)}:")
    for number, one in enumerate(disputed[:shown], start=1):
        print_sentence(number, one.sentence, one.topics)


def print_sentence(number: int, one: AnnotatedSentence, topics: Sequence[str]) -> None:
    """A sentence, and what each annotator said of it."""
    record = one.record
    where = f"{record.id} ({record.group})"
    typer.echo("\n" + _plain(f"{number}. {where}: differs in {', '.join(topics)}"))
    typer.echo(f"   {_text(record)}")
    said: dict[str, list[str]] = {}
    for annotator, their in one.by_annotator.items():
        said.setdefault(_labels(their), []).append(annotator)
    for labels, annotators in said.items():
        typer.echo(_plain(f"   - {', '.join(annotators)}: {labels}"))


def print_statistics(found: LabelStatistics, schema: Schema, *, examples: int) -> None:
    """Counts, sources, annotators, lengths and duplicates."""
    typer.echo(
        f"{found.records} records of {found.sentences} sentences in {found.documents} documents; "
        f"{found.without_topic:.0%} without a topic"
    )
    console().print(_counts(found, schema))
    table = _table("Sources")
    table.add_column("source")
    for heading in ("documents", "sentences", "records"):
        table.add_column(heading, justify="right")
    for source in found.sources:
        numbers = (source.documents, source.sentences, source.records)
        table.add_row(Text(_plain(source.name)), *map(str, numbers))
    console().print(table)
    console().print(_annotators(found, schema))
    if found.words:
        names = ("shortest", "lower quartile", "median", "upper quartile", "longest")
        pairs = zip(names, found.words, strict=True)
        typer.echo("Words: " + ", ".join(f"{name} {value:g}" for name, value in pairs))
    if found.without_text:
        typer.echo(f"{found.without_text} records have no text here; their length is not known")
    if found.few:
        cells = ", ".join(f"{topic} {stance}" for topic, stance in found.few)
        typer.echo(f"Fewer than {FEW} sentences, too few to learn or measure: {cells}")
    _print_duplicates(found.duplicates, examples)


def _print_pairs(measured: Agreement, schema: Schema, pairs: Sequence[tuple[str, str]]) -> None:
    table = _table("Each pair of annotators")
    table.add_column("")
    for pair in pairs:
        table.add_column(Text(_plain(" / ".join(pair))), justify="right")
    by_pair = [measured.figure(figures.EXACT, figures.LABELS, pair=pair) for pair in pairs]
    table.add_row("sentences", *(str(figure.units) for figure in by_pair if figure))
    for measure, words in ((figures.JOINT_F1, "joint F1"), (figures.EXACT, "all labels the same")):
        row = [measured.figure(measure, figures.LABELS, pair=pair) for pair in pairs]
        table.add_row(words, *map(_cell, row))
    for about, topic, words in _variables(measured, schema):
        row = [measured.figure(figures.KAPPA, about, topic=topic, pair=pair) for pair in pairs]
        table.add_row(f"kappa, {words}", *(_cell(figure, with_units=True) for figure in row))
    row = [measured.figure(figures.SAME, figures.STANCE, pair=pair) for pair in pairs]
    if any(row):
        table.add_row("same stance", *(_cell(figure, with_units=True) for figure in row))
    console().print(table)


def _variables(measured: Agreement, schema: Schema) -> list[tuple[str, str | None, str]]:
    """What there can be agreement on, and its name: topics, stance, stance per topic."""
    topics: list[tuple[str, str | None, str]] = [
        (figures.TOPIC, topic, topic) for topic in schema.topic_names
    ]
    stances: list[tuple[str, str | None, str]] = [(figures.STANCE, None, "stance, all topics")]
    stances += [(figures.STANCE, topic, f"stance, {topic}") for topic in schema.topic_names]
    there = {(figure.about, figure.topic) for figure in measured.figures}
    return [each for each in topics + stances if (each[0], each[1]) in there]


def _units(row: Sequence[Figure | None]) -> int:
    return max(figure.units for figure in row if figure is not None)


def _cell(figure: Figure | None, *, with_units: bool = False) -> str:
    if figure is None or figure.value is None:
        return "–"
    text = _decimals(figure.value)
    if figure.low is not None and figure.high is not None:
        text += f" [{_decimals(figure.low)}, {_decimals(figure.high)}]"
    return f"{text} of {figure.units}" if with_units else text


def _decimals(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}"  # no -0.00


def _counts(found: LabelStatistics, schema: Schema) -> Table:
    there = [name for name in PROVENANCES if any(key[2] == name for key in found.counts)]
    few = set(found.few)
    table = _table("Labels", f"* fewer than {FEW} sentences")
    for heading in ("topic", "stance"):
        table.add_column(heading)
    for provenance in (*there, "all"):
        table.add_column(provenance, justify="right")
    for topic in schema.topic_names:
        for stance in schema.stances_of(topic):
            numbers = [found.counts[topic, stance, name] for name in there]
            mark = "*" if (topic, stance) in few else ""
            table.add_row(topic, stance, *map(str, numbers), f"{sum(numbers)}{mark}")
    return table


def _annotators(found: LabelStatistics, schema: Schema) -> Table:
    caption = (
        "Shares of an annotator's sentences, of stances among their labels. "
        "They differ also where annotators had different sentences."
    )
    table = _table("Annotators", caption)
    table.add_column("")
    for annotator in found.annotators:
        table.add_column(Text(_plain(annotator.name)), justify="right")
    rows = {
        "sentences": [str(one.records) for one in found.annotators],
        "without a topic": [f"{one.without_topic:.0%}" for one in found.annotators],
        "unsure": [f"{one.unsure:.0%}" for one in found.annotators],
    }
    for topic in schema.topic_names:
        rows[topic] = [f"{one.topics[topic]:.1%}" for one in found.annotators]
    if len(schema.stances) > 1:
        for stance in schema.stance_names:
            rows[f"stance {stance}"] = [
                f"{one.stances[stance]:.0%}" if one.stances else "–" for one in found.annotators
            ]
    for words, cells in rows.items():
        table.add_row(words, *cells)
    return table


def _print_duplicates(duplicates: Sequence[Duplicate], examples: int) -> None:
    for is_exact, words in ((True, "exactly"), (False, "but for case, digits and punctuation")):
        alike = [one for one in duplicates if one.is_exact == is_exact]
        differ = sum(one.labels_differ for one in alike)
        typer.echo(
            f"Texts that stand in several documents, {words}: {len(alike)}, "
            f"{differ} of them with different labels"
        )
        # Those with different labels are errors, or need the context to tell.
        for one in sorted(alike, key=lambda each: not each.labels_differ)[:examples]:
            typer.echo(f"   {_text(one.records[0])}")
            for record in one.records:
                where = f"{record.id} ({record.group})"
                typer.echo(_plain(f"   - {where}, {record.annotator}: {_labels(record)}"))


def _labels(record: Record) -> str:
    said = ", ".join(f"{topic}: {stance}" for topic, stance in sorted(record.labels.items()))
    return (said or "no topic") + ("" if record.sure else " (unsure)")


def _text(record: Record) -> str:
    if record.text is None:
        return f"(text not here: SHA-256 {record.sha256}; --corpora joins it)"
    return _plain(record.text)


def _plain(text: str) -> str:
    """Without the control characters that would steer a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def _table(title: str, caption: str | None = None) -> Table:
    return Table(
        title=Text(_plain(title)),
        caption=caption and Text(caption),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE,
    )

"""``framing labels stats``, ``agree`` and ``merge``: several annotators, one set of labels."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framing.cli.labels import (
    ColumnOption,
    ForceOption,
    SchemaOption,
    SourceOption,
    listing_problems,
    named_columns,
    schema_hint,
)
from framing.cli.train import CorporaOption
from framing.labels.errors import FramingError

if TYPE_CHECKING:
    from framing.labels.records import Record
    from framing.labels.schema import Schema

FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="Labels in any format; one that names no annotator is by its file's name, "
        "with the folder's where files have one name.",
    ),
]


class By(str, Enum):
    """How to make one record of several."""

    MAJORITY = "majority"
    ADJUDICATED = "adjudicated"
    SOFT = "soft"


class Ties(str, Enum):
    """What to do where there is no majority."""

    DROP = "drop"
    LIST = "list"
    FIRST = "first"


def stats(
    files: FilesArgument,
    schema: SchemaOption = None,
    column: ColumnOption = None,
    source: SourceOption = None,
    examples: Annotated[
        int, typer.Option(min=0, help="How many texts that stand twice to print.")
    ] = 5,
) -> None:
    """Count labels, lengths, duplicates, and how often each annotator gave what."""
    from framing.cli.agreement_tables import print_statistics
    from framing.labels.counts import label_statistics
    from framing.labels.schema import load_schema

    topics = load_schema(schema)
    read = _read(files, topics, column, source, hint=schema_hint(schema))
    records = [record for chosen in read.values() for record in chosen]
    print_statistics(label_statistics(records, topics), topics, examples=examples)


def agree(
    files: FilesArgument,
    schema: SchemaOption = None,
    column: ColumnOption = None,
    source: SourceOption = None,
    annotator: Annotated[
        list[str] | None,
        typer.Option(help="Compare only these, for example without the adjudicator; repeat."),
    ] = None,
    ordinal: Annotated[
        str | None,
        typer.Option(
            metavar="STANCE,STANCE,...",
            help="All stances in their order, to also measure alpha on an ordinal scale.",
        ),
    ] = None,
    worst: Annotated[
        int, typer.Option(min=0, help="How many of the most disputed sentences to print.")
    ] = 10,
    worst_output: Annotated[
        Path | None,
        typer.Option(help="Write all disputed sentences for adjudication, JSON Lines."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write all figures, to .json or .csv.")
    ] = None,
    corpora: CorporaOption = None,
    force: ForceOption = False,
) -> None:
    """Measure how far annotators agree, and show where they do not."""
    from framing.cli.agreement_tables import print_agreement, print_disputed
    from framing.labels.agreement import agreement, most_disagreed
    from framing.labels.agreement_report import (
        check_report_name,
        write_adjudication,
        write_report,
    )
    from framing.labels.grouping import group_sentences, only_by
    from framing.labels.schema import load_schema

    _check_outputs(output, json_lines=[worst_output], force=force)
    if output is not None:
        check_report_name(output)
    topics = load_schema(schema)
    read = _read(files, topics, column, source, hint=schema_hint(schema))
    sentences = group_sentences(_with_texts(read, corpora))
    if annotator:
        sentences = only_by(sentences, annotator)
    order = [name.strip() for name in ordinal.split(",")] if ordinal else []
    measured = agreement(sentences, topics, ordinal=order)
    disputed = most_disagreed(sentences, topics)
    # Written first: an error there must not come below a long table.
    if output is not None:
        write_report(measured, disputed, output, force=force)
    if worst_output is not None:
        write_adjudication([one.sentence for one in disputed], worst_output, force=force)
    print_agreement(measured, topics)
    print_disputed(disputed, shown=worst)
    _print_written(output, worst_output)


def merge(
    files: FilesArgument,
    output: Annotated[Path, typer.Option(help="JSON Lines file to write.")],
    by: Annotated[
        By,
        typer.Option(
            help="majority: what more than half gave, of those the most frequent stance. "
            "adjudicated: the adjudicator's labels, else unanimous ones. "
            "soft: majority, and the share of annotators per class."
        ),
    ],
    schema: SchemaOption = None,
    column: ColumnOption = None,
    source: SourceOption = None,
    annotator: Annotated[
        list[str] | None, typer.Option(help="Merge only what these said; repeat.")
    ] = None,
    adjudicator: Annotated[
        str | None, typer.Option(help="With --by adjudicated: whose labels win.")
    ] = None,
    ties: Annotated[
        Ties | None,
        typer.Option(
            help="Sentences without a majority: list (leave out and print; default of "
            "majority), drop (leave out), first (the first annotator decides; default of soft)."
        ),
    ] = None,
    left_out: Annotated[
        Path | None,
        typer.Option(help="Write the sentences left out for adjudication, JSON Lines."),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Make one record per sentence of those of several annotators."""
    from framing.cli.agreement_tables import print_sentence
    from framing.labels.agreement_report import write_adjudication
    from framing.labels.formats import Format, write_labels
    from framing.labels.grouping import group_sentences, only_by
    from framing.labels.merging import merge as merged_by
    from framing.labels.schema import load_schema

    if by is By.ADJUDICATED and ties is not None:
        raise FramingError("--ties is for majority and soft; the adjudicator decides ties")
    _check_outputs(json_lines=[output, left_out], force=force)
    topics = load_schema(schema)
    read = _read(files, topics, column, source, hint=schema_hint(schema))
    sentences = group_sentences(read)
    if annotator:
        sentences = only_by(sentences, annotator)
    first_decides = ties is Ties.FIRST or (by is By.SOFT and ties is None)
    merged = merged_by(
        sentences,
        topics,
        by=by.value,
        adjudicator=adjudicator,
        first_decides_ties=first_decides,
    )
    open_cases = [one.sentence for one in merged.left_out]
    if left_out is not None:
        write_adjudication(open_cases, left_out, force=force)
    if merged.records:
        write_labels(merged.records, output, topics, format=Format.JSONL, force=force)
    if ties is not Ties.DROP:
        for number, one in enumerate(merged.left_out, start=1):
            print_sentence(number, one.sentence, one.topics)
    if not merged.records:
        raise FramingError(f"{output}: not written: all {len(open_cases)} sentences are left out")
    typer.echo(
        f"{len(merged.records)} of {len(sentences)} sentences merged by {by.value}, "
        f"{merged.single} of them labelled by one annotator only, {merged.ties} with a tie "
        f"that the first annotator decided; {len(open_cases)} left out"
    )
    _print_written(output, left_out)


def _read(
    files: Sequence[Path],
    schema: Schema,
    column: list[str] | None,
    source: str | None,
    *,
    hint: str | None,
) -> dict[str, list[Record]]:
    """The records of each file; what is to be known of the reading goes to standard error."""
    from framing.labels.formats import read_labels

    columns = named_columns(column or [])
    found: dict[str, list[Record]] = {}
    for file, name in zip(files, _annotators(files), strict=True):
        with listing_problems(hint=hint):
            imported = read_labels(
                file,
                schema,
                columns=columns,
                # One for all files: ids and documents are made of it where there are none.
                source=source or files[0].stem,
                annotator=name,
            )
        for warning in imported.warnings:
            typer.echo(f"{file}: {warning}", err=True)
        found[str(file)] = list(imported.records)
    return found


def _annotators(files: Sequence[Path]) -> list[str]:
    """The names of files, each with as many folders as tell it from the others."""
    paths = [Path(file.absolute().parent, file.stem).parts for file in files]
    names = []
    for path in paths:
        depth = 1
        while any(other != path and other[-depth:] == path[-depth:] for other in paths):
            depth += 1
        names.append(Path(*path[-depth:]).as_posix())
    return names


def _with_texts(read: dict[str, list[Record]], corpora: Path | None) -> dict[str, list[Record]]:
    from framing.labels.corpora import find_corpora, join_texts

    folder = find_corpora(corpora)
    if folder is None:
        return read  # agreement needs no text; it is only printed
    return {name: join_texts(records, folder) for name, records in read.items()}


def _check_outputs(*others: Path | None, json_lines: Sequence[Path | None], force: bool) -> None:
    from framing.labels.formats.detection import check_json_lines
    from framing.labels.formats.output import check_output

    for path in json_lines:
        if path is not None:
            check_json_lines(path)
    given = [path for path in (*others, *json_lines) if path is not None]
    for path in given:
        check_output(path, force=force)
    places = [path.resolve() for path in given]
    for path, place in zip(given, places, strict=True):
        if places.count(place) > 1:
            raise FramingError(f"{path}: is named for two outputs; give each a file of its own")


def _print_written(*paths: Path | None) -> None:
    for path in paths:
        if path is not None:
            typer.echo(f"Written to {path}")

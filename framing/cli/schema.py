"""``framing schema``: draft a schema from labels, and say what a schema means."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from framing.cli.labels import (
    ColumnOption,
    ForceOption,
    FormatOption,
    SheetOption,
    named_columns,
)

if TYPE_CHECKING:
    from framing.labels.formats import Imported
    from framing.labels.schema import Schema, Topic

_PROBLEMS = 2  # the exit code, as of any wrong input
_SHOWN = 20  # problems of a file

schema_app = typer.Typer(
    name="schema",
    help="Say what a model is to find: topics, targets and stances.",
    no_args_is_help=True,
)


@schema_app.command()
def init(
    labels: Annotated[Path, typer.Argument(help="A labelled file, such as a spreadsheet.")],
    output: Annotated[Path, typer.Option(help="The YAML file to write.")] = Path("schema.yaml"),
    kind: FormatOption = None,
    column: ColumnOption = None,
    sheet: SheetOption = None,
    force: ForceOption = False,
) -> None:
    """Draft a schema from the topics and stances in a labelled file."""
    from framing.labels.draft import draft_schema, schema_yaml
    from framing.labels.formats import ImportProblems, count_labels
    from framing.labels.formats.output import check_output, replacing

    check_output(output, force=force)
    columns = named_columns(column or [])
    try:
        found = count_labels(labels, format=kind, columns=columns, sheet=sheet)
    except ImportProblems as error:
        _stop(labels, [str(problem) for problem in error.problems])
    schema = draft_schema(found)
    with replacing(output, force=force) as temporary:
        temporary.write_text(schema_yaml(schema), encoding="utf-8")
    for topic in schema.topics:
        typer.echo(f"{topic.title}: {', '.join(schema.stances_of(topic.name))}")
    typer.echo("Is a topic missing? Then name all by --column TOPIC=HEADING, one for each.")
    typer.echo(f"Written to {output}; replace what is to be filled in, then run")
    given = [part for each in column or [] for part in ("--column", each)]
    given += ["--sheet", sheet] if sheet else []
    given += ["--format", kind] if kind else []
    command = ["framing", "schema", "check", str(output), str(labels), *given]
    typer.echo(f"  {shlex.join(command)}")


@schema_app.command()
def check(
    schema: Annotated[Path, typer.Argument(help="The YAML file.")],
    labels: Annotated[
        Path | None, typer.Argument(help="A labelled file that is to fit it.")
    ] = None,
    kind: FormatOption = None,
    column: ColumnOption = None,
    sheet: SheetOption = None,
) -> None:
    """Explain a schema in plain words, and list everything that is wrong.

    With LABELS, check these, too, and count them per topic and stance.
    """
    from framing.labels.schema import MalformedSchemaError, load_schema

    try:
        loaded = load_schema(schema)
    except MalformedSchemaError as error:
        _stop(schema, error.problems)
    for line in _explanation(loaded):
        typer.echo(line)
    warnings = list(_warnings(loaded))
    if labels is not None:
        imported = _read(labels, loaded, kind, column, sheet)
        typer.echo(f"\n{labels}, read as {imported.format.value}:")
        for line in _counts(loaded, imported):
            typer.echo(line)
        warnings += [*imported.warnings, *_few(loaded, imported)]
    if warnings:
        typer.echo("\nTo look at (a model can be trained all the same):")
        for warning in warnings:
            typer.echo(f"  - {warning}")


def _read(
    path: Path, schema: Schema, kind: str | None, column: list[str] | None, sheet: str | None
) -> Imported:
    from framing.labels.formats import ImportProblems, read_labels

    columns = named_columns(column or [])
    try:
        return read_labels(path, schema, format=kind, columns=columns, sheet=sheet)
    except ImportProblems as error:
        _stop(path, [str(problem) for problem in error.problems])


def _stop(path: Path, problems: Sequence[str]) -> NoReturn:
    """List the problems of a file and end the command."""
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
    typer.echo(f"framing: {path}: {count}", err=True)
    for problem in problems[:_SHOWN]:
        typer.echo(f"  - {problem}", err=True)
    if len(problems) > _SHOWN:
        typer.echo(f"  and {len(problems) - _SHOWN} more", err=True)
    raise typer.Exit(_PROBLEMS)


def _explanation(schema: Schema) -> Iterator[str]:
    topics, classes = len(schema.topics), len(schema.classes)
    outputs = sum(len(schema.classes_of(topic)) for topic in schema.topic_names)
    yield (
        f"{_count(topics, 'topic')} and {_count(classes - 1, 'stance')}. A sentence can have any "
        "number of topics, and one stance for each."
    )
    yield f"A model tells {outputs} classes apart: per topic, its stances and 'absent'."
    yield "\nTopics"
    for topic in schema.topics:
        yield from _topic(topic, schema.stances_of(topic.name))
    yield "\nStances"
    for stance in schema.stances:
        title = f" ({stance.title})" if stance.title else ""
        yield f"  {stance.name}{title}: {stance.definition}"
    yield "\nIn a spreadsheet, a row is a sentence; it may have these columns:"
    yield "  text, and best also document and annotator"
    for topic in schema.topics:
        stances = " or ".join(schema.stances_of(topic.name))
        yield f"  {topic.name}: empty where the sentence is not about it, else {stances}"


def _topic(topic: Topic, stances: Sequence[str]) -> Iterator[str]:
    from framing.labels.schema import NO_TARGET

    yield f"  {topic.name} ({topic.title})"
    yield f"    what it is: {topic.definition}"
    if topic.target != NO_TARGET:
        yield f"    target:     {topic.target}"
    alone = "; found or not, without stance" if len(stances) == 1 else ""
    yield f"    stances:    {', '.join(stances)}{alone}"


def _warnings(schema: Schema) -> Iterator[str]:
    from framing.labels.draft import unfinished
    from framing.labels.schema import MENTIONED

    yield from (f"to be filled in: {text}" for text in unfinished(schema))
    used = {topic.name: schema.stances_of(topic.name) for topic in schema.topics}
    for stance in schema.stance_names:
        if not any(stance in stances for stances in used.values()):
            yield f"the stance {stance} applies to no topic; take it out, or name it at a topic"
    for topic, stances in used.items():
        if MENTIONED in stances and len(stances) > 1:
            others = ", ".join(name for name in stances if name != MENTIONED)
            yield (
                f"{topic} can be {MENTIONED} beside its other stances; "
                f"if that is not meant, write stances: [{others}] at the topic"
            )


def _counts(schema: Schema, imported: Imported) -> Iterator[str]:
    counts = _by_label(imported)
    without = sum(not record.labels for record in imported.records)
    for topic in schema.topic_names:
        parts = [f"{stance} {counts[topic, stance]:,}" for stance in schema.stances_of(topic)]
        yield f"  {topic}: {', '.join(parts)}"
    yield f"  without topic: {without:,}; all sentences: {len(imported.records):,}"


def _few(schema: Schema, imported: Imported) -> Iterator[str]:
    from framing.labels.counts import FEW

    counts = _by_label(imported)
    for topic in schema.topic_names:
        for stance in schema.stances_of(topic):
            count = counts[topic, stance]
            if count < FEW:
                yield f"{topic}: {_count(count, 'label')} {stance}; a model needs {FEW} or more"


def _by_label(imported: Imported) -> Counter[tuple[str, str]]:
    return Counter(label for record in imported.records for label in record.labels.items())


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"

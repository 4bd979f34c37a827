"""``framing labels``: annotated sentences from and to spreadsheets and annotation tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framing.labels.errors import FramingError, LabelsError

if TYPE_CHECKING:
    from framing.labels.formats import Imported

labels_app = typer.Typer(
    name="labels", help="Import, export and check annotated sentences.", no_args_is_help=True
)

PROBLEMS_SHOWN = 50
USAGE_ERROR = 2

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A file, or a folder of Argilla or datasets.")
]
SchemaOption = Annotated[
    Path | None, typer.Option(help="Topics and stances, YAML; default: those of this project.")
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="jsonl, csv, tsv, xlsx, label-studio, argilla, doccano, prodigy, datasets or "
        "parquet; default: found out.",
    ),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=HEADING",
        help="Where a field or topic stands, as in text=Satz; once for each. "
        "Default: found out by the headings.",
    ),
]
SheetOption = Annotated[
    str | None, typer.Option(help="Sheet of a workbook; default: the first that fits.")
]
SourceOption = Annotated[
    str | None, typer.Option(help="Corpus, if the file names none; default: the file's name.")
]
AnnotatorOption = Annotated[str | None, typer.Option(help="Who labelled, if the file names none.")]
ProvenanceOption = Annotated[
    str, typer.Option(help="seed, real or authored, if the file does not say.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]


@labels_app.command("import")
def import_labels(
    file: FileArgument,
    output: Annotated[Path, typer.Option(help="JSON Lines file to write.")],
    schema: SchemaOption = None,
    kind: FormatOption = None,
    column: ColumnOption = None,
    sheet: SheetOption = None,
    source: SourceOption = None,
    annotator: AnnotatorOption = None,
    provenance: ProvenanceOption = "real",
    force: ForceOption = False,
) -> None:
    """Turn annotated sentences into JSON Lines to train on, or list all their problems."""
    from framing.labels.formats import Format, read_labels, write_labels
    from framing.labels.formats.detection import check_json_lines
    from framing.labels.formats.output import check_output
    from framing.labels.schema import load_schema

    check_json_lines(output)
    check_output(output, force=force)
    topics = load_schema(schema)
    with listing_problems(hint=schema_hint(schema)):
        imported = read_labels(
            file,
            topics,
            format=kind,
            columns=named_columns(column or []),
            sheet=sheet,
            source=source,
            annotator=annotator,
            provenance=provenance,
        )
    write_labels(imported.records, output, topics, format=Format.JSONL, force=force)
    _print(imported)
    typer.echo(f"wrote:      {output}")


@labels_app.command("validate")
def validate(
    file: FileArgument,
    schema: SchemaOption = None,
    kind: FormatOption = None,
    column: ColumnOption = None,
    sheet: SheetOption = None,
) -> None:
    """Check annotated sentences in any format, and say what would be imported."""
    from framing.labels.formats import read_labels
    from framing.labels.schema import load_schema

    columns = named_columns(column or [])
    topics = load_schema(schema)
    with listing_problems(hint=schema_hint(schema)):
        imported = read_labels(file, topics, format=kind, columns=columns, sheet=sheet)
    _print(imported)


@labels_app.command("export")
def export_labels(
    file: FileArgument,
    output: Annotated[Path, typer.Argument(help="File or folder to write.")],
    to: Annotated[
        str,
        typer.Option(
            "--format",
            help="jsonl, csv, csv-long, tsv, tsv-long, xlsx, xlsx-long, label-studio, argilla, "
            "doccano, prodigy, datasets or parquet.",
        ),
    ],
    schema: SchemaOption = None,
    column: ColumnOption = None,
    config_out: Annotated[
        Path | None, typer.Option(help="With label-studio: write its labelling configuration.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Write annotated sentences for a spreadsheet or an annotation tool."""
    from framing.labels.formats import Format, labelling_config, read_labels, write_labels
    from framing.labels.formats.detection import check_name
    from framing.labels.formats.output import check_output, replacing
    from framing.labels.formats.registry import format_named
    from framing.labels.schema import load_schema

    if config_out is not None:
        if to != Format.LABEL_STUDIO.value:
            raise FramingError("--config-out is for --format label-studio")
        check_output(config_out, force=force)
    check_name(output, format_named(to).value)
    check_output(output, force=force)
    topics = load_schema(schema)
    with listing_problems(hint=schema_hint(schema)):
        imported = read_labels(file, topics, columns=named_columns(column or []))
    write_labels(imported.records, output, topics, format=to, force=force)
    if config_out is not None:
        with replacing(config_out, force=force) as temporary:
            temporary.write_text(labelling_config(topics), encoding="utf-8")
    _print(imported)
    for path in (output, config_out):
        if path is not None:
            typer.echo(f"wrote:      {path}")


def schema_hint(schema: Path | None) -> str | None:
    """What to say of labels of other topics than those that were taken for want of a schema."""
    return "for topics of your own, give their file by --schema" if schema is None else None


@contextmanager
def hinting(hint: str | None) -> Iterator[None]:
    """Add a hint to an error about labels of other topics: what may have been left out."""
    try:
        yield
    except LabelsError as error:
        if hint is None or not error.other_topics:
            raise
        raise LabelsError(f"{error}; {hint}") from error


@contextmanager
def listing_problems(*, hint: str | None = None) -> Iterator[None]:
    """Print the problems of a file one a line, the first of them, and exit with code 2.

    A hint follows where topics are missing or unknown.
    """
    from framing.labels.formats import ImportProblems

    try:
        yield
    except ImportProblems as error:
        for problem in error.problems[:PROBLEMS_SHOWN]:
            typer.echo(f"framing: {error.path}: {' '.join(str(problem).split())}", err=True)
        more = len(error.problems) - PROBLEMS_SHOWN
        if more > 0:
            typer.echo(f"framing: {error.path}: and {more} more problems", err=True)
        if hint and error.other_topics:
            typer.echo(f"framing: {hint}", err=True)
        raise typer.Exit(USAGE_ERROR) from error


def named_columns(options: list[str]) -> dict[str, str]:
    """``NAME=HEADING`` options as a mapping.

    Raises:
        FramingError: An option has no ``=``, or a name stands twice.
    """
    columns: dict[str, str] = {}
    for option in options:
        name, separator, heading = option.partition("=")
        if not (separator and name.strip() and heading.strip()):
            raise FramingError(f"--column {option!r}: give NAME=HEADING, as in text=Satz")
        if name.strip() in columns:
            raise FramingError(f"--column {option!r}: {name.strip()} is given twice")
        columns[name.strip()] = heading.strip()
    return columns


def _print(imported: Imported) -> None:
    records = imported.records
    documents = len({record.group for record in records})
    annotators = Counter(record.annotator for record in records)
    labels = sum(len(record.labels) for record in records)
    typer.echo(f"format:     {imported.format.value}")
    columns = ", ".join(f"{name} from {head!r}" for name, head in imported.columns.items())
    typer.echo(f"columns:    {columns}")
    typer.echo(
        f"read:       {len(records)} records with {labels} labels in {documents} documents, "
        f"by {', '.join(sorted(annotators))}"
    )
    for warning in imported.warnings:
        kind = "warning:" if warning in imported.contradictions else "note:"
        typer.echo(f"{kind:<11} {warning}")

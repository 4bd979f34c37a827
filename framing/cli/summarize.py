"""``framing summarize``: how much of each topic, and which stances, per group."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from framing.batch.summary import Summary

OutputArgument = Annotated[Path, typer.Argument(help="Output folder of a batch job.")]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="Use what an unfinished job has written so far.")
]
DateOption = Annotated[
    str | None, typer.Option(help="Column with the dates; default: the one that looks like it.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite the file.")]

_SHOWN = 200  # rows on a terminal


def summarize(
    output: OutputArgument,
    by: Annotated[
        str,
        typer.Option(help="Columns, or day, week, month, year of the date; joined by commas."),
    ] = "outlet,month",
    date_column: DateOption = None,
    to: Annotated[
        Path | None, typer.Option("--output", help="Also write all rows, to .csv or .parquet.")
    ] = None,
    partial: PartialOption = False,
    force: ForceOption = False,
) -> None:
    """Count topics and stances per group in the output of a batch job."""
    from framing.batch.output import open_output
    from framing.batch.summary import CAUTION
    from framing.batch.summary import summarize as count

    names = [name.strip() for name in by.split(",") if name.strip()]
    job = open_output(output, partial=partial)
    if not job.finished:
        typer.echo(f"{output}: the job has not finished; rows are missing", err=True)
    summary = count(job, by=names, date_column=date_column)
    if to:
        # Written first: an error there must not come below a long table.
        summary.write(to, force=force)
    _print(summary)
    if summary.undated:
        example = summary.undated_example
        typer.echo(
            f"{summary.undated:,} sentences have no date"
            + (f" that can be read, for example {example!r}" if example else "")
            + "; dates are written like 2024-03-05"
        )
    typer.echo(CAUTION)
    if to:
        typer.echo(f"Written to {to}")


def _print(summary: Summary) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from framing.batch.intervals import percent, signed
    from framing.cli.tables import console

    table = Table(box=box.SIMPLE, caption="[ ] 95 % intervals", caption_justify="left")
    for name in (*summary.by, "topic"):
        table.add_column(Text(_printable(name)), overflow="fold")
    columns = ["sentences", "tagged", "share of sentences", *summary.stances]
    for name in [*columns, "net stance"] if summary.has_net else columns:
        table.add_column(name, justify="right")
    for row in summary.rows[:_SHOWN]:
        cells = [Text(_printable(value)) for value in (*row.group, row.topic)]
        figures: list[str | Text] = [
            f"{row.sentences:,}",
            f"{row.tagged:,}",
            Text(percent(row.share)),
        ]
        figures += [_stance(row.stances[name], row.tagged) for name in summary.stances]
        table.add_row(*cells, *figures, *([Text(signed(row.net))] if summary.has_net else []))
    console(width=160).print(table)
    if len(summary.rows) > _SHOWN:
        typer.echo(f"{len(summary.rows) - _SHOWN:,} more rows; --output FILE writes all")


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _stance(count: int, tagged: int) -> str:
    return f"{count:,} ({count / tagged:.0%})" if tagged else "0"

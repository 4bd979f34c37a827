"""``framing report``: one HTML file about the output of a batch job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from framing.cli.summarize import DateOption, ForceOption, OutputArgument, PartialOption


def report(
    output: OutputArgument,
    to: Annotated[
        Path | None, typer.Option(help="File to write; default: report.html in the folder.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Column with the source; default: the one named outlet, source, ..."),
    ] = None,
    date_column: DateOption = None,
    partial: PartialOption = False,
    force: ForceOption = False,
) -> None:
    """Write a self-contained HTML report with charts and sentences in context."""
    from framing.batch.html_report import write_report
    from framing.batch.output import open_output

    job = open_output(output, partial=partial)
    path = to or output / "report.html"
    write_report(job, path, by=by, date_column=date_column, force=force)
    typer.echo(f"Written to {path}")

"""``framing batch``: files of any size in, part files with tags out."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from framing.cli.classify import (
    DeviceOption,
    EngineOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from framing.labels.errors import FramingError

if TYPE_CHECKING:
    from framing.batch import BatchReport
    from framing.batch.progress import Progress

_INTERRUPTED = 130
_TERMINATED = 143


def batch(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Files, globs, folders, URLs, or - for JSON Lines on standard input.",
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder to write to, or to go on in.")],
    text_column: Annotated[str, typer.Option(help="Column with the text.")] = "text",
    id_column: Annotated[
        str | None, typer.Option(help="Column that names a row where it is rejected.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", help="Pass only this column through. May be repeated."),
    ] = None,
    level: Annotated[str, typer.Option(help="A row per sentence or per document.")] = "sentence",
    to: Annotated[str, typer.Option("--format", help="parquet, jsonl or csv.")] = "parquet",
    input_format: Annotated[
        str | None, typer.Option(help="parquet, jsonl, csv, tsv, text or dataset; else by name.")
    ] = None,
    delimiter: Annotated[str, typer.Option(help="Between the fields of CSV.")] = ",",
    lines: Annotated[
        bool, typer.Option("--lines", help="Every line of a text file is a text.")
    ] = False,
    model: ModelOption = "default",
    device: DeviceOption = "auto",
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    precision: PrecisionOption = "auto",
    threshold: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    min_confidence: Annotated[float, typer.Option(min=0, max=1)] = 0.0,
    split: Annotated[bool, typer.Option(help="--no-split takes each text as one sentence.")] = True,
    max_chars: Annotated[int, typer.Option(help="A longer text is rejected.")] = 1_000_000,
    part_rows: Annotated[int, typer.Option(help="Rows of a part file at most.")] = 10_000,
    workers: Annotated[int, typer.Option(help="Parts worked on at a time.")] = 2,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray", metavar="ADDRESS", help="Run on a Ray cluster: its address, auto or local."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad row.")] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start an unfinished job afresh.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write to a folder that is not empty.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Tag every row of files of any size; stop it at will, and go on by the same command."""
    from framing.batch import BatchJob, InputFormat, Level, OutputFormat, run

    job = BatchJob(
        inputs=tuple(inputs),
        output=output,
        text_column=text_column,
        id_column=id_column,
        columns=None if columns is None else tuple(columns),
        level=_choice(Level, level, "--level"),
        format=_choice(OutputFormat, to, "--format"),
        input_format=_choice(InputFormat, input_format, "--input-format") if input_format else None,
        delimiter="\t" if delimiter == "\\t" else delimiter,
        lines=lines,
        model=model,
        device=device,
        engine=engine,
        precision=precision,
        threads=threads,
        threshold=threshold,
        min_confidence=min_confidence,
        split=split,
        max_chars=max_chars,
        part_rows=part_rows,
        workers=workers,
        strict=strict,
        restart=restart,
        force=force,
    )
    _use_few_arenas()
    known = signal.signal(signal.SIGTERM, lambda *_: _leave(_TERMINATED, output))
    try:
        report = run(job, progress=_progress(quiet=quiet), ray_address=ray)
    except KeyboardInterrupt:
        _leave(_INTERRUPTED, output)
    finally:
        signal.signal(signal.SIGTERM, known or signal.SIG_DFL)
    if not quiet:
        _print(report)
    if not report.rows_out:
        raise FramingError(f"all {report.rows_in:,} rows were rejected; {output}/rejected says why")


def _use_few_arenas() -> None:
    """Keep memory flat: with an arena for each thread, glibc gives little of it back."""
    import ctypes

    arena_max = -8  # M_ARENA_MAX of malloc.h
    with suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL("libc.so.6").mallopt(arena_max, 2)


def _choice(kind, value: str, option: str):  # type: ignore[no-untyped-def]
    try:
        return kind(value)
    except ValueError as error:
        known = ", ".join(each.value for each in kind)
        raise FramingError(f"{option} must be one of {known}, got {value!r}") from error


def _progress(*, quiet: bool) -> Progress:
    from framing.batch.progress import Bars, LogLines, Silence, logger

    if quiet:
        return Silence()
    if sys.stderr.isatty():
        return Bars()
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return LogLines()


def _leave(code: int, output: Path) -> NoReturn:
    """Leave at once, as threads are in the middle of parts: a part is written whole or not."""
    from framing.batch.runner import SUCCESS

    if (output / SUCCESS).exists():
        said = f"the job in {output} is finished"
    else:
        said = (
            f"stopped; finished parts in {output} are kept, and the same command goes on from there"
        )
    sys.stderr.write(f"\nframing: {said}\n")
    sys.stderr.flush()
    os._exit(code)


def _print(report: BatchReport) -> None:
    rejected = sum(report.rejected.values())
    typer.echo(
        f"{report.rows_in:,} rows in = {report.rows_out:,} rows out + {rejected:,} rejected; "
        f"{report.sentences:,} sentences in {report.parts:,} part{'s' * (report.parts != 1)}"
    )
    for reason, count in report.rejected.items():
        typer.echo(f"  rejected, {reason}: {count:,} (see {report.output}/rejected)")
    for old, new in report.renamed.items():
        typer.echo(f"  the input's column {old} is {new} in the output")
    for name in report.mixed:
        typer.echo(f"  the column {name} has values of several kinds: it is text in the output")
    typer.echo(
        f"{report.output}: {report.sentences_per_second:,} sentences/s over {report.seconds:,} s"
    )

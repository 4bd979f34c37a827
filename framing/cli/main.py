"""The ``framing`` command: its subcommands, and how every error reaches the user."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated

import typer

from framing import __version__
from framing.cli.agreement import agree, merge, stats
from framing.cli.batch import batch
from framing.cli.classify import classify
from framing.cli.evaluate import evaluate
from framing.cli.export import export
from framing.cli.info import info
from framing.cli.labels import labels_app
from framing.cli.push import push
from framing.cli.report import report
from framing.cli.schema import schema_app
from framing.cli.suggest import suggest
from framing.cli.summarize import summarize
from framing.cli.train import train
from framing.labels.errors import FramingError

USAGE_ERROR = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it

app = typer.Typer(
    name="framing",
    help="Tag the sentences of news text by topic and by stance.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (classify, batch, summarize, report, train, evaluate, suggest, push, export, info):
    app.command()(command)
labels_app.command()(stats)
labels_app.command()(agree)
labels_app.command()(merge)
app.add_typer(labels_app)
app.add_typer(schema_app)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; an expected error is one line on stderr and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except FramingError as error:
        code = _fail(str(error))
    except typer.Abort:
        code = INTERRUPTED
    except OSError as error:  # a full disk behind standard output, for example
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _fail(f"{error.filename or 'standard output'}: {error.strerror or error}")
    except Exception as error:
        # typer carries click under a private name, so its errors are known by their method.
        if not hasattr(error, "format_message"):
            raise
        code = _fail(error.format_message())
    if code == INTERRUPTED:  # typer turns Ctrl-C into this code
        _print_error("interrupted")
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> int:
    _print_error(message)
    return USAGE_ERROR


def _print_error(message: str) -> None:
    print(f"framing: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201

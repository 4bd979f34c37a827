"""The ``framing`` command: its subcommands, and how every error reaches the user."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from framing import __version__
from framing.cli.classify import classify
from framing.cli.evaluate import evaluate
from framing.cli.info import info
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
for command in (classify, train, evaluate, info):
    app.command()(command)


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if show_version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; an expected error is one line on stderr and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except FramingError as error:
        code = _fail(str(error))
    except BrokenPipeError:
        # The reader, for example `head`, has seen enough. Without this, Python
        # would complain when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except (KeyboardInterrupt, typer.Abort):
        print("framing: interrupted", file=sys.stderr)  # noqa: T201
        code = INTERRUPTED
    except Exception as error:
        # typer carries click under a private name, so its errors are known by their method.
        if not hasattr(error, "format_message"):
            raise
        code = _fail(error.format_message())
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> int:
    print(f"framing: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
    return USAGE_ERROR

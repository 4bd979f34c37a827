"""``framing train``: from a configuration to a model folder with its card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CorporaOption = Annotated[
    Path | None,
    typer.Option(help="Folder with the text of standoff labels (default: FRAMING_CORPORA)."),
]
WithoutOption = Annotated[
    list[str] | None,
    typer.Option(help="Leave out a provenance: seed, real or authored. May be repeated."),
]
ConfigOption = Annotated[
    Path | None, typer.Option(help="Training configuration; by default the shipped model's.")
]


def train(
    config: ConfigOption = None,
    corpora: CorporaOption = None,
    without: WithoutOption = None,
    output: Annotated[
        Path | None, typer.Option(help="Model folder, instead of the configuration's.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Overwrite a model that is there.")] = False,
) -> None:
    """Train a model and measure it on held-out documents."""
    from framing.cli.tables import print_scores
    from framing.training.config import load_config
    from framing.training.run import train as run

    settings = load_config(config)
    report = run(
        settings,
        corpora=corpora,
        without=without or [],
        output=output,
        force=force,
        progress=True,
    )
    print_scores(report.held_out, title="Held-out documents")
    for scores in report.unseen:
        print_scores([scores], title="Source not trained on")
    typer.echo(f"Model and card: {output or settings.output} ({report.seconds} s)")

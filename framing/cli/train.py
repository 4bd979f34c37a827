"""``framing train``: from a configuration to a model folder with its card."""

from __future__ import annotations

from itertools import groupby
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
    """Train a model and measure it on documents or sources held out."""
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
    what = "Sources left out of training" if report.unseen else "Held-out documents"
    print_scores(report.held_out, title=what)
    for source, scores in groupby(report.unseen, key=lambda s: s.system.partition(",")[0]):
        print_scores(list(scores), title=f"{source}, left out of training")
    typer.echo(f"Model and card: {output or settings.output} ({report.seconds} s)")

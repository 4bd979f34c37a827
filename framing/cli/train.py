"""``framing train``: from labels, or a configuration, to a model folder with its card."""

from __future__ import annotations

import shlex
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from framing.cli.labels import ColumnOption, hinting, named_columns, schema_hint
from framing.labels.errors import FramingError

if TYPE_CHECKING:
    from framing.training.config import TrainConfig
    from framing.training.report import TrainingReport
    from framing.training.run import TrainingData

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
_STARTS = {"blend": "blend", "shipped": "shipped", "backbone": "minilm"}


def train(
    labels: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LABELS]...", help="Files of labels in any format that is read, or none."
        ),
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(help="Topics and stances of the labels (YAML).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Model folder, instead of the configuration's.")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(help="From a 'blend' (default), the 'shipped' encoder, or the 'backbone'."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Start from this model or encoder: a folder or hub id.")
    ] = None,
    extend: Annotated[
        str | None,
        typer.Option(help="Add topics to this model and keep its own: 'shipped', a folder, …"),
    ] = None,
    replay: Annotated[
        list[str] | None,
        typer.Option(help="With --extend: labels of the old topics to learn again."),
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Measure by cross-validation in so many folds.")
    ] = None,
    search: Annotated[
        int | None, typer.Option(min=1, help="Try so many settings, and take the best.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs at most.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Sentences per step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of the encoder.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of splits and training.")] = None,
    config: ConfigOption = None,
    column: ColumnOption = None,
    corpora: CorporaOption = None,
    without: WithoutOption = None,
    force: Annotated[bool, typer.Option(help="Overwrite a model that is there.")] = False,
    restart: Annotated[
        bool, typer.Option(help="Throw away what a run that was cut off has done.")
    ] = False,
) -> None:
    """Train a model on LABELS, and measure it on documents held out.

    Without LABELS, the configuration says what to train on; by default it is the shipped
    model's. The same command goes on where it was cut off.
    """
    from framing.training.processes import is_main_process
    from framing.training.run import train as run

    given = {
        "backbone": _start(init, base, extend),
        "folds": folds,
        "search": search,
        "max_epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "extend": extend,
        "replay": tuple(replay) if replay else None,
    }
    reading = {"corpora": corpora, "without": without or []}
    with hinting(schema_hint(schema) if config is None else None):
        settings, data = _settings(
            labels or [],
            schema,
            output,
            config,
            {name: value for name, value in given.items() if value is not None},
            {**reading, "columns": named_columns(column or [])},
            {"force": force, "restart": restart},
        )
    if is_main_process():
        _print_plan(settings, data)
    report = run(
        settings,
        data=data,
        corpora=corpora,
        force=force,
        restart=restart,
        progress=True,
        command=shlex.join(["framing", *sys.argv[1:]]),
    )
    if is_main_process():
        _print_report(report, settings.output)


def _start(init: str | None, base: str | None, extend: str | None) -> str | None:
    """What to start from, if anything was said about it."""
    asked = {"--init": init, "--base": base, "--extend": extend}
    several = [name for name, value in asked.items() if value is not None]
    if len(several) > 1:
        names = " and ".join(several)
        raise FramingError(f"{names}: give one of them; each says what to start from")
    if init is not None and init not in _STARTS:
        raise FramingError(f"--init {init}: is none of {', '.join(_STARTS)}")
    return _STARTS[init] if init is not None else base or extend


def _settings(
    labels: list[str],
    schema: Path | None,
    output: Path | None,
    config: Path | None,
    asked: dict[str, Any],
    reading: dict[str, Any],
    overwriting: dict[str, bool],
) -> tuple[TrainConfig, TrainingData]:
    """The configuration to train with, and its data; ``asked`` overrides what it says."""
    from framing.training.config import load_config
    from framing.training.run import check_output, read_data
    from framing.training.settings import settings_for

    if labels and config is None:
        if output is None:
            raise FramingError("--output is missing: the folder for the model")
        check_output(output, **overwriting)
        extend = asked.get("extend")
        data = read_data(labels, label_schema=schema, extend=extend, **reading)
        settings = settings_for(
            data.records, labels=labels, output=output, label_schema=schema, **asked
        )
        return settings, data
    if labels:
        asked |= {"labels": tuple(labels), "unseen_sources": (), "measured": (), "behaviour": None}
    if schema is not None:
        asked["label_schema"] = schema
    if output is not None:
        asked["output"] = output
    if "backbone" in asked:
        asked["backbone_sha256"] = None
    settings = load_config(config, given=asked)
    check_output(settings.output, **overwriting)
    data = read_data(
        settings.labels,
        label_schema=settings.label_schema,
        extend=settings.extend,
        candidates=settings.corpora,
        **reading,
    )
    return settings, data


def _print_plan(settings: TrainConfig, data: TrainingData) -> None:
    """What was noticed of the labels, and with which settings training starts."""
    from framing.cli.tables import print_notes, print_pairs
    from framing.training.settings import chosen_settings

    print_notes("Labels, before training", data.findings.errors, data.findings.warnings)
    print_pairs("Settings", chosen_settings(settings, len(data.records)))


def _print_report(report: TrainingReport, folder: Path) -> None:
    from framing.cli.tables import print_extension, print_labels, print_scores

    what = "Held-out documents"
    if report.unseen:
        what = "Sources left out of training"
    elif report.fold_epochs:
        what = f"Cross-validation in {len(report.fold_epochs)} folds"
    print_scores(report.held_out, title=what)
    if not report.unseen:
        print_labels(report.held_out[0])
    for source, scores in groupby(report.unseen, key=lambda s: s.system.partition(",")[0]):
        print_scores(list(scores), title=f"{source}, left out of training")
    if report.search:
        found = ", ".join(f"{name} {value:.4g}" for name, value in report.search.settings.items())
        typer.echo(f"Best of {report.search.trials} settings: {found}")
    if report.extension:
        print_extension(report.extension)
    typer.echo(f"Model and card: {folder} ({report.seconds} s)")

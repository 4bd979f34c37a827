"""``framing info``: what is installed, and what it would run."""

from __future__ import annotations

from typing import Annotated

import typer

from framing import __version__
from framing.cli.classify import (
    DeviceOption,
    EngineOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)


def info(
    model: ModelOption = "default",
    device: DeviceOption = "auto",
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    precision: PrecisionOption = "auto",
    definitions: Annotated[
        bool, typer.Option("--definitions", help="Print what topics and stances mean, too.")
    ] = False,
) -> None:
    """Show the model, its schema, the engine and the device."""
    from framing.classifier import Classifier
    from framing.engines import choose
    from framing.engines.compiled import cache_folder

    classifier = Classifier.from_pretrained(
        model, device=device, engine=engine, threads=threads, precision=precision
    )
    schema = classifier.schema
    rows = {
        "framing": __version__,
        "model": str(classifier.folder),
        "weights": f"SHA-256 {classifier.weights_hash}",
        "thresholds": ", ".join(f"{value:.2f}" for value in classifier.rule.thresholds),
        "engine": f"{classifier.engine}, {choose(engine, device).why}",
        "device": classifier.device,
        "precision": classifier.precision,
        "threads": str(classifier.threads),
        "cache": str(cache_folder()),
        "topics": ", ".join(schema.topic_names),
        "stances": ", ".join(schema.stance_names),
    }
    for name, value in rows.items():
        typer.echo(f"{name + ':':<12}{value}")
    if definitions:
        for topic in schema.topics:
            typer.echo(f"\n{topic.name}: {topic.definition}\n  target: {topic.target}")
        for stance in schema.stances:
            typer.echo(f"\n{stance.name}: {stance.definition}")

"""``framing export``: a model for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from framing.cli.classify import ModelOption


def export(
    output: Annotated[Path, typer.Argument(help="Folder to write to.")],
    model: ModelOption = "default",
    to: Annotated[str, typer.Option("--format", help="onnx, openvino or int8.")] = "onnx",
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write a model for ONNX Runtime or OpenVINO, and say how its answers differ."""
    from framing.exporting import ExportFormat
    from framing.exporting import export as write
    from framing.labels.errors import FramingError
    from framing.models.store import find_model

    try:
        chosen = ExportFormat(to)
    except ValueError as error:
        known = ", ".join(choice.value for choice in ExportFormat)
        raise FramingError(f"unknown format {to!r}; there are {known}") from error
    done = write(find_model(model), output, to=chosen, force=force)
    typer.echo(f"model:      {done.model}")
    typer.echo(
        f"compared:   on {done.sentences} packaged sentences, {done.same_tags:.1%} have the same "
        f"tags; the largest difference in a probability is {done.largest_difference:.3f}"
    )

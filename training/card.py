"""The model card, rendered from a run's report."""

from __future__ import annotations

from importlib import resources
from math import isnan
from pathlib import Path

import yaml
from jinja2 import Environment, StrictUndefined

from framing.labels.errors import FramingError
from framing.labels.records import PACKAGED
from framing.training.backbone import Start
from framing.training.evaluation import LabelScore
from framing.training.report import TrainingReport, write_report

CARD = "README.md"
_TEMPLATE = "card.md.jinja"


def write_card(report: TrainingReport, folder: Path) -> None:
    """Write ``report.json`` and the ``README.md`` made of it into a model folder."""
    write_report(report, folder)
    (folder / CARD).write_text(render_card(report), encoding="utf-8")


def check_card(report: TrainingReport, folder: Path) -> None:
    """Refuse a card that somebody has edited since it was made of ``report``.

    Raises:
        FramingError: Writing it anew would lose what was edited.
    """
    path = folder / CARD
    if path.is_file() and path.read_text("utf-8", errors="replace") != render_card(report):
        raise FramingError(
            f"{path}: differs from the card of its report, so that what you wrote there would be "
            "lost; --force makes the card anew: keep a copy, and put your text back in"
        )


def render_card(report: TrainingReport) -> str:
    """The card as Markdown."""
    environment = Environment(  # noqa: S701 - Markdown, not HTML
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["figure"] = _figure
    environment.filters["cell"] = lambda text: " ".join(text.split()).replace("|", "\\|")
    environment.filters["interval"] = _with_interval
    environment.filters["yaml"] = lambda value: yaml.safe_dump(value, sort_keys=False)
    source = (resources.files(__package__) / _TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(source).render(
        report=report,
        # What is special to the labels of this project, the card says of them alone.
        ours=any(name in PACKAGED for name in report.config["labels"]),
        start=report.start or Start(report.config["backbone"], "encoder", ""),
    )


def _figure(value: float) -> str:
    return "–" if isnan(value) else f"{value:.2f}"


def _with_interval(label: LabelScore) -> str:
    """F1 of a label; reports of earlier versions have no intervals of it."""
    ends = "" if isnan(label.low) else f" [{label.low:.2f}, {label.high:.2f}]"
    return _figure(label.f1) + ends

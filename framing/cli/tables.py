"""Tables of figures for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from framing.training.evaluation import Scores

_TITLES = {
    "joint_f1": "joint F1",
    "topic_macro_f1": "topic macro-F1",
    "stance_accuracy": "stance accuracy",
    "stance_macro_f1": "stance macro-F1",
    "exact_match": "exact match",
}


def print_scores(scores: Sequence[Scores], *, title: str) -> None:
    """One column per system, one row per figure with its 95 % interval."""
    first = scores[0]
    table = Table(
        title=f"{title}: {first.sentences} sentences, {first.documents} documents",
        caption="95 % bootstrap intervals over documents",
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE,
    )
    table.add_column("figure")
    for system in scores:
        table.add_column(system.system, justify="right")
    for name, words in _TITLES.items():
        table.add_row(words, *(str(system.estimates[name]) for system in scores))
    table.add_row("calibration error", *(_figure(system.ece) for system in scores))
    for topic in first.topics:
        table.add_row(f"F1 {topic}", *(str(system.topics[topic]) for system in scores))
    _console().print(table)


def print_labels(scores: Scores) -> None:
    """Precision, recall, F1 and support per topic and stance."""
    table = Table(title=f"{scores.system}, per label", title_justify="left", box=box.SIMPLE)
    for name in ("topic", "stance"):
        table.add_column(name)
    for name in ("precision", "recall", "F1", "support"):
        table.add_column(name, justify="right")
    for label in scores.labels:
        figures = (_figure(value) for value in (label.precision, label.recall, label.f1))
        table.add_row(label.topic, label.stance or "any", *figures, str(label.support))
    _console().print(table)


def _console() -> Console:
    # Piped into a file, a table must not be folded to a terminal's 80 columns.
    console = Console()
    return console if console.is_terminal else Console(width=120)


def _figure(value: float) -> str:
    return "–" if isnan(value) else f"{value:.2f}"

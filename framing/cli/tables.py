"""Tables of figures for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from framing.training.evaluation import LabelScore, Scores
    from framing.training.extending import Extension

_TITLES = {
    "joint_f1": "joint F1",
    "topic_macro_f1": "topic macro-F1",
    "stance_accuracy": "stance accuracy",
    "stance_macro_f1": "stance macro-F1",
    "exact_match": "exact match",
}


def console(*, width: int = 120) -> Console:
    """Standard output; of that width where it is piped, not folded to a terminal's 80 columns."""
    found = Console()
    return found if found.is_terminal else Console(width=width)


def print_scores(scores: Sequence[Scores], *, title: str) -> None:
    """One column per system, one row per figure with its 95 % interval."""
    first = scores[0]
    table = Table(
        title=Text(f"{title}: {first.sentences} sentences, {first.documents} documents"),
        caption="95 % bootstrap intervals over documents",
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE,
    )
    table.add_column("figure")
    for system in scores:
        table.add_column(Text(system.system), justify="right")
    for name, words in _TITLES.items():
        table.add_row(words, *(str(system.estimates[name]) for system in scores))
    table.add_row("calibration error", *(_figure(system.ece) for system in scores))
    for topic in first.topics:
        table.add_row(f"F1 {topic}", *(str(system.topics[topic]) for system in scores))
    console().print(table)


def print_labels(scores: Scores) -> None:
    """Precision, recall, F1 and support per topic and stance."""
    table = Table(title=Text(f"{scores.system}, per label"), title_justify="left", box=box.SIMPLE)
    for name in ("topic", "stance"):
        table.add_column(name)
    for name in ("precision", "recall", "F1", "support"):
        table.add_column(name, justify="right")
    for label in scores.labels:
        figures = (_figure(value) for value in (label.precision, label.recall))
        f1 = _f1_with_interval(label)
        table.add_row(label.topic, label.stance or "any", *figures, f1, str(label.support))
    console().print(table)


def print_extension(extension: Extension) -> None:
    """Whether the topics of a model that was extended are still found."""
    table = Table(title="Old topics", title_justify="left", box=box.SIMPLE)
    table.add_column("topic")
    for name in ("same answer, new sentences", "F1 before", "F1 after"):
        table.add_column(name, justify="right")
    for topic, share in extension.agreement.items():
        pair = (
            str(scores.topics[topic]) if scores else "–"
            for scores in (extension.before, extension.after)
        )
        table.add_row(topic, _figure(share), *pair)
    if extension.before:
        table.caption = f"F1 on {extension.measured_on}, {extension.before.sentences} sentences"
        table.caption_justify = "left"
    console().print(table)


def print_notes(title: str, errors: Sequence[str], warnings: Sequence[str]) -> None:
    """A list of problems, if there are any, on standard error."""
    notes = [*(f"error: {e}" for e in errors), *(f"warning: {w}" for w in warnings)]
    if notes:
        print(f"{title}:", *(f"- {note}" for note in notes), sep="\n", file=sys.stderr)  # noqa: T201


def print_pairs(title: str, pairs: Mapping[str, str]) -> None:
    """Names and values, on standard error."""
    lines = [f"  {name}: {value}" for name, value in pairs.items()]
    print(f"{title}:", *lines, sep="\n", file=sys.stderr)  # noqa: T201


def _f1_with_interval(label: LabelScore) -> str:
    ends = "" if isnan(label.low) else f" [{label.low:.2f}, {label.high:.2f}]"
    return _figure(label.f1) + ends


def _figure(value: float) -> str:
    return "–" if isnan(value) else f"{value:.2f}"

"""What a person at the terminal sees of a training run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from transformers import TrainerCallback


@contextmanager
def progress_callbacks(title: str | None) -> Iterator[list[TrainerCallback]]:
    """A callback that draws a bar on standard error; none where there is no title."""
    if title is None:
        yield []
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield [_Bar(progress, title)]


class _Bar(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """A bar over the steps, and a line with the joint F1 after each epoch."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._title = title
        self._task = progress.add_task(title, total=None)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._progress.update(self._task, total=state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._progress.update(self._task, completed=state.global_step)

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        joint_f1 = kwargs["metrics"]["eval_joint_f1"]
        self._progress.console.print(
            f"{self._title}: epoch {round(state.epoch)}, "
            f"joint F1 on tuning documents {joint_f1:.3f}"
        )

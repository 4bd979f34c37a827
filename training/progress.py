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
def progress_callbacks(title: str | None, *, share: float = 1.0) -> Iterator[list[TrainerCallback]]:
    """A callback that draws a bar on standard error; none where there is no title.

    ``share`` is the part of the schedule's steps that will be done, in (0, 1].
    """
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
        yield [_Bar(progress, title, share)]


class _Bar(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """A bar over the steps, and a line with the joint F1 after each epoch."""

    def __init__(self, progress: Progress, title: str, share: float) -> None:
        self._progress = progress
        self._title = title
        self._share = share
        self._task = progress.add_task(title, total=None)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        total = round(state.max_steps * self._share)
        self._progress.update(self._task, total=total, completed=state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._progress.update(self._task, completed=state.global_step)

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        joint_f1 = kwargs["metrics"]["eval_joint_f1"]
        self._progress.console.print(
            f"{self._title}: epoch {round(state.epoch)}, "
            f"joint F1 on tuning documents {joint_f1:.3f}"
        )

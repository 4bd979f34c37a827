"""What a job says while it runs: bars on a terminal, a line every half minute elsewhere."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

_EVERY = 30.0  # seconds between two lines

logger = logging.getLogger("framing.batch")


class Progress(Protocol):
    """Is told what happens; a context manager."""

    def stage(self, title: str, total: int | None, *, done: int = 0, rejected: int = 0) -> None:
        """A new stage of so many rows, where that is known; some were done by an earlier run."""
        ...

    def advance(self, rows: int, *, rejected: int = 0) -> None:
        """So many more rows are done, some of them rejected."""
        ...

    def __enter__(self) -> Progress: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Silence:
    """Says nothing."""

    def stage(self, title: str, total: int | None, *, done: int = 0, rejected: int = 0) -> None:
        """Nothing."""

    def advance(self, rows: int, *, rejected: int = 0) -> None:
        """Nothing."""

    def __enter__(self) -> Silence:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Bars:
    """Bars on standard error: rows, rate, time left, rejected rows."""

    def __init__(self) -> None:
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[rejected]:,} rejected"),
            console=Console(stderr=True),
        )
        self._task: Any = None
        self._started = 0.0
        self._rows = self._rejected = 0  # rows of this run alone, for its rate

    def stage(self, title: str, total: int | None, *, done: int = 0, rejected: int = 0) -> None:
        """A new bar."""
        if self._task is not None:
            self._bars.stop_task(self._task)
        self._task = self._bars.add_task(
            title, total=total, completed=done, rate="", rejected=rejected
        )
        self._started = time.monotonic()
        self._rows, self._rejected = 0, rejected

    def advance(self, rows: int, *, rejected: int = 0) -> None:
        """Move the bar."""
        self._rows += rows
        self._rejected += rejected
        seconds = max(time.monotonic() - self._started, 1e-9)
        self._bars.update(
            self._task,
            advance=rows,
            rate=f"{self._rows / seconds:,.0f} rows/s",
            rejected=self._rejected,
        )

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()


class LogLines:
    """One line of ``key=value`` every half minute, and one for each stage."""

    def __init__(self) -> None:
        self._title = ""
        self._total: int | None = None
        self._done = self._rows = self._rejected = 0
        self._started = self._said = time.monotonic()

    def stage(self, title: str, total: int | None, *, done: int = 0, rejected: int = 0) -> None:
        """A new stage."""
        self._title, self._total = title, total
        self._done = self._rows = done
        self._rejected = rejected
        self._started = self._said = time.monotonic()
        self._say()

    def advance(self, rows: int, *, rejected: int = 0) -> None:
        """Say so, if it is time."""
        self._rows += rows
        self._rejected += rejected
        now = time.monotonic()
        if now - self._said >= _EVERY:
            self._said = now
            self._say()

    def _say(self) -> None:
        rate = (self._rows - self._done) / max(time.monotonic() - self._started, 1e-9)
        left = "?"
        if self._total is not None and rate > 0:
            left = f"{(self._total - self._rows) / rate:.0f}"
        logger.info(
            'stage="%s" rows=%d total=%s rejected=%d rows_per_s=%.1f eta_s=%s',
            self._title,
            self._rows,
            "?" if self._total is None else self._total,
            self._rejected,
            rate,
            left,
        )

    def __enter__(self) -> LogLines:
        return self

    def __exit__(self, *_: object) -> None:
        if self._rows:
            self._say()

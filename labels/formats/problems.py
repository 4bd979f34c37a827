"""Everything that is wrong with one file of labels, found in one reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framing.labels.errors import LabelsError

_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where.

    Attributes:
        row: Counted as the program that shows the file counts: a spreadsheet's
            row (the headings are in row 1), a line of JSON Lines, a task of
            Label Studio (the first is 1); ``None`` for the file as a whole.
        column: The heading, JSON key or topic it stands under.
        value: What stands there, shortened.
        message: What is wrong and what to do.
        unit: What ``row`` counts: row, line, task or record.
        other_topics: Whether a topic is missing or unknown.
    """

    row: int | None
    column: str | None
    value: str | None
    message: str
    unit: str = "row"
    other_topics: bool = False

    def __str__(self) -> str:
        place = [f"{self.unit} {self.row}"] if self.row is not None else []
        place += [f"column {self.column!r}"] if self.column is not None else []
        parts = [", ".join(place)] if place else []
        parts += [repr(self.value)] if self.value is not None else []
        return ": ".join([*parts, self.message])


class ImportProblems(LabelsError):  # noqa: N818  it is about all of them
    """A file of labels has problems; nothing of it was imported.

    Attributes:
        path: The file.
        problems: All problems, in the order of the file.
    """

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        more = len(problems) - 1
        rest = (
            f" (and {more} more problem{'s' if more > 1 else ''}; "
            f"'framing labels validate {path} --schema SCHEMA' lists all)"
        )
        super().__init__(
            f"{path}: {problems[0]}{rest if more else ''}",
            other_topics=any(problem.other_topics for problem in problems),
        )


class Problems:
    """Collects the problems of one file while it is read."""

    def __init__(self, path: Path, *, unit: str) -> None:
        self.path = path
        self.unit = unit
        self._found: list[Problem] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(
        self,
        message: str,
        *,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
        unit: str | None = None,
        other_topics: bool = False,
    ) -> None:
        """Note a problem; ``unit`` says what ``row`` counts where that is not the usual one."""
        shown = None if value is None else _short(value)
        problem = Problem(row, column, shown, message, unit or self.unit, other_topics)
        self._found.append(problem)

    def raise_if_any(self) -> None:
        """Raise :class:`ImportProblems` if anything was noted."""
        if self._found:
            self._found.sort(key=lambda problem: problem.row or 0)  # stable within a row
            raise ImportProblems(self.path, self._found)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    # A lone surrogate stands for a byte that is not UTF-8 and cannot be printed.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"

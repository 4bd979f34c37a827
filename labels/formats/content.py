"""What every reader of a format returns, before it is checked against the schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell without a usable value; a problem only if its column is needed."""

    value: str
    message: str


@dataclass(frozen=True, slots=True)
class RawLabel:
    """A label as the file spells it.

    Attributes:
        column: Where it stands.
        topic: The topic, or ``None`` where ``stance`` holds both: ``topic: stance``.
        stance: The stance.
    """

    column: str
    topic: object
    stance: object


@dataclass(frozen=True, slots=True)
class Item:
    """One row, line, task or example.

    Attributes:
        row: See :class:`~framing.labels.formats.problems.Problem`.
        fields: Heading or JSON key to value; its labels among them for a table.
        labels: Labels where the format itself says what is one, else empty.
    """

    row: int
    fields: Mapping[str, object]
    labels: tuple[RawLabel, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """All items of a file.

    Attributes:
        items: In the order of the file.
        headings: Of the columns or keys; one stands twice if it does in the file.
        heading_row: The row of the headings, ``None`` where there is no such row.
        has_labels: Whether the format says what is a label; else columns are sought.
        sparse: Whether a column that is empty in all rows is not there at all.
        exact: Whether outer white space is kept, as in our own records.
        warnings: What the user should know of the reading.
    """

    items: list[Item]
    headings: tuple[str, ...]
    heading_row: int | None = None
    has_labels: bool = False
    sparse: bool = False
    exact: bool = False
    warnings: list[str] = field(default_factory=list)


def keys_of(items: list[Item]) -> tuple[str, ...]:
    """The keys of all items, in order of appearance."""
    return tuple(dict.fromkeys(key for item in items for key in item.fields))


def is_blank(value: object) -> bool:
    """Whether a cell is empty: nothing, white space, or the NaN that pandas writes."""
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, float) and value != value)  # noqa: PLR0124  NaN
    )

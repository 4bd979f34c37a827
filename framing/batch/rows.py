"""Rows as read: the good ones with their texts, the bad ones with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


class Reason(str, Enum):
    """Why a row is rejected."""

    NULL = "null"
    NOT_A_STRING = "not a string"
    NO_COLUMN = "no such column"
    INVALID_UTF8 = "invalid UTF-8"
    TOO_LONG = "too long"
    MALFORMED = "malformed"
    FIELD_COUNT = "wrong number of fields"


_SHOWN = 200  # characters of a value that stand beside its reason


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row, and the value that shows it, shortened."""

    reason: Reason
    detail: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A bad row.

    Attributes:
        file: Path of the file.
        row: 0-based row in the file.
        line: 1-based line in a text file, else ``None``.
        identifier: What stands in the id column, if it can be read.
        problem: What is wrong.
    """

    file: str
    row: int
    line: int | None
    identifier: Any
    problem: Problem


@dataclass(slots=True)
class Rows:
    """The rows of one part.

    Attributes:
        texts: Texts of the good rows.
        places: File and 0-based row of each.
        table: The columns to pass through, good rows only; no column, no table.
        rejections: The bad rows.
    """

    texts: list[str] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)
    table: pa.Table | None = None
    rejections: list[Rejection] = field(default_factory=list)


def shown(value: object) -> str:
    """A value for people, shortened."""
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def problem_in_text(text: object, *, max_chars: int) -> Problem | None:
    """What makes a value no text that can be tagged, or ``None``."""
    if text is None:
        return Problem(Reason.NULL, "the text is null")
    if not isinstance(text, str):
        return Problem(
            Reason.NOT_A_STRING, f"the text is a {type(text).__name__}, not a string", shown(text)
        )
    if len(text) > max_chars:
        return Problem(
            Reason.TOO_LONG,
            f"the text has {len(text):,} characters, more than {max_chars:,}",
            shown(text),
        )
    if not is_unicode(text):
        return Problem(Reason.INVALID_UTF8, "the text has half a surrogate pair", shown(text))
    return None


def is_unicode(text: str) -> bool:
    """Whether a string can be written as UTF-8: JSON may hide lone surrogates in one."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def decoded(data: bytes) -> str | Problem:
    """UTF-8 bytes as a string, or what is wrong with them."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Problem(
            Reason.INVALID_UTF8,
            f"byte {error.start} is not UTF-8",
            shown(data.decode("utf-8", "backslashreplace")),
        )

"""Cells to the values of record fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from framing.labels.formats.content import BadCell
from framing.labels.records import CHOSEN_BY, PROVENANCES

_SURROGATE = re.compile("[\ud800-\udfff]")
_TRUE = ("true", "yes", "1", "ja", "wahr", "sure", "certain")
_FALSE = ("false", "no", "0", "nein", "falsch", "unsure", "uncertain")


class CellError(Exception):
    """A cell cannot be what its column says; the message says why."""


def field_value(name: str, cell: object) -> str | int | bool | dict[str, Any]:
    """The value of a record field.

    Raises:
        CellError: The cell holds something else.
    """
    if isinstance(cell, BadCell):
        raise CellError(cell.message)
    return _READERS.get(name, as_text)(cell)


def as_text(cell: object) -> str:
    """A string as it stands; a whole number without a decimal point.

    Raises:
        CellError: The cell is a list, an object, or text that UTF-8 cannot hold.
    """
    if isinstance(cell, BadCell):
        raise CellError(cell.message)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if not isinstance(cell, str | int | float):
        if isinstance(cell, list | dict | bytes):
            raise CellError(f"expected text, got a {type(cell).__name__}")
        return str(cell)  # a date or a time
    text = str(cell)
    if _SURROGATE.search(text):
        raise CellError("holds half of a surrogate pair, which is no character")
    return text


def _sentence(cell: object) -> str:
    if not isinstance(cell, str):
        kind = type(cell).__name__
        raise CellError(f"expected a sentence, got a {kind}: is this the column of the text?")
    return as_text(cell)


def _number(cell: object) -> int:
    try:
        return int(as_text(cell).strip())
    except ValueError as error:
        raise CellError("expected a whole number") from error


def _truth(cell: object) -> bool:
    if isinstance(cell, bool):
        return cell
    word = as_text(cell).strip().casefold()
    if word not in _TRUE + _FALSE:
        raise CellError("expected true or false")
    return word in _TRUE


def _one_of(words: Sequence[str], cell: object) -> str:
    word = as_text(cell).strip()
    if word not in words:
        raise CellError(f"is not one of {', '.join(words)}")
    return word


def _soft(cell: object) -> dict[str, Any]:
    """Shares per topic and class: an object, or as JSON text in a cell."""
    content = cell
    if not isinstance(cell, dict):
        try:
            content = json.loads(as_text(cell))
        except json.JSONDecodeError as error:
            raise CellError(f"is not JSON: {error.msg}") from error
    if not isinstance(content, dict):
        raise CellError("expected an object {topic: {class: share}}")
    return content


_READERS: dict[str, Callable[[object], str | int | bool | dict[str, Any]]] = {
    "soft": _soft,
    "text": _sentence,
    "n": _number,
    "sure": _truth,
    "provenance": partial(_one_of, PROVENANCES),
    "chosen_by": partial(_one_of, CHOSEN_BY),
}

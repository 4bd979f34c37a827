"""Dates in the output of a batch job: which column holds them, and the periods they fall in."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from framing.labels.errors import FramingError

if TYPE_CHECKING:
    import pyarrow as pa

    from framing.batch.output import JobOutput

UNITS = ("day", "week", "month", "year")

_NAMES = (
    *("date", "datetime", "timestamp", "published", "published_at", "published_on", "publish_date"),
    *("published_date", "date_published", "publication_date", "pub_date", "pubdate"),
    *("created_at", "day"),
)


def find_date_column(output: JobOutput, named: str | None = None) -> str | None:
    """The column with the documents' dates: the named one, or the one that looks like it.

    A column looks like it by its type (date or timestamp) or its name (``date``,
    ``published``, ``created_at`` and the like). ``None`` where no column does.

    Raises:
        FramingError: There is no column of that name, or several look like dates.
    """
    columns = output.input_columns
    if named is not None:
        if named not in columns:
            raise FramingError(unknown_column(named, "--date-column", output))
        return named
    found = [name for name in columns if _looks_like_a_date(name, output.columns[name])]
    if len(found) > 1:
        raise FramingError(
            f"{output.folder}: several columns look like dates ({', '.join(found)}); "
            "choose one with --date-column"
        )
    return found[0] if found else None


def unknown_column(name: str, option: str, output: JobOutput) -> str:
    """The message for a column that is not there."""
    return f"{option}: no column {name!r}; there are {', '.join(output.input_columns)}"


def periods(column: pa.Array, unit: str) -> pa.Array:
    """The period of each value as a string: 2024-03-05, 2024-W10 (ISO 8601), 2024-03 or 2024.

    Text counts if it begins with a date like 2024-03-05, 2024/03/05 or is 20240305; a time
    behind it is ignored, so the date is the local one. Timestamps with a time zone count in
    that zone. Anything else is null.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        column = column.cast(pa.date32(), safe=False)
    text = pc.utf8_slice_codeunits(pc.utf8_ltrim_whitespace(column.cast(pa.string())), 0, 10)
    days = text.dictionary_encode()
    names = pa.array([_period_of(day, unit) for day in days.dictionary.to_pylist()], pa.string())
    return names.take(days.indices)


def first_day(period: str) -> date:
    """The day on which a period starts, given as :func:`periods` writes it."""
    year, _, rest = period.partition("-")
    if rest.startswith("W"):
        return date.fromisocalendar(int(year), int(rest[1:]), 1)
    month, _, day = rest.partition("-")
    return date(int(year), int(month or 1), int(day or 1))


def period(day: date, unit: str) -> str:
    """The period that a day falls in, as :func:`periods` writes it."""
    if unit == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"
    return day.isoformat()[: {"day": 10, "month": 7, "year": 4}[unit]]


def _looks_like_a_date(name: str, kind: pa.DataType) -> bool:
    import pyarrow as pa

    from framing.batch.columns import plain_type

    kind = plain_type(kind)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return True
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return name.lower() in _NAMES and is_text


@lru_cache(maxsize=65_536)
def _period_of(text: str, unit: str) -> str | None:
    text = text.replace("/", "-").rstrip()
    if len(text) == 8 and text.isdigit():
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    try:
        return period(date.fromisoformat(text), unit)
    except ValueError:
        return None

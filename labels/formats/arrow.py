"""A folder of the ``datasets`` library, and Parquet read and written by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from framing.labels.formats.columns import Finder
from framing.labels.formats.content import Content, Item
from framing.labels.formats.problems import Problems
from framing.labels.formats.table import table_of
from framing.labels.records import Record
from framing.labels.schema import Schema


class DatasetFolder:
    """What ``Dataset.save_to_disk`` writes: one string column per topic."""

    unit = "record"
    folder = True
    needs_text = False
    long: bool | None = None

    def read(self, path: Path, finder: Finder, problems: Problems) -> Content:
        """Read all splits, one after the other."""
        del finder  # the columns have names of their own
        splits = _loaded(lambda: self._splits(path), problems)
        items: list[Item] = []
        headings: dict[str, None] = {}
        for split in splits.values():
            headings |= dict.fromkeys(split.column_names)
            names = _class_names(split)
            for row in split:
                fields = {key: _named(value, names.get(key)) for key, value in row.items()}
                items.append(Item(len(items) + 1, fields))
        read = ", ".join(f"{name} ({len(split)})" for name, split in splits.items())
        warnings = [f"read all splits: {read}"] if len(splits) > 1 else []
        return Content(items, tuple(headings), warnings=warnings)

    def write(
        self, records: Sequence[Record], path: Path, schema: Schema, *, annotated: bool
    ) -> None:
        """Write a folder that ``datasets.load_from_disk`` reads."""
        with _quiet():
            _dataset(records, schema, annotated=annotated).save_to_disk(path)

    def _splits(self, path: Path) -> dict[str, Any]:
        from datasets import DatasetDict, load_from_disk

        loaded = load_from_disk(str(path))
        return dict(loaded) if isinstance(loaded, DatasetDict) else {"": loaded}


class Parquet(DatasetFolder):
    """One Parquet file with the same columns."""

    folder = False

    def write(
        self, records: Sequence[Record], path: Path, schema: Schema, *, annotated: bool
    ) -> None:
        """Write a Parquet file."""
        with _quiet():
            _dataset(records, schema, annotated=annotated).to_parquet(path)

    def _splits(self, path: Path) -> dict[str, Any]:
        from datasets import Dataset
        from pyarrow import parquet

        return {"": Dataset(parquet.read_table(path))}


def _loaded(load: Callable[[], dict[str, Any]], problems: Problems) -> dict[str, Any]:
    """Load splits and check every value of them; neither library checks before it reads."""
    from pyarrow import ArrowException

    try:
        with _quiet():
            splits = load()
            for split in splits.values():
                split.data.validate(full=True)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArrowException) as error:
        problems.add(f"cannot be read: {' '.join(str(error).split())}")
        problems.raise_if_any()
        raise  # not reached: there is a problem
    return splits


def _class_names(split: Any) -> dict[str, Any]:
    from datasets import ClassLabel

    return {
        name: feature for name, feature in split.features.items() if isinstance(feature, ClassLabel)
    }


def _named(value: object, names: Any) -> object:
    # ``datasets`` stores a class as its number, and -1 for one that is not known.
    if names is None or value is None:
        return value
    return None if value == -1 else names.int2str(value)


def _dataset(records: Sequence[Record], schema: Schema, *, annotated: bool) -> Any:
    from datasets import Dataset, Features, Value

    headings, rows = table_of(records, schema, long=False, annotated=annotated)
    types = {"n": "int64", "sure": "bool"}
    features = Features({name: Value(types.get(name, "string")) for name in headings})
    columns = {name: [row[index] for row in rows] for index, name in enumerate(headings)}
    return Dataset.from_dict(columns, features=features)


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars for a second of work; the caller's setting comes back."""
    from datasets import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()

"""Types of the columns that pass through a job, one schema for all of its inputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from framing.batch.job import BatchError

_JSON = {b"framing": b"json"}
"""Marks a column of JSON Lines of several kinds of values, nested ones too: kept as JSON text."""

_TEXT = {b"framing": b"text"}
"""Marks one of strings, numbers and truth values: strings stay, and the others are as in JSON."""

_LARGE = {b"framing": b"large"}
"""Marks a column of JSON Lines with integers that a float cannot hold exactly."""

_EXACT = 2**53  # integers up to here are exact as floats
_DEPTH = 32  # of nested columns; Arrow itself cannot read back schemas that are much deeper

_WAYS_OUT = "choose the columns to keep with --column, or run two jobs"

_FAILURES = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError)


def field_of(name: str, values: Sequence[Any]) -> pa.Field:
    """A column's type from its values in JSON."""
    try:
        array = pa.array(values)
    except _FAILURES:
        nested = any(isinstance(value, list | dict) for value in values)
        return _mixed_field(name, nested=nested)
    if _depth(array.type) > _DEPTH:
        return _mixed_field(name, nested=True)
    # pyarrow takes booleans for floats in some places; for integers, nowhere.
    if _has_floats(array.type) and _mixes_truth(values):
        return _mixed_field(name, nested=pa.types.is_nested(array.type))
    large = _LARGE if _has_large(array) else None
    return _exact(pa.field(name, array.type, metadata=large))


def _mixes_truth(values: Sequence[Any]) -> bool:
    """Whether booleans and numbers stand in the same place, however deep."""
    plain = [value for value in values if isinstance(value, bool | int | float)]
    if len({isinstance(value, bool) for value in plain}) > 1:
        return True
    lists = [each for value in values if isinstance(value, list) for each in value]
    objects = [value for value in values if isinstance(value, dict)]
    names = dict.fromkeys(name for each in objects for name in each)
    return (bool(lists) and _mixes_truth(lists)) or any(
        _mixes_truth([each[name] for each in objects if name in each]) for name in names
    )


def merged(schemas: Mapping[str, pa.Schema]) -> pa.Schema:
    """One schema for several inputs, by their names; a column may be missing in some.

    Numbers widen, null takes any type, and columns of mixed JSON become text.
    :func:`mixed` names those.

    Raises:
        BatchError: A column has types in two inputs that do not go together.
    """
    fields: dict[str, pa.Field] = {}
    owners: dict[str, str] = {}
    for owner, schema in schemas.items():
        for field in schema:
            known = fields.get(field.name)
            if known is None:
                fields[field.name], owners[field.name] = field, owner
                continue
            try:
                fields[field.name] = _wider(known, field)
            except _FAILURES as error:
                raise BatchError(
                    f"column {field.name!r} is {known.type} in {owners[field.name]} and "
                    f"{field.type} in {owner}; {_WAYS_OUT}"
                ) from error
    return pa.schema([_known(field) for field in fields.values()])


def widened(known: pa.Schema, new: pa.Schema) -> pa.Schema:
    """As :func:`merged` for two parts of one file of JSON, where nothing can fail."""
    fields = {field.name: field for field in known}
    for field in new:
        try:
            fields[field.name] = _wider(fields.get(field.name, field), field)
        except _FAILURES:
            kinds = (fields[field.name].type, field.type)
            nested = any(map(pa.types.is_nested, kinds))
            fields[field.name] = _mixed_field(field.name, nested=nested)
    return pa.schema(list(fields.values()))


def mixed(schema: pa.Schema) -> list[str]:
    """The columns whose values are of several kinds, and are kept as text."""
    return [field.name for field in schema if field.metadata in (_JSON, _TEXT)]


def json_column(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    """Values from JSON as a column of the type that the job has for it."""
    if field.metadata == _JSON:
        texts = [
            None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in values
        ]
        return pa.array(texts, pa.string())
    if field.metadata == _TEXT:
        return pa.array([None if v is None else _plain_text(v) for v in values], pa.string())
    return pa.array(values, field.type)


def _plain_text(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return str(value)


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table with exactly the columns of a schema; missing ones are null.

    Raises:
        BatchError: A value does not fit the column's type.
    """
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.nulls(len(table), field.type))
            continue
        column = table[field.name]
        try:
            columns.append(
                json_column(field, column.to_pylist())
                if field.metadata in (_JSON, _TEXT)
                else column.cast(field.type)
            )
        except _FAILURES as error:
            why = " ".join(str(error).split())
            raise BatchError(
                f"column {field.name!r} is {column.type} in one input and {field.type} in "
                f"another: {why}; {_WAYS_OUT}"
            ) from error
    return pa.Table.from_arrays(columns, schema=schema)


def without_views(schema: pa.Schema) -> pa.Schema:
    """A schema with plain types for those of views, from which Arrow cannot take rows yet."""
    return pa.schema([pa.field(field.name, _without_views(field.type)) for field in schema])


def _without_views(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _without_views(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_without_views(kind.value_type))
    return kind


def leaves(kind: pa.DataType) -> Iterator[pa.DataType]:
    """The types that a nested type is made of; an empty struct counts as one."""
    if pa.types.is_nested(kind) and kind.num_fields:
        for index in range(kind.num_fields):
            yield from leaves(kind.field(index).type)
    else:
        yield kind


def _wider(first: pa.Field, second: pa.Field) -> pa.Field:
    marks = (first.metadata, second.metadata)
    if _JSON in marks:
        return first if first.metadata == _JSON else second
    if _TEXT in marks:
        nested = any(pa.types.is_nested(field.type) for field in (first, second))
        return _mixed_field(first.name, nested=nested)
    fields = [pa.field(f.name, plain_type(f.type)) for f in (first, second)]
    if first.type == second.type:
        fields = [pa.field(first.name, first.type)]
    schema = pa.unify_schemas([pa.schema([f]) for f in fields], promote_options="permissive")
    return _exact(schema.field(0).with_metadata(_LARGE if _LARGE in marks else None))


def plain_type(kind: pa.DataType) -> pa.DataType:
    """A categorical column goes together with one of its values, and with other categories."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _exact(field: pa.Field) -> pa.Field:
    """The field, as text if it holds large integers beside floats.

    Whether the two meet in one part or in several must not matter.
    """
    if field.metadata == _LARGE and _has_floats(field.type):
        return _mixed_field(field.name, nested=pa.types.is_nested(field.type))
    return field


def _has_floats(kind: pa.DataType) -> bool:
    return any(pa.types.is_floating(leaf) for leaf in leaves(kind))


def _has_large(array: pa.Array) -> bool:
    if pa.types.is_integer(array.type):
        extremes = pc.min_max(array).as_py()
        return any(value is not None and abs(value) > _EXACT for value in extremes.values())
    if pa.types.is_struct(array.type):
        return any(_has_large(child) for child in array.flatten())
    return pa.types.is_list(array.type) and _has_large(array.flatten())


def _depth(kind: pa.DataType) -> int:
    if not pa.types.is_nested(kind):
        return 0
    return 1 + max((_depth(kind.field(i).type) for i in range(kind.num_fields)), default=0)


def _mixed_field(name: str, *, nested: bool) -> pa.Field:
    return pa.field(name, pa.string(), metadata=_JSON if nested else _TEXT)


def _known(field: pa.Field) -> pa.Field:
    """What every format can hold: nulls alone are text, structs without fields JSON text."""
    if pa.types.is_null(field.type):
        return pa.field(field.name, pa.string(), metadata=field.metadata)
    if any(pa.types.is_nested(kind) for kind in leaves(field.type)):
        return _mixed_field(field.name, nested=True)
    return field


def holds_bytes(kind: pa.DataType) -> bool:
    """Whether there are bytes in a type, which JSON and CSV cannot hold."""
    tests = (
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_fixed_size_binary,
        pa.types.is_binary_view,
    )
    return any(test(plain_type(leaf)) for leaf in leaves(kind) for test in tests)

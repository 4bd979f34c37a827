"""Types of the columns that pass through a job, one schema for all of its inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from framing.batch.job import BatchError

_JSON = {b"framing": b"json"}
"""Marks a column of JSON Lines whose values are of several kinds: they are kept as JSON text."""

_FAILURES = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError)


def field_of(name: str, values: Sequence[Any]) -> pa.Field:
    """A column's type from its values in JSON."""
    try:
        return pa.field(name, pa.array(values).type)
    except _FAILURES:
        return pa.field(name, pa.string(), metadata=_JSON)


def merged(schemas: Mapping[str, pa.Schema]) -> pa.Schema:
    """One schema for several inputs, by their names; a column may be missing in some.

    Numbers widen, null takes any type, and columns of mixed JSON become text.

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
                    f"{field.type} in {owner}; leave it out with --columns, or run two jobs"
                ) from error
    return pa.schema([_known(field) for field in fields.values()])


def widened(known: pa.Schema, new: pa.Schema) -> pa.Schema:
    """As :func:`merged` for two parts of one file of JSON, where nothing can fail."""
    fields = {field.name: field for field in known}
    for field in new:
        try:
            fields[field.name] = _wider(fields.get(field.name, field), field)
        except _FAILURES:
            fields[field.name] = pa.field(field.name, pa.string(), metadata=_JSON)
    return pa.schema(list(fields.values()))


def json_column(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    """Values from JSON as a column of the type that the job has for it."""
    if field.metadata == _JSON:
        texts = [None if v is None else json.dumps(v, ensure_ascii=False) for v in values]
        return pa.array(texts, pa.string())
    return pa.array(values, field.type)


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table with exactly the columns of a schema; missing ones are null."""
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _wider(first: pa.Field, second: pa.Field) -> pa.Field:
    if _JSON in (first.metadata, second.metadata):
        return first if first.metadata == _JSON else second
    schemas = [pa.schema([pa.field(f.name, f.type)]) for f in (first, second)]
    return pa.unify_schemas(schemas, promote_options="permissive")[0]


def _known(field: pa.Field) -> pa.Field:
    """Nothing but nulls: text, which every format can hold."""
    kind = pa.string() if pa.types.is_null(field.type) else field.type
    return pa.field(field.name, kind, metadata=field.metadata)

"""Counts of topics and stances per group of sentences, with confidence intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framing.batch.dates import UNITS, find_date_column, periods, unknown_column
from framing.batch.intervals import Estimate, net_difference, wilson
from framing.batch.job import Level
from framing.batch.output import JobOutput
from framing.labels.errors import FramingError
from framing.labels.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa
    from pandas import DataFrame

PLUS, MINUS = "favor", "against"
"""Stances between which a net stance is taken, where the schema has both."""

NO_VALUE, NO_DATE = "(none)", "(no date)"
"""Names of the groups of rows without a value, or without a date that can be read."""

CAUTION = (
    "The intervals take sentences as independent. Sentences of one document are not, so the "
    "intervals are narrower than they should be; and they know nothing of wrong tags."
)

_MAX_GROUPS = 100_000

Counts = list[int]
"""Documents, sentences, then sentences per topic and stance in the order of the schema."""


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One topic in one group.

    Attributes:
        group: The group's value for each ``by``.
        topic: Name of the topic.
        documents: Documents with at least one sentence; of a job at document level, all.
        sentences: All sentences of the group.
        tagged: Sentences with the topic.
        share: ``tagged / sentences`` in [0, 1]; ``None`` without sentences.
        stances: Sentences per stance; they add up to ``tagged``.
        net: (favor - against) / tagged in [-1, 1]; ``None`` without tagged sentences, or
            where the schema has no such stances.
    """

    group: tuple[str, ...]
    topic: str
    documents: int
    sentences: int
    tagged: int
    share: Estimate | None
    stances: Mapping[str, int]
    net: Estimate | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What :func:`summarize` returns.

    Attributes:
        by: What the groups are made by.
        stances: The stances, in the order of the schema.
        has_net: Whether there is a net stance.
        rows: Sorted by group, in it by the schema's order of topics.
        undated: Sentences without a date that can be read.
        undated_example: One of the texts that are no date, if there was any text.
    """

    by: tuple[str, ...]
    stances: tuple[str, ...]
    has_net: bool
    rows: tuple[SummaryRow, ...]
    undated: int
    undated_example: str | None

    def to_table(self) -> pa.Table:
        """One row per group and topic.

        Columns: the groups', ``topic``, ``documents``, ``sentences``, ``tagged``, ``share``
        with ``share_low`` and ``share_high``, ``<stance>`` and ``<stance>_share`` (of the tagged
        sentences) per stance, and ``net_stance`` with ``net_low`` and ``net_high`` if there is
        one. A group whose name is taken already is called ``by_<name>``.
        """
        import pyarrow as pa

        rest: dict[str, pa.Array] = {"topic": pa.array([row.topic for row in self.rows])}
        for name in ("documents", "sentences", "tagged"):
            rest[name] = pa.array([getattr(row, name) for row in self.rows], pa.int64())
        rest |= _estimates([row.share for row in self.rows], "share", "share")
        for stance in self.stances:
            rest[stance] = pa.array([row.stances[stance] for row in self.rows], pa.int64())
        for stance in self.stances:
            shares = [row.stances[stance] / row.tagged if row.tagged else None for row in self.rows]
            rest[f"{stance}_share"] = pa.array(shares, pa.float64())
        if self.has_net:
            rest |= _estimates([row.net for row in self.rows], "net_stance", "net")
        groups = {
            f"by_{name}" if name in rest else name: pa.array(
                [row.group[index] for row in self.rows], pa.string()
            )
            for index, name in enumerate(self.by)
        }
        return pa.table(groups | rest)

    def to_frame(self) -> DataFrame:
        """:meth:`to_table` as a pandas frame.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas  # noqa: F401
        except ImportError as error:
            raise ImportError("to_frame() needs pandas: pip install 'framing[pandas]'") from error
        frame: DataFrame = self.to_table().to_pandas()
        return frame

    def write(self, path: Path, *, force: bool = False) -> None:
        """Write :meth:`to_table` as CSV or Parquet, by the file's ending.

        Raises:
            FramingError: Another ending, the file exists and ``force`` is not given, or it
                cannot be written.
        """
        from pyarrow import csv, parquet

        writers = {".csv": csv.write_csv, ".parquet": parquet.write_table}
        if path.suffix not in writers:
            raise FramingError(f"{path}: must end in {' or '.join(writers)}")
        check_free(path, force=force)
        with whole_file(path) as unfinished:
            writers[path.suffix](self.to_table(), unfinished)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write to, which takes its place at the end or leaves nothing."""
    unfinished = path.with_name(f".{path.name}.tmp")
    try:
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise FramingError(f"{path}: cannot be written: {error.strerror or error}") from error


def check_free(path: Path, *, force: bool) -> None:
    """Raise a FramingError if the file exists, unless it may be overwritten."""
    if path.exists() and not force:
        raise FramingError(f"{path}: exists; overwrite it with --force")


@dataclass(frozen=True, slots=True)
class Key:
    """What groups are made by: the values of a column, or the periods of its dates."""

    name: str
    column: str
    unit: str | None = None

    def values(self, batch: pa.RecordBatch) -> pa.Array:
        """One string per row; null where there is no value, or none that is a date."""
        import pyarrow as pa

        column = batch.column(self.column)
        return periods(column, self.unit) if self.unit else column.cast(pa.string())


class Tally:
    """Adds up counts per group, batch by batch; memory grows with the number of groups."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self.keys = tuple(keys)
        self.groups: dict[tuple[str, ...], Counts] = {}
        self.dated = self.undated = 0
        self.undated_example: str | None = None

    def add(self, batch: pa.RecordBatch, measures: Mapping[str, pa.Array]) -> None:
        """Add a batch and its :func:`measures`.

        Raises:
            FramingError: There are more than 100,000 groups.
        """
        import pyarrow as pa

        names = [f"key{index}" for index in range(len(self.keys))]
        columns = [key.values(batch) for key in self.keys]
        table = pa.table(dict(zip(names, columns, strict=True)) | dict(measures))
        sums = table.group_by(names).aggregate([(name, "sum") for name in measures])
        counts = zip(*(sums[f"{name}_sum"].to_pylist() for name in measures), strict=True)
        groups = [sums[name].to_pylist() for name in names]
        for group, added in zip(zip(*groups, strict=True) if groups else [()], counts, strict=True):
            named = tuple(
                (NO_DATE if key.unit else NO_VALUE) if value is None else value
                for key, value in zip(self.keys, group, strict=True)
            )
            known = self.groups.get(named)
            numbers = [count or 0 for count in added]
            self.groups[named] = (
                [a + b for a, b in zip(known, numbers, strict=True)] if known else numbers
            )
        self._note_undated(batch, columns, measures["sentences"])
        if len(self.groups) > _MAX_GROUPS:
            by = ", ".join(key.name for key in self.keys)
            raise FramingError(f"more than {_MAX_GROUPS:,} groups by {by}; take coarser ones")

    def _note_undated(
        self, batch: pa.RecordBatch, columns: Sequence[pa.Array], sentences: pa.Array
    ) -> None:
        import pyarrow.compute as pc

        for key, column in zip(self.keys, columns, strict=True):
            if key.unit:
                missing = column.is_null()
                self.dated += len(column) - column.null_count
                self.undated += pc.sum(sentences.filter(missing)).as_py() or 0
                texts = batch.column(key.column).filter(missing).drop_null()
                if self.undated_example is None and len(texts):
                    # Not by Python, whose dates end with the year 9999.
                    self.undated_example = str(texts.cast("string")[0])
                return


def summarize(
    output: JobOutput, *, by: Sequence[str] = ("outlet", "month"), date_column: str | None = None
) -> Summary:
    """Count topics and stances per group, in one pass and bounded memory.

    Sentences that a job at sentence level found, or the counts of one at document level, are
    added up per group. Shares of sentences carry Wilson's interval. Where the schema has
    stances named favor and against, net stance is (favor - against) / tagged, with
    Newcombe's interval for paired proportions (see :mod:`framing.batch.intervals`). Any other
    schema, also one with a scale of five points, gets the distribution over its stances and no
    mean: a schema says neither that stances are ordered nor how far apart they are.

    Args:
        output: The output folder of a batch job.
        by: Columns, or ``day``, ``week``, ``month``, ``year`` of the documents' date. A column
            of such a name goes first. None at all gives one group.
        date_column: Column with the dates; found by type or name if not given.

    Raises:
        FramingError: A column is not there or cannot be grouped by, no or several columns look
            like dates, the date column holds none, there are more than 100,000 groups, or a
            part cannot be read.
    """
    if date_column is not None and not {*by} & {*UNITS}:
        raise FramingError(f"--date-column: is for --by {', '.join(UNITS)}")
    keys = make_keys(output, by, date_column)
    tally = Tally(keys)
    for _, batch in output.batches([*measure_columns(output), *(key.column for key in keys)]):
        tally.add(batch, measures(output, batch))
    if date_column is not None and tally.undated_example is not None and not tally.dated:
        raise FramingError(
            f"--date-column: no value of {date_column!r} is a date that can be read, for example "
            f"{tally.undated_example!r}; dates begin like 2024-03-05, 2024/03/05 or 20240305"
        )
    return Summary(
        by=tuple(key.name for key in keys),
        stances=output.schema.stance_names,
        has_net=has_net(output.schema),
        rows=tuple(rows_of(tally.groups, output.schema)),
        undated=tally.undated,
        undated_example=tally.undated_example,
    )


def make_keys(output: JobOutput, by: Sequence[str], date_column: str | None) -> list[Key]:
    """The keys that names after ``--by`` mean; errors as in :func:`summarize`."""
    keys = []
    for name in dict.fromkeys(by):
        if name in output.input_columns:
            kind = output.columns[name]
            _check_groupable(name, kind, "--by")
            keys.append(Key(name, name))
        elif name in UNITS:
            column = find_date_column(output, date_column)
            if column is None:
                raise FramingError(
                    f"--by {name}: no column looks like a date; choose one of "
                    f"{', '.join(output.input_columns)} with --date-column"
                )
            _check_groupable(column, output.columns[column], "--date-column")
            keys.append(Key(name, column, name))
        else:
            raise FramingError(f"{unknown_column(name, '--by', output)}, and {', '.join(UNITS)}")
    return keys


def _check_groupable(name: str, kind: pa.DataType, option: str) -> None:
    import pyarrow as pa

    from framing.batch.columns import holds_bytes

    if pa.types.is_nested(kind) or pa.types.is_interval(kind) or holds_bytes(kind):
        raise FramingError(f"{option}: cannot group by {name!r}, a column of {kind}")


def measure_columns(output: JobOutput) -> list[str]:
    """The columns that :func:`measures` needs."""
    schema = output.schema
    if output.level is Level.SENTENCE:
        return ["sentence_index", *schema.topic_names]
    labels = ((t, s) for t in schema.topic_names for s in schema.stances_of(t))
    return ["sentences", *(f"{topic}_{stance}_sentences" for topic, stance in labels)]


def measures(output: JobOutput, batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """What a row adds to :data:`Counts`, as integer columns in that order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ones = pa.array([1] * len(batch), pa.int64())
    if output.level is Level.SENTENCE:
        firsts = pc.equal(batch.column("sentence_index"), 0).cast(pa.int64())
        result = {"documents": firsts, "sentences": ones}
    else:
        result = {"documents": ones, "sentences": batch.column("sentences").cast(pa.int64())}
    for topic in output.schema.topic_names:
        for stance in output.schema.stance_names:
            # Numbered, for two topics and stances may make the same name together.
            name = f"measure{len(result)}"
            if stance not in output.schema.stances_of(topic):
                result[name] = pc.subtract(ones, ones)
            elif output.level is Level.SENTENCE:
                result[name] = pc.equal(batch.column(topic), stance).cast(pa.int64())
            else:
                result[name] = batch.column(f"{topic}_{stance}_sentences").cast(pa.int64())
    return result


def rows_of(groups: Mapping[tuple[str, ...], Counts], schema: Schema) -> list[SummaryRow]:
    """A row per group and topic, groups in their natural order."""
    rows = []
    width = len(schema.stance_names)
    for group in sorted(groups, key=_natural):
        documents, sentences, *counts = groups[group]
        for index, topic in enumerate(schema.topic_names):
            here = counts[index * width : (index + 1) * width]
            stances = dict(zip(schema.stance_names, here, strict=True))
            tagged = sum(here)
            net = None
            if {PLUS, MINUS} <= {*schema.stances_of(topic)}:
                net = net_difference(stances[PLUS], stances[MINUS], tagged)
            share = wilson(tagged, sentences)
            rows.append(SummaryRow(group, topic, documents, sentences, tagged, share, stances, net))
    return rows


def has_net(schema: Schema) -> bool:
    """Whether the schema has stances that a net stance can be taken of."""
    return PLUS in schema.stance_names and MINUS in schema.stance_names


def _natural(group: tuple[str, ...]) -> list[tuple[int, float, str]]:
    """Numbers by value, then words, then what has no value."""
    keys = []
    for value in group:
        if value in (NO_VALUE, NO_DATE):
            keys.append((2, 0.0, ""))
            continue
        number = value.removeprefix("-").replace(".", "", 1)
        keys.append((0, float(value), value) if number.isdecimal() else (1, 0.0, value))
    return keys


def _estimates(values: Sequence[Estimate | None], name: str, prefix: str) -> dict[str, pa.Array]:
    import pyarrow as pa

    return {
        name: pa.array([value and value.value for value in values], pa.float64()),
        f"{prefix}_low": pa.array([value and value.low for value in values], pa.float64()),
        f"{prefix}_high": pa.array([value and value.high for value in values], pa.float64()),
    }

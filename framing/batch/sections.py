"""The figures of a report: by topic, over time and by source, each with words and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from framing.batch import charts
from framing.batch.dates import period
from framing.batch.intervals import percent, signed
from framing.batch.summary import (
    MINUS,
    NO_DATE,
    PLUS,
    Counts,
    SummaryRow,
    Tally,
    has_net,
    rows_of,
)
from framing.labels.schema import Schema

_TOP_SOURCES = 12
# The longest span in days for which a chart has a column per day, week or month.
_SPANS = {"day": 45, "week": 300, "month": 3700}


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its words and its table.

    Attributes:
        title: What it is about.
        description: What it shows, for those who cannot see it.
        spec: Vega-Lite specification.
        header: Names of the table's columns.
        rows: Its cells.
    """

    title: str
    description: str
    spec: Mapping[str, Any]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Section:
    """Figures under one heading, or the reason why there are none.

    Attributes:
        title: The heading.
        intro: What the figures show, or why there are none.
        figures: In order.
        legend: Whether the charts have the colours of the stances.
    """

    title: str
    intro: str
    figures: Sequence[Figure] = ()
    legend: bool = True


def by_topic(schema: Schema, total: Counts) -> Section:
    """How much of each topic there is, and which stances, in all sentences together."""
    rows = rows_of({(): total}, schema)
    names = [topic.title for topic in schema.topics]
    header, cells = _table(rows, names, "topic", schema)
    much = "; ".join(f"{name} {percent(row.share)}" for name, row in zip(names, rows, strict=True))
    which = "; ".join(_stances(name, row) for name, row in zip(names, rows, strict=True))
    counted = [f"{name} ({row.tagged:,})" for name, row in zip(names, rows, strict=True)]
    figures = (
        Figure(
            "How much of each topic",
            f"Share of all sentences with the topic, with its 95 % interval: {much}.",
            charts.interval_dots(rows, names, "Share of all sentences by topic", net=False),
            header,
            cells,
        ),
        Figure(
            "Which stances",
            f"Stances among the sentences with the topic: {which}.",
            charts.stance_bars(rows, counted, schema.stance_names, "Stances by topic"),
            header,
            cells,
        ),
    )
    return Section(
        "Topics",
        "A sentence may have several topics, or none. In brackets: sentences with the topic.",
        figures,
    )


def over_time(schema: Schema, days: Tally | None) -> Section:
    """Shares of sentences per day, week, month or year, whichever suits the span."""
    title = "Over time"
    if days is None:
        return Section(title, "No column looks like a date; name one with --date-column.")
    dated = {
        date.fromisoformat(day): counts for (day,), counts in days.groups.items() if day != NO_DATE
    }
    undated = _undated(days)
    if not dated:
        return Section(title, f"There is no date that can be read. {undated}".strip())
    unit = _unit(min(dated), max(dated))
    groups: dict[tuple[str, ...], Counts] = {}
    for day, counts in dated.items():
        _add(groups, (period(day, unit),), counts)
    rows = rows_of(groups, schema)
    top = max((row.share.value for row in rows if row.share), default=0.0) or 1.0
    figures = []
    for topic in schema.topics:
        here = [row for row in rows if row.topic == topic.name]
        names = [row.group[0] for row in here]
        peak = max(here, key=lambda row: row.share.value if row.share else 0.0)
        what = (
            f"{topic.title}, share of all sentences per {unit} from {names[0]} to {names[-1]}, by "
            f"stance; the largest is {percent(peak.share)} in {peak.group[0]}."
        )
        spec = charts.stance_columns(here, schema.stance_names, unit, what, top)
        figures.append(Figure(topic.title, what, spec, *_table(here, names, unit, schema)))
    intro = f"Share of the sentences of each {unit} that have the topic, by stance. {undated}"
    return Section(title, intro.strip(), figures)


def by_source(schema: Schema, sources: Tally | None) -> Section:
    """Each topic by source: net stance where there is one, else shares of the stances."""
    if sources is None:
        return Section("By source", "No column looks like the source; name one with --by.")
    column = sources.keys[0].name
    ranked = sorted(sources.groups.items(), key=lambda item: -item[1][1])
    groups = dict(ranked[:_TOP_SOURCES])
    rest = ranked[_TOP_SOURCES:]
    other = f"{len(rest):,} others"
    for _, counts in rest:
        _add(groups, (other,), counts)
    # In the order of size, which rows_of would sort away.
    rows = [row for group in groups for row in rows_of({group: groups[group]}, schema)]
    figures = []
    net = has_net(schema)
    for topic in schema.topics:
        here = [row for row in rows if row.topic == topic.name]
        names = [f"{row.group[0]} ({row.tagged:,})" for row in here]
        if net:
            known = "; ".join(f"{row.group[0]} {signed(row.net)}" for row in here)
            what = f"{topic.title}, net stance with its 95 % interval by {column}: {known}."
            spec = charts.interval_dots(here, names, f"{topic.title} by {column}", net=True)
        else:
            known = "; ".join(_stances(row.group[0], row) for row in here)
            what = f"{topic.title}, stances by {column}: {known}."
            spec = charts.stance_bars(
                here, names, schema.stance_names, f"{topic.title} by {column}"
            )
        sources_here = [row.group[0] for row in here]
        figures.append(Figure(topic.title, what, spec, *_table(here, sources_here, column, schema)))
    intro = f"By {column}, those with most sentences first. In brackets: sentences with the topic."
    if net:
        intro += (
            f" Net stance is ({PLUS} − {MINUS}) / sentences with the topic, from −1 to +1; "
            "the line is its 95 % interval."
        )
    return Section("By source", intro, figures, legend=not net)


def _add(groups: dict[tuple[str, ...], Counts], group: tuple[str, ...], counts: Counts) -> None:
    known = groups.get(group, [0] * len(counts))
    groups[group] = [a + b for a, b in zip(known, counts, strict=True)]


def _unit(first: date, last: date) -> str:
    span = (last - first).days
    return next((unit for unit, longest in _SPANS.items() if span <= longest), "year")


def _undated(days: Tally) -> str:
    if not days.undated:
        return ""
    example = days.undated_example
    shown = f" that can be read (for example “{example}”)" if example else ""
    return f"{days.undated:,} sentences have no date{shown} and are left out here."


def _stances(name: str, row: SummaryRow) -> str:
    order = charts.stance_order(list(row.stances))
    return f"{name} " + ", ".join(_share(row, stance) + f" {stance}" for stance in order)


def _share(row: SummaryRow, stance: str) -> str:
    return f"{row.stances[stance] / row.tagged:.0%}" if row.tagged else "–"


def _table(
    rows: Sequence[SummaryRow], names: Sequence[str], what: str, schema: Schema
) -> tuple[list[str], list[list[str]]]:
    order = charts.stance_order(schema.stance_names)
    header = [what, "sentences", "with topic", "share", *order]
    cells = [
        [
            *(name, f"{row.sentences:,}", f"{row.tagged:,}", percent(row.share)),
            *(f"{row.stances[stance]:,} ({_share(row, stance)})" for stance in order),
        ]
        for name, row in zip(names, rows, strict=True)
    ]
    if has_net(schema):
        header.append("net stance")
        cells = [[*line, signed(row.net)] for line, row in zip(cells, rows, strict=True)]
    return header, cells

"""Charts of a report as Vega-Lite specifications, made with altair."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from framing.batch.dates import first_day
from framing.batch.intervals import Estimate, percent, signed
from framing.batch.summary import MINUS, PLUS, SummaryRow

if TYPE_CHECKING:
    import altair as alt

# Okabe and Ito's colours, which the colour-blind can tell apart; the two sides first.
_SIDES = {PLUS: "#0072b2", MINUS: "#d55e00"}
_BETWEEN = ("#a9a9a9", "#e0c341", "#cc79a7", "#009e73", "#56b4e9", "#7a7a7a")
_INK, _LINE = "#1f2328", "#d0d7de"
_STEP = 34  # pixels per bar


def stance_order(stances: Sequence[str]) -> list[str]:
    """The order in which stances are drawn: favor, what is between, against."""
    middle = [name for name in stances if name not in _SIDES]
    return [*([PLUS] if PLUS in stances else []), *middle, *([MINUS] if MINUS in stances else [])]


def colours(stances: Sequence[str]) -> dict[str, str]:
    """A colour per stance; after six besides favor and against they come again."""
    middle = [name for name in stances if name not in _SIDES]
    between = {name: _BETWEEN[index % len(_BETWEEN)] for index, name in enumerate(middle)}
    return {name: (_SIDES | between)[name] for name in stance_order(stances)}


def stance_bars(
    rows: Sequence[SummaryRow],
    names: Sequence[str],
    stances: Sequence[str],
    description: str,
) -> dict[str, Any]:
    """A bar per row, split by the stances' shares of the tagged sentences."""
    import altair as alt

    values = []
    for row, label in zip(rows, _labels(names), strict=True):
        low = 0.0
        for stance in stance_order(stances):
            share = row.stances[stance] / row.tagged if row.tagged else 0.0
            values.append(
                {
                    "name": label,
                    "stance": stance,
                    "low": low,
                    "high": low + share,
                    "sentences": row.stances[stance],
                    "share": f"{share:.0%}",
                }
            )
            low += share
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_bar(height=18, stroke="white", strokeWidth=1)
        .encode(
            x=alt.X("low:Q", scale=alt.Scale(domain=[0, 1]), axis=_percent("Share of the tagged")),
            x2="high:Q",
            y=_names(),
            color=_colour(stances),
            tooltip=["name:N", "stance:N", "share:N", "sentences:Q"],
        )
    )
    return _finished(chart, description, len(rows) * _STEP)


def interval_dots(
    rows: Sequence[SummaryRow],
    names: Sequence[str],
    description: str,
    *,
    net: bool,
) -> dict[str, Any]:
    """A dot with its 95 % interval per row: net stance in [-1, 1], or a share."""
    import altair as alt

    values: list[dict[str, Any]] = []
    for row, label in zip(rows, _labels(names), strict=True):
        estimate = row.net if net else row.share
        known = {} if estimate is None else _numbers(estimate, net=net)
        values.append({"name": label, **known})
    base = alt.Chart(alt.Data(values=values)).encode(y=_names(), tooltip=["name:N", "text:N"])
    if net:
        scale, axis = alt.Scale(domain=[-1, 1]), _net_axis()
    else:
        scale, axis = alt.Scale(zero=True), _percent("Share of all sentences")
    line = base.mark_rule(size=3, color="#8c959f").encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"
    )
    dot = base.mark_point(filled=True, size=90, opacity=1).encode(x="value:Q")
    layers = line + dot.encode(color=alt.value(_INK))
    if net:
        zero = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=_INK, strokeDash=[3, 3])
        layers = zero.encode(x="zero:Q") + layers
    return _finished(layers, description, len(rows) * _STEP)


def stance_columns(
    rows: Sequence[SummaryRow], stances: Sequence[str], unit: str, description: str, top: float
) -> dict[str, Any]:
    """A column per period: the share of all sentences with the topic, split by stance.

    ``group`` of a row is its period; ``top`` is the end of the y axis, in (0, 1].
    """
    import altair as alt

    values = []
    for row in rows:
        (period,) = row.group
        low = 0.0
        for stance in stance_order(stances):
            share = row.stances[stance] / row.sentences if row.sentences else 0.0
            values.append(
                {
                    "start": first_day(period).isoformat(),
                    "end": _next_period(first_day(period), unit).isoformat(),
                    "period": period,
                    "stance": stance,
                    "low": low,
                    "high": low + share,
                    "sentences": row.stances[stance],
                    "share": f"{share:.1%}",
                }
            )
            low += share
    # UTC, or a day would start the evening before in America.
    time = alt.Scale(type="utc")
    axis = alt.Axis(title=None, tickCount=5, labelOverlap=True, grid=False)
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_rect(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("start:T", scale=time, axis=axis),
            x2="end:T",
            y=alt.Y(
                "low:Q",
                scale=alt.Scale(domain=[0, top], nice=True),
                axis=_percent("Share of all sentences"),
            ),
            y2="high:Q",
            color=_colour(stances),
            tooltip=["period:N", "stance:N", "share:N", "sentences:Q"],
        )
    )
    return _finished(chart, description, 190)


def library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script without line ends that HTML would change."""
    import altair as alt
    import vl_convert

    version = alt.SCHEMA_VERSION.removeprefix("v").rsplit(".", 1)[0]
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version)
    return bundle.replace("\r\n", "\n").replace("</script", "<\\/script")


def _finished(chart: alt.Chart | alt.LayerChart, description: str, height: int) -> dict[str, Any]:
    spec: Mapping[str, Any] = (
        chart.properties(
            width="container",
            height=height,
            description=description,
            background="transparent",
            autosize={"type": "fit-x", "contains": "padding"},
        )
        .configure(font="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=12,
            titleFontSize=12,
            labelColor=_INK,
            titleColor=_INK,
            titleFontWeight="normal",
            gridColor=_LINE,
            domainColor=_LINE,
            tickColor=_LINE,
        )
        .to_dict()
    )
    return dict(spec)


def _names() -> alt.Y:
    import altair as alt

    axis = alt.Axis(
        title=None,
        labelExpr="split(datum.value, '\\n')",
        labelLimit=150,
        ticks=False,
        domain=False,
        labelPadding=8,
        labelLineHeight=13,
        labelBaseline="middle",
    )
    return alt.Y("name:N", sort=None, axis=axis)


def _percent(title: str) -> alt.Axis:
    import altair as alt

    return alt.Axis(title=title, format="%", tickCount=5, ticks=False, domain=False)


def _net_axis() -> alt.Axis:
    import altair as alt

    return alt.Axis(
        title=f"← {MINUS} · net stance · {PLUS} →",
        labelExpr="datum.value == 0 ? '0' : format(datum.value, '+.1~f')",
        values=[-1, -0.5, 0, 0.5, 1],
        ticks=False,
        domain=False,
    )


def _colour(stances: Sequence[str]) -> alt.Color:
    import altair as alt

    shades = colours(stances)
    # The page has one legend for all charts.
    return alt.Color(
        "stance:N",
        scale=alt.Scale(domain=list(shades), range=list(shades.values())),
        legend=None,
    )


def _numbers(estimate: Estimate, *, net: bool) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "text": signed(estimate) if net else percent(estimate),
    }


def _labels(names: Sequence[str]) -> list[str]:
    """Names in two lines at most, and still distinct: equal ones would share a place."""
    labels: list[str] = []
    for name in names:
        lines = textwrap.wrap(name, 20, max_lines=2, placeholder=" …") or ["–"]
        label = "\n".join(lines)
        doubles = sum(known.startswith(label) for known in labels)
        labels.append(f"{label} ({doubles + 1})" if label in labels else label)
    return labels


def _next_period(start: date, unit: str) -> date:
    if start.year == date.max.year:  # some write 9999-12-31 for want of a date
        return date.max
    days = {"day": 1, "week": 7}.get(unit)
    if days:
        return date.fromordinal(start.toordinal() + days)
    if unit == "month" and start.month < 12:
        return start.replace(month=start.month + 1)
    return date(start.year + 1, 1, 1)

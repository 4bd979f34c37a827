"""One HTML file about the output of a batch job: charts, tables, and sentences in context."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path

from framing.batch import charts
from framing.batch.dates import find_date_column, unknown_column
from framing.batch.job import Level
from framing.batch.output import JobOutput
from framing.batch.sections import by_source, by_topic, over_time
from framing.batch.summary import (
    CAUTION,
    NO_DATE,
    Counts,
    Key,
    Tally,
    check_free,
    make_keys,
    measure_columns,
    measures,
    whole_file,
)
from framing.batch.telling import Telling, TellingSentences
from framing.labels.errors import FramingError

_TEMPLATE = "report.html.jinja"
_SOURCES = ("outlet", "source", "publisher", "newspaper", "publication", "site", "domain")
_TELLING = 3  # sentences shown per topic and stance

# Loads the specifications that stand in the page, and nothing else. The interpreter of
# expressions (ast) needs no eval, so the page's policy forbids that.
_START = """
for (const place of document.querySelectorAll(".chart")) {
  const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
  vegaEmbed(place, spec, {actions: false, renderer: "svg", ast: true, mode: "vega-lite"})
    .catch((error) => { place.textContent = "This chart cannot be drawn: " + error.message; });
}
"""


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What one pass over the output has found."""

    total: Counts
    sources: Tally | None
    days: Tally | None
    telling: Sequence[Telling] | None


def write_report(
    output: JobOutput,
    path: Path,
    *,
    by: str | None = None,
    date_column: str | None = None,
    force: bool = False,
) -> None:
    """Write a self-contained HTML file; it loads nothing, from nowhere.

    Reads the output once in bounded memory, and again the few parts that hold the sentences
    it shows.

    Args:
        output: The output folder of a batch job.
        path: File to write.
        by: Column with the source of a document; by default one named outlet, source,
            publisher or the like, if there is exactly one.
        date_column: Column with the dates; found by type or name if not given.
        force: Overwrite the file.

    Raises:
        FramingError: altair or vl-convert-python is missing, the file exists, a column is not
            there, several columns look like dates, or a part cannot be read.
    """
    try:
        import altair  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise FramingError(
            f"framing report needs {error.name}: pip install 'framing[report]'"
        ) from error
    check_free(path, force=force)
    page = _render(output, _gather(output, by, date_column))
    with whole_file(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8", newline="\n")


def _gather(output: JobOutput, by: str | None, date_column: str | None) -> _Gathered:
    if by and by not in output.input_columns:
        raise FramingError(f"{unknown_column(by, '--by', output)}; give one column")
    date_column = find_date_column(output, date_column)
    source = by or _source_column(output)
    days = Tally([Key("day", date_column, "day")]) if date_column else None
    sources = Tally(make_keys(output, [source], date_column)) if source else None
    total = Tally([])
    tallies = [tally for tally in (total, sources, days) if tally]
    columns = [*measure_columns(output), *(key.column for t in tallies for key in t.keys)]
    telling = None
    if output.level is Level.SENTENCE:
        telling = TellingSentences(output.schema, each=_TELLING)
        columns += telling.columns()
    for part, batch in output.batches(columns):
        added = measures(output, batch)
        for tally in tallies:
            tally.add(batch, added)
        if telling:
            telling.add(part, batch)
    details = [name for name in (source, date_column) if name]
    width = 2 + len(output.schema.topic_names) * len(output.schema.stance_names)
    return _Gathered(
        total=total.groups.get((), [0] * width),
        sources=sources,
        days=days,
        telling=telling.in_context(output, details) if telling else None,
    )


def _source_column(output: JobOutput) -> str | None:
    found = [name for name in output.input_columns if name.lower() in _SOURCES]
    return found[0] if len(found) == 1 else None


def _render(output: JobOutput, gathered: _Gathered) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    source = (resources.files(__package__) / _TEMPLATE).read_text(encoding="utf-8")
    scripts = [charts.library(), _START]
    schema = output.schema
    return environment.from_string(source).render(
        output=output,
        name=output.folder.resolve().name,
        facts=_facts(output, gathered),
        schema=schema,
        colours=charts.colours(schema.stance_names),
        sections=[
            by_topic(schema, gathered.total),
            over_time(schema, gathered.days),
            by_source(schema, gathered.sources),
        ],
        order=charts.stance_order(schema.stance_names),
        telling=gathered.telling,
        caution=CAUTION,
        scripts=scripts,
        hashes=[_policy_hash(script) for script in scripts],
    )


def _policy_hash(script: str) -> str:
    """Names the script in the page's Content-Security-Policy, so that no other one runs."""
    return "sha256-" + b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii")


def _facts(output: JobOutput, gathered: _Gathered) -> dict[str, str]:
    documents, sentences, *_ = gathered.total
    facts = {
        "Documents": f"{documents:,}",
        "Sentences": f"{sentences:,}",
        "Rejected rows": f"{output.rejected():,}",
    }
    if gathered.days:
        dated = sorted(day for (day,) in gathered.days.groups if day != NO_DATE)
        facts["Dates"] = f"{dated[0]} to {dated[-1]}" if dated else "none that can be read"
    facts["Model"] = output.model
    facts["SHA-256 of its weights"] = output.model_hash
    if not output.finished:
        facts["State"] = "the job has not finished; rows are missing"
    return facts

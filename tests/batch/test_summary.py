from __future__ import annotations

import errno
import json
import os
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import typer
from job_output import SCHEMA, Row, document_rows, make_schema, sentence_rows, write_output
from pyarrow import csv, parquet
from typer.testing import CliRunner

from framing.batch.dates import find_date_column, first_day, periods
from framing.batch.intervals import net_difference, wilson
from framing.batch.output import open_output
from framing.batch.summary import NO_DATE, NO_VALUE, Summary, summarize
from framing.cli.summarize import summarize as command
from framing.labels.errors import FramingError

PRO, CON, SO_SO = {"bases": "favor"}, {"bases": "against"}, {"bases": "neutral", "aid": "favor"}


def documents() -> list[list[Row]]:
    """Two parts: three documents of March, one of April, one without a date."""
    return [
        [
            *sentence_rows([("a", PRO), ("b", CON), ("c", {})], 0, outlet="NA", date="2024-03-05"),
            *sentence_rows([("d", PRO)], 1, outlet="Post", date="2024-03-31T23:59:00Z"),
        ],
        [
            *sentence_rows([('e, "f"\ng', SO_SO)], 2, outlet="NA", date="2024-03-01"),
            *sentence_rows([("h", PRO), ("i", {})], 3, outlet="NA", date="2024-04-01"),
            *sentence_rows([("j", CON)], 4, outlet=None, date="last week"),
        ],
    ]


def counts(summary: Summary, topic: str = "bases") -> dict[tuple[str, ...], tuple[int, ...]]:
    return {
        row.group: (row.documents, row.sentences, row.tagged, *row.stances.values())
        for row in summary.rows
        if row.topic == topic
    }


@pytest.mark.parametrize("level", ["sentence", "document"])
@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv"])
def test_counts_per_group_in_every_format_and_level(tmp_path: Path, form: str, level: str) -> None:
    parts = documents()
    if level == "document":
        parts = [document_rows(part) for part in parts]
    output = open_output(write_output(tmp_path / "o", parts, form=form, level=level))
    summary = summarize(output, by=("outlet", "month"))
    assert counts(summary) == {
        ("NA", "2024-03"): (2, 4, 3, 1, 1, 1),
        ("NA", "2024-04"): (1, 2, 1, 1, 0, 0),
        ("Post", "2024-03"): (1, 1, 1, 1, 0, 0),
        (NO_VALUE, NO_DATE): (1, 1, 1, 0, 1, 0),
    }
    assert counts(summary, "aid")["NA", "2024-03"] == (2, 4, 1, 1, 0, 0)
    assert (summary.undated, summary.undated_example) == (1, "last week")
    first = summary.rows[0]
    assert first.share == wilson(3, 4)
    assert first.net == net_difference(1, 1, 3)


def test_all_in_one_group(tmp_path: Path) -> None:
    output = open_output(write_output(tmp_path / "o", documents()))
    assert counts(summarize(output, by=())) == {(): (5, 8, 6, 3, 2, 1)}


def test_only_the_needed_columns_are_read_a_batch_at_a_time(tmp_path: Path) -> None:
    rows = [row for n in range(40_000) for row in sentence_rows([("a", PRO)], n, outlet="P")]
    output = open_output(write_output(tmp_path / "o", [rows]))
    batches = [batch for _, batch in output.batches(["bases", "outlet"])]
    assert len(batches) > 1
    assert batches[0].schema.names == ["bases", "outlet"]
    assert counts(summarize(output, by=["outlet"])) == {
        ("P",): (40_000, 40_000, 40_000, 40_000, 0, 0)
    }


def test_a_five_point_scale_gets_a_distribution_and_no_mean(tmp_path: Path) -> None:
    stances = ("strongly_for", "rather_for", "undecided", "rather_against", "strongly_against")
    schema = make_schema(*stances, topics=["aid"])
    text = [("a", {"aid": "rather_for"}), ("b", {"aid": "rather_for"}), ("c", {"aid": "undecided"})]
    rows = sentence_rows(text, 0, schema=schema, outlet="P")
    output = open_output(write_output(tmp_path / "o", [rows], schema=schema))
    table = summarize(output, by=["outlet"]).to_table()
    assert "net_stance" not in table.column_names
    assert table["rather_for"].to_pylist() == [2]
    assert table["rather_for_share"].to_pylist() == [pytest.approx(2 / 3)]


def test_numbers_sort_by_value_and_a_column_goes_before_a_unit(tmp_path: Path) -> None:
    rows = [
        row
        for number, year in enumerate([10, 9, None, 2])
        for row in sentence_rows([("a", PRO)], number, year=year)
    ]
    output = open_output(write_output(tmp_path / "o", [rows]))
    assert [*counts(summarize(output, by=["year"]))] == [("2",), ("9",), ("10",), (NO_VALUE,)]


@pytest.mark.parametrize(
    ("columns", "options", "expected"),
    [
        ({"outlet": "P"}, {"by": ["outlt"]}, "no column 'outlt'; there are outlet, source_file"),
        ({"outlet": "P"}, {"by": ["month"]}, "no column looks like a date"),
        (
            {"outlet": "P"},
            {"by": ["week"], "date_column": "when"},
            "--date-column: no column 'when'",
        ),
        (
            {"date": "x", "published": "y"},
            {"by": ["day"]},
            "several columns look like dates (date, ",
        ),
        ({"words": ["a"]}, {"by": ["words"]}, "cannot group by 'words'"),
        (
            {"words": ["a"]},
            {"by": ["day"], "date_column": "words"},
            "--date-column: cannot group by 'words'",
        ),
        (
            {"outlet": "P", "when": "2024-03-05"},
            {"by": ["outlet"], "date_column": "when"},
            "--date-column: is for --by day, week",
        ),
        (
            {"outlet": "Post", "date": "2024-03-05"},
            {"by": ["month"], "date_column": "outlet"},
            "no value of 'outlet' is a date that can be read, for example 'Post'",
        ),
    ],
)
def test_columns_that_are_not_there(
    tmp_path: Path, columns: Row, options: dict[str, Any], expected: str
) -> None:
    rows = sentence_rows([("a", PRO)], 0, **columns)
    output = open_output(write_output(tmp_path / "o", [rows]))
    with pytest.raises(FramingError) as caught:
        summarize(output, **options)
    assert expected in str(caught.value)


def test_too_many_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framing.batch.summary._MAX_GROUPS", 2)
    output = open_output(write_output(tmp_path / "o", documents()))
    with pytest.raises(FramingError, match="more than 2 groups by outlet, day"):
        summarize(output, by=["outlet", "day"])


@pytest.mark.parametrize(
    ("value", "day", "week", "month"),
    [
        ("2024-12-30", "2024-12-30", "2025-W01", "2024-12"),
        (" 2024/03/05 10:00", "2024-03-05", "2024-W10", "2024-03"),
        ("20240305", "2024-03-05", "2024-W10", "2024-03"),
        ("2024-02-30", None, None, None),
        ("5 March 2024", None, None, None),
        ("", None, None, None),
        (None, None, None, None),
    ],
)
def test_periods_of_text(
    value: str | None, day: str | None, week: str | None, month: str | None
) -> None:
    column = pa.array([value], pa.string())
    found = [periods(column, unit)[0].as_py() for unit in ("day", "week", "month", "year")]
    assert found == [day, week, month, day and day[:4]]


def test_periods_of_dates_and_timestamps() -> None:
    assert periods(pa.array([date(2024, 3, 5)]), "day").to_pylist() == ["2024-03-05"]
    late = datetime(2024, 3, 5, 23, 30, tzinfo=timezone.utc)
    there = pa.array([late], pa.timestamp("us", "Asia/Damascus"))
    assert periods(there, "day").to_pylist() == ["2024-03-06"]
    assert periods(pa.array([late], pa.timestamp("ns")), "day").to_pylist() == ["2024-03-05"]


@pytest.mark.parametrize(("unit", "start"), [("week", 1), ("month", 5), ("year", 1), ("day", 5)])
def test_first_day_is_in_its_period(unit: str, start: int) -> None:
    day = date(2021, 1, 5)
    while day < date(2023, 1, 1):
        (name,) = periods(pa.array([day]), unit).to_pylist()
        assert first_day(name) <= day
        assert periods(pa.array([first_day(name)]), unit).to_pylist() == [name]
        day += timedelta(days=17)


def test_a_date_column_is_found_by_type_or_name(tmp_path: Path) -> None:
    rows = sentence_rows([("a", PRO)], 0, seen=date(2024, 3, 5), outlet="P")
    assert find_date_column(open_output(write_output(tmp_path / "a", [rows]))) == "seen"
    rows = sentence_rows([("a", PRO)], 0, Published="2024-03-05", outlet="P")
    assert find_date_column(open_output(write_output(tmp_path / "b", [rows]))) == "Published"
    rows = sentence_rows([("a", PRO)], 0, date=20240305, outlet="P")
    assert find_date_column(open_output(write_output(tmp_path / "c", [rows]))) is None


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_dates_as_pandas_writes_them(tmp_path: Path, kind: pa.DataType) -> None:
    folder = write_output(tmp_path / "o", documents())
    for part in (folder / "data").iterdir():
        table = parquet.read_table(part)
        place = table.column_names.index("date")
        dates = table["date"]
        dates = dates.dictionary_encode() if pa.types.is_dictionary(kind) else dates.cast(kind)
        parquet.write_table(table.set_column(place, "date", dates), part)
    output = open_output(folder)
    assert output.columns["date"] == kind
    assert find_date_column(output) == "date"
    summary = summarize(output, by=["month"])
    assert [group for (group,) in counts(summary)] == ["2024-03", "2024-04", NO_DATE]
    assert (summary.undated, summary.undated_example) == (1, "last week")


def test_wilson_gives_published_intervals() -> None:
    # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I.
    for count, total, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        found = wilson(count, total)
        assert found is not None
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert wilson(0, 0) is None


def test_net_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    for shares in [(0.5, 0.1, 0.4), (0.3, 0.3, 0.4), (0.9, 0.05, 0.05)]:
        hits = 0
        for plus, minus, _ in random.multinomial(40, shares, 2000).tolist():
            found = net_difference(plus, minus, 40)
            assert found is not None
            assert -1 <= found.low <= found.value <= found.high <= 1
            hits += found.low <= shares[0] - shares[1] <= found.high
        assert 0.92 < hits / 2000 < 0.98, shares
    assert net_difference(0, 0, 0) is None


def test_unfinished_and_other_folders(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "o", documents(), finished=False)
    with pytest.raises(FramingError, match=r"has not finished.*--partial to use the 2 part files"):
        open_output(folder)
    assert not open_output(folder, partial=True).finished
    with pytest.raises(FramingError, match="no such folder"):
        open_output(tmp_path / "none")
    with pytest.raises(FramingError, match="is not the output folder of a batch job"):
        open_output(tmp_path)
    (folder / "_framing" / "plan.json").write_text("{")
    with pytest.raises(FramingError, match=r"plan.json: is damaged"):
        open_output(folder, partial=True)


def test_missing_parts_are_noticed(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "o", documents())
    (folder / "data" / "part-00000-00000.parquet").unlink()
    with pytest.raises(FramingError, match="data: holds 1 part files of 2; run 'framing batch'"):
        open_output(folder)
    assert len(open_output(folder, partial=True).parts) == 1
    (folder / "data" / "part-00000-00001.parquet").unlink()
    with pytest.raises(FramingError, match=r"holds no part-\*.parquet files"):
        open_output(folder, partial=True)


def test_damaged_parts_are_named(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "o", documents())
    (folder / "data" / "part-00000-00001.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(FramingError, match=r"part-00000-00001.parquet: cannot be read"):
        summarize(open_output(folder), by=["outlet"])
    folder = write_output(tmp_path / "j", documents(), form="jsonl")
    part = folder / "data" / "part-00000-00001.jsonl"
    lines = [json.loads(line) for line in part.read_text().splitlines()]
    del lines[-1]["outlet"]
    part.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(FramingError, match=r"00001.jsonl: has no column 'outlet'"):
        summarize(open_output(folder), by=["outlet"])


def test_parts_are_read_in_the_order_of_the_input(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "o", documents())
    (folder / "data" / "part-00000-00000.parquet").rename(
        folder / "data" / "part-00000-100000.parquet"
    )
    assert [part.stem for part in open_output(folder).parts] == [
        "part-00000-00001",
        "part-00000-100000",
    ]


def test_table_frame_and_files(tmp_path: Path) -> None:
    rows = sentence_rows([("a", PRO)], 0, topic="war", outlet="P")
    summary = summarize(open_output(write_output(tmp_path / "o", [rows])), by=["topic"])
    table = summary.to_table()
    assert table.column_names[:5] == ["by_topic", "topic", "documents", "sentences", "tagged"]
    assert len(table) == len(SCHEMA.topics)
    assert list(summary.to_frame().columns) == table.column_names
    for name, read in (("s.csv", csv.read_csv), ("s.parquet", parquet.read_table)):
        summary.write(tmp_path / name)
        assert read(tmp_path / name)["favor"].to_pylist() == [1, 0]
        with pytest.raises(FramingError, match="exists; overwrite it with --force"):
            summary.write(tmp_path / name)
        summary.write(tmp_path / name, force=True)
    with pytest.raises(FramingError, match="must end in"):
        summary.write(tmp_path / "s.xlsx")


@pytest.mark.parametrize("name", ["s.csv", "s.parquet"])
def test_a_full_disk_leaves_no_half_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(_: pa.Table, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    summary = summarize(open_output(write_output(tmp_path / "o", documents())))
    monkeypatch.setattr(csv, "write_csv", full)
    monkeypatch.setattr(parquet, "write_table", full)
    (tmp_path / "tables").mkdir()
    with pytest.raises(FramingError, match=r"cannot be written: .*No space left"):
        summary.write(tmp_path / "tables" / name)
    assert not list((tmp_path / "tables").iterdir())


def test_command(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "o", documents(), finished=False)
    app = typer.Typer()
    app.command()(command)
    arguments = [str(folder), "--partial", "--output", str(tmp_path / "s.csv")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for words in (
        "2024-03",
        "75.0%",
        "for example 'last week'",
        "take sentences as independent",
        "has not",
    ):
        assert words in result.output, words
    assert len(csv.read_csv(tmp_path / "s.csv")) == 8
    result = CliRunner().invoke(app, [str(folder)])
    assert isinstance(result.exception, FramingError)

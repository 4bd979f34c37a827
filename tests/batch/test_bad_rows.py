"""Broken rows: each costs itself alone, is counted, and is kept with its place and reason."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framing.batch import BatchError, BatchJob, BatchReport, InputFormat, run
from framing.batch.parts import write_rejections
from framing.batch.rows import Problem, Reason, Rejection

GOOD = "Russia will keep its base at Tartus."
LONG = "x" * (5 << 20)
DEEP = b"[" * 100_000 + b"]" * 100_000

_BAD_JSON: tuple[tuple[bytes, str, str, Any], ...] = (
    # the line, the reason, a part of the detail, the id that can be read
    (b'{"id": "b0", "text": null}', "null", "the text is null", "b0"),
    (b'{"id": "b1", "body": "x"}', "no such column", "no column 'text'; there are: id, body", "b1"),
    (b'{"id": "b2", "text": 7}', "not a string", "is a int", "b2"),
    (b'{"id": "b3", "text": true}', "not a string", "is a bool", "b3"),
    (b'{"id": "b4", "text": ["x"]}', "not a string", "is a list", "b4"),
    (b'{"id": "b5", "text": {"x": 1}}', "not a string", "is a dict", "b5"),
    (b'{"id": "b6", "text": 1.5}', "not a string", "is a float", "b6"),
    (b'{"id": "b7", "text": "\xe2\x82"}', "invalid UTF-8", "byte 22 is not UTF-8", None),
    (b'{"id": "b8", "text": "\xc0\xaf"}', "invalid UTF-8", "byte 22 is not UTF-8", None),
    (b'{"id": "b9", "text": "caf\xe9"}', "invalid UTF-8", "byte 25 is not UTF-8", None),
    (b'{"id": "c0", "text": "\xed\xa0\x80"}', "invalid UTF-8", "byte 22 is not UTF-8", None),
    (b'{"id": "c1", "text": "\\ud800"}', "invalid UTF-8", "half a surrogate pair", None),
    (b'{"id": "c2", "text": "a", "\\udfff": 1}', "invalid UTF-8", "half a surrogate pair", None),
    (b'{"id": "c3", "text": "a", "more": "\xff"}', "invalid UTF-8", "byte 35 is not", None),
    (b'{"id": "c4", "text": "%s"}' % LONG.encode(), "too long", "5,242,880 characters", "c4"),
    (b'{"id": "c5", "text": "Russia wi', "malformed", "is not JSON: Unterminated string", None),
    (b'{"id": "c6", "text": "a",}', "malformed", "is not JSON", None),
    (b'["a", "b"]', "malformed", "is a list, not a JSON object", None),
    (b'"Russia will keep its base."', "malformed", "is a str, not a JSON object", None),
    (b"null", "malformed", "is a NoneType, not a JSON object", None),
    (b'{"id": "c7", "text": "a", "x": ' + DEEP + b"}", "malformed", "recursion", None),
    (b'{"id": "c8", "text": "a", "x": ' + b"1" * 5000 + b"}", "malformed", "digit", None),
    (b'{"id": "c9", "text": "a"} {"text": "b"}', "malformed", "Extra data", None),
    (b"\x00\x00\x00", "malformed", "is not JSON", None),
    (b"{'id': 'd0', 'text': 'a'}", "malformed", "is not JSON", None),
    (b'{"id": "d1", "text": "a\x00b"}', "malformed", "Invalid control character", None),
    (b'{"id": "d2", "text": "a", "x": \xef\xbb\xbf1}', "malformed", "is not JSON", None),
)


@pytest.fixture
def job(model_folder: Path, tmp_path: Path) -> BatchJob:
    return BatchJob(
        inputs=(),
        output=tmp_path / "out",
        id_column="id",
        model=str(model_folder),
        device="cpu",
        part_rows=7,
        threads=1,
    )


def rejected(job: BatchJob) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted(job.output.glob("rejected/*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def kept(job: BatchJob, column: str = "id") -> list[Any]:
    """What stands in a column of the output, once for each row of the input."""
    rows = pq.read_table(job.output / "data").to_pylist()
    values = {(row["source_file"], row["source_row"]): row[column] for row in rows}
    return [values[place] for place in sorted(values)]


def finish(job: BatchJob, path: Path, **options: Any) -> tuple[BatchJob, BatchReport]:
    """Run a job over a file, and check that no row is lost and none counted twice."""
    job = replace(job, inputs=(str(path),), **options)
    report = run(job)
    rows = rejected(job)
    assert report.rows_in == report.rows_out + len(rows)
    assert report.rejected == Counter(row["reason"] for row in rows)
    for row in rows:
        assert row["detail"]
        assert len(row["value"]) <= 200
        assert row["source_file"].endswith(path.name)
    places = [row["source_row"] for row in rows]
    assert len(set(places)) == len(places)
    return job, report


def test_json_lines_of_27_broken_kinds(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    lines, expected, row = [], [], 0
    for number, (bad, reason, detail, identifier) in enumerate(_BAD_JSON):
        lines += [json.dumps({"id": f"g{number}", "text": GOOD}).encode(), b"", b" \t\r", bad]
        expected.append((row + 1, len(lines), reason, detail, identifier))
        row += 2
    path.write_bytes(b"\n".join(lines))
    job, report = finish(job, path)
    assert report.rows_in == 2 * len(_BAD_JSON)
    assert kept(job) == [f"g{number}" for number in range(len(_BAD_JSON))]
    found = rejected(job)
    for row_, (place, line, reason, detail, identifier) in zip(found, expected, strict=True):
        assert (row_["source_row"], row_["line"], row_["reason"]) == (place, line, reason)
        assert detail in row_["detail"]
        assert row_.get("id") == identifier


def test_csv_of_many_broken_kinds(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    good = b'g%d,"Russia will keep its base, at Tartus.",x\n'
    bad: list[tuple[bytes, str, str]] = [
        (b"b0,a\n", "wrong number of fields", "has 2 fields, the header 3"),
        (b"b1,a,b,c\n", "wrong number of fields", "has 4 fields, the header 3"),
        (b'b2,"never closed,x\n', "malformed", "is not CSV: ',' expected after '\"'"),
        (b'b3,"closed" and more,x\n', "malformed", "is not CSV: ',' expected after '\"'"),
        (b"b4,caf\xe9,x\n", "invalid UTF-8", "column 'text' is not UTF-8"),
        (b"b5,fine,\xff\xfe\n", "invalid UTF-8", "column 'more' is not UTF-8"),
        (b"b6,a\rb,x\n", "malformed", "is not CSV: a carriage return stands"),
        (b"b7,%s,x\n" % LONG.encode(), "too long", "a field has over 4,194,304 characters"),
        (b"b8,%s,x\n" % LONG[: 2 << 20].encode(), "too long", "the text has 2,097,152 characters"),
        (b'b9,"two\nlines",x,y\n', "wrong number of fields", "has 4 fields"),
    ]
    data = b"id,text,more\n"
    expected = []
    for number, (line, reason, detail) in enumerate(bad):
        data += good % number + b"\n"
        expected.append((2 * number + 1, data.count(b"\n") + 1, reason, detail))
        data += line
    path.write_bytes(data + good % len(bad))
    job, report = finish(job, path)
    assert report.rows_in == 2 * len(bad) + 1
    assert kept(job) == [f"g{n}" for n in range(len(bad) + 1)]
    for row, (place, line_, reason, detail) in zip(rejected(job), expected, strict=True):
        assert (row["source_row"], row["line"], row["reason"]) == (place, line_, reason)
        assert detail in row["detail"]
    assert [row.get("id") for row in rejected(job)] == [
        *("b0", "b1", None, None, "b4", "b5", None, None, "b8", "b9")
    ]
    assert all(row["value"].startswith("b") for row in rejected(job) if "id" not in row)


def test_nul_bytes_and_empty_fields_of_csv_are_text(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b'id,text\n1,a\0b is it.\n2,\n3,""\n4,"  "\n')
    job, report = finish(job, path)
    assert (report.rows_in, report.rows_out, report.sentences) == (4, 4, 1)
    assert kept(job, "sentence") == ["a\0b is it."]


def test_parquet_of_broken_kinds(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    texts = [GOOD.encode(), None, b"caf\xe9", LONG.encode(), b"\xe2\x82", GOOD.encode()]
    other = [b"a", b"b", b"c", b"d", b"e", b"\xff"]
    # Arrow takes the bytes for strings without a look at them, as Parquet files may hold.
    table = pa.table(
        {
            "id": pa.array([f"r{n}" for n in range(6)]),
            "text": pa.array(texts, pa.binary()).view(pa.string()),
            "more": pa.array(other, pa.binary()).view(pa.string()),
        }
    )
    pq.write_table(table, path, row_group_size=4)
    job, report = finish(job, path, part_rows=3)
    assert report.rows_in == 6
    assert kept(job) == ["r0"]
    assert [(r["source_row"], r["reason"], r.get("id")) for r in rejected(job)] == [
        (1, "null", "r1"),
        (2, "invalid UTF-8", "r2"),
        (3, "too long", "r3"),
        (4, "invalid UTF-8", "r4"),
        (5, "invalid UTF-8", None),  # the id may be what is broken
    ]
    assert "another column" in rejected(job)[-1]["detail"]
    assert all("line" not in row for row in rejected(job))


def test_text_of_broken_kinds(job: BatchJob, tmp_path: Path) -> None:
    job = replace(job, id_column=None, max_chars=100)
    path = tmp_path / "in.txt"
    path.write_bytes(b"\n".join([b"Fine.", b"", b"caf\xe9", b"x" * 101, b"  \t", b"Good."]))
    lines, report = finish(job, path, lines=True)
    assert (report.rows_in, report.rows_out) == (4, 2)
    assert [(r["source_row"], r["line"], r["reason"]) for r in rejected(lines)] == [
        (1, 3, "invalid UTF-8"),
        (2, 4, "too long"),
    ]
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, data in {
        "a.txt": b"Fine.",
        "b.txt": b"caf\xe9",
        "c.txt": "Fine.".encode("utf-16"),
        "d.txt": b"y" * 101,
        "e.txt": b"",
    }.items():
        (folder / name).write_bytes(data)
    job = replace(job, inputs=(str(folder),), output=tmp_path / "files")
    report = run(job)
    assert (report.rows_in, report.rows_out) == (5, 2)
    assert [(Path(r["source_file"]).name, r["reason"]) for r in rejected(job)] == [
        ("b.txt", "invalid UTF-8"),
        ("c.txt", "invalid UTF-8"),
        ("d.txt", "too long"),
    ]
    assert "iconv" in rejected(job)[1]["detail"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("in.jsonl", b'{"text": "a"}\n\n{"text": 7}\nx\n', r"in\.jsonl, line 3: the text is a int"),
        ("in.csv", b'text,b\n"a\nb",c\nd\n', r"in\.csv, line 4: has 1 fields, the header 2"),
        ("in.txt", b"a\nb\n\xff\n", r"in\.txt, line 3: byte 0 is not UTF-8"),
    ],
)
def test_strict_stops_at_the_first_and_names_it(
    job: BatchJob, tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    strict = replace(job, inputs=(str(path),), id_column=None, strict=True, part_rows=1, lines=True)
    with pytest.raises(BatchError, match=message + r".*\(--strict\)"):
        run(strict)
    assert not (job.output / "_SUCCESS").exists()
    # Without --strict the same job goes on.
    report = run(replace(strict, strict=False))
    assert report.rows_in == report.rows_out + sum(report.rejected.values())


def test_strict_names_the_row_of_a_parquet_file(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"id": [1, 2, 3], "text": ["a", "b", None]}), path)
    with pytest.raises(BatchError, match=r"in\.parquet, row 2: the text is null \(--strict\)"):
        run(replace(job, inputs=(str(path),), strict=True))


def test_a_file_of_bad_rows_only_ends_well(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": 1, "text": null}\n' * 20)
    _, report = finish(job, path)
    assert (report.rows_in, report.rows_out, report.sentences) == (20, 0, 0)


def test_an_id_that_is_no_json_is_kept_as_text(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    when = pa.array([1_700_000_000], pa.timestamp("s", "UTC"))
    pq.write_table(pa.table({"id": when, "text": pa.array([None], pa.string())}), path)
    job, _ = finish(job, path, input_format=InputFormat.PARQUET)
    assert rejected(job)[0]["id"].startswith("2023-11-14 22:13:20")


def test_an_id_without_a_number_in_json_is_null(tmp_path: Path) -> None:
    identifier = {"n": [float("nan"), 1]}
    problem = Problem(Reason.NULL, "the text is null")
    path = tmp_path / "part-00000-00000.jsonl"
    write_rejections([Rejection("in.jsonl", 0, 1, identifier, problem)], path)
    row = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert row["id"] == {"n": [None, 1]}

"""A folder of broken files: each gives every problem with its place, none a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framing.labels.errors import LabelsError
from framing.labels.formats import ImportProblems, read_labels, write_labels
from framing.labels.records import Record
from framing.labels.schema import Schema

HEAD = "id,document,annotator,text,military_bases,reconstruction,asylum,sovereignty\n"
LONG = "id,document,annotator,text,topic,stance\n"
GOOD: dict[str, Any] = {
    "id": "a",
    "source": "s",
    "document": "d",
    "labels": {"asylum": "favor"},
    "provenance": "real",
    "annotator": "anna",
    "text": "He may stay.",
}
Place = tuple[int | None, str | None, str]
Case = tuple[str, Callable[[Path], object], list[Place]]


def text(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content, encoding="utf-8", newline="")


def raw(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def lines(*values: object) -> Callable[[Path], object]:
    return text("".join((v if isinstance(v, str) else json.dumps(v)) + "\n" for v in values))


def document(value: object) -> Callable[[Path], object]:
    return text(json.dumps(value))


def workbook(*rows: list[object], sheet: str = "labels") -> Callable[[Path], object]:
    def build(path: Path) -> None:
        from openpyxl import Workbook

        book = Workbook()
        page = book.active
        assert page is not None
        page.title = sheet
        for row in rows:
            page.append(row)
        book.save(path)

    return build


def error_cell(path: Path) -> None:
    workbook(HEADINGS, ["a", "d", "x", "Yes.", "=1/0"])(path)
    from openpyxl import load_workbook

    book = load_workbook(path)
    page = book.active
    assert page is not None
    page["E2"].value = "#N/A"  # type: ignore[index]
    book.save(path)


def parquet(columns: dict[str, list[Any]]) -> Callable[[Path], object]:
    def build(path: Path) -> None:
        import pyarrow
        from pyarrow import parquet as pq

        pq.write_table(pyarrow.table(columns), path)

    return build


def dataset(columns: dict[str, list[Any]]) -> Callable[[Path], object]:
    def build(path: Path) -> None:
        from datasets import Dataset

        Dataset.from_dict(columns).save_to_disk(path)

    return build


def folder(files: dict[str, str]) -> Callable[[Path], object]:
    def build(path: Path) -> None:
        path.mkdir()
        for name, content in files.items():
            (path / name).write_text(content, encoding="utf-8")

    return build


def task(*parts: object, data: object = None, **more: object) -> dict[str, object]:
    data = {"id": "a", "text": "Yes.", "document": "d"} if data is None else data
    return {"data": data, "annotations": [{"completed_by": 1, "result": list(parts), **more}]}


def choice(topic: str, *stances: object) -> dict[str, object]:
    return {"from_name": topic, "type": "choices", "value": {"choices": list(stances)}}


def record(**responses: object) -> dict[str, object]:
    return {"id": "a", "fields": {"text": "Yes."}, "metadata": {"document": "d"}} | {
        "responses": responses
    }


def example(**change: object) -> dict[str, object]:
    start = {"text": "Yes.", "answer": "accept", "meta": {"document": "d", "id": "a"}}
    return {**start, "_annotator_id": "anna", "accept": ["asylum: favor"], **change}


HEADINGS: list[object] = [*HEAD.strip().split(",")]
TOPICS = {name: ["favor", None] for name in HEAD.strip().split(",")[4:]}
TABLE = {"id": ["a", "b"], "document": ["d", "d"], "text": ["Yes.", "No."], **TOPICS}

CASES: list[Case] = [
    # CSV and TSV, one column per topic
    ("empty-text.csv", text(HEAD + "a,d,x, ,,,,\n"), [(2, "text", "sentence is empty")]),
    ("stance.csv", text(HEAD + "a,d,x,Yes.,maybe,,,\n"), [(2, "military_bases", "'maybe'")]),
    (
        "several.csv",
        text(HEAD + 'a,d,x,Yes.,maybe,,,\nb,,x,"No,\n1",,,favour it,\nb,d,x,Na.,,,,\n'),
        [
            (2, "military_bases", "unknown stance"),
            (3, "document", "document is empty"),
            (3, "asylum", "'favour it'"),
            (4, "id", "in row 3 already, by the same annotator (x)"),
        ],
    ),
    ("two.csv", text(HEAD + "a,d,x,Yes.,favor; against,,,\n"), [(2, "military_bases", "two")]),
    (
        "topic.csv",
        text("id,document,text,asylum\na,d,Yes.,favor\n"),
        [
            (1, "military_bases", "no column for this topic"),
            (1, "reconstruction", "name it by --column reconstruction=…"),
            (1, "sovereignty", "no column for this topic"),
        ],
    ),
    ("no-text.csv", text(HEAD.replace("text", "x") + "a,d,x,Yes.,,,,\n"), [(1, "text", "no col")]),
    ("no-topics.csv", text("id,text\na,Yes.\n"), [(1, "topic", "no column for any topic")]),
    ("no-headings.csv", text("a,Yes.,favor\nb,No.,\n"), [(1, "text", "there are: a, Yes., favor")]),
    ("twice.csv", text(HEAD.strip() + ",text\na,d,x,Yes.,,,,,No.\n"), [(1, "text", "several")]),
    ("alike.csv", text(HEAD.strip() + ",Asylum\na,d,x,Yes.,,,,,\n"), [(1, "asylum", "'Asylum'")]),
    (
        "shifted.csv",
        text(HEAD + "a,d,x,Yes, no.,,,,\nb,d\n"),
        [
            (2, "sovereignty", "9 cells, the headings are 8"),
            (3, "annotator", "2 cells"),
        ],
    ),
    ("quote.csv", text(HEAD + 'a,d,x,"Yes" he said,,,,\n'), [(2, "id", "cannot be split")]),
    ("open-quote.csv", text(HEAD + 'a,d,x,"Yes.,,,,\nb,d,x,No.,,,,\n'), [(2, "id", "cannot be")]),
    (
        "latin.csv",
        raw((HEAD + "a,d,x,Ja,,,,\nb,d,x,Für,,,,\n").encode("latin-1")),
        [(3, "text", "byte 0xFC is not UTF-8; save the file as UTF-8 (in Excel: 'CSV UTF-8'")],
    ),
    ("utf16.csv", raw((HEAD + "a,d,x,Ja,,,,\n").encode("utf-16")), [(1, "1", "is UTF-16")]),
    (
        "n.csv",
        text("n,sure," + HEAD + "x,,a,d,x,A,,,,\n1,so,b,d,x,B,,,,\n"),
        [
            (2, "n", "expected a whole number"),
            (3, "sure", "expected true or false"),
        ],
    ),
    (
        "hash.csv",
        text("sha256," + HEAD + "ab,a,d,x,A,,,,\n"),
        [(2, "sha256", "is not the SHA-256")],
    ),
    (
        "web.csv",
        text("provenance," + HEAD + "web,a,d,x,A,,,,\n"),
        [(2, "provenance", "seed, real")],
    ),
    ("nothing.csv", text(HEAD), [(None, None, "holds no annotated sentences")]),
    ("blank.csv", text(""), [(None, None, "holds no annotated sentences")]),
    ("binary.csv", raw(bytes(range(256)) * 4), [(None, None, "")]),
    (
        "stance.tsv",
        text(HEAD.replace(",", "\t") + "a\td\tx\tYes.\t\t\tja\t\n"),
        [(2, "asylum", "unknown stance for asylum; the schema has favor, against, neutral")],
    ),
    # CSV, one row per label
    (
        "long.csv",
        text(LONG + "a,d,x,A,asylm,favor\na,d,x,A,asylum,pr\nb,d,x,B,,favor\nb,d,x,B,asylum,\n"),
        [
            (2, "topic", "'asylm': unknown topic"),
            (3, "stance", "'pr': unknown stance"),
            (4, "topic", "the topic is empty"),
            (5, "stance", "the stance is empty"),
        ],
    ),
    (
        "long-two.csv",
        text(LONG + "a,d,x,A,asylum,favor\na,d,x,A,asylum,against\n"),
        [(3, "stance", "asylum has a stance already: favor, in row 2")],
    ),
    (
        "long-differs.csv",
        text(LONG + "a,d,x,A,asylum,favor\na,e,x,B,sovereignty,favor\n"),
        [
            (3, "text", "differs from row 2"),
            (3, "document", "differs from row 2"),
        ],
    ),
    (
        "long-ids.csv",
        text(LONG + "1,d,x,A,asylum,favor\n2,d,x,A,sovereignty,favor\n3,d,y,A,asylum,favor\n"),
        [(3, "id", "rows 2 and 3 are one sentence with two ids")],
    ),
    (
        "long-sure.csv",
        text(
            "document,annotator,text,topic,stance,sure\n"
            "d,x,A,asylum,favor,yes\nd,x,A,sovereignty,favor,no\n"
        ),
        [(3, "sure", "is the same sentence, by the same annotator; a sentence is sure or unsure")],
    ),
    # XLSX
    ("empty.xlsx", workbook(HEADINGS, ["a", "d", "x", None, "favor"]), [(2, "text", "is empty")]),
    (
        "cells.xlsx",
        workbook(
            ["Annotation, wave 2"], HEADINGS, [1, 2, 3, 4, "favor"], [], ["b", "d", "x", "B", True]
        ),
        [
            (3, "text", "expected a sentence, got a int"),
            (5, "military_bases", "'True': unknown stance"),
        ],
    ),
    (
        "formula.xlsx",
        workbook(HEADINGS, ["a", "d", "x", '="Y"&"es"']),
        [(2, "text", "a formula without its value")],
    ),
    ("error.xlsx", error_cell, [(2, "military_bases", "'#N/A': the formula gives an error")]),
    ("sheet.xlsx", workbook(["Codebook"], ["Say yes."]), [(1, "text", "there are: Codebook")]),
    ("not.xlsx", raw(b"PK\x03\x04 this is not a workbook"), [(1, "A", "not a readable .xlsx")]),
    ("old.xlsx", raw(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9), [(None, None, "old .xls file")]),
    # JSON Lines
    (
        "bad.jsonl",
        lines(GOOD, '{"id": }', "[1]", {**GOOD, "text": 3, "id": "c"}),
        [
            (2, "8", "is not valid JSON"),
            (3, "1", "expected a JSON object"),
            (4, "text", "expected a sentence, got a int"),
        ],
    ),
    (
        "stance.jsonl",
        lines({**GOOD, "labels": {"asylum": "pr", "x": "favor"}}, {**GOOD, "labels": 3}),
        [
            (1, "labels", "'pr': unknown stance for asylum"),
            (1, "labels", "'x': unknown topic"),
            (2, "labels", "labels are an object"),
        ],
    ),
    (
        "twice.jsonl",
        lines(GOOD, {**GOOD, "annotator": "ben"}, GOOD),
        [(3, "id", "in line 1 already")],
    ),
    (
        "two.jsonl",
        lines(json.dumps(GOOD).replace('{"asylum"', '{"asylum": "against", "asylum"')),
        [(1, "asylum", "stands twice in one JSON object")],
    ),
    ("open.jsonl", lines({**GOOD, "labels": None}), [(1, "labels", "labels are an object")]),
    ("byte.jsonl", raw(json.dumps(GOOD).encode() + b'\n{"id": "\xff"}\n'), [(2, "9", "byte 0xFF")]),
    ("deep.jsonl", text("[" * 100_000), [(1, None, "")]),
    ("half.jsonl", lines({**GOOD, "text": "\ud83d"}), [(1, "text", "surrogate")]),
    # Label Studio
    (
        "bad.json",
        text('[{"data": {"text": "Yes."},\n "annotations": [}]'),
        [(2, "18", "not valid JSON")],
    ),
    (
        "tasks.json",
        document(
            [
                task(choice("asylum", "favor", "against")),
                task(choice("asylm", "favor"), data={"id": "b", "text": "B", "document": "d"}),
                task({"from_name": "asylum", "type": "choices", "value": {}}),
                task(choice("asylum", 3), data={"id": "c", "text": " ", "document": "d"}),
                {"data": {"text": "D"}, "annotations": {}},
                {"data": "D"},
                3,
            ]
        ),
        [
            (1, "asylum", "asylum has a stance already: favor, in the same place"),
            (2, "asylm", "unknown topic"),
            (3, "asylum", "a choice has value.choices"),
            (3, "id", "in task 1 already, by the same annotator (1)"),
            (4, "asylum", "'3': unknown stance"),
            (4, "text", "sentence is empty"),
            (5, "annotations", "are an array"),
            (6, "data", "has no data"),
            (7, "1", "expected a JSON object"),
        ],
    ),
    (
        "unlabelled.json",
        document([{"data": {"text": "A"}, "annotations": []}]),
        [(None, None, "1 task left out: no annotation")],
    ),
    # Argilla
    (
        "argilla",
        folder(
            {
                "records.json": json.dumps(
                    [
                        record(
                            asylum=[{"value": "pr", "user_id": "1"}], peace=[{"value": "favor"}]
                        ),
                        record(asylum="favor"),
                        {"id": "x", "fields": "Yes."},
                    ]
                )
            }
        ),
        [
            (1, "asylum", "'pr': unknown stance"),
            (1, "peace", "unknown topic"),
            (2, "asylum", "responses are an array"),
            (3, "fields", "flatten=False"),
        ],
    ),
    ("argilla2", folder({"records.json": "[{]"}), [(1, "3", "is not valid JSON")]),
    # doccano
    (
        "doccano.jsonl",
        lines(
            {"id": 1, "text": "A", "label": ["asylum: favor", "asylum: against"]},
            {"id": 2, "text": "B", "label": ["asylum: pr"]},
            {"id": 3, "text": "C", "label": ["peace"]},
            {"id": 4, "text": "D", "label": "asylum: favor"},
        ),
        [
            (1, "label", "has a stance already: favor"),
            (2, "label", "'pr': unknown stance for asylum"),
            (3, "label", "'peace': unknown topic"),
            (4, "label", "an array of strings"),
        ],
    ),
    # Prodigy
    (
        "prodigy.jsonl",
        lines(
            example(accept=["asylum: pr"]),
            example(answer="yes"),
            example(accept="asylum: favor"),
            example(accept=[2], options=[{"id": 1, "text": "asylum: favor"}]),
            example(text=""),
        ),
        [
            (1, "accept", "unknown stance"),
            (2, "answer", "'yes': an answer is one of accept, reject, ignore"),
            (3, "accept", "is an array"),
            (4, "accept", "is not one of the options"),
            (5, "text", "sentence is empty"),
        ],
    ),
    (
        "prodigy2.jsonl",
        lines(
            example(options=3),
            example(meta="d"),
            example(text=["A"], **{"": 1}),
            example(accept=None),
        ),
        [
            (1, "options", "are an array"),
            (2, "meta", "is an object"),
            (3, "text", "got a list"),
            (4, "accept", "is an array"),
        ],
    ),
    (
        "argilla3",
        folder({"records.json": json.dumps([record(asylum=[{"value": {}, "user_id": {}}])])}),
        [(1, "asylum", "expected text, got a dict")],
    ),
    (
        "formula-last.xlsx",
        workbook(HEADINGS, ["a", "d", "x", "A"], [None] * 4 + ["=A1"]),
        [
            (3, "military_bases", "a formula without its value"),
            (3, "text", "sentence is empty"),
        ],
    ),
    # datasets and Parquet
    (
        "dataset3",
        folder({"dataset_info.json": '{"features": 3}', "state.json": "{}"}),
        [(None, None, "cannot be read")],
    ),
    (
        "stance.parquet",
        parquet({**TABLE, "asylum": ["favor", "pr"], "text": ["A", None]}),
        [
            (2, "asylum", "'pr': unknown stance"),
            (2, "text", "sentence is empty"),
        ],
    ),
    ("columns.parquet", parquet({"satz": [1], "x": ["favor"]}), [(None, "topic", "no column for")]),
    ("not.parquet", raw(b"PAR1 and no more"), [(None, None, "cannot be read")]),
    ("dataset", dataset({**TABLE, "id": ["a", "a"]}), [(2, "id", "in record 1 already")]),
    (
        "dataset2",
        folder({"dataset_info.json": "{", "state.json": "{"}),
        [(None, None, "cannot be")],
    ),
]


def test_there_are_enough() -> None:
    assert len(CASES) >= 25


@pytest.mark.parametrize(("name", "build", "expected"), CASES, ids=[name for name, *_ in CASES])
def test_every_problem_is_found_with_its_place(
    name: str,
    build: Callable[[Path], object],
    expected: list[Place],
    tmp_path: Path,
    schema: Schema,
) -> None:
    path = tmp_path / name
    build(path)
    with pytest.raises(ImportProblems) as caught:
        read_labels(path, schema)
    problems = caught.value.problems
    for row, column, fragment in expected:
        assert any(
            (problem.row, problem.column) == (row, column) and fragment in str(problem)
            for problem in problems
        ) or (row is None and fragment in str(problems[0])), [str(one) for one in problems]
    assert isinstance(caught.value, LabelsError)
    assert str(caught.value).startswith(f"{path}: ")


def test_nothing_else_is_reported(tmp_path: Path, schema: Schema) -> None:
    """Where the places are listed in full, there are no follow-up problems."""
    exact = {"several.csv", "long.csv", "doccano.jsonl", "bad.jsonl", "topic.csv", "latin.csv"}
    exact |= {"long-ids.csv", "long-sure.csv", "open.jsonl"}
    for name, build, expected in CASES:
        if name in exact:
            build(tmp_path / name)
            with pytest.raises(ImportProblems) as caught:
                read_labels(tmp_path / name, schema)
            places = [(one.row, one.column) for one in caught.value.problems]
            assert sorted(map(str, places)) == sorted(str(place[:2]) for place in expected)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("none.csv", {}, "cannot be read: no such file"),
        ("x.docx", {}, "cannot tell the format"),
        ("x.xls", {}, "save the table as .xlsx"),
        ("x.csv", {"format": "xml"}, "unknown format 'xml'"),
        ("x.csv", {"sheet": "one"}, "is csv and has no sheets"),
        ("x.csv", {"columns": {"colour": "x"}}, "'colour' is neither a field nor a topic"),
        ("x.csv", {"columns": {"text": "Satz"}}, "no such column for text; there are: id"),
        ("x.csv", {"columns": {"asylum": "Asyl"}}, "no such column for asylum"),
        ("x.csv", {"provenance": "web"}, "provenance 'web'"),
        ("", {}, "is a folder, but neither of Argilla"),
        ("", {"format": "csv"}, "is a folder, and csv is a file"),
    ],
)
def test_bad_arguments(
    name: str, options: dict[str, Any], expected: str, tmp_path: Path, schema: Schema
) -> None:
    for good in ("x.csv", "x.docx", "x.xls"):
        text(HEAD + "a,d,x,Yes.,,,,\n")(tmp_path / good)
    with pytest.raises(LabelsError) as caught:
        read_labels(tmp_path / name, schema, **options)
    assert expected in str(caught.value)


def test_no_such_sheet(tmp_path: Path, schema: Schema) -> None:
    record = Record("a", "s", "d", {}, "real", "x", "Yes.")
    write_labels([record], tmp_path / "x.xlsx", schema, format="xlsx")
    with pytest.raises(ImportProblems, match="'two': there is no such sheet; there are: labels"):
        read_labels(tmp_path / "x.xlsx", schema, sheet="two")

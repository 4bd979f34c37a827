import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from helpers import ROOT, write_lines
from typer.testing import CliRunner

from framing.cli.agreement import agree, merge, stats
from framing.labels.errors import FramingError
from framing.labels.formats import Format, write_labels
from framing.labels.records import Record, read_records, write_records
from framing.labels.schema import Schema, load_schema

SAID: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"asylum": "favor"}, {"asylum": "favor"}),
    ({"asylum": "against"}, {"asylum": "neutral"}),
    ({"sovereignty": "favor"}, {"sovereignty": "favor"}),
    ({"military_bases": "favor"}, {}),
    ({}, {}),
    ({}, {}),
]


def app() -> typer.Typer:
    made = typer.Typer()
    for command in (stats, agree, merge):
        made.command()(command)
    return made


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app(), [*map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "ann.jsonl", tmp_path / "ben.jsonl"]
    for column, path in enumerate(paths):
        records = [
            Record(
                id=str(number),
                source="wire",
                document=f"d{number // 2}",
                labels=row[column],
                provenance="real",
                annotator=path.stem,
                text=f"Sentence {number}\x1b.",
            )
            for number, row in enumerate(SAID)
        ]
        write_records(records, path)
    return paths


def test_agree_prints_figures_and_who_said_what(files: list[Path]) -> None:
    result = run("agree", *files, "--ordinal", "against,neutral,favor")
    assert result.exit_code == 0, result.output
    assert "6 sentences of 3 documents annotated by two or more of: ann, ben" in result.output
    for words in ("alpha, ordinal", "kappa, mean of pairs", "joint F1", "all labels the same"):
        assert words in result.output
    assert "– reconstruction, alpha: all of 6 are absent" in result.output
    assert "1. 1 (wire/d0): differs in asylum" in result.output
    assert "- ben: asylum: neutral" in result.output
    assert "\x1b" not in result.output


def test_the_layout_for_two_annotators_in_the_docs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    paths = []
    for name, rows in re.findall(r"`(\w+\.csv)`:\n\n((?:\|.*\n)+)", page):
        cells = [[c.strip() for c in line.split("|")[1:-1]] for line in rows.splitlines()]
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([cells[0], *cells[2:]])
        paths.append(tmp_path / name)
    assert [path.name for path in paths] == ["anna.csv", "ben.csv"]
    schema, output = tmp_path / "schema.yaml", tmp_path / "labels.jsonl"
    schema.write_text(
        "topics:\n"
        "  - {name: taxes, title: T, definition: T., target: T., stances: [favor, neutral]}\n"
        "  - {name: crime, title: C, definition: C., stances: [mentioned]}\n"
        "stances:\n"
        "  - {name: favor, definition: F.}\n"
        "  - {name: neutral, definition: N.}\n"
        "  - {name: mentioned, definition: M.}\n"
    )
    agreed = run("agree", *paths, "--schema", schema)
    assert "2 sentences of 1 documents annotated by two or more of: anna," in agreed.output
    options = ("--schema", schema, "--by", "majority", "--ties", "first", "--output", output)
    assert "2 of 2 sentences merged by majority" in run("merge", *paths, *options).output
    assert [record.labels for record in read_records(output, load_schema(schema))] == [
        {"taxes": "favor"},
        {"crime": "mentioned"},
    ]


@pytest.mark.parametrize("name", ["report.json", "report.csv"])
def test_report(files: list[Path], tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert run("agree", *files, "--output", path).exit_code == 0
    if path.suffix == ".json":
        report = json.loads(path.read_text())
        assert (report["annotators"], report["sentences"]) == (["ann", "ben"], 6)
        assert report["disagreements"][0]["said"]["ben"] == {"asylum": "neutral"}
        rows = report["figures"]
    else:
        rows = list(csv.DictReader(path.read_text().splitlines()))
    key = {"measure": "kappa", "about": "topic", "topic": "asylum", "first": "ann"}
    (row,) = [row for row in rows if all(row[name] == value for name, value in key.items())]
    assert float(row["value"]) == 1
    with pytest.raises(FramingError, match="exists"):
        run("agree", *files, "--output", path)
    assert run("agree", *files, "--output", path, "--force").exit_code == 0


def test_from_agreement_over_adjudication_to_one_set(
    files: list[Path], tmp_path: Path, schema: Schema
) -> None:
    sheet, output = tmp_path / "sheet.jsonl", tmp_path / "merged.jsonl"
    run("agree", *files, "--worst-output", sheet)
    lines: list[dict[str, Any]] = [json.loads(line) for line in sheet.read_text().splitlines()]
    assert [(line["id"], line["labels"]) for line in lines] == [("1", None), ("3", None)]
    command = ("merge", *files, sheet, "--by", "adjudicated", "--adjudicator", "adjudicator")
    assert run(*command, "--output", output).exit_code == 2  # nothing is filled in
    assert not output.exists()
    lines[0]["labels"] = {"asylum": "against"}
    write_lines(sheet, lines)
    assert run(*command, "--output", output).exit_code == 2  # one is not
    write_lines(sheet, lines[:1])
    left = tmp_path / "left.jsonl"
    result = run(*command, "--output", output, "--left-out", left)
    assert result.exit_code == 0, result.output
    assert "5 of 6 sentences merged by adjudicated" in result.output
    assert "1. 3 (wire/d1): differs in military_bases" in result.output
    merged = {record.id: record for record in read_records(output, schema)}
    assert merged["1"].labels == {"asylum": "against"}
    assert {record.annotator for record in merged.values()} == {"adjudicated"}
    assert [json.loads(line)["id"] for line in left.read_text().splitlines()] == ["3"]


def test_ties(files: list[Path], tmp_path: Path, schema: Schema) -> None:
    expected = {(): 4, ("--ties", "drop"): 4, ("--ties", "first"): 6}
    for number, (options, count) in enumerate(expected.items()):
        output = tmp_path / f"{number}.jsonl"
        result = run("merge", *files, "--by", "majority", "--output", output, *options)
        assert len(read_records(output, schema)) == count
        assert ("differs in" in result.output) == (options == ())
    output = tmp_path / "soft.jsonl"
    run("merge", *files, "--by", "soft", "--output", output)
    soft = [record.soft for record in read_records(output, schema) if record.soft]
    assert soft == [
        {"asylum": {"against": 0.5, "neutral": 0.5}},
        {"military_bases": {"absent": 0.5, "favor": 0.5}},
    ]
    with pytest.raises(FramingError, match="exists"):
        run("merge", *files, "--by", "soft", "--output", output)


def test_two_spreadsheets_without_ids_meet(tmp_path: Path, schema: Schema) -> None:
    topics = ",".join(schema.topic_names)
    for name, stance in (("ann", "favor"), ("ben", "against")):
        text = f"document,text,{topics}\nd1,He stays.,,,{stance},\nd2,It rains.,,,,\n"
        (tmp_path / f"{name}.csv").write_text(text)
    result = run("agree", tmp_path / "ann.csv", tmp_path / "ben.csv")
    assert "2 sentences of 2 documents annotated by two or more of: ann, ben" in result.output
    assert "- ben: asylum: against" in result.output


def test_files_of_one_name_are_of_two_annotators(tmp_path: Path, schema: Schema) -> None:
    topics = ",".join(schema.topic_names)
    paths = [tmp_path / name / "labels.csv" for name in ("ann", "ben")]
    for path, stance in zip(paths, ("favor", "against"), strict=True):
        path.parent.mkdir()
        path.write_text(f"document,text,{topics}\nd1,He stays.,,,{stance},\n")
    result = run("agree", *paths)
    for said in ("- ann/labels: asylum: favor", "- ben/labels: asylum: against"):
        assert said in result.output
    with pytest.raises(FramingError, match=r"name it \.jsonl"):
        run("merge", *paths, "--by", "majority", "--output", tmp_path / "merged.csv")


def test_one_file_of_several_annotators(files: list[Path], tmp_path: Path, schema: Schema) -> None:
    both = [record for path in files for record in read_records(path, schema)]
    path = tmp_path / "both.xlsx"
    write_labels([r for r in both if r.id != "9"], path, schema, format=Format.XLSX)
    assert "annotated by two or more of: ann, ben" in run("agree", path).output
    with pytest.raises(FramingError, match="none of 6 sentences is annotated by two"):
        run("agree", path, "--annotator", "ann")


def test_stats(files: list[Path]) -> None:
    result = run("stats", *files)
    assert result.exit_code == 0, result.output
    assert "12 records of 6 sentences in 3 documents; 42% without a topic" in result.output
    assert "Fewer than 10 sentences" in result.output
    assert "exactly: 0" in result.output
    assert "but for case, digits and punctuation: 1, 1 of them with different" in result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("agree", "--ordinal", "favor"), "the order of the stances has to name each once"),
        (("agree", "--output", "r.txt"), "a report ends in .json or .csv"),
        (("agree", "--annotator", "zoe"), "no annotator 'zoe'"),
        (("merge", "--by", "adjudicated", "--output", "o"), "needs an adjudicator"),
        (("merge", "--by", "majority", "--output", "no/o"), "there is no folder"),
        (
            ("merge", "--by", "majority", "--output", "o.jsonl", "--left-out", "./o.jsonl"),
            "is named for two outputs",
        ),
        (
            ("merge", "--by", "adjudicated", "--ties", "first", "--output", "o"),
            "--ties is for majority and soft",
        ),
    ],
)
def test_errors(
    files: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FramingError) as caught:
        run(options[0], *files, *options[1:])
    assert expected in str(caught.value)

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers import ROOT
from typer.testing import CliRunner

from framing.cli.labels import labels_app
from framing.labels.errors import FramingError
from framing.labels.records import Record, read_records, write_records
from framing.labels.schema import Schema

HEAD = "id,Artikel,coder,Satz,military_bases,reconstruction,Asyl,sovereignty,Notiz\n"


def run(*arguments: str | Path, code: int = 0) -> tuple[str, str]:
    """Output and errors of a command that is to end with that code."""
    result = CliRunner().invoke(labels_app, [str(one) for one in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout, result.stderr


def refusal(*arguments: str | Path) -> str:
    result = CliRunner().invoke(labels_app, [str(one) for one in arguments])
    assert isinstance(result.exception, FramingError), result.output
    return str(result.exception)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "wave1.csv"
    path.write_text(HEAD + "1,a,eva,Ja.,,,pro,,hm\n2,a,eva,Nein.,,,,,\n", encoding="utf-8")
    return path


def test_import_says_what_it_did(sheet: Path, tmp_path: Path, schema: Schema) -> None:
    output = tmp_path / "labels.jsonl"
    told, _ = run("import", sheet, "--output", output, "--column", "asylum=Asyl")
    assert "format:     csv" in told
    assert "document from 'Artikel'" in told
    assert "asylum from 'Asyl'" in told
    assert "2 records with 1 labels in 1 documents, by eva" in told
    assert "note:       not used: 'Notiz'" in told
    assert "note:       'pro' is taken as 'favor' (1 times)" in told
    first, second = read_records(output, schema)
    assert (first.labels, second.labels) == ({"asylum": "favor"}, {})
    assert (first.source, first.provenance) == ("wave1", "real")


def test_import_overwrites_only_if_forced(sheet: Path, tmp_path: Path, schema: Schema) -> None:
    output = tmp_path / "labels.jsonl"
    output.write_text("mine")
    arguments = ("import", sheet, "--output", output, "--column", "asylum=Asyl")
    assert "exists" in refusal(*arguments)
    assert output.read_text() == "mine"
    run(*arguments, "--force", "--source", "wire", "--provenance", "authored")
    assert {(r.source, r.provenance) for r in read_records(output, schema)} == {
        ("wire", "authored")
    }


@pytest.mark.parametrize("name", ["labels.csv", "labels.XLSX", "labels.json"])
def test_import_writes_json_lines_alone(sheet: Path, tmp_path: Path, name: str) -> None:
    arguments = ("import", sheet, "--output", tmp_path / name, "--column", "asylum=Asyl")
    assert "is written as JSON Lines; name it .jsonl" in refusal(*arguments)
    assert not (tmp_path / name).exists()


def test_problems_are_listed_and_nothing_is_written(sheet: Path, tmp_path: Path) -> None:
    rows = "".join(f"{number},a,eva,Ja.,maybe,,,,\n" for number in range(60))
    sheet.write_text(HEAD.replace("Asyl", "asylum") + rows, encoding="utf-8")
    for command in (("import", sheet, "--output", tmp_path / "x.jsonl"), ("validate", sheet)):
        told, errors = run(*command, code=2)
        assert told == ""
        lines = errors.splitlines()
        assert len(lines) == 51
        assert lines[0].startswith(
            f"framing: {sheet}: row 2, column 'military_bases': 'maybe': unknown stance"
        )
        assert lines[-1] == f"framing: {sheet}: and 10 more problems"
    assert not (tmp_path / "x.jsonl").exists()


def test_validate(sheet: Path) -> None:
    told, _ = run("validate", sheet, "--column", "asylum=Asyl")
    assert "read:       2 records" in told
    _, errors = run("validate", sheet, code=2)
    assert "row 1, column 'asylum': no column for this topic" in errors


def test_a_schema_that_was_left_out_is_asked_for(sheet: Path) -> None:
    hint = "for topics of your own, give their file by --schema"
    _, errors = run("validate", sheet, code=2)
    assert errors.splitlines()[-1] == f"framing: {hint}"
    schema = ROOT / "labels" / "schema.yaml"
    _, errors = run("validate", sheet, "--schema", schema, code=2)
    assert hint not in errors


def test_contradictions_are_warned_of(sheet: Path) -> None:
    with sheet.open("a", encoding="utf-8") as file:
        file.write("3,a,eva,Ja.,,,contra,,\n4,a,eva,Nein.,,,,,\n")
    told, _ = run("validate", sheet, "--column", "asylum=Asyl")
    assert "warning:    'eva' labelled one sentence of document 'a' differently (row 2:" in told
    assert "note:       1 rows repeat a sentence" in told


def test_bad_column_options(sheet: Path) -> None:
    assert "give NAME=HEADING" in refusal("validate", sheet, "--column", "Satz")
    assert "given twice" in refusal("validate", sheet, "--column", "id=a", "--column", "id=b")
    assert "neither a field nor a topic" in refusal("validate", sheet, "--column", "x=Satz")


def test_export_and_import_again(tmp_path: Path, schema: Schema, records: list[Record]) -> None:
    write_records(records, tmp_path / "in.jsonl")
    config = tmp_path / "config.xml"
    start = ("export", tmp_path / "in.jsonl", tmp_path / "tasks.json")
    told, _ = run(*start, "--format", "label-studio", "--config-out", config)
    assert f"wrote:      {config}" in told
    assert ElementTree.parse(config).getroot().tag == "View"  # noqa: S314  our own
    run("import", tmp_path / "tasks.json", "--output", tmp_path / "out.jsonl")
    assert read_records(tmp_path / "out.jsonl", schema) == records
    head = HEAD.replace("Asyl", "asylum").replace("Satz", "Zitat")
    (tmp_path / "odd.csv").write_text(head + "1,a,eva,Ja.,,,pro,,\n", encoding="utf-8")
    odd = ("export", tmp_path / "odd.csv", tmp_path / "odd.xlsx", "--format", "xlsx")
    run(*odd, "--column", "text=Zitat")
    assert "exists" in refusal(*start, "--format", "label-studio")
    assert "--config-out is for" in refusal(*start, "--format", "csv", "--config-out", config)
    unnamed = ("export", tmp_path / "in.jsonl", tmp_path / "tasks")
    assert "name it tasks.json" in refusal(*unnamed, "--format", "label-studio")
    assert "use --force to overwrite it" in refusal(*start, "--format", "label-studio")
    other = ("export", tmp_path / "in.jsonl", tmp_path / "other.xml")
    assert "unknown format 'xml'" in refusal(*other, "--format", "xml")

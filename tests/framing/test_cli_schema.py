"""``framing schema init`` and ``framing schema check``."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shlex
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from helpers import ROOT

from framing.cli.main import main
from framing.labels.draft import FILL_IN
from framing.labels.schema import load_schema

HEADINGS = ("text", "document", "annotator", "Foreign bases", "Tax policy")
ROWS = [
    ("Russia keeps its base.", "a", "x", "favor", ""),
    ("The last troops leave.", "a", "x", "against", "strongly against"),
    ("Taxes go up.", "b", "x", "", "favor"),
    ("It rained.", "b", "x", "", ""),
]


Result = subprocess.CompletedProcess[str]


def run(*arguments: str | Path, cwd: Path | None = None) -> Result:
    """Run the command line in this process, which saves seconds of imports."""
    output, errors, before = io.StringIO(), io.StringIO(), Path.cwd()
    command = ["framing", "schema", *map(str, arguments)]
    os.chdir(cwd or before)
    try:
        with (
            patch.object(sys, "argv", command),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
            pytest.raises(SystemExit) as stopped,
        ):
            main()
    finally:
        os.chdir(before)
    code = stopped.value.code
    assert isinstance(code, int)
    return Result(command, code, output.getvalue(), errors.getvalue())


def assert_one_line_error(result: Result, *parts: str) -> None:
    assert result.returncode == 2, result
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    for part in ("framing: ", *parts):
        assert part in line


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return write(tmp_path / "labels.csv", HEADINGS, ROWS)


def write(path: Path, *rows: object) -> Path:
    heading, body = rows
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heading, *body])  # type: ignore[misc]
    return path


def test_init_then_check(labels: Path, tmp_path: Path) -> None:
    made = run("init", labels, "--output", "own.yaml", cwd=tmp_path)
    assert made.returncode == 0, made
    assert "Foreign bases: against, favor" in made.stdout
    assert "framing schema check own.yaml" in made.stdout
    schema = load_schema(tmp_path / "own.yaml")
    assert schema.topic_names == ("foreign_bases", "tax_policy")
    assert schema.stance_names == ("strongly_against", "against", "favor")
    assert schema.stances_of("tax_policy") == ("strongly_against", "favor")
    checked = run("check", tmp_path / "own.yaml", labels)
    assert checked.returncode == 0, checked
    for part in (
        "2 topics and 3 stances",
        "tells 6 classes apart",
        "foreign_bases (Foreign bases)",
        "tax_policy: empty where the sentence is not about it, else strongly_against or favor",
        "foreign_bases: against 1, favor 1",
        "without topic: 1; all sentences: 4",
        "to be filled in: target of the topic tax_policy",
        "tax_policy: 1 label strongly_against; a model needs 10 or more",
    ):
        assert part in checked.stdout


def test_init_overwrites_only_by_force(labels: Path, tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text("mine")
    assert_one_line_error(run("init", labels, cwd=tmp_path), "schema.yaml", "--force")
    assert path.read_text() == "mine"
    assert run("init", labels, "--force", cwd=tmp_path).returncode == 0
    assert FILL_IN in path.read_text()


def test_init_says_what_it_cannot_use(labels: Path, tmp_path: Path) -> None:
    missing = run("init", tmp_path / "none.csv", cwd=tmp_path)
    assert_one_line_error(missing, "none.csv", "no such file")
    bad = run("init", labels, "--column", "text", cwd=tmp_path)
    assert_one_line_error(bad, "--column 'text'", "NAME=HEADING")
    folder = run("init", labels, "--output", tmp_path / "no" / "s.yaml")
    assert_one_line_error(folder, "s.yaml: there is no folder")
    empty = write(tmp_path / "empty.csv", ("text", "mood"), [("A.", ""), ("B.", "")])
    nothing = run("init", empty, cwd=tmp_path)
    assert nothing.returncode == 2
    assert "no topics found" in nothing.stderr
    assert not (tmp_path / "schema.yaml").exists()


def test_init_with_columns_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "odd.csv",
        ("Zitat", "Verbrechen", "Rating"),
        [("Ein Satz.", "mentioned", "1"), ("Noch einer.", "", "5")],
    )
    columns = ("text=Zitat", "Crime=Verbrechen", "Mood=Rating")
    options = [part for column in columns for part in ("--column", column)]
    made = run("init", path, *options, cwd=tmp_path)
    assert made.returncode == 0, made
    check = next(line for line in made.stdout.splitlines() if "schema check" in line)
    assert run(*shlex.split(check)[2:], cwd=tmp_path).returncode == 0
    schema = load_schema(tmp_path / "schema.yaml")
    assert schema.classes_of("crime") == ("absent", "mentioned")
    assert schema.stances_of("mood") == ("stance_1", "stance_5")


def test_init_and_check_read_the_sheet_named(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.create_sheet("Codebook").append(["text", "Topic", "Tone"])
    book["Codebook"].append(["Say yes.", "no", "yes"])
    page = book.create_sheet("Wave 1")
    page.append(["text", "Tax policy"])
    page.append(["Taxes go up.", "favor"])
    book.save(tmp_path / "book.xlsx")
    arguments = (tmp_path / "book.xlsx", "--sheet", "Wave 1")
    assert "Tax policy: favor" in run("init", *arguments, cwd=tmp_path).stdout
    assert "tax_policy: favor 1" in run("check", tmp_path / "schema.yaml", *arguments).stdout


def test_check_lists_all_problems_of_a_schema(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(
        "topics:\n  - {name: A b, title: A, definition: A., target: A.}\n"
        "stances:\n  - {name: absent, definition: A.}\n"
    )
    result = run("check", path)
    assert result.returncode == 2
    assert result.stdout == ""
    first, *problems = result.stderr.splitlines()
    assert first == f"framing: {path}: 2 problems"
    assert "topics.0.name" in problems[0]
    assert "'absent' is reserved" in problems[1]
    path.write_text("topics: [")
    assert_one_line_error(run("check", path), str(path), "is not valid YAML")


def test_check_lists_all_problems_of_labels(labels: Path, tmp_path: Path) -> None:
    run("init", labels, cwd=tmp_path)
    rows = [("A.", "a", "x", "up", ""), ("B.", "a", "x", "", "down")]
    result = run(
        *("check", tmp_path / "schema.yaml"),
        write(tmp_path / "bad.csv", HEADINGS, rows),
    )
    assert result.returncode == 2
    assert "bad.csv: 2 problems" in result.stderr
    assert "row 2" in result.stderr
    assert "row 3" in result.stderr


def test_check_warns_of_what_is_allowed_but_odd(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(
        "topics:\n"
        "  - {name: a, title: A, definition: A., target: A.}\n"
        "  - {name: b, title: B, definition: B., stances: [mentioned]}\n"
        "stances:\n"
        "  - {name: pro, title: In favour, definition: For.}\n"
        "  - {name: mentioned, definition: There.}\n"
    )
    result = run("check", path)
    assert result.returncode == 0
    assert "a can be mentioned beside its other stances" in result.stdout
    assert "write stances: [pro]" in result.stdout
    assert "mentioned; found or not, without stance" in result.stdout
    assert "pro (In favour): For." in result.stdout
    path.write_text(path.read_text().replace("target: A.", "target: A., stances: [mentioned]"))
    assert "the stance pro applies to no topic" in run("check", path).stdout


def test_check_of_our_own_schema_has_nothing_to_say(tmp_path: Path) -> None:
    result = run("check", ROOT / "labels" / "schema.yaml")
    assert result.returncode == 0
    assert "4 topics and 3 stances" in result.stdout
    assert "To look at" not in result.stdout

from __future__ import annotations

import csv
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import huggingface_hub
import pytest
from helpers import BACKBONE, ROOT, make_records
from typer.testing import CliRunner, Result

from framing import Classifier
from framing.cli.main import app
from framing.labels.errors import FramingError
from framing.labels.records import write_records
from framing.models.store import verify
from framing.training.checkpoints import FOLDER
from framing.training.report import read_report

SCHEMA = str(ROOT / "labels" / "schema.yaml")


def run(*arguments: str | Path) -> Result:
    """As from a shell: the report keeps what stands in `sys.argv`."""
    given = [str(a) for a in arguments]
    with patch.object(sys, "argv", ["framing", *given]):
        return CliRunner().invoke(app, given)


def error_of(*arguments: str | Path) -> str:
    error = run(*arguments).exception
    assert isinstance(error, FramingError), error
    return str(error)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A spreadsheet as people have it: text, document, and a column per topic."""
    path = tmp_path / "labels.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "document", "military_bases", "reconstruction", "asylum"])
        for r in make_records(60):
            cells = [r.labels.get(t, "") for t in ("military_bases", "reconstruction", "asylum")]
            writer.writerow([r.text, r.document, *cells])
    return path


@pytest.fixture
def schema_file(tmp_path: Path) -> Path:
    text = Path(SCHEMA).read_text(encoding="utf-8")
    start, end = text.index("  - name: sovereignty"), text.index("stances:")
    path = tmp_path / "schema.yaml"
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    return path


def options(folder: Path) -> tuple[str | Path, ...]:
    return ("--output", folder / "model", "--base", BACKBONE, "--epochs", "1")


def test_from_a_spreadsheet_to_a_model(table: Path, schema_file: Path, tmp_path: Path) -> None:
    command = ("train", table, "--schema", schema_file, *options(tmp_path), "--folds", "2")
    result = run(*command)
    assert result.exit_code == 0, result.output
    for part in ("without any example", "2-fold cross-validation", "sentences: 60", "epochs: 1"):
        assert part in result.stderr
    for part in ("Cross-validation in 2 folds", "support", "military_bases", "Model and card"):
        assert part in result.stdout
    report = read_report(tmp_path / "model")
    assert report.command == shlex.join(["framing", *map(str, command)])
    assert report.start is not None and report.start.name == str(BACKBONE)
    assert report.sources[0].documents == 30
    assert Classifier.from_pretrained(tmp_path / "model", device="cpu").schema.topic_names == (
        "military_bases",
        "reconstruction",
        "asylum",
    )
    again = run("train", table, "--schema", schema_file, *options(tmp_path))
    assert "--force" in str(again.exception)


def test_options_stand_for_what_a_configuration_lacks(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("seed: 2\n")
    command = ("train", tmp_path / "none.csv", "--config", tmp_path / "c.yaml", "--base", BACKBONE)
    assert "c.yaml: output is missing" in error_of(*command)
    assert "none.csv: cannot be read" in error_of(*command, "--output", tmp_path / "m")


def test_a_configuration_is_overridden(tmp_path: Path) -> None:
    write_records(make_records(60), tmp_path / "labels.jsonl")
    (tmp_path / "c.yaml").write_text(
        f"output: {tmp_path / 'other'}\nbackbone: minilm\nlabels: [seeds]\nmax_tokens: 32\n"
        "held_out: 0.2\ntuning: 0.2\nunseen_sources: [[seeds]]\n"
    )
    result = run(
        *("train", tmp_path / "labels.jsonl", "--config", tmp_path / "c.yaml", "--seed", "7"),
        *("--batch-size", "4", "--learning-rate", "0.001", *options(tmp_path)),
    )
    assert result.exit_code == 0, result.output
    config = read_report(tmp_path / "model").config
    assert (config["seed"], config["batch_size"], config["max_epochs"]) == (7, 4, 1)
    assert config["learning_rate"] == 0.001
    assert config["held_out"] == 0.2
    assert "Held-out documents" in result.stdout
    assert not (tmp_path / "other").exists()


def test_errors_before_training(table: Path, tmp_path: Path) -> None:
    assert "--output is missing" in error_of("train", table)
    assert "is a file; name a folder" in error_of("train", table, "--output", table, "--force")
    both = error_of("train", table, "--output", tmp_path / "m", "--base", "a", "--init", "shipped")
    assert "--init and --base: give one of them" in both
    assert "--init mine: is none of" in error_of("train", table, "--init", "mine")
    problem = error_of("train", table, "--output", tmp_path / "m")
    assert "column 'sovereignty': no column for this topic" in problem
    assert problem.endswith("; for topics of your own, give their file by --schema")
    given = error_of("train", table, "--output", tmp_path / "m", "--schema", SCHEMA)
    assert given == problem.partition("; for topics of your own")[0]
    assert "more problem" not in given
    write_records(make_records(60), tmp_path / "other.jsonl")
    text = (tmp_path / "other.jsonl").read_text().replace("asylum", "weather")
    (tmp_path / "other.jsonl").write_text(text)
    problem = error_of("train", tmp_path / "other.jsonl", "--output", tmp_path / "m")
    assert problem.endswith("; for topics of your own, give their file by --schema")
    second = tmp_path / "second.jsonl"
    write_records(make_records(60), tmp_path / "first.jsonl")
    text = (tmp_path / "first.jsonl").read_text().replace('"test"', '"other"')
    second.write_text(text)
    result = run("train", tmp_path / "first.jsonl", second, *options(tmp_path))
    assert "framing labels merge" in str(result.exception)
    assert "error: 60 ids were annotated by several annotators" in result.stderr
    assert not (tmp_path / "model").exists()


def test_columns_can_be_told(
    table: Path, schema_file: Path, tmp_path: Path, model_folder: Path
) -> None:
    table.write_text(table.read_text().replace("text,document,military_bases", "Zitat,Nr,Bases"))
    command = ("train", table, "--schema", schema_file, *options(tmp_path), "--folds", "2")
    problem = error_of(*command)
    assert "name it by --column text=…" in problem
    assert f"(and 1 more problem; 'framing labels validate {table} --schema SCHEMA'" in problem
    columns = ("--column", "text=Zitat", "--column", "document=Nr", "--column")
    assert run(*command, *columns, "military_bases=Bases").exit_code == 0
    measured = ("evaluate", table, "--model", model_folder, *columns, "military_bases=Bases")
    assert "no column for this topic" in error_of(*measured)
    lines = table.read_text().splitlines()
    table.write_text("".join(f"{x},{'sovereignty' * (not n)}\n" for n, x in enumerate(lines)))
    assert run(*measured).exit_code == 0


def test_evaluate_asks_for_the_model_of_the_topics(table: Path, model_folder: Path) -> None:
    hint = "; for topics of your own, give your model by --model"
    assert error_of("evaluate", table, "--device", "cpu").endswith(hint)
    assert hint not in error_of("evaluate", table, "--model", model_folder)


def test_evaluate_wants_one_annotation_a_sentence(tmp_path: Path, model_folder: Path) -> None:
    records = make_records(6)
    second = [replace(record, annotator="ben") for record in records]
    write_records([*records, *second], tmp_path / "r.jsonl")
    problem = error_of("evaluate", tmp_path / "r.jsonl", "--model", model_folder)
    assert "r.jsonl: " in problem
    assert "framing labels merge" in problem


def test_on_two_processes_the_same_command_gives_one_model(tmp_path: Path) -> None:
    write_records(make_records(60), tmp_path / "labels.jsonl")
    launch = "accelerate.commands.accelerate_cli launch --cpu --num_processes 2 -m framing train"
    result = subprocess.run(
        [sys.executable, "-m", *launch.split(), tmp_path / "labels.jsonl", *options(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("Model and card") == 1
    verify(tmp_path / "model")
    assert not (tmp_path / "model" / FOLDER).exists()


class FakeHub:
    """Keeps what it is given; ``fails`` is raised on the way."""

    calls: ClassVar[list[tuple[str, dict[str, Any]]]]
    fails: Exception | None = None

    def create_repo(self, repo_id: str, **given: Any) -> str:
        self.calls.append((repo_id, given))
        return f"https://hub/{repo_id}"

    def upload_folder(self, **given: Any) -> None:
        if self.fails is not None:
            raise self.fails
        self.calls.append((given["repo_id"], given))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> type[FakeHub]:
    class Hub(FakeHub):
        calls: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    return Hub


@pytest.fixture
def model(model_folder: Path, tmp_path: Path) -> Path:
    folder = shutil.copytree(model_folder, tmp_path / "m")
    (folder / "README.md").write_text("# Card")
    (folder / "notes.txt").write_text("mine")
    return folder


def test_push_uploads_a_whole_model(model: Path, hub: type[FakeHub]) -> None:
    result = run("push", model, "me/mine", "--private")
    assert result.stdout == "Uploaded to https://hub/me/mine\n"
    (_, made), (_, sent) = hub.calls
    assert made == {"private": True, "exist_ok": True}
    assert sent["folder_path"] == model
    assert "notes.txt" not in sent["allow_patterns"]


def test_push_to_a_folder_copies_what_would_be_uploaded(model: Path, tmp_path: Path) -> None:
    assert run("push", model, "--to-folder", tmp_path / "there").exit_code == 0
    verify(tmp_path / "there")
    names = {path.name for path in (tmp_path / "there").iterdir()}
    assert {"README.md", "model.safetensors"} <= names
    assert "notes.txt" not in names
    assert "is not empty" in error_of("push", model, "--to-folder", tmp_path / "there")
    problem = error_of("push", model, "--to-folder", model / "notes.txt")
    assert "notes.txt: is a file; name a folder" in problem


def test_push_refuses_what_is_not_whole(model: Path, hub: type[FakeHub]) -> None:
    assert "give either REPO_ID" in error_of("push", model)
    hub.fails = OSError("no connection")
    assert "me/mine: cannot be uploaded" in error_of("push", model, "me/mine")
    (model / "README.md").unlink()
    assert "has no card" in error_of("push", model, "me/mine")
    (model / "model.safetensors").write_bytes(b"changed")
    assert "damaged or changed" in error_of("push", model, "me/mine")
    assert len(hub.calls) == 1  # of the upload that failed

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from helpers import BACKBONE, ROOT, make_records

from framing import __version__
from framing.cli.main import main
from framing.labels.records import write_records

COMMAND = [sys.executable, "-m", "framing"]
Result = subprocess.CompletedProcess[str]


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run(*arguments: str | Path, stdin: str = "", cwd: Path | None = None) -> Result:
    """Run the command line in this process, which saves seconds of imports."""
    output, errors = io.StringIO(), io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    command = ["framing", *map(str, arguments)]
    with (
        patch.object(sys, "argv", command),
        patch.object(sys, "stdin", given),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
        working_in(cwd or Path.cwd()),
        pytest.raises(SystemExit) as stopped,
    ):
        main()
    code = stopped.value.code
    assert isinstance(code, int)
    return Result(command, code, output.getvalue(), errors.getvalue())


def assert_one_line_error(result: Result, *parts: str) -> None:
    assert result.returncode == 2, result
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("framing: ")
    for part in parts:
        assert part in line


def run_on_terminal(*arguments: str | Path) -> str:
    """What a command prints when its output is a terminal."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=follower, stdin=follower, env=environment
    )
    os.close(follower)
    output = b""
    while process.poll() is None or select.select([leader], [], [], 0)[0]:
        try:
            output += os.read(leader, 65536)
        except OSError:  # Linux: the other end is closed
            break
    process.wait()
    os.close(leader)
    return output.decode()


def test_json_lines_when_piped(model_folder: Path) -> None:
    result = run("classify", "He left. They stay.", "--model", model_folder, "--threshold", "0")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["text"] for line in lines] == ["He left.", "They stay."]
    assert [line["sentence"] for line in lines] == [0, 1]
    assert len(lines[0]["tags"]) == 4


def test_files_and_standard_input(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("From a file.", encoding="utf-8-sig")
    result = run("classify", tmp_path / "a.txt", "-", "--model", model_folder, stdin="From a pipe.")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(x["source"], x["text"]) for x in lines] == [
        (str(tmp_path / "a.txt"), "From a file."),
        ("-", "From a pipe."),
    ]
    assert json.loads(run("classify", "--model", model_folder, stdin="Piped.").stdout)
    reader, writer = os.pipe()
    os.write(writer, b"As the shell's <( ).")
    os.close(writer)
    result = run("classify", f"/dev/fd/{reader}", "--model", model_folder)
    assert json.loads(result.stdout)["text"] == "As the shell's <( )."
    os.close(reader)


def test_texts_on_the_command_line_are_told_apart(model_folder: Path) -> None:
    lines = run("classify", "One.", "Two. Three.", "--model", model_folder).stdout.splitlines()
    sources = [json.loads(line)["source"] for line in lines]
    assert sources == ["argument 1", "argument 2", "argument 2"]


def test_no_split_and_empty_text(model_folder: Path) -> None:
    result = run("classify", "One. Two.", "--no-split", "--model", model_folder)
    assert json.loads(result.stdout)["text"] == "One. Two."
    assert run("classify", "-", "--model", model_folder, stdin="").returncode == 0
    for empty in ("", "  "):
        result = run("classify", empty, "--model", model_folder)
        assert (result.returncode, result.stdout) == (0, "")


def test_table_on_a_terminal(model_folder: Path) -> None:
    output = run_on_terminal(
        "classify", "Russia [bold]keeps\x07 bases.", "--threshold", "0", "--model", model_folder
    )
    assert "military_bases:" in output
    assert "\x1b[" in output  # colour
    assert "[bold]" in output  # a text is not markup
    assert "\x07" not in output  # and cannot ring the bell
    assert '"tags"' not in output
    assert '"tags"' in run_on_terminal("classify", "A.", "--json", "--model", model_folder)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["classify", "none.txt"], ["none.txt: no such file"]),
        (["classify", "my artcle.TXT"], ["my artcle.TXT: no such file; if it is a text"]),
        (["classify", "rows.CSV"], ["rows.CSV: holds rows; 'framing batch' reads them"]),
        (["classify", "."], ["is a folder"]),
        (["classify", "A.", "--model", "./nowhere"], ["no such model folder"]),
        (["classify", "A.", "--device", "gpu"], ["unknown device 'gpu'"]),
        (["classify", "A.", "--threshold", "2"], ["threshold"]),
        (["classify", "A.", "--colour"], ["--colour"]),
        (["clasify", "A."], ["clasify"]),
        (["train", "--config", "none.yaml"], ["none.yaml: cannot be read"]),
        (["train", "--corpora", "nowhere", "--output", "x"], ["nowhere: no such folder"]),
        (["evaluate", "none.jsonl"], ["none.jsonl: cannot be read"]),
        (["evaluate", "a.jsonl", "--without", "real"], ["need --leave-one-article-out"]),
        (["evaluate", "a.jsonl", "--leave-one-article-out"], ["--model, --device and --threshold"]),
        (["evaluate", "./reports"], ["reports: cannot be read"]),
    ],
)
def test_errors_are_one_line(
    model_folder: Path, tmp_path: Path, arguments: list[str], parts: list[str]
) -> None:
    takes_model = arguments[0] in ("classify", "evaluate") and "--model" not in arguments
    extra = ["--model", str(model_folder)] if takes_model else []
    (tmp_path / "rows.CSV").write_text("id,text\n1,A base.\n", encoding="utf-8")
    assert_one_line_error(run(*arguments, *extra, cwd=tmp_path), *parts)


def test_file_that_is_not_utf8(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("Él se fue".encode("latin-1"))
    result = run("classify", tmp_path / "latin.txt", "--model", model_folder)
    assert_one_line_error(result, "latin.txt: is not UTF-8 at byte 0")


def test_evaluate_names_the_wrong_topic(model_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    write_records(make_records(3), path)
    path.write_text(path.read_text().replace('"military_bases": "favor"', '"bases": "favor"'))
    result = run("evaluate", path, "--model", model_folder)
    assert_one_line_error(result, "labels.jsonl, line 1", "unknown topic 'bases'")


def test_evaluate_prints_figures(model_folder: Path, tmp_path: Path) -> None:
    write_records(make_records(12), tmp_path / "labels.jsonl")
    result = run("evaluate", tmp_path / "labels.jsonl", "--model", model_folder)
    assert result.returncode == 0, result.stderr
    assert "joint F1" in result.stdout
    assert "12 sentences, 6 documents" in result.stdout


def tiny_config(folder: Path, *, epochs: int = 1) -> Path:
    write_records(make_records(60), folder / "labels.jsonl")
    path = folder / "config.yaml"
    path.write_text(
        f"output: {folder / 'model'}\nbackbone: {BACKBONE}\nlabels: [{folder / 'labels.jsonl'}]\n"
        f"max_epochs: {epochs}\npatience: {epochs}\nbatch_size: 4\nmax_tokens: 32\n"
        "held_out: 0.2\ntuning: 0.2\n"
    )
    return path


def test_train_then_classify_then_leave_one_out(tmp_path: Path) -> None:
    config = tiny_config(tmp_path)
    trained = run("train", "--config", config)
    assert trained.returncode == 0, trained.stderr
    assert "joint F1" in trained.stdout
    assert run("classify", "A.", "--model", tmp_path / "model").returncode == 0
    write_records(make_records(4), tmp_path / "few.jsonl")
    measured = run(
        "evaluate",
        tmp_path / "few.jsonl",
        "--leave-one-article-out",
        *("--config", config, "--card", tmp_path / "model"),
    )
    assert measured.returncode == 0, measured.stderr
    assert "TF-IDF" in measured.stdout
    card = tmp_path / "model" / "README.md"
    assert "few.jsonl --leave-one-article-out" in card.read_text()
    card.write_text(f"{card.read_text()}Mine.\n")
    refused = run(
        *("evaluate", tmp_path / "few.jsonl", "--leave-one-article-out"),
        *("--config", config, "--card", tmp_path / "model"),
    )
    assert_one_line_error(refused, "README.md: differs", "--force")
    assert run("classify", "A.", "--model", tmp_path / "model").returncode == 0


def test_ctrl_c_in_training_is_quiet(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, epochs=100_000)
    process = subprocess.Popen(
        [*COMMAND, "train", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background, the signal is ignored and would stay so.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stderr is not None
    # The first line on standard error says that training is under way.
    process.stderr.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert rest.rstrip().endswith("framing: interrupted")
    assert not (tmp_path / "model" / "model.safetensors").exists()


def test_a_reader_that_stops_early_is_no_error(model_folder: Path) -> None:
    text = "They stay. " * 3000
    process = subprocess.Popen(
        [*COMMAND, "classify", "-", "--model", str(model_folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(text)
    process.stdin.close()
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 0


def test_info_and_version(model_folder: Path) -> None:
    output = run("info", "--model", model_folder, "--definitions").stdout
    for part in (__version__, str(model_folder), "engine:", "device:", "sovereignty", "target:"):
        assert part in output
    assert run("--version").stdout.strip() == __version__


def test_help_of_every_command() -> None:
    for command in ("classify", "train", "evaluate", "info"):
        assert run(command, "--help").returncode == 0


def test_the_version_is_that_of_the_project_file() -> None:
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_a_full_disk_behind_standard_output_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("framing.cli.classify._print_json", full)
    result = run("classify", "It rained.", "--json")
    assert result.returncode == 2
    assert result.stderr == "framing: standard output: No space left on device\n"

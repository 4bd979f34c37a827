"""Whole jobs: what comes out, going on after a stop, and what is refused."""

from __future__ import annotations

import csv
import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from typer.testing import CliRunner

from framing import Classifier
from framing.batch import BatchError, BatchJob, BatchReport, Level, OutputFormat, run
from framing.batch.html_report import write_report
from framing.batch.local import run_locally
from framing.batch.output import open_output
from framing.batch.parts import write_part
from framing.batch.progress import Bars, LogLines, Silence
from framing.batch.summary import summarize
from framing.cli.main import app
from framing.labels.errors import FramingError
from framing.labels.schema import Schema
from framing.models.store import write_checksums

TEXTS = (
    "Russia will keep its base at Tartus. The talks went on.",
    "Doha will pay for the power plants. Damascus wants Assad extradited.",
    "Israeli jets struck near Homs.",
)


@pytest.fixture
def table() -> pa.Table:
    count = 50
    return pa.table(
        {
            "id": pa.array([f"r{i}" for i in range(count)]),
            "body": pa.array([TEXTS[i % 3] + f" Item {i}." for i in range(count)]),
            "price": pa.array([i / 3 for i in range(count)], pa.float32()),
            "when": pa.array([1_700_000_000 + i for i in range(count)], pa.timestamp("ms", "UTC")),
            "kind": pa.array(["a", "b"] * 25).dictionary_encode(),
            "nested": pa.array([{"x": [i]} for i in range(count)]),
        }
    )


@pytest.fixture
def job(table: pa.Table, model_folder: Path, tmp_path: Path) -> BatchJob:
    path = tmp_path / "in.parquet"
    pq.write_table(table, path, row_group_size=13)
    return BatchJob(
        inputs=(str(path),),
        output=tmp_path / "out",
        text_column="body",
        model=str(model_folder),
        device="cpu",
        part_rows=7,
        threads=1,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """The data a job has written: all but its state and the times in its report."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "_framing" not in path.parts and path.name != "report.json"
    }


def test_sentences_stand_beside_the_columns_of_their_row(
    job: BatchJob, table: pa.Table, classifier: Classifier, schema: Schema
) -> None:
    report = run(job)
    out = pq.read_table(job.output / "data")
    assert report.rows_in == report.rows_out == 50
    assert report.parts == 8
    assert len(out) == report.sentences
    for name in ("id", "price", "when", "nested"):
        assert out.schema.field(name).type == table.schema.field(name).type
    rows = out.to_pylist()
    texts = table["body"].to_pylist()
    assert [row["source_row"] for row in rows] == sorted(row["source_row"] for row in rows)
    for row in rows:
        text = texts[row["source_row"]]
        assert text[row["start"] : row["end"]] == row["sentence"]
        sentence = classifier.classify(text).sentences[row["sentence_index"]]
        tags = [(tag["topic"], tag["stance"]) for tag in row["tags"]]
        assert tags == [(tag.topic, tag.stance) for tag in sentence.tags]
        for topic in schema.topic_names:
            assert row[topic] == dict(tags).get(topic)
            total = sum(row[f"{topic}_{name}"] for name in schema.classes)
            assert total == pytest.approx(1, abs=1e-5)


def test_documents_are_counted(job: BatchJob, classifier: Classifier, table: pa.Table) -> None:
    run(replace(job, level=Level.DOCUMENT, format=OutputFormat.JSONL))
    rows = [
        json.loads(line)
        for path in sorted(job.output.glob("data/part-*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    assert [row["id"] for row in rows] == table["id"].to_pylist()
    for row, text in zip(rows, table["body"].to_pylist(), strict=True):
        sentences = classifier.classify(text).sentences
        tags = [(t.topic, t.stance) for s in sentences for t in s.tags]
        assert row["sentences"] == len(sentences)
        for topic in classifier.schema.topic_names:
            assert row[f"{topic}_sentences"] == sum(name == topic for name, _ in tags)
            for stance in classifier.schema.stance_names:
                assert row[f"{topic}_{stance}_sentences"] == tags.count((topic, stance))


def test_what_a_killed_worker_was_writing_goes(job: BatchJob) -> None:
    class Killed(Silence):
        def advance(self, rows: int, *, rejected: int = 0) -> None:
            data = job.output / "data"
            data.mkdir(exist_ok=True)
            (data / ".part-00000-00000.parquet.1.tmp").touch()

    run(job, progress=Killed())
    assert not list(job.output.rglob("*.tmp"))


def test_the_report_of_a_finished_job_comes_back(job: BatchJob) -> None:
    first = run(job)
    before = contents(job.output)
    second = run(job)
    assert isinstance(second, BatchReport)
    assert second == first
    assert contents(job.output) == before
    assert json.loads((job.output / "report.json").read_text())["rows_in"] == 50


def test_a_job_that_failed_half_way_goes_on(
    job: BatchJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = replace(job, output=tmp_path / "whole")
    run(whole)
    calls = []

    def some(*arguments, **options):  # type: ignore[no-untyped-def]
        for number, done in enumerate(run_locally(*arguments, **options)):
            if number == 3:
                raise KeyboardInterrupt
            calls.append(done.part)
            yield done

    with monkeypatch.context() as patch:
        patch.setattr("framing.batch.runner.run_locally", some)
        with pytest.raises(KeyboardInterrupt):
            run(job)
        assert not (job.output / "_SUCCESS").exists()
        # What a power cut leaves: half a line, half a file.
        with (job.output / "_framing" / "done.jsonl").open("ab") as done:
            done.write(b'{"part": "part-0')
        (job.output / "data" / f"{calls[0]}.parquet").write_bytes(b"PAR1")
        with pytest.raises(KeyboardInterrupt):
            run(job)
    stages = []

    class Stages(Silence):
        def stage(self, title: str, total: int | None, *, done: int = 0, rejected: int = 0) -> None:
            stages.append((title, total, done, rejected))

    report = run(job, progress=Stages())
    assert stages == [("Tagging", 50, 35, 0)]
    assert calls == [f"part-00000-{n:05}" for n in (0, 1, 2, 0, 3, 4)]
    assert report.rows_out == 50
    assert contents(job.output) == contents(whole.output)


def test_killed_at_ten_random_moments_it_ends_with_the_same_bytes(
    table: pa.Table, model_folder: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in.jsonl"
    rows = [{"id": i, "text": f"{TEXTS[i % 3]} Item {i}." if i % 11 else None} for i in range(2000)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, "-m", "framing", "batch", str(source), "--model", str(model_folder)]
    command += ["--part-rows", "25", "--threads", "1", "--device", "cpu", "--output"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    chance = random.Random(7)
    out = tmp_path / "out"
    done = out / "_framing" / "done.jsonl"
    killed_at = []
    while len(killed_at) < 10 and not (out / "_SUCCESS").exists():
        process = subprocess.Popen([*command, str(out)], stderr=subprocess.DEVNULL)
        before = done.stat().st_size if done.exists() else 0
        while process.poll() is None and (done.stat().st_size if done.exists() else 0) == before:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.12))
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed_at.append(len(done.read_bytes().splitlines()))
    finished = subprocess.run([*command, str(out)], check=True, capture_output=True, text=True)
    assert len(killed_at) == 10, "finished before it was killed ten times"
    assert killed_at[-1] < 80
    assert "2,000 rows in = 1,818 rows out + 182 rejected" in finished.stdout
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_at_once(number: int, model_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"text": TEXTS[0] * 40}) + "\n" for _ in range(6000)))
    command = [sys.executable, "-m", "framing", "batch", str(source), "--model", str(model_folder)]
    command += ["--part-rows", "200", "--output", str(tmp_path / "out")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "out" / "_framing" / "done.jsonl").exists():
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(number)
    assert process.wait(timeout=5) == 128 + number
    assert process.stderr is not None
    message = process.stderr.read()
    assert "the same command goes on from there" in message
    assert "Traceback" not in message


def test_a_signal_behind_the_end_does_not_say_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish(*_: object, **__: object) -> None:
        (tmp_path / "_SUCCESS").touch()
        signal.raise_signal(signal.SIGTERM)

    known = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("framing.batch.run", finish)
    monkeypatch.setattr("framing.cli.batch.os._exit", sys.exit)
    arguments = ["batch", "in.jsonl", "--output", str(tmp_path), "--quiet"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 143
    assert f"the job in {tmp_path} is finished" in result.output
    assert "stopped" not in result.output
    assert signal.getsignal(signal.SIGTERM) == known


def test_the_rate_is_that_of_this_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SimpleNamespace(monotonic=lambda: 0.0)
    monkeypatch.setattr("framing.batch.progress.time", clock)
    lines, bars = LogLines(), Bars()
    with caplog.at_level("INFO", "framing.batch"):
        for shown in (lines, bars):
            shown.stage("Tagging", 1_000_000, done=500_000, rejected=7)
        clock.monotonic = lambda: 100.0
        for shown in (lines, bars):
            shown.advance(1000, rejected=1)
    said = "rows=501000 total=1000000 rejected=8 rows_per_s=10.0 eta_s=49900"
    assert said in caplog.messages[-1]
    (task,) = bars._bars.tasks
    assert (task.completed, task.fields) == (501_000, {"rate": "10 rows/s", "rejected": 8})


def test_a_job_goes_on_however_its_inputs_are_spelled(
    job: BatchJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "news"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(TEXTS[0])
    job = replace(job, inputs=(*job.inputs, str(folder)))
    first = run(job)
    monkeypatch.chdir(tmp_path)
    job = replace(job, inputs=("./in.parquet", "news"))
    assert run(job) == first
    (folder / "b.txt").rename(folder / "c.txt")
    message = "/news/b.txt is no longer among the inputs; news/c.txt is new. "
    with pytest.raises(BatchError, match=message):
        run(job)


@pytest.mark.parametrize("pattern", [".", "**/*.parquet"])
def test_the_output_may_lie_in_the_folder_of_the_inputs(
    job: BatchJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.chdir(tmp_path)
    job = replace(job, inputs=(pattern,), output=Path("out"))
    run(job)
    before = contents(job.output)
    (job.output / "_SUCCESS").unlink()
    parts = sorted(job.output.glob("data/*"))
    parts[-1].unlink()
    assert run(job).rows_in == 50
    assert contents(job.output) == before
    for named in (str(parts[0]), "out/data"):
        with pytest.raises(BatchError, match=r"0\.parquet: is in the output folder out"):
            run(replace(job, inputs=(named,)))


def test_output_to_a_url_is_refused(
    job: BatchJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BatchError, match="s3://bucket/tagged: is a URL, and output goes to"):
        run(replace(job, output=Path("s3://bucket/tagged")))
    assert not Path("s3:").exists()


def test_a_changed_input_option_or_model_is_refused(job: BatchJob, tmp_path: Path) -> None:
    run(job)
    with pytest.raises(BatchError, match=r"min_confidence was 0\.0 and is 0\.5"):
        run(replace(job, min_confidence=0.5))
    with pytest.raises(BatchError, match="engine"):
        run(replace(job, engine="torch"))
    path = Path(job.inputs[0])
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(BatchError, match=r"in\.parquet has changed.*--restart"):
        run(job)
    with pytest.raises(BatchError, match="--force"):
        run(replace(job, restart=True))
    assert run(replace(job, restart=True, force=True)).rows_in == 49


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_input_that_changes_under_the_job_is_noticed(
    job: BatchJob, tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"in.{form}"
    lines = ["body", *["Homs is calm."] * 50] if form == "csv" else ['{"body": "Homs."}'] * 50
    path.write_text("\n".join(lines) + "\n")
    job = replace(job, inputs=path)

    class Overwriting(Silence):
        def stage(self, title: str, *_: Any, **__: Any) -> None:
            if title == "Tagging":
                path.write_text(path.read_text().replace("Homs", "Hons"))

    with pytest.raises(BatchError, match=f"in.{form}: changed while the job read it.*--restart"):
        run(job, progress=Overwriting())
    assert not (job.output / "_SUCCESS").exists()
    with pytest.raises(BatchError, match="has changed"):
        run(job)
    assert run(replace(job, restart=True)).rows_out == 50


def test_inputs_and_output_may_be_strings_or_paths(job: BatchJob, tmp_path: Path) -> None:
    path, output = job.inputs[0], tmp_path / "out"
    for inputs in (path, Path(path), [path], (Path(path),)):
        assert replace(job, inputs=inputs).inputs == (str(path),)
    given: Any = str(output)
    assert replace(job, output=given).output == output


def test_options_may_be_named_by_their_values(job: BatchJob) -> None:
    named = replace(job, level="document", format="jsonl", columns="id")  # type: ignore[arg-type]
    assert (named.level, named.format) == (Level.DOCUMENT, OutputFormat.JSONL)
    assert named.columns == ("id",)
    for name in ("level", "format", "input_format"):
        with pytest.raises(BatchError, match=f"{name} must be one of .*, got 'table'"):
            replace(job, **{name: "table"})


def test_the_text_cannot_pass_through_beside_documents(job: BatchJob) -> None:
    with pytest.raises(BatchError, match="the text's column 'body' cannot pass through"):
        run(replace(job, level=Level.DOCUMENT, columns=("id", "body")))


def test_an_input_that_grows_while_it_is_first_read_is_noticed(
    job: BatchJob, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"body": "Homs."}\n' * 50)

    class Growing(Silence):
        def advance(self, rows: int, **_: Any) -> None:
            with path.open("a") as file:
                file.write('{"body": "Hama."}\n')

    with pytest.raises(BatchError, match="changed while the job read it"):
        run(replace(job, inputs=path), progress=Growing())


def test_a_damaged_note_of_a_finished_part_is_named(job: BatchJob) -> None:
    run(job)
    notes = job.output / "_framing" / "done.jsonl"
    lines = notes.read_text().splitlines()
    notes.write_text("\n".join([lines[0], lines[1][:20], *lines[2:]]) + "\n")
    with pytest.raises(BatchError, match=r"done\.jsonl, line 2: is damaged; delete the line"):
        run(job)
    notes.write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    assert run(job).parts == len(lines)


def test_all_rows_rejected_is_a_failure(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"body": null}\n' * 3)
    command = ["batch", str(path), "--output", str(job.output), "--text-column", "body"]
    result = CliRunner().invoke(app, [*command, "--model", str(job.model), "--device", "cpu"])
    assert "all 3 rows were rejected" in str(result.exception)
    assert (job.output / "_SUCCESS").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("part_rows", "5"), ("workers", 1.5), ("threshold", "high")]
)
def test_options_of_other_types(job: BatchJob, name: str, value: Any) -> None:
    with pytest.raises(BatchError, match=f"{name} must be .*, got {value!r}"):
        run(replace(job, **{name: value}))


@pytest.mark.parametrize("change", ["configuration", "version"])
def test_another_configuration_or_version_does_not_go_on(
    job: BatchJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(job.model, folder)
    job = replace(job, model=str(folder))
    run(job)
    if change == "version":
        monkeypatch.setattr("framing.__version__", "99.0")
        expected = "the version of framing: was .* and is 99.0"
    else:
        path = folder / "config.json"
        content = json.loads(path.read_text())
        content["max_tokens"] = 17
        path.write_text(json.dumps(content))
        write_checksums(folder)
        expected = "the model's configuration or tokenizer"
    with pytest.raises(BatchError, match=expected):
        run(job)


def test_columns_too_large_for_every_sentence_are_named(
    job: BatchJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: Any, **__: Any) -> None:
        raise pa.ArrowInvalid("Take operation overflowed binary array capacity")

    monkeypatch.setattr("framing.batch.worker.output_table", too_large)
    with pytest.raises(BatchError, match=r"in\.parquet, part 0: .*price.*--column"):
        run(job)


def test_large_columns_make_smaller_parts(job: BatchJob, tmp_path: Path) -> None:
    pages = [f"{n}" * 100_000 for n in range(10, 90)]
    pq.write_table(pa.table({"body": ["It rained."] * 80, "html": pages}), tmp_path / "a.parquet")
    job = replace(job, inputs=tmp_path / "a.parquet", part_rows=80)
    assert run(job).parts == 4
    assert run(replace(job, output=tmp_path / "b", columns=())).parts == 1


def test_nothing_is_overwritten(job: BatchJob) -> None:
    job.output.mkdir()
    (job.output / "thesis.doc").write_text("precious")
    with pytest.raises(BatchError, match="is not empty and holds no batch job"):
        run(job)
    assert [path.name for path in job.output.iterdir()] == ["thesis.doc"]
    run(replace(job, force=True))
    run(replace(job, force=True, restart=True))
    assert (job.output / "thesis.doc").read_text() == "precious"


def test_force_takes_away_the_parts_of_a_job_whose_plan_is_gone(job: BatchJob) -> None:
    stale = ("data/part-00009-00000.parquet", "rejected/part-00000-00000.jsonl", "_SUCCESS")
    own = ("data/part-00000-9f-c000.snappy.parquet", "data/notes.csv")  # of Spark, and of a user
    for name in (*stale, *own):
        (job.output / name).parent.mkdir(parents=True, exist_ok=True)
        (job.output / name).write_text("of before")

    class Look(Silence):
        def stage(self, title: str, total: int | None, *, done: int = 0, rejected: int = 0) -> None:
            if title == "Reading":
                assert sorted(contents(job.output)) == sorted(own)

    run(replace(job, force=True), progress=Look())
    assert not (job.output / stale[0]).exists()
    assert all((job.output / name).read_text() == "of before" for name in own)


def test_a_restart_that_was_killed_while_it_read_can_be_given_again(
    job: BatchJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Silence):
        def stage(self, title: str, total: int | None, *, done: int = 0, rejected: int = 0) -> None:
            if title == "Reading":
                raise KeyboardInterrupt

    run(job)
    (job.output / "_SUCCESS").unlink()
    job = replace(job, restart=True)
    with pytest.raises(KeyboardInterrupt):
        run(job, progress=Killed())
    assert run(job).rows_out == 50


def test_two_jobs_never_share_a_folder(job: BatchJob) -> None:
    (job.output / "_framing").mkdir(parents=True)
    with (
        FileLock(job.output / "_framing" / "lock"),
        pytest.raises(BatchError, match="another job is writing to it"),
    ):
        run(job)


def test_columns_with_names_of_ours_are_renamed(job: BatchJob, schema: Schema) -> None:
    topic = schema.topic_names[0]
    table = pa.table({"body": [TEXTS[0]], topic: [7], "start": ["x"], "input_start": ["y"]})
    pq.write_table(table, job.inputs[0])
    report = run(job)
    out = pq.read_table(job.output / "data" / "part-00000-00000.parquet")
    assert report.renamed == {topic: f"input_{topic}", "start": "input_input_start"}
    assert out[f"input_{topic}"].to_pylist()[0] == 7
    assert out["input_input_start"].to_pylist()[0] == "x"
    assert out["start"].to_pylist()[0] == 0


def test_two_columns_of_one_name_are_refused(
    job: BatchJob, model_folder: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    shutil.copytree(model_folder, model)
    config = model / "config.json"
    content = json.loads(config.read_text(encoding="utf-8"))
    content["label_schema"]["topics"][0]["name"] = "start"
    config.write_text(json.dumps(content), encoding="utf-8")
    write_checksums(model)
    with pytest.raises(FramingError, match="two columns 'start': rename the topic"):
        run(replace(job, model=str(model)))


def test_json_lines_hold_json(job: BatchJob) -> None:
    values = [1 / 3, float("nan"), float("inf"), None]
    table = pa.table(
        {
            "body": [TEXTS[2]] * 4,
            "price": pa.array(values, pa.float32()),
            "exact": pa.array(values, pa.float64()),
            "nested": pa.array([{"x": [value]} for value in values]),
        }
    )
    pq.write_table(table, job.inputs[0])
    run(replace(job, format=OutputFormat.JSONL))
    text = (job.output / "data" / "part-00000-00000.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]
    assert [row["price"] for row in rows] == [0.33333334, None, None, None]
    assert [row["exact"] for row in rows] == [1 / 3, None, None, None]
    assert [row["nested"] for row in rows] == [{"x": [row["exact"]]} for row in rows]


def test_json_is_json_in_columns_of_every_shape(tmp_path: Path) -> None:
    values = [0.1, float("nan")]
    tag = pa.struct([("probability", pa.float32())])
    table = pa.table(
        {
            "fixed": pa.array([values], pa.list_(pa.float32(), 2)),
            "map": pa.array(
                [[*zip("ab", values, strict=True)]], pa.map_(pa.string(), pa.float32())
            ),
            "tags": pa.array([[{"probability": 0.9}]], pa.list_(tag)),
        }
    )
    expected = {
        "fixed": [0.1, None],
        "map": [["a", 0.1], ["b", None]],
        "tags": [{"probability": 0.9}],
    }
    path = tmp_path / "part"
    write_part(table, path, to=OutputFormat.JSONL)
    assert json.loads(path.read_text(), parse_constant=pytest.fail) == expected
    write_part(table, path, to=OutputFormat.CSV)
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    found = {name: json.loads(text, parse_constant=pytest.fail) for name, text in row.items()}
    assert found == expected


def test_only_the_columns_asked_for_pass_through(job: BatchJob) -> None:
    run(replace(job, columns=("kind",), id_column="id"))
    names = pq.read_schema(job.output / "data" / "part-00000-00000.parquet").names
    assert names[:3] == ["id", "kind", "source_file"]
    with pytest.raises(BatchError, match=r"no input has a column 'colour'; there are: id, body"):
        run(replace(job, columns=("colour",), output=job.output / "more"))


def test_a_full_disk_leaves_finished_parts(job: BatchJob, monkeypatch: pytest.MonkeyPatch) -> None:
    real = pq.write_table

    def full(table: pa.Table, path: Path, **options: object) -> None:
        real(table, path, **options)
        if "00003" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", full)
        with pytest.raises(
            BatchError, match=r"00003\.parquet: cannot be written: the disk is full"
        ):
            run(job)
    assert len(list(job.output.glob("data/part-*.parquet"))) >= 3
    assert not list(job.output.glob("data/.*"))
    assert run(job).rows_out == 50


@pytest.mark.parametrize("level", list(Level))
def test_topics_with_stances_of_their_own(
    level: Level, job: BatchJob, mixed_folder: Path, tmp_path: Path
) -> None:
    run(replace(job, model=str(mixed_folder), level=level))
    names = pq.read_schema(job.output / "data" / "part-00000-00000.parquet").names
    assert not [name for name in names if name.startswith("crime_favor")]
    rows = summarize(open_output(job.output), by=["kind"]).rows
    assert {row.topic for row in rows if row.net is not None} == {"trade", "taxes"}
    assert all(row.stances["favor"] == 0 for row in rows if row.topic == "crime")
    assert sum(row.tagged for row in rows if row.topic == "crime") > 0
    write_report(open_output(job.output), tmp_path / "report.html")
    assert "crime" in (tmp_path / "report.html").read_text(encoding="utf-8").lower()

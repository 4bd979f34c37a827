"""Every kind of input: what is read, how columns come through, and clear errors."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import json
import os
import random
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import datasets
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.spec import AbstractBufferedFile
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from framing.batch import BatchError, BatchJob, InputFormat, OutputFormat, run
from framing.batch.columns import field_of, json_column, merged, widened
from framing.batch.files import InputFile, find_files
from framing.batch.progress import Silence
from framing.batch.readers import open_reader
from framing.batch.rows import Rows
from framing.cli.main import app

TEXTS = (
    "Russia will keep its base at Tartus. The talks went on.",
    'Doha, said the minister, "will pay".\nDamascus wants Assad extradited.',
    "Israeli jets struck near Homs; Zürich kept silent 😀.",
    "",
    "The two ministers met for an hour.",
)
RECORDS = [{"id": f"r{n}", "text": TEXTS[n % 5]} for n in range(11)]


@pytest.fixture
def job(model_folder: Path, tmp_path: Path) -> BatchJob:
    return BatchJob(
        inputs=(),
        output=tmp_path / "out",
        model=str(model_folder),
        device="cpu",
        threads=1,
    )


def json_lines(rows: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def separated(rows: Sequence[dict[str, Any]], delimiter: str = ",", end: str = "\r\n") -> bytes:
    def quoted(value: str) -> str:
        return '"' + value.replace('"', '""') + '"'

    lines = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    return "".join(delimiter.join(map(quoted, line)) + end for line in lines).encode()


def parquet(rows: Sequence[dict[str, Any]], kind: pa.DataType | None = None) -> bytes:
    table = pa.Table.from_pylist(list(rows))
    if kind is not None:
        column = table["text"]
        if pa.types.is_dictionary(kind):
            column = column.dictionary_encode().cast(kind)
        table = table.set_column(1, "text", column.cast(kind))
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=4)
    return out.getvalue()


def everything(job: BatchJob, *inputs: object, **options: Any) -> list[Rows]:
    """The rows of all chunks of a job's inputs, read in order, and again in disorder."""
    job = replace(job, inputs=tuple(map(str, inputs)), **options)
    files = find_files(
        job.inputs, input_format=job.input_format, lines=job.lines, spool=job.output / "stdin"
    )
    plans = [(file, open_reader(file, job).plan(lambda _: None)) for file in files]
    schema = merged({file.label: plan.schema for file, plan in plans})
    result: list[Rows] = []
    for file, plan in plans:
        reader = open_reader(file, job)
        in_order = [reader.read(chunk, schema) for chunk in plan.chunks]
        order = list(range(len(plan.chunks)))
        random.Random(3).shuffle(order)
        reader = open_reader(file, job)
        shuffled = {place: reader.read(plan.chunks[place], schema) for place in order}
        assert [shuffled[place] for place in sorted(shuffled)] == in_order
        assert [len(r.texts) + len(r.rejections) for r in in_order] == [c.rows for c in plan.chunks]
        result += in_order
    return result


def texts(rows: Sequence[Rows]) -> list[str]:
    return [text for each in rows for text in each.texts]


def columns(rows: Sequence[Rows]) -> dict[str, list[Any]]:
    table = pa.concat_tables([each.table for each in rows if each.table is not None])
    return dict(table.to_pydict())


# One maker of bytes per name, all of them of the same rows.
FORMATS: dict[str, Callable[[], bytes]] = {
    "in.parquet": lambda: parquet(RECORDS),
    "large.parquet": lambda: parquet(RECORDS, pa.large_string()),
    "view.parquet": lambda: parquet(RECORDS, pa.string_view()),
    "binary.pq": lambda: parquet(RECORDS, pa.binary()),
    "category.parquet": lambda: parquet(RECORDS, pa.dictionary(pa.int8(), pa.string())),
    "in.jsonl": lambda: json_lines(RECORDS),
    "bom.ndjson": lambda: b"\xef\xbb\xbf" + json_lines(RECORDS).replace(b"\n", b"\r\n"),
    "in.jsonl.gz": lambda: gzip.compress(json_lines(RECORDS)),
    "members.jsonl.gz": lambda: b"".join(gzip.compress(json_lines([row])) for row in RECORDS),
    "in.jsonl.zst": lambda: pa.compress(json_lines(RECORDS), codec="zstd", asbytes=True),
    "in.JSONL.BZ2": lambda: bz2.compress(json_lines(RECORDS)),
    "in.csv": lambda: separated(RECORDS),
    "bom.csv": lambda: b"\xef\xbb\xbf" + separated(RECORDS, end="\n"),
    "in.csv.zst": lambda: pa.compress(separated(RECORDS), codec="zstd", asbytes=True),
    "in.tsv": lambda: separated(RECORDS, "\t"),
    "in.tab.gz": lambda: gzip.compress(separated(RECORDS, "\t")),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("part_rows", [1, 3, 7, 100])
def test_the_same_rows_come_out_of_every_format(
    job: BatchJob, tmp_path: Path, name: str, part_rows: int
) -> None:
    path = tmp_path / name
    path.write_bytes(FORMATS[name]())
    rows = everything(job, path, part_rows=part_rows)
    assert texts(rows) == [row["text"] for row in RECORDS]
    assert columns(rows) == {"id": [row["id"] for row in RECORDS]}
    assert [place for each in rows for place in each.places] == [(str(path), n) for n in range(11)]
    assert len(rows) == -(-11 // part_rows)


def test_the_same_rows_get_the_same_tags(job: BatchJob, tmp_path: Path) -> None:
    tables = []
    for name in ("category.parquet", "members.jsonl.gz", "in.csv.zst", "in.tsv"):
        path = tmp_path / name
        path.write_bytes(FORMATS[name]())
        out = tmp_path / f"out-{name}"
        run(replace(job, inputs=(str(path),), output=out, part_rows=3))
        table = pq.read_table(out / "data")
        tables.append(table.drop_columns(["source_file"]).to_pylist())
    assert tables[0]
    assert all(table == tables[0] for table in tables)


def test_csv_with_another_delimiter(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(separated(RECORDS, ";").replace(b'"id"', b"id").replace(b'"text"', b"text"))
    assert texts(everything(job, path, delimiter=";")) == [row["text"] for row in RECORDS]
    with pytest.raises(BatchError, match=r"no column 'text'.*delimiter ';'\? Give --delimiter"):
        everything(job, path)


def test_text_files_are_texts_and_lines_if_asked(job: BatchJob, tmp_path: Path) -> None:
    folder = tmp_path / "news"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"\xef\xbb\xbfOne.\nTwo.\n")
    (folder / "deep" / "b.txt.gz").write_bytes(gzip.compress(b"Three.\n\n  \nFour."))
    rows = everything(job, folder, part_rows=1)
    assert texts(rows) == ["One.\nTwo.\n", "Three.\n\n  \nFour."]
    assert [Path(file).name for each in rows for file, _ in each.places] == ["a.txt", "b.txt.gz"]
    lines = everything(job, folder, lines=True, part_rows=1)
    assert texts(lines) == ["One.", "Two.", "Three.", "Four."]
    assert [row for each in lines for _, row in each.places] == [0, 1, 0, 1]


def test_globs_and_folders_of_mixed_files(job: BatchJob, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    for name in ("sub", ".git", "_temporary/0"):
        (folder / name).mkdir(parents=True)
    (folder / "b.jsonl").write_bytes(json_lines([{"text": "b", "n": 1}]))
    (folder / "a.csv").write_bytes(b"text,name\na,x\n")
    (folder / "sub" / "c.parquet").write_bytes(parquet([{"n": 2.5, "text": "c"}]))
    (folder / "sub" / "d.txt").write_text("d")
    (folder / "notes.docx").write_text("no text")
    (folder / "_SUCCESS").touch()
    (folder / ".git" / "e.txt").write_text("hidden")
    (folder / "_temporary" / "0" / "f.jsonl").write_text("unfinished")
    rows = everything(job, folder)
    assert texts(rows) == ["a", "b", "c", "d"]
    # Every part has every column, so that all of them are one table.
    assert columns(rows) == {"name": ["x", None, None, None], "n": [None, 1, 2.5, None]}
    assert texts(everything(job, folder / "*.jsonl", folder / "**" / "*.parquet")) == ["b", "c"]
    # A file that is meant twice is read once.
    assert texts(everything(job, folder / "a.csv", folder / "*.csv")) == ["a"]
    report = run(replace(job, inputs=(str(folder),)))
    assert report.rows_out == 4
    assert pq.read_table(job.output / "data")["n"].to_pylist() == [None, 1, 2.5, None]


def test_every_spelling_of_a_path_is_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "art").mkdir()
    (tmp_path / "art" / "a.jsonl").write_bytes(json_lines(RECORDS))
    monkeypatch.chdir(tmp_path)
    inputs = ("art", "./art/a.jsonl", "art/../art/*.jsonl", str(tmp_path / "art" / "a.jsonl"))
    found = find_files(inputs, input_format=None, lines=False, spool=tmp_path / "stdin")
    assert [file.label for file in found] == ["art/a.jsonl"]


def test_another_working_folder_reads_the_same_files(
    job: BatchJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "news"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(json_lines(RECORDS[:1]))
    (folder / "b.txt").write_text("b")
    monkeypatch.chdir(tmp_path)
    files = find_files(["news"], input_format=None, lines=False, spool=tmp_path / "stdin")
    monkeypatch.chdir(folder)  # as a worker of Ray may stand elsewhere
    places = []
    for file in files:
        reader = open_reader(file.below(tmp_path), job)
        plan = reader.plan(lambda _: None)
        places += reader.read(plan.chunks[0], plan.schema).places
    assert places == [("news/a.jsonl", 0), ("news/b.txt", 0)]


def test_a_name_with_signs_of_a_glob_is_that_file(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "[1]*.jsonl"
    path.write_bytes(json_lines(RECORDS))
    assert len(texts(everything(job, path))) == 11


@pytest.mark.parametrize("part_rows", [3, 100])
def test_folders_of_datasets(job: BatchJob, tmp_path: Path, part_rows: int) -> None:
    dataset = datasets.Dataset.from_list(RECORDS)
    dataset.save_to_disk(tmp_path / "one", num_shards=2)
    for name in ("cache-123.arrow", "data-00000-of-00007.arrow"):  # the second from a save before
        (tmp_path / "one" / name).write_bytes(b"no input")
    splits = {"test": dataset.select([9, 4]), "train": dataset.select(range(4))}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "two")
    rows = everything(job, tmp_path / "one", part_rows=part_rows)
    assert texts(rows) == [row["text"] for row in RECORDS]
    assert columns(rows)["id"] == [row["id"] for row in RECORDS]
    both = everything(job, tmp_path / "two", part_rows=part_rows)
    assert columns(both)["id"] == ["r9", "r4", "r0", "r1", "r2", "r3"]
    (tmp_path / "two" / "dataset_dict.json").write_text("{}")
    with pytest.raises(BatchError, match=r"dataset_dict\.json: is not as save_to_disk of datasets"):
        everything(job, tmp_path / "two", part_rows=part_rows)


class _RemoteFile(AbstractBufferedFile):
    """A file as fsspec has them for S3 and its like, which are not those of Python."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        return bytes(self.fs.cat_file(self.path)[start:end])


class _RemoteStore(MemoryFileSystem):
    protocol = "remote"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("remote:/")))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb":
            return super()._open(path, mode, **options)
        return _RemoteFile(self, path, mode, size=self.size(path))


@pytest.fixture(params=["memory", "remote"])
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    fsspec.register_implementation("remote", _RemoteStore, clobber=True)
    yield request.param
    filesystem = fsspec.filesystem(request.param)
    filesystem.rm("/batch", recursive=True)


@pytest.mark.parametrize("name", ["in.parquet", "in.jsonl", "members.jsonl.gz", "in.csv"])
def test_remote_files(job: BatchJob, store: str, name: str) -> None:
    with fsspec.open(f"{store}://batch/{name}", "wb") as file:
        file.write(FORMATS[name]())
    expected = [row["text"] for row in RECORDS]
    for url in (f"{store}://batch/{name}", f"{store}://batch/*", f"{store}://batch"):
        rows = everything(job, url, part_rows=3)
        assert texts(rows) == expected
        assert rows[0].places[0][0].endswith(f"batch/{name}")
    with pytest.raises(BatchError, match=r"nothing\.jsonl: no such file"):
        everything(job, f"{store}://batch/nothing.jsonl")


@pytest.mark.parametrize("call", ["isfile", "checksum", "_open"])
def test_a_store_that_refuses_is_named(
    job: BatchJob, store: str, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{store}://batch/in.jsonl"
    with fsspec.open(url, "wb") as file:
        file.write(json_lines(RECORDS))

    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError("Unable to locate credentials")  # as botocore's is: no OSError

    monkeypatch.setattr(type(fsspec.filesystem(store)), call, refuse)
    with pytest.raises(BatchError, match=r"batch/in\.jsonl: cannot be read: Unable to locate"):
        run(replace(job, inputs=(url,)))


@pytest.mark.parametrize("name", ["in.parquet", "in.jsonl", "members.jsonl.gz", "in.csv"])
def test_a_store_that_fails_while_a_file_is_read_is_named(
    job: BatchJob, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec.register_implementation("remote", _RemoteStore, clobber=True)
    url = f"remote://batch/{name}"
    with fsspec.open(url, "wb") as file:
        file.write(FORMATS[name]())

    def fail(*arguments: object) -> None:
        raise RuntimeError("The token has expired")

    monkeypatch.setattr(_RemoteFile, "_fetch_range", fail)
    with pytest.raises(BatchError, match=rf"{name}: cannot be read to its end: The token has"):
        run(replace(job, inputs=(url,)))


def test_a_job_over_a_remote_file_goes_on(job: BatchJob) -> None:
    with fsspec.open("memory://batch/in.jsonl", "wb") as file:
        file.write(json_lines(RECORDS))
    job = replace(job, inputs=("memory://batch/in.jsonl",), part_rows=3)
    first = run(job)
    (job.output / "data" / "part-00000-00002.parquet").unlink()
    assert run(job).rows_out == first.rows_out == 11
    with fsspec.open("memory://batch/in.jsonl", "wb") as file:
        file.write(json_lines(RECORDS[1:]))
    with pytest.raises(BatchError, match="has changed"):
        run(job)


def test_a_file_in_an_archive(job: BatchJob, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("in.jsonl", json_lines(RECORDS))
    for inner in ("in.jsonl", "*.jsonl"):
        rows = everything(job, f"zip://{inner}::{tmp_path / 'all.zip'}", part_rows=4)
        assert len(texts(rows)) == 11


def test_standard_input(job: BatchJob, tmp_path: Path) -> None:
    command = ["batch", "-", "--output", str(job.output), "--model", job.model, "--device", "cpu"]
    command += ["--threads", "1", "--part-rows", "4"]
    result = CliRunner().invoke(app, command, input=json_lines(RECORDS))
    assert result.exit_code == 0, result.output
    assert "11 rows in = 11 rows out + 0 rejected" in result.output
    table = pq.read_table(job.output / "data")
    assert set(table["source_file"].to_pylist()) == {"-"}
    assert not (job.output / "_framing" / "stdin").exists()
    other = [*command[:3], str(tmp_path / "csv"), *command[4:], "--input-format", "csv"]
    result = CliRunner().invoke(app, other, input=separated(RECORDS))
    assert "11 rows in = 11 rows out" in result.output


def test_standard_input_is_kept_until_the_job_is_finished(
    job: BatchJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = tmp_path / "spool" / "stdin"

    def find(data: bytes) -> bytes:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        find_files(["-"], input_format=None, lines=False, spool=spool)
        return spool.read_bytes()

    with pytest.raises(BatchError, match="standard input: is empty; there is nothing to classify"):
        find(b"")
    assert not list(spool.parent.iterdir())
    assert find(b"one") == b"one"
    assert find(b"") == b"one"  # as under cron, where there is no input
    assert find(b"two") == b"two"
    assert [path.name for path in spool.parent.iterdir()] == ["stdin"]


def test_an_input_without_a_name_is_not_the_current_folder(job: BatchJob) -> None:
    with pytest.raises(BatchError, match="an input has an empty name"):
        run(replace(job, inputs=["", "in.jsonl"]))


def test_a_pipe_and_a_closed_standard_input_are_refused(
    job: BatchJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(BatchError, match=r"pipe\.jsonl: is a pipe or device.*framing batch -"):
        run(replace(job, inputs=tmp_path / "pipe.jsonl"))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(BatchError, match="standard input: is closed; give a file"):
        run(replace(job, inputs="-"))


def test_another_standard_input_does_not_replace_that_of_the_job(
    job: BatchJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pipe(data: bytes) -> int:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        return run(replace(job, inputs="-", part_rows=4)).rows_out

    class Killed(Silence):
        def stage(self, title: str, *_: Any, **__: Any) -> None:
            if title == "Tagging":
                raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json_lines(RECORDS))))
    with pytest.raises(KeyboardInterrupt):
        run(replace(job, inputs="-", part_rows=4), progress=Killed())
    with pytest.raises(BatchError, match="standard input: is not what the job in this folder"):
        pipe(json_lines(RECORDS[:3]))
    assert pipe(b"") == 11  # as with < /dev/null: goes on with the copy
    assert pipe(b"") == 11
    assert not (job.output / "_framing" / "stdin").exists()
    with pytest.raises(BatchError, match="standard input: is not what"):
        pipe(json_lines(RECORDS[:3]))


def test_scalars_of_several_kinds_are_plain_text_and_said_to_be(
    job: BatchJob, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(
        '{"text": "a", "outlet": "AP", "n": 1}\n{"text": "b", "outlet": 5, "n": NaN}\n'
        '{"text": "c", "outlet": NaN, "n": 2}\n{"text": "d", "outlet": true, "n": -Infinity}\n'
    )
    job = replace(job, inputs=path)
    assert run(job).mixed == ["outlet"]
    found = pq.read_table(job.output / "data").to_pydict()
    assert found["outlet"] == ["AP", "5", None, "true"]
    assert found["n"] == [1, None, 2, float("-inf")]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("in.jsonl.xz", "xz -dc FILE"), ("in.xlsx", "save the sheet as CSV"), ("in.zip", "unpack it")],
)
def test_kinds_of_files_that_are_not_read(
    job: BatchJob, tmp_path: Path, name: str, hint: str
) -> None:
    (tmp_path / name).write_bytes(b"x")
    for kind in (None, InputFormat.JSONL):
        with pytest.raises(BatchError, match=f"{name}: .*{hint}"):
            run(replace(job, inputs=tmp_path / name, input_format=kind))


def test_standard_input_that_does_not_fit_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object, out: io.BufferedWriter) -> None:
        out.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("framing.batch.files.shutil.copyfileobj", full)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"whole")))
    with pytest.raises(BatchError, match="stdin: cannot be written: the disk is full"):
        find_files(["-"], input_format=None, lines=False, spool=tmp_path / "stdin")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("utf16.jsonl", '{"text": "a"}'.encode("utf-16"), "is UTF-16; convert it first.*iconv"),
        ("utf16.csv", "text\na".encode("utf-16-be"), "'text'"),
        ("utf16bom.csv", b"\xfe\xff" + "text\na".encode("utf-16-be"), "is UTF-16"),
        ("latin.csv", "text,größe\na,1\n".encode("latin-1"), r"the header is not UTF-8: gr\\udcf6"),
        ("double.csv", b"text,a,a\n", "the header has 'a' more than once"),
        ("quote.csv", b'text,"a\n', "the header is not CSV: a quote is not closed"),
        ("other.csv", b"body,a\nx,1\n", "no column 'text'; its columns are: body, a"),
        ("other.jsonl", b'{"body": "x"}\n', "no column 'text'; its columns are: body"),
        ("other.parquet", parquet([{"a": 1, "body": "x"}]), "its columns are: a, body"),
        ("number.parquet", parquet([{"a": "x", "text": 1}]), "'text' is int64, not text; .*: a"),
        ("broken.parquet", b"PAR1 and no more", "is no parquet file or broken"),
        ("empty.parquet", b"", "is no parquet file or broken"),
        ("cut.parquet", parquet(RECORDS)[:-20], "is no parquet file or broken"),
        ("in.arrow", b"x", "its name does not say what it is.*--input-format"),
        ("noending", b"x", "its name does not say what it is"),
        ("in.parquet.gz", b"x", "a compressed parquet file; decompress it first"),
        ("cut.jsonl.gz", gzip.compress(json_lines(RECORDS))[:-20], "cannot be read to its end"),
        ("not.jsonl.gz", json_lines(RECORDS), "cannot be read to its end"),
        ("not.csv.zst", separated(RECORDS), "cannot be read to its end"),
    ],
)
def test_inputs_that_cannot_be_read(
    job: BatchJob, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BatchError, match=rf"{re.escape(name)}: .*{message}") as caught:
        everything(job, path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps([{"text": "a"}], indent=1), "is not JSON: .*; jq -c '.*' makes such lines"),
        ('\n [{"text": "a"}]\n', "is a list, not a JSON object; .*; jq -c"),
        ("Russia will keep its base.\n", "is not JSON: .*, and none is$"),
    ],
)
def test_a_file_of_which_no_line_is_an_object(
    job: BatchJob, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(content)
    line = 2 if content.startswith("\n") else 1
    with pytest.raises(BatchError, match=rf"in\.jsonl, line {line}: {message}") as caught:
        everything(job, path)
    assert "every line must be one JSON object" in str(caught.value)


def test_parts_before_a_break_are_safe(job: BatchJob, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(json_lines(RECORDS))
    path = tmp_path / "b.txt.gz"
    path.write_bytes(gzip.compress(os.urandom(1 << 20))[:-9])
    job = replace(job, inputs=(str(tmp_path / "a.jsonl"), str(path)), part_rows=1)
    with pytest.raises(BatchError, match=r"b\.txt\.gz: cannot be read"):
        run(job)
    done = (job.output / "_framing" / "done.jsonl").read_text().splitlines()
    assert len(done) >= 8  # two may have been worked on, and one waiting
    parts = sorted(job.output.glob("data/part-00000-*.parquet"))
    assert [row["source_row"] for path in parts for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["missing.jsonl"], r"missing\.jsonl: no such file"),
        (["*.nothing"], "no such file"),
        (["x" * 5000], "x: cannot be read: File name too long"),
        (["nowhere://a/b.jsonl"], "cannot be read.*nowhere"),
        ([os.fsdecode(b"caf\xe9.jsonl")], r"caf\\udce9\.jsonl': its name is not UTF-8; rename it"),
    ],
)
def test_inputs_that_are_not_there(
    job: BatchJob,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    inputs: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(os.fsdecode(b"caf\xe9.jsonl")).write_text("{}")
    with pytest.raises(BatchError, match=message):
        everything(job, *inputs)


def test_a_folder_with_nothing_to_read(job: BatchJob, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BatchError, match="no files that can be read; known are Parquet"):
        everything(job, tmp_path / "empty")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(json_lines(RECORDS))
    path.chmod(0)
    with pytest.raises(BatchError, match=r"in\.jsonl: cannot be read: Permission denied"):
        everything(job, path)


def test_no_rows_at_all(job: BatchJob, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n \n")
    (tmp_path / "b.csv").write_bytes(b"text,id\n")
    (tmp_path / "c.parquet").write_bytes(parquet(RECORDS))
    pq.write_table(pq.read_table(tmp_path / "c.parquet").slice(0, 0), tmp_path / "c.parquet")
    (tmp_path / "d.jsonl.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "e.csv").write_bytes(b"")
    empty = tuple(str(path) for path in sorted(tmp_path.glob("?.*")))
    with pytest.raises(BatchError, match="all 5 inputs: no rows; there is nothing to classify"):
        run(replace(job, inputs=empty))
    with pytest.raises(BatchError, match=r"e\.csv: no rows; there is nothing to classify"):
        run(replace(job, inputs=empty[-1]))
    (tmp_path / "f.jsonl").write_bytes(json_lines(RECORDS[:2]))
    report = run(replace(job, inputs=(*empty, str(tmp_path / "f.jsonl"))))
    assert (report.rows_in, report.rows_out, report.parts) == (2, 2, 1)


def test_columns_of_json_have_one_type_each(job: BatchJob, tmp_path: Path) -> None:
    values: dict[str, list[Any]] = {
        "widens": [1, 2.5, None, 4],
        "whole": [1, None, 2**60, -3],
        "mixed": [1, "a", None, {"x": [1]}],
        "truth": [True, None, False, True],
        "truth_or_not": [True, 1, None, "ä"],
        "huge": [2**70, 1, None, 2],
        "exact": [2**60 + 1, 0.5, None, 1],
        "nested": [{"x": [1]}, {"x": [2.5], "y": "b"}, None, {"x": []}],
        "clash": [{"x": 1}, {"x": "a"}, None, {"x": [2]}],
        "nothing": [None, None, None, None],
        "empty": [{}, None, {}, {}],
        "lists": [[], [None], None, []],
    }
    rows = [{"text": "a", **{k: v[n] for k, v in values.items()}} for n in range(4)]
    path = tmp_path / "in.jsonl"
    path.write_bytes(json_lines(rows))
    expected = values | {
        name: [None if v is None else json.dumps(v, ensure_ascii=False) for v in values[name]]
        for name in ("mixed", "truth_or_not", "huge", "exact", "clash", "empty")
    }
    expected["truth_or_not"] = ["true", "1", None, "ä"]
    expected["nested"] = [
        {"x": [1.0], "y": None},
        {"x": [2.5], "y": "b"},
        None,
        {"x": [], "y": None},
    ]
    for part_rows in (1, 2, 3, 100):
        found = everything(job, path, part_rows=part_rows)
        assert columns(found) == expected
        for form in OutputFormat:
            out = tmp_path / f"{part_rows}-{form.value}"
            run(replace(job, inputs=(str(path),), output=out, format=form, part_rows=part_rows))


def test_json_that_is_nested_deeply_is_kept_as_json(job: BatchJob, tmp_path: Path) -> None:
    value: Any = "core"
    for _ in range(200):
        value = {"x": [value]}
    path = tmp_path / "in.jsonl"
    path.write_bytes(json_lines([{"text": "a", "deep": value}, {"text": "b", "deep": 1}]))
    job = replace(job, inputs=(str(path),))
    run(job)
    run(job)  # reads the plan
    assert json.loads(pq.read_table(job.output / "data")["deep"][0].as_py()) == value


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, -7, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63)])
    | st.sampled_from([0.5, -1e300, float("inf")])
    | st.sampled_from(["", "a", "ü"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_JSON, min_size=1, max_size=6), st.data())
def test_types_of_json_do_not_depend_on_the_parts(values: list[Any], data: st.DataObject) -> None:
    whole = merged({"": pa.schema([field_of("x", values)])}).field("x")
    cut = data.draw(st.integers(0, len(values)))
    halves = [pa.schema([field_of("x", part)]) for part in (values[:cut], values[cut:])]
    both = merged({"": widened(halves[0], halves[1])}).field("x")
    if both.type == pa.string():
        assert (both.metadata or None) == (whole.metadata or None)
    assert _sorted(both.type) == _sorted(whole.type)
    made = pa.concat_arrays([json_column(both, values[:cut]), json_column(both, values[cut:])])
    assert made.to_pylist() == json_column(both, values).to_pylist()
    pq.write_table(pa.table({"x": made}), io.BytesIO())


def _sorted(kind: pa.DataType) -> pa.DataType:
    """A type whose structs have their fields in alphabetic order."""
    if pa.types.is_struct(kind):
        fields = sorted(kind, key=lambda field: field.name)
        return pa.struct([(field.name, _sorted(field.type)) for field in fields])
    return pa.list_(_sorted(kind.value_type)) if pa.types.is_list(kind) else kind


def test_columns_of_several_files_become_one_table(job: BatchJob, tmp_path: Path) -> None:
    first = {
        "text": ["a"],
        "n": pa.array([1], pa.int8()),
        "kind": pa.array(["x"]).dictionary_encode(),
        "when": pa.array([1], pa.timestamp("s")),
        "more": pa.array([{"a": 1}]),
        "id": pa.array([5]),
        "flag": pa.array([None], pa.null()),
        "price": pa.array([Decimal("1.5")]),
    }
    second = {
        "text": ["b"],
        "n": pa.array([2.5], pa.float32()),
        "kind": pa.array(["y"], pa.large_string()),
        "when": pa.array([2_000], pa.timestamp("ms")),
        "more": pa.array([{"a": 2, "b": "c"}]),
        "flag": pa.array([True]),
        "price": pa.array([Decimal("20.25")]),
    }
    pq.write_table(pa.table(first), tmp_path / "a.parquet")
    pq.write_table(pa.table(second), tmp_path / "b.parquet")
    (tmp_path / "c.jsonl").write_bytes(b'{"text": "c", "n": 7, "kind": null}\n')
    rows = everything(job, *(tmp_path / name for name in ("a.parquet", "b.parquet", "c.jsonl")))
    found = columns(rows)
    assert texts(rows) == ["a", "b", "c"]
    assert found["n"] == [1, 2.5, 7]
    assert found["kind"] == ["x", "y", None]
    assert [when and when.second for when in found["when"]] == [1, 2, None]
    assert found["more"] == [{"a": 1, "b": None}, {"a": 2, "b": "c"}, None]
    assert found["id"] == [5, None, None]
    assert found["flag"] == [None, True, None]
    assert found["price"] == [Decimal("1.5"), Decimal("20.25"), None]


def test_mixed_json_makes_json_of_a_column_everywhere(job: BatchJob, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(json_lines([{"text": "a", "x": v} for v in (1, "b")]))
    (tmp_path / "b.csv").write_bytes(b"text,x\na,c\n")
    pq.write_table(pa.table({"text": ["a"], "x": [{"y": 1}]}), tmp_path / "c.parquet")
    rows = everything(job, *(tmp_path / name for name in ("a.jsonl", "b.csv", "c.parquet")))
    assert columns(rows)["x"] == ["1", '"b"', '"c"', '{"y": 1}']


def test_columns_that_do_not_go_together(job: BatchJob, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text,x\na,1\n")
    (tmp_path / "b.jsonl").write_bytes(b'{"text": "a", "x": 1}\n')
    names = (tmp_path / "a.csv", tmp_path / "b.jsonl")
    with pytest.raises(
        BatchError, match=r"column 'x' is string in .*a\.csv and int64 in .*b\.jsonl; choose the"
    ):
        everything(job, *names)
    run(replace(job, inputs=tuple(map(str, names)), columns=()))
    pq.write_table(pa.table({"text": ["a"], "x": [2**60 + 1]}), tmp_path / "c.parquet")
    pq.write_table(pa.table({"text": ["a"], "x": [0.5]}), tmp_path / "d.parquet")
    with pytest.raises(BatchError, match="'x' is int64 in one input and double in another"):
        everything(job, tmp_path / "c.parquet", tmp_path / "d.parquet")


def test_a_parquet_file_with_two_columns_of_one_name(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    table = pa.Table.from_arrays([pa.array(["a"])] * 3, names=["text", "x", "x"])
    pq.write_table(table, path)
    with pytest.raises(BatchError, match=r"in\.parquet: has the column 'x' more than once"):
        everything(job, path)
    assert texts(everything(job, path, columns=())) == ["a"]


_KINDS: dict[str, pa.Array] = {
    "int8": pa.array([1, None], pa.int8()),
    "uint64": pa.array([2**64 - 1, None], pa.uint64()),
    "half": pa.array([0.5, None], pa.float16()),
    "truth": pa.array([True, None]),
    "decimal": pa.array([Decimal("1.20"), None]),
    "date": pa.array([1, None], pa.date32()),
    "time": pa.array([1, None], pa.time64("us")),
    "ns": pa.array([1, None], pa.timestamp("ns")),
    "zone": pa.array([1, None], pa.timestamp("us", "Asia/Damascus")),
    "duration": pa.array([timedelta(seconds=5), None]),
    "large": pa.array(["a", None], pa.large_string()),
    "view": pa.array(["a", None], pa.string_view()),
    "category": pa.array(["a", None]).dictionary_encode(),
    "numbers": pa.array([5, None]).dictionary_encode(),
    "list": pa.array([["a", None], None]),
    "large_list": pa.array([[1], None], pa.large_list(pa.int64())),
    "fixed": pa.array([[1, 2], None], pa.list_(pa.int64(), 2)),
    "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
    "struct": pa.array([{"a": {"b": [1]}}, None]),
}


@pytest.mark.parametrize("form", OutputFormat)
def test_columns_of_any_type_pass_through(
    job: BatchJob, tmp_path: Path, form: OutputFormat
) -> None:
    path = tmp_path / "in.parquet"
    table = pa.table({"text": [TEXTS[0], TEXTS[4]], **_KINDS})
    pq.write_table(table, path)
    (tmp_path / "other.jsonl").write_bytes(b'{"text": "Without all of them."}\n')
    inputs = (str(path), str(tmp_path / "other.jsonl"))
    report = run(replace(job, inputs=inputs, format=form))
    assert report.rows_out == 3
    first = job.output / "data" / f"part-00000-00000.{form.value}"
    if form is OutputFormat.PARQUET:
        out = pq.read_table(job.output / "data")
        for name, column in _KINDS.items():
            assert out[name].to_pylist() == [
                *[column[0].as_py()] * 2,
                *column[1:].to_pylist(),
                None,
            ]
    else:
        assert "1.20" in first.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"\xff"]),
        pa.array([b"\xff"], pa.large_binary()),
        pa.array([b"\xff"], pa.binary(1)),
        pa.array([{"bytes": b"\xff", "path": "a.png"}]),  # as datasets keeps an image
        pa.array([[b"\xff"]]),
    ],
    ids=lambda column: str(column.type),
)
def test_bytes_are_written_to_parquet_alone(
    job: BatchJob, tmp_path: Path, column: pa.Array
) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": ["A base."], "x": column}), path)
    job = replace(job, inputs=(str(path),))
    for form in (OutputFormat.JSONL, OutputFormat.CSV):
        with pytest.raises(BatchError, match=r"'x' holds bytes, which .*write Parquet"):
            run(replace(job, format=form))
    run(job)
    assert pq.read_table(job.output / "data")["x"].to_pylist() == column.to_pylist()


def test_the_ending_can_be_overruled(job: BatchJob, tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(json_lines(RECORDS))
    assert len(texts(everything(job, path, input_format=InputFormat.JSONL))) == 11


def test_a_file_that_is_shorter_than_planned_is_noticed(job: BatchJob, tmp_path: Path) -> None:
    for name in ("in.jsonl", "in.jsonl.gz", "in.csv", "in.parquet"):
        path = tmp_path / name
        path.write_bytes(FORMATS[name]())
        shape = replace(job, part_rows=4)
        file = InputFile(str(path), *_format(name))
        plan = open_reader(file, shape).plan(lambda _: None)
        rows = {"in.jsonl": json_lines, "in.csv": separated, "in.parquet": parquet}
        short = rows.get(name, lambda few: gzip.compress(json_lines(few)))(RECORDS[:6])
        path.write_bytes(short)
        with pytest.raises(BatchError, match=re.escape(name)):
            open_reader(file, shape).read(plan.chunks[-1], plan.schema)


def _format(name: str) -> tuple[InputFormat, str | None]:
    return InputFormat(name.split(".")[1]), "gzip" if name.endswith(".gz") else None

"""The plan of a job, kept in its folder: what is read, how it is cut, by which model.

``_framing/plan.json`` is written once, when all inputs have been read through; every part that is
finished adds a line to ``_framing/done.jsonl``. Both together are all that going on needs.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from framing.batch.columns import holds_bytes, merged
from framing.batch.files import InputFile
from framing.batch.job import BatchError, BatchJob, InputFormat, OutputFormat
from framing.batch.parts import DATA, append_line, write_json
from framing.batch.readers import Chunk, Progress, open_reader
from framing.batch.tags import output_fields, renamed_columns
from framing.labels.schema import Schema, parse_schema
from framing.models.store import settings_hash
from framing.results import check_distinct

if TYPE_CHECKING:
    from framing.classifier import Classifier

STATE = "_framing"
_PLAN = "plan.json"
_DONE = "done.jsonl"
_VERSION = 2

ChunkId = tuple[int, int]
"""Number of the file, and of the chunk in it."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """An input, what it held when the job began, and its chunks."""

    file: InputFile
    fingerprint: str
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What decides the tags, beside the options.

    Attributes:
        name: Folder of the model.
        sha256: Hash of its weights.
        settings: Hash of its configuration and tokenizer.
        engine: What computes.
        precision: What it computes in.
        framing: Version of this package, which splits the sentences.
    """

    name: str
    sha256: str
    settings: str
    engine: str
    precision: str
    framing: str

    @classmethod
    def of(cls, classifier: Classifier) -> ModelIdentity:
        """That of a model which has been loaded."""
        from framing import __version__

        return cls(
            name=str(classifier.folder),
            sha256=classifier.weights_hash,
            settings=settings_hash(classifier.folder),
            engine=classifier.engine,
            precision=classifier.precision,
            framing=__version__,
        )

    def differences(self, other: ModelIdentity) -> list[str]:
        """What makes another model answer otherwise, wherever it lies."""
        names = {
            "sha256": "the model's weights",
            "settings": "the model's configuration or tokenizer",
            "engine": "engine",
            "precision": "precision",
            "framing": "the version of framing",
        }
        found = {name: (getattr(self, name), getattr(other, name)) for name in names}
        return [
            f"{names[name]}: was {before[:12]} and is {now[:12]}"
            for name, (before, now) in found.items()
            if before != now
        ]


@dataclass(frozen=True, slots=True)
class Plan:
    """A job as it was when it began.

    Attributes:
        files: Inputs and their chunks.
        options: :meth:`BatchJob.decisive`.
        model: The model.
        labels: Its schema.
        columns: Columns that pass through.
        renamed: New names of some of them.
    """

    files: tuple[PlannedFile, ...]
    options: dict[str, Any]
    model: ModelIdentity
    labels: Schema
    columns: pa.Schema
    renamed: dict[str, str]

    @property
    def rows(self) -> int:
        """Rows of all inputs."""
        return sum(chunk.rows for file in self.files for chunk in file.chunks)

    def chunks(self) -> Iterator[ChunkId]:
        """All chunks in order."""
        for number, file in enumerate(self.files):
            for chunk in range(len(file.chunks)):
                yield number, chunk


@dataclass(frozen=True, slots=True)
class Done:
    """A finished part.

    Attributes:
        part: Its name, without the ending.
        rows: Rows that were read for it.
        documents: Rows that were tagged.
        sentences: Sentences in them.
        rejected: Bad rows by reason.
        bytes: Size of the part file.
        seconds: Since the part before it was finished, in the same run.
    """

    part: str
    rows: int
    documents: int
    sentences: int
    rejected: dict[str, int]
    bytes: int
    seconds: float = 0.0


def part_name(chunk: ChunkId) -> str:
    """Name of a chunk's part file, without its ending."""
    return f"part-{chunk[0]:05}-{chunk[1]:05}"


def make_plan(
    job: BatchJob,
    files: Sequence[InputFile],
    model: ModelIdentity,
    labels: Schema,
    *,
    progress: Progress,
) -> Plan:
    """Read all inputs once, cut them, and settle the columns of the output.

    Raises:
        BatchError: An input cannot be read or has not the columns that the job needs.
    """
    planned, schemas = [], {}
    names: dict[str, None] = {}
    for file in files:
        fingerprint = file.fingerprint()  # first: what changes while it is read is then noticed
        plan = open_reader(file, job).plan(progress)
        planned.append(PlannedFile(file, fingerprint, plan.chunks))
        schemas[file.label] = plan.schema
        names |= dict.fromkeys(plan.names)
    columns = merged(schemas)
    if job.columns is not None:
        absent = sorted({*job.columns} - {*columns.names, job.text_column})
        if absent:
            found = ", ".join(names) or "none"
            raise BatchError(f"no input has a column {absent[0]!r}; there are: {found}")
    _check_writable(columns, job)
    added = output_fields(labels, job.level)
    check_distinct([field.name for field in added])
    renamed = renamed_columns(columns.names, added)
    return Plan(tuple(planned), job.decisive(), model, labels, columns, renamed)


def write_plan(plan: Plan, folder: Path) -> None:
    """Write ``plan.json``."""
    content = {
        "version": _VERSION,
        "level": plan.options["level"],
        "format": plan.options["format"],
        "text_column": plan.options["text_column"],
        "model": asdict(plan.model),
        "options": plan.options,
        "schema": plan.labels.model_dump(mode="json"),
        "columns": base64.b64encode(plan.columns.serialize().to_pybytes()).decode("ascii"),
        "renamed": plan.renamed,
        "files": [
            {
                "file": asdict(each.file),
                "fingerprint": each.fingerprint,
                "chunks": [[c.first_row, c.rows, c.offset, c.line] for c in each.chunks],
            }
            for each in plan.files
        ],
    }
    write_json(content, folder / STATE / _PLAN)


def read_plan(folder: Path) -> Plan | None:
    """The plan of the job in a folder, if there is one.

    Raises:
        BatchError: It is damaged or of another version of framing.
    """
    path = folder / STATE / _PLAN
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise BatchError(f"{path}: is of another version of framing; use --restart")
        return Plan(
            files=tuple(_planned(each) for each in content["files"]),
            options=content["options"],
            model=ModelIdentity(**content["model"]),
            labels=parse_schema(content["schema"], where=str(path)),
            columns=pa.ipc.read_schema(pa.py_buffer(base64.b64decode(content["columns"]))),
            renamed=content["renamed"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, BatchError):
            raise
        raise BatchError(f"{path}: is damaged ({error}); use --restart") from error


def check_unchanged(
    plan: Plan, job: BatchJob, files: Sequence[InputFile], model: ModelIdentity
) -> None:
    """Refuse to go on with other inputs, another model or other options.

    Raises:
        BatchError: Naming all that differs.
    """
    changes = []
    options = json.loads(json.dumps(job.decisive()))
    for name, before in plan.options.items():
        if options.get(name) != before:
            changes.append(f"{name} was {before!r} and is {options.get(name)!r}")
    changes += plan.model.differences(model)
    planned, given = _paths([each.file for each in plan.files]), _paths(files)
    gone = (path for key, path in planned.items() if key not in given)
    changes += [f"{path} is no longer among the inputs" for path in gone]
    changes += [f"{path} is new" for key, path in given.items() if key not in planned]
    changes += [f"{label} has changed" for label in changed_inputs(plan, files)]
    if changes:
        raise BatchError(
            f"the job in this folder was another one: {'; '.join(changes)}. "
            "Use --restart to start afresh, or another --output"
        )


def changed_inputs(plan: Plan, files: Sequence[InputFile]) -> list[str]:
    """Which inputs are no longer as they were when the job began, by their labels."""
    known = {each.file.identity: each.fingerprint for each in plan.files}
    return [
        file.label
        for file in files
        if file.identity in known
        and not file.is_gone_copy
        and file.fingerprint() != known[file.identity]
    ]


def _paths(files: Sequence[InputFile]) -> dict[str, str]:
    """Paths as typed, of every text file too, by what tells the files apart."""
    single = (each for file in files for each in file.members or (file,))
    return {file.identity: file.path for file in single}


def record_done(done: Done, folder: Path) -> None:
    """Note that a part is finished."""
    append_line(asdict(done), folder / STATE / _DONE)


def read_done(folder: Path, plan: Plan) -> dict[str, Done]:
    """Finished parts by name; one whose file is missing or of another size is done again."""
    path = folder / STATE / _DONE
    if not path.exists():
        return {}
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:  # killed while it wrote the last line
        os.truncate(path, len(whole))
    ending = OutputFormat(plan.options["format"]).value
    result = {}
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            done = Done(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise BatchError(
                f"{path}, line {number}: is damaged; delete the line, and its part is done again"
            ) from error
        part = folder / DATA / f"{done.part}.{ending}"
        if part.exists() and part.stat().st_size == done.bytes:
            result[done.part] = done
    return result


def _planned(content: dict[str, Any]) -> PlannedFile:
    chunks = tuple(Chunk(*chunk) for chunk in content["chunks"])
    return PlannedFile(_file(content["file"]), content["fingerprint"], chunks)


def _file(content: dict[str, Any]) -> InputFile:
    members = tuple(_file(member) for member in content["members"])
    file = InputFile(content["path"], InputFormat(content["format"]), content["compression"])
    return replace(file, members=members, name=content["name"])


def _check_writable(columns: pa.Schema, job: BatchJob) -> None:
    if job.format is OutputFormat.PARQUET:
        return
    for field in columns:
        if holds_bytes(field.type):
            raise BatchError(
                f"column {field.name!r} holds bytes, which {job.format.value} cannot; "
                "choose the columns to keep with --column, or write Parquet"
            )

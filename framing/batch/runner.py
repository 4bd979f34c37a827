"""Run a batch job from its inputs to its report, or go on where it was stopped."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from framing.batch.columns import mixed
from framing.batch.files import STANDARD_INPUT, InputFile, find_files
from framing.batch.job import BatchError, BatchJob, BatchReport
from framing.batch.local import run_locally
from framing.batch.parts import DATA, PART_FILE, REJECTED, write_json
from framing.batch.plan import (
    STATE,
    ChunkId,
    Done,
    ModelIdentity,
    Plan,
    changed_inputs,
    check_unchanged,
    make_plan,
    part_name,
    read_done,
    read_plan,
    record_done,
    write_plan,
)
from framing.batch.progress import Progress, Silence

if TYPE_CHECKING:
    from framing.classifier import Classifier

SUCCESS = "_SUCCESS"
REPORT = "report.json"
_STDIN = "stdin"
_RECORDED = ("framing", "pyarrow", "openvino", "tokenizers", "numpy")


def run(
    job: BatchJob, *, progress: Progress | None = None, ray_address: str | None = None
) -> BatchReport:
    """Run a job; the same job again goes on where it was stopped.

    Args:
        job: What to do.
        progress: Is told how far it is; by default nothing is said.
        ray_address: Run on this Ray cluster (``auto`` for the one that is up, ``local`` for one
            on this machine) instead of in this process. All of its nodes must see the inputs
            and the output folder under the same paths.

    Returns:
        The report, also of a job that had been finished before.

    Raises:
        BatchError: Something in inputs, output or options is wrong; finished parts are safe.
        FramingError: The model cannot be loaded.
    """
    job.check()
    with _locked(job), progress or Silence() as shown:
        _prepare(job)
        known = read_plan(job.output)
        files = _files(job, known)  # first, as it is quickly said that there is no such file
        classifiers = _classifiers(job, on_ray=ray_address is not None)
        plan = _plan(job, files, classifiers[0], known=known, shown=shown)
        done = read_done(job.output, plan)
        pending = [chunk for chunk in plan.chunks() if part_name(chunk) not in done]
        if pending or not (job.output / SUCCESS).exists():
            shown.stage(
                "Tagging",
                plan.rows,
                done=sum(part.rows for part in done.values()),
                rejected=sum(sum(part.rejected.values()) for part in done.values()),
            )
            results = _results(plan, job, pending, classifiers=classifiers, ray_address=ray_address)
            _record(results, job, done, shown=shown)
            _remove_scratch(job.output)  # of a cluster's worker that was killed meanwhile
            _check_inputs(plan, job)
        return _report(plan, job, done)


def _results(
    plan: Plan,
    job: BatchJob,
    pending: Sequence[ChunkId],
    *,
    classifiers: Sequence[Classifier],
    ray_address: str | None,
) -> Iterator[Done]:
    if ray_address is None:
        return run_locally(plan, job, pending, classifiers)
    from framing.batch.cluster import run_on_ray

    return run_on_ray(plan, job, pending, address=ray_address)


def _record(
    results: Iterator[Done], job: BatchJob, done: dict[str, Done], *, shown: Progress
) -> None:
    """Note every part as it is finished."""
    before = time.monotonic()
    for result in results:
        now = time.monotonic()
        part = replace(result, seconds=now - before)
        before = now
        record_done(part, job.output)
        done[part.part] = part
        shown.advance(part.rows, rejected=sum(part.rejected.values()))


def _check_inputs(plan: Plan, job: BatchJob) -> None:
    """Do not call a job finished whose inputs were overwritten while it read them."""
    if changed := changed_inputs(plan, [each.file for each in plan.files]):
        raise BatchError(
            f"{', '.join(changed)}: changed while the job read it, so that {job.output} may hold "
            "rows of both versions; use --restart to start afresh"
        )


def _report(plan: Plan, job: BatchJob, done: dict[str, Done]) -> BatchReport:
    """Check that no row is lost, write the report, and say that the job is finished."""
    rejected: Counter[str] = Counter()
    for part in done.values():
        rejected.update(part.rejected)
    rows_out = sum(part.documents for part in done.values())
    if plan.rows != rows_out + sum(rejected.values()):
        raise BatchError(
            f"{job.output}: {plan.rows} rows in, but {rows_out} out and "
            f"{sum(rejected.values())} rejected; please report this, and use --restart"
        )
    seconds = max(sum(part.seconds for part in done.values()), 1e-3)
    sentences = sum(part.sentences for part in done.values())
    report = BatchReport(
        output=str(job.output),
        rows_in=plan.rows,
        rows_out=rows_out,
        sentences=sentences,
        rejected=dict(sorted(rejected.items())),
        parts=len(done),
        renamed=plan.renamed,
        mixed=mixed(plan.columns),
        seconds=round(seconds, 1),
        rows_per_second=round(plan.rows / seconds, 1),
        sentences_per_second=round(sentences / seconds, 1),
        model=plan.model.name,
        model_sha256=plan.model.sha256,
        versions={name: version(name) for name in _RECORDED},
    )
    write_json(asdict(report), job.output / REPORT)
    (job.output / SUCCESS).touch()
    (job.output / STATE / _STDIN).unlink(missing_ok=True)
    return report


@contextmanager
def _locked(job: BatchJob) -> Iterator[None]:
    """Keep other processes from the folder; one that is refused is not touched."""
    from filelock import FileLock, Timeout

    folder = job.output
    try:
        _check_folder(job)
        (folder / STATE).mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / STATE / "lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise BatchError(f"{folder}: another job is writing to it") from error
    except OSError as error:
        raise BatchError(f"{folder}: cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def _remove_scratch(folder: Path) -> None:
    """Remove what killed processes were writing."""
    for scratch in folder.glob("*/.part-*.tmp"):
        scratch.unlink(missing_ok=True)


def _prepare(job: BatchJob) -> None:
    """Make sure that nothing in the folder is overwritten unasked."""
    folder = job.output
    _check_folder(job)  # once more, now that no other job writes to it
    if job.restart and (folder / SUCCESS).exists() and not job.force:
        raise BatchError(f"{folder}: holds a finished job; --restart needs --force to remove it")
    _remove_scratch(folder)
    if job.restart:
        _clear(folder, keep={"lock"})
    elif _holds_others(folder):  # parts of a job whose plan is gone, among other things
        _clear(folder, keep={"lock", _STDIN})


def _check_folder(job: BatchJob) -> None:
    if _holds_others(job.output) and not job.force:
        raise BatchError(
            f"{job.output}: is not empty and holds no batch job; choose another folder or use "
            "--force"
        )


def _holds_others(folder: Path) -> bool:
    """Whether there is something in the folder, but no job that can go on."""
    if not folder.is_dir() or (folder / STATE / "plan.json").exists():
        return False
    return any(path.name != STATE for path in folder.iterdir())


def _clear(folder: Path, *, keep: set[str]) -> None:
    """Remove what a job has written, and nothing else."""
    (folder / SUCCESS).unlink(missing_ok=True)
    (folder / REPORT).unlink(missing_ok=True)
    for name in (DATA, REJECTED):
        for path in folder.glob(f"{name}/part-*"):
            if PART_FILE.fullmatch(path.name):
                path.unlink()
        with suppress(OSError):  # is not there, or holds something else
            (folder / name).rmdir()
    for path in (folder / STATE).iterdir():
        if path.name not in keep:
            path.unlink()


def _plan(
    job: BatchJob,
    files: Sequence[InputFile],
    classifier: Classifier,
    *,
    known: Plan | None,
    shown: Progress,
) -> Plan:
    """The plan in the folder if it fits the job, else a new one."""
    model = ModelIdentity.of(classifier)
    if known is not None:
        check_unchanged(known, job, files, model)
        return known
    shown.stage("Reading", None)
    plan = make_plan(job, files, model, classifier.schema, progress=shown.advance)
    if not plan.rows:
        name = files[0].label if len(files) == 1 else f"all {len(files)} inputs"
        raise BatchError(f"{name}: no rows; there is nothing to classify")
    write_plan(plan, job.output)
    return plan


def _files(job: BatchJob, known: Plan | None) -> list[InputFile]:
    planned = known.files if known else ()
    kept = [each.fingerprint for each in planned if each.file.name == STANDARD_INPUT]
    files = find_files(
        job.inputs,
        input_format=job.input_format,
        lines=job.lines,
        spool=job.output / STATE / _STDIN,
        spooled=kept[0] if kept else None,
        output=job.output,
    )
    output = job.output.resolve()
    for file in files:
        inside = not file.is_remote and output in Path(file.path).resolve().parents
        if inside and Path(file.path).name != _STDIN:
            raise BatchError(f"{file.path}: is in the output folder {job.output}")
    return files


def _classifiers(job: BatchJob, *, on_ray: bool) -> list[Classifier]:
    """One classifier for each device; on Ray, where others work, one to know the model by."""
    from framing.classifier import Classifier
    from framing.engines import EngineName, choose

    devices = [job.device]
    choice = choose(job.engine, job.device)
    if not on_ray and choice.engine is EngineName.TORCH and job.device in ("auto", "cuda"):
        import torch

        devices = [f"cuda:{i}" for i in range(torch.cuda.device_count())] or devices
    return [
        Classifier.from_pretrained(
            job.model,
            device=device,
            engine=job.engine,
            threads=job.threads,
            precision=job.precision,
        )
        for device in devices
    ]

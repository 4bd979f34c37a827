"""A job on a local Ray instance: the same rows and tags, though a worker is killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from framing.batch import BatchError, BatchJob, run
from framing.batch.cluster import run_on_ray
from framing.batch.progress import Silence

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()


@pytest.fixture
def job(model_folder: Path, tmp_path: Path) -> BatchJob:
    path = tmp_path / "in.jsonl"
    rows = [{"id": i, "text": f"Israeli jets struck near Homs. Item {i}."} for i in range(300)]
    rows[17]["text"] = None  # type: ignore[assignment]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return BatchJob(
        inputs=(str(path),),
        output=tmp_path / "local",
        model=str(model_folder),
        device="cpu",
        part_rows=10,
        threads=1,
    )


def workers() -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::MapWorker") or b"MapBatches(ChunkActor)" in title:
            found.append(int(folder.name))
    return found


class Tagged(Silence):
    """Counts the parts that are tagged."""

    parts = 0
    tagging = False

    def stage(self, title: str, total: int | None, *, done: int = 0, rejected: int = 0) -> None:
        self.tagging = title == "Tagging"

    def advance(self, rows: int, *, rejected: int = 0) -> None:
        self.parts += self.tagging


class Killer(Tagged):
    """Kills a worker when the second part is done."""

    killed: int | None = None

    def advance(self, rows: int, *, rejected: int = 0) -> None:
        super().advance(rows)
        if self.parts == 2 and self.killed is None:
            self.killed = workers()[0]
            os.kill(self.killed, signal.SIGKILL)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted([*folder.glob("data/*"), *folder.glob("rejected/*")])
    }


def test_a_killed_worker_changes_nothing(cluster: None, job: BatchJob, tmp_path: Path) -> None:
    local = run(job)
    killer = Killer()
    output = tmp_path / "ray"
    report = run(replace(job, output=output), progress=killer, ray_address="auto")
    assert killer.killed is not None
    assert (report.rows_in, report.rows_out, report.rejected) == (300, 299, {"null": 1})
    assert report.sentences == local.sentences
    assert contents(output) == contents(job.output)


def test_a_stopped_local_job_goes_on_on_a_cluster(
    cluster: None, job: BatchJob, tmp_path: Path
) -> None:
    class Stop(Tagged):
        def advance(self, rows: int, *, rejected: int = 0) -> None:
            super().advance(rows)
            if self.parts == 3:
                raise KeyboardInterrupt

    run(job)
    other = replace(job, output=tmp_path / "other")
    with pytest.raises(KeyboardInterrupt):
        run(other, progress=Stop())
    assert run(other, ray_address="auto").rows_out == 299
    assert contents(other.output) == contents(job.output)


def test_a_device_with_a_number_is_refused(job: BatchJob) -> None:
    plan: Any = None
    with pytest.raises(BatchError, match="'cuda:1': every worker on Ray sees one GPU"):
        next(run_on_ray(plan, replace(job, device="cuda:1"), [(0, 0)], address="auto"))


def test_a_bad_row_stops_a_strict_job(cluster: None, job: BatchJob) -> None:
    with pytest.raises(BatchError, match=r"in\.jsonl, line 18: the text is null"):
        run(replace(job, strict=True), ray_address="auto")

"""Run the chunks of a job on a Ray cluster: the driver plans and counts, actors read and write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from framing.batch.job import BatchError, BatchJob
from framing.batch.plan import ChunkId, Done, ModelIdentity, Plan, read_plan
from framing.batch.readers import Reader, open_reader
from framing.batch.worker import check_strict, finish_part
from framing.models.store import DEFAULT_MODEL

LOCAL = "local"
"""The address that means a Ray instance of this job's own, on this machine."""


class ChunkActor:
    """Loads the model once and finishes chunks, for ``Dataset.map_batches``.

    A worker does not start in the folder from which the job was: paths of inputs are seen from
    ``folder``.
    """

    def __init__(self, job: BatchJob, folder: Path) -> None:
        from framing.classifier import Classifier

        plan = read_plan(job.output)
        if plan is None:
            raise BatchError(f"{job.output}: this node cannot see the job's folder")
        self._plan = plan
        self._job = job
        self._folder = folder
        self._classifier = Classifier.from_pretrained(
            job.model,
            device=job.device,
            engine=job.engine,
            threads=job.threads,
            precision=job.precision,
        )
        self._check_model()
        self._readers: dict[int, Reader] = {}

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Finish the chunks of a batch; a chunk that is done twice is the same both times."""
        chunks = zip(batch["file"].tolist(), batch["chunk"].tolist(), strict=True)
        return {"result": [json.dumps(self._finish(chunk)) for chunk in chunks]}

    def _finish(self, chunk: ChunkId) -> dict[str, Any]:
        file, number = chunk
        planned = self._plan.files[file]
        if file not in self._readers:
            self._readers = {file: open_reader(planned.file.below(self._folder), self._job)}
        try:
            rows = self._readers[file].read(planned.chunks[number], self._plan.columns)
            if self._job.strict:
                check_strict(rows.rejections)
            return asdict(finish_part(self._plan, chunk, rows, self._classifier, self._job.output))
        except BatchError as error:
            return {"error": str(error)}  # Ray would wrap it beyond recognition

    def _check_model(self) -> None:
        if others := self._plan.model.differences(ModelIdentity.of(self._classifier)):
            raise BatchError(
                f"a node of the cluster has another model than the driver: {'; '.join(others)}; "
                "give --engine and --precision that all nodes have"
            )


def run_on_ray(
    plan: Plan, job: BatchJob, pending: Sequence[ChunkId], *, address: str
) -> Iterator[Done]:
    """Finish chunks on a cluster, in any order; a worker that dies is replaced.

    Raises:
        BatchError: Ray is not installed or not reachable, a device has a number, or a worker
            cannot go on.
    """
    if ":" in job.device:
        raise BatchError(
            f"device {job.device!r}: every worker on Ray sees one GPU, so that none has a number; "
            "give cuda, cpu or auto"
        )
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise BatchError("ray is not installed: pip install 'framing[ray]'") from error
    if not pending:
        return
    started = not ray.is_initialized()
    if started:
        _connect(ray, address)
    # A worker does not start in this folder.
    is_folder = job.model != DEFAULT_MODEL and Path(job.model).is_dir()
    model = str(Path(job.model).resolve()) if is_folder else job.model
    job = replace(job, output=job.output.resolve(), model=model, inputs=())
    wants_gpu = job.device != "cpu" and job.engine != "openvino"
    gpus = int(ray.cluster_resources().get("GPU", 0)) if wants_gpu else 0
    actors = min(gpus or max(1, int(ray.cluster_resources()["CPU"]) - 1), len(pending))
    resources: dict[str, Any] = {"num_gpus": 1} if gpus else {"num_cpus": 1}
    threads = job.threads if gpus else job.threads or 1
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    items = [{"file": file, "chunk": chunk} for file, chunk in pending]
    parts = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
        ChunkActor,
        fn_constructor_args=(replace(job, threads=threads), Path.cwd()),
        batch_size=1,
        concurrency=(1, actors),
        **resources,
    )
    try:
        for row in parts.iter_rows():
            result = json.loads(row["result"])
            if "error" in result:
                raise BatchError(result["error"])
            yield Done(**result)
    except ray.exceptions.RayError as error:
        raise BatchError(f"the Ray job failed: {_last_error(str(error))}") from error
    finally:
        if started:
            ray.shutdown()


def _last_error(trace: str) -> str:
    """What a worker's traceback ends with, out of all that Ray has put around it."""
    named = re.findall(r"^[\w.]*(?:Error|Exception): .*", trace, flags=re.MULTILINE)
    own = [line for line in named if not line.startswith("ray.")]
    last: str = (own or named or [" ".join(trace.split())[:300]])[0]
    return last


def _connect(ray: Any, address: str) -> None:
    import logging

    try:
        ray.init(
            address=None if address == LOCAL else address,
            include_dashboard=False if address == LOCAL else None,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise BatchError(
            f"no Ray cluster at {address!r}: {' '.join(str(error).split())}"
        ) from error

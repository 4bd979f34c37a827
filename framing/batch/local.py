"""Run the chunks of a job on this machine, a few at a time in threads that share the model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING

from framing.batch.job import BatchJob
from framing.batch.plan import ChunkId, Done, Plan
from framing.batch.readers import open_reader
from framing.batch.rows import Rows
from framing.batch.worker import check_strict, finish_part

if TYPE_CHECKING:
    from framing.classifier import Classifier


def run_locally(
    plan: Plan, job: BatchJob, pending: Sequence[ChunkId], classifiers: Sequence[Classifier]
) -> Iterator[Done]:
    """Finish chunks, in order; each worker thread has the use of one of the classifiers.

    Raises:
        BatchError: A row is bad and ``job.strict``, or something cannot be read or written.
    """
    free: SimpleQueue[Classifier] = SimpleQueue()
    for classifier in [*classifiers] * job.workers:
        free.put(classifier)
    stop = Event()

    def work(chunk: ChunkId, rows: Rows) -> Done:
        classifier = free.get()
        try:
            return finish_part(plan, chunk, rows, classifier, job.output, stop=stop)
        finally:
            free.put(classifier)

    workers = job.workers * len(classifiers)
    pool = ThreadPoolExecutor(workers, "framing-part")
    waiting: deque[Future[Done]] = deque()
    try:
        for chunk, rows in _read(plan, job, pending):
            waiting.append(pool.submit(work, chunk, rows))
            if len(waiting) > workers:  # one is read while the others are computed
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # Nothing may be written any more when the folder is free for the next job.
        stop.set()
        pool.shutdown(cancel_futures=True)


def _read(plan: Plan, job: BatchJob, pending: Sequence[ChunkId]) -> Iterator[tuple[ChunkId, Rows]]:
    for number, chunks in groupby(pending, key=lambda chunk: chunk[0]):
        planned = plan.files[number]
        reader = open_reader(planned.file, job)
        for chunk in chunks:
            rows = reader.read(planned.chunks[chunk[1]], plan.columns)
            if job.strict:
                check_strict(rows.rejections)
            yield chunk, rows

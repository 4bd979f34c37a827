"""From sentences to logits: windows of long ones, batches of like length, several at a time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from framing.decisions import masked, topic_odds
from framing.encoding import SentenceEncoder, length_batches

if TYPE_CHECKING:
    from threading import Event

    from framing.engines import Engine
    from framing.labels.schema import Schema


class Scorer:
    """Runs an engine over sentences of any number and length; may be shared between threads."""

    def __init__(self, engine: Engine, encoder: SentenceEncoder, schema: Schema) -> None:
        self.engine = engine
        self.encoder = encoder
        self.schema = schema
        self._pool, self._owner = self._new_pool()

    def logits(
        self,
        sentences: Sequence[str],
        *,
        batch_tokens: int | None = None,
        unwanted: Event | None = None,
    ) -> NDArray[np.float32]:
        """Shape (sentences, topics, classes), minus infinity where a class does not apply.

        A sentence longer than the model's limit is run in overlapping windows, and per topic
        the window with the highest P(topic) counts.

        Args:
            sentences: As they are, without splitting.
            batch_tokens: Tokens per batch, padding included; by default what suits the engine.
            unwanted: Once set, the work ends after the batch at hand.

        Raises:
            concurrent.futures.CancelledError: ``unwanted`` was set.
        """
        ids, owners = self.encoder.windows(sentences)
        shape = (len(self.schema.topics), len(self.schema.classes))
        windows = np.empty((len(ids), *shape), dtype=np.float32)
        budget = batch_tokens or self.engine.batch_tokens
        batches = list(length_batches([len(row) for row in ids], batch_tokens=budget))
        rows = ([ids[i] for i in batch] for batch in batches)
        if self._owner != os.getpid():  # a forked process has none of the pool's threads
            self._pool, self._owner = self._new_pool()
        run = map if len(batches) == 1 else self._pool.map
        for batch, result in zip(batches, run(self.engine.logits, rows), strict=True):
            windows[batch] = result
            if unwanted is not None and unwanted.is_set():
                raise CancelledError
        windows = masked(windows, self.schema)
        return windows if len(ids) == len(sentences) else _best(windows, owners, len(sentences))

    def _new_pool(self) -> tuple[ThreadPoolExecutor, int]:
        return ThreadPoolExecutor(self.engine.parallel, "framing-batch"), os.getpid()


def _best(windows: NDArray[np.float32], owners: Sequence[int], count: int) -> NDArray[np.float32]:
    """Per sentence and topic, its window with the highest odds of the topic."""
    best = np.zeros((count, *windows.shape[1:]), dtype=np.float32)
    best[..., 0] = np.inf  # no odds are lower, so that a window replaces it
    for owner, window in zip(owners, windows, strict=True):
        better = topic_odds(window) > topic_odds(best[owner])
        best[owner, better] = window[better]
    return best

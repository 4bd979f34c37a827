"""What decides the outcome of a computation, as a key, and a store of outcomes by key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from framing.decisions import Floats
from framing.labels.records import Record
from framing.training.config import TrainConfig
from framing.training.processes import is_main_process

# What a model that was trained on given records does not depend on.
_NOT_IN_KEY = {
    *("output", "labels", "corpora", "cache", "refit", "behaviour", "unseen_sources"),
    *("folds", "search", "extend", "replay"),
}
_VERSIONS_IN_KEY = ("framing", "torch", "transformers", "tokenizers")


def cached(folder: Path | None, key: object, compute: Callable[[], Floats]) -> Floats:
    """An array, computed once for all runs with the same key: a run cut off can go on."""
    if folder is None:
        return compute()
    digest = digest_of(key)
    path = folder / f"{digest}.npy"
    if path.is_file():
        kept: Floats = np.load(path, allow_pickle=False)
        return kept
    result = compute()
    if is_main_process():
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"{digest}.partial.npy"
        np.save(partial, result, allow_pickle=False)
        partial.replace(path)
    return result


def digest_of(key: object) -> str:
    """Names a key that JSON can hold: 24 hexadecimal digits."""
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]


def settings_in_key(config: TrainConfig, *, start: str) -> dict[str, object]:
    """Settings and versions that a model trained on given records depends on, for a cache's key.

    The number of threads, which changes weights by rounding, is not among them.

    Args:
        config: All settings.
        start: SHA-256 of the weights to start from, since their name can come to mean others.
    """
    versions = {name: version(name) for name in _VERSIONS_IN_KEY}
    settings = config.model_dump(mode="json", exclude=_NOT_IN_KEY)
    return {**settings, "weights to start from": start, "versions": versions}


def fingerprint(records: Sequence[Record]) -> list[object]:
    """What a model learns of records, for a cache's key."""
    return [
        (r.text, sorted(r.labels.items()), r.sure, *([r.soft] if r.soft else [])) for r in records
    ]

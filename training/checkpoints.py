"""Go on after a kill: what a run has done so far, kept beside the model until it is there."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import EarlyStoppingCallback, TrainerCallback

from framing.labels.errors import FramingError
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.models.store import WEIGHTS
from framing.training.cache import digest_of, fingerprint, settings_in_key
from framing.training.config import TrainConfig
from framing.training.processes import is_main_process, process_count, wait_for_all

FOLDER = "_training"
SAVE_SECONDS = 300.0
"""How much of an epoch a kill can cost at most, in seconds."""

_RUN = "run.json"
_DONE = "done"
_HISTORY = "history.json"
_EPOCH_START = "epoch_start.npy"
_STATE = "trainer_state.json"


def run_key(
    config: TrainConfig, records: Sequence[Record], schema: Schema, *, start: str
) -> dict[str, Any]:
    """What a run is of: the run with the same key goes on where one was cut off.

    Args:
        config: All of its settings.
        records: What it learns from and is measured on.
        schema: Topics and stances.
        start: SHA-256 of the weights it starts from.
    """
    kept = config.model_dump(mode="json", exclude={"output", "corpora", "cache", "behaviour"})
    groups = [record.group for record in records]
    return {
        **kept,
        **settings_in_key(config, start=start),
        "records": digest_of([fingerprint(records), groups]),
        "label schema": digest_of(schema.model_dump(mode="json")),
        "processes": process_count(),
    }


def is_unfinished(output: Path) -> bool:
    """Whether a run that was cut off left its workspace in a model folder."""
    return (output / FOLDER / _RUN).is_file()


def open_workspace(output: Path, key: Mapping[str, Any], *, restart: bool) -> Path:
    """The folder for what a run has done so far; made, or found if it is of the same run.

    Raises:
        FramingError: It is of another run, or cannot be made.
    """
    folder = output / FOLDER
    if restart and is_main_process() and folder.exists():
        shutil.rmtree(folder)
    wait_for_all()
    path = folder / _RUN
    is_there = path.is_file()
    wait_for_all()  # no process may find what the first one is writing
    if is_there:
        differing = _differences(path, key)
        if differing:
            raise FramingError(
                f"{folder}: holds an unfinished training that differs in {', '.join(differing)}; "
                "give its command to go on with it, or --restart to throw it away"
            )
    elif is_main_process():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            partial.write_text(json.dumps(key, indent=1), encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise FramingError(f"{folder}: cannot be written: {error.strerror or error}") from error
    wait_for_all()
    return folder


def close_workspace(folder: Path) -> None:
    """Remove the folder: the model is there."""
    wait_for_all()
    if is_main_process():
        shutil.rmtree(folder)


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint to go on from; newer ones, which cannot be used, are removed.

    Those are half written, or from after early stopping had ended training.
    """
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    for path in reversed(found):
        state = _state(path) if (path / _EPOCH_START).is_file() else None
        if state is not None and not _has_stopped(state):
            return str(path.resolve())
        if is_main_process():
            shutil.rmtree(path)
    return None


def is_done(folder: Path) -> bool:
    """Whether a fit has its result in its folder."""
    return (folder / _DONE).is_dir()


def keep_result(
    folder: Path, weights: Mapping[str, torch.Tensor], history: Sequence[dict[str, Any]]
) -> None:
    """Replace the checkpoints of a fit by its result: weights in full precision, and the log."""
    from safetensors.torch import save_file

    partial = folder / f"{_DONE}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file({n: t.detach().cpu().contiguous() for n, t in weights.items()}, partial / WEIGHTS)
    (partial / _HISTORY).write_text(json.dumps(list(history)), encoding="utf-8")
    partial.rename(folder / _DONE)
    for path in folder.glob("checkpoint-*"):
        shutil.rmtree(path)


def kept_result(folder: Path) -> tuple[dict[str, torch.Tensor], tuple[dict[str, Any], ...]]:
    """What :func:`keep_result` kept."""
    from safetensors.torch import load_file

    history = json.loads((folder / _DONE / _HISTORY).read_text(encoding="utf-8"))
    return load_file(folder / _DONE / WEIGHTS), tuple(history)


class TimedCheckpoints(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Checkpoints within an epoch, so that going on gives the very weights of an unbroken run.

    The order of an epoch's sentences is drawn when the epoch starts, from torch's random
    numbers; a checkpoint of the Trainer has their state at its own time alone.
    """

    def __init__(
        self,
        resume_from: str | None,
        *,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = SAVE_SECONDS if seconds is None else seconds
        self._clock = clock
        self._saved = clock()
        self._start: torch.Tensor | None = None
        path = Path(resume_from or "") / _EPOCH_START
        self._resumed = np.load(path, allow_pickle=False) if path.is_file() else None

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Draw the epoch's order again, if training goes on within one."""
        if self._resumed is not None and state.epoch % 1 > 0:
            torch.set_rng_state(torch.from_numpy(self._resumed))
        self._resumed = None
        self._start = torch.get_rng_state()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Ask for a checkpoint when it is time."""
        # The Trainer itself saves at the end of an epoch, after it has evaluated.
        if state.epoch % 1 > 0 and self._clock() - self._saved >= self._seconds:
            control.should_save = True
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Add to the checkpoint what drawing the epoch's order needs."""
        self._saved = self._clock()
        path = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self._start is not None and path.is_dir() and is_main_process():
            partial = path / f"partial-{_EPOCH_START}"
            np.save(partial, self._start.numpy(), allow_pickle=False)
            partial.replace(path / _EPOCH_START)


def _differences(path: Path, key: Mapping[str, Any]) -> list[str]:
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return ["its damaged record of settings"]
    after = json.loads(json.dumps(key))
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _state(checkpoint: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _has_stopped(state: Mapping[str, Any]) -> bool:
    """Whether early stopping had ended training: it would go on from here for one more epoch."""
    kept = state.get("stateful_callbacks", {}).get(EarlyStoppingCallback.__name__)
    if not isinstance(kept, dict):
        return False
    patience = kept["args"]["early_stopping_patience"]
    return bool(kept["attributes"]["early_stopping_patience_counter"] >= patience)

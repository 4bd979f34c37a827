from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import make_records

from framing.labels.errors import FramingError
from framing.labels.records import write_records
from framing.models.store import WEIGHTS, file_hash
from framing.training import checkpoints, run
from framing.training.cache import digest_of, settings_in_key
from framing.training.checkpoints import (
    FOLDER,
    TimedCheckpoints,
    close_workspace,
    last_checkpoint,
    open_workspace,
)
from framing.training.config import TrainConfig
from framing.training.run import train

# Saves after each step, and is killed at one of them, without a chance to tidy up.
KILLED = """
import os, signal, sys
import torch
from framing.training import checkpoints
from framing.training.config import TrainConfig
from framing.training.run import train

torch.set_num_threads(1)
checkpoints.SAVE_SECONDS = 0.0

def on_step_begin(self, args, state, control, **_):
    if state.global_step == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

checkpoints.TimedCheckpoints.on_step_begin = on_step_begin
train(TrainConfig.model_validate_json(sys.argv[1]))
"""


class _StoppedError(Exception):
    pass


def cut_off(config: TrainConfig, monkeypatch: pytest.MonkeyPatch, *, at: tuple[Any, str]) -> None:
    """Train until a function, by its owner and name, is called."""

    def stop(*_: Any, **__: Any) -> None:
        raise _StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(*at, stop)
        with pytest.raises(_StoppedError):
            train(config)


@pytest.fixture
def ready(config: TrainConfig, tmp_path: Path) -> TrainConfig:
    """Six steps an epoch; with dropout, so that every random number counts."""
    write_records(make_records(60), tmp_path / "labels.jsonl")
    changed = {"labels": (str(tmp_path / "labels.jsonl"),), "dropout": 0.1, "max_epochs": 3}
    return config.model_copy(update=changed)


def weights(config: TrainConfig) -> str:
    assert not (config.output / FOLDER).exists()
    return file_hash(config.output / WEIGHTS)


def test_killed_in_an_epoch_it_goes_on_to_the_same_weights(
    ready: TrainConfig, tmp_path: Path
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, ready.model_dump_json(), "8"],
        check=False,
        capture_output=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (kept,) = (ready.output / FOLDER).glob("fit-*")
    assert (last_checkpoint(kept) or "").endswith("checkpoint-8")
    assert not (ready.output / WEIGHTS).exists()
    train(ready)
    unbroken = ready.model_copy(update={"output": tmp_path / "unbroken"})
    train(unbroken)
    assert weights(ready) == weights(unbroken)


@pytest.mark.parametrize(("fit", "step"), [(1, 5), (1, 1), (2, 4)])
def test_stopped_anywhere_it_goes_on(
    ready: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fit: int, step: int
) -> None:
    unbroken = ready.model_copy(update={"output": tmp_path / "unbroken"})
    report = train(unbroken)
    begun: list[object] = []

    def on_train_begin(self: TimedCheckpoints, args: Any, state: Any, *_: Any, **__: Any) -> None:
        begun.append(self)

    def on_step_begin(self: TimedCheckpoints, args: Any, state: Any, *_: Any, **__: Any) -> None:
        if len(begun) == fit and state.global_step == step:
            raise _StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "SAVE_SECONDS", 0.0)
        patch.setattr(TimedCheckpoints, "on_train_begin", on_train_begin)
        patch.setattr(TimedCheckpoints, "on_step_begin", on_step_begin)
        with pytest.raises(_StoppedError):
            train(ready)
    again = train(ready)
    assert weights(ready) == weights(unbroken)
    assert repr(again.held_out) == repr(report.held_out)


def test_cut_off_after_the_model_was_saved_it_goes_on(
    ready: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(ready, monkeypatch, at=(run, "write_card"))
    assert (ready.output / WEIGHTS).is_file()
    with pytest.raises(FramingError, match="differs in seed"):
        train(ready.model_copy(update={"seed": 1}))
    with pytest.raises(FramingError, match="--force"):
        train(ready, restart=True)
    train(ready)
    assert not (ready.output / FOLDER).exists()


def test_the_key_of_a_fit_has_the_weights_that_it_starts_from(config: TrainConfig) -> None:
    first, second = (settings_in_key(config, start=start) for start in ("a", "b"))
    assert digest_of(first) != digest_of(second)
    assert "framing" in first["versions"]


def test_other_settings_are_refused_and_can_start_anew(
    ready: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(ready, monkeypatch, at=(TimedCheckpoints, "on_epoch_begin"))
    changed = ready.model_copy(update={"learning_rate": 3e-4, "max_epochs": 1})
    with pytest.raises(FramingError, match=r"differs in learning_rate, max_epochs; .*--restart"):
        train(changed)
    train(changed, restart=True)
    assert not (ready.output / FOLDER).exists()


def test_workspace_of_the_same_run_is_found_and_then_removed(tmp_path: Path) -> None:
    folder = open_workspace(tmp_path / "m", {"seed": 1, "topics": ("a",)}, restart=False)
    assert open_workspace(tmp_path / "m", {"seed": 1, "topics": ("a",)}, restart=False) == folder
    (folder / "run.json").write_text("{")
    with pytest.raises(FramingError, match="damaged"):
        open_workspace(tmp_path / "m", {"seed": 1}, restart=False)
    close_workspace(folder)
    assert list((tmp_path / "m").iterdir()) == []


def test_checkpoints_that_cannot_be_used_are_removed(tmp_path: Path) -> None:
    stopped = {
        "stateful_callbacks": {
            "EarlyStoppingCallback": {
                "args": {"early_stopping_patience": 2},
                "attributes": {"early_stopping_patience_counter": 2},
            }
        }
    }
    (tmp_path / "checkpoint-40").mkdir()  # killed before the epoch's start was written
    (tmp_path / "checkpoint-40" / "trainer_state.json").write_text("{}")
    for step, state in ((9, "{}"), (10, json.dumps(stopped)), (20, '{"half'), (30, None)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "epoch_start.npy").touch()
        if state is not None:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-9")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-9"]

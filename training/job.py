"""What a training run is to do, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from framing.decisions import DecisionRule
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.config import TrainConfig
from framing.training.evaluation import Scores
from framing.training.extending import Extension, OldModel
from framing.training.search import Search
from framing.training.trainer import Fitted, fit

FINAL = "Final model"
MEASURED = "Measured model"


@dataclass(frozen=True)
class Job:
    """What there is to do.

    Attributes:
        workspace: Keeps what is done, for a run that is cut off.
        corpora: Folder with the text of standoff records.
        old: The model to extend.
        columns: As in :func:`framing.training.data.load`.
        sources_left_out: Sources of which no records are left, as was asked for.
    """

    records: tuple[Record, ...]
    schema: Schema
    config: TrainConfig
    workspace: Path
    corpora: Path | None = None
    progress: bool = False
    old: OldModel | None = None
    columns: Mapping[str, str] | None = None
    sources_left_out: frozenset[str] = frozenset()

    def title(self, text: str) -> str | None:
        """The title of a progress bar; ``None`` if there is to be none."""
        return text if self.progress else None

    def fit(self, records: Sequence[Record], *, epochs: int, title: str = FINAL) -> Fitted:
        """Train for so many epochs."""
        return fit(
            records,
            self.schema,
            self.config,
            epochs=epochs,
            title=self.title(title),
            workspace=self.workspace,
        )


@dataclass(frozen=True)
class Outcome:
    """A model to save, and its figures (see :class:`~framing.training.report.TrainingReport`)."""

    fitted: Fitted
    rule: DecisionRule
    config: TrainConfig
    held_out: tuple[Scores, ...]
    unseen: tuple[Scores, ...] = ()
    uncalibrated: Scores | None = None
    fold_epochs: tuple[int, ...] = ()
    search: Search | None = None
    extension: Extension | None = None

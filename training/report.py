"""What a training run leaves behind in numbers: ``report.json`` in the model folder."""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import ConfigDict, TypeAdapter, ValidationError

from framing.decisions import DecisionRule
from framing.labels.errors import FramingError
from framing.labels.records import Record
from framing.training.backbone import Start
from framing.training.checks import Findings
from framing.training.evaluation import Scores
from framing.training.extending import Extension
from framing.training.search import Search

REPORT = "report.json"
_RECORDED = ("framing", "torch", "transformers", "tokenizers", "scikit-learn", "numpy")


@dataclass(frozen=True, slots=True)
class SourceCount:
    """How much of the data is from one source."""

    source: str
    sentences: int
    documents: int


@dataclass(frozen=True)
class TrainingReport:
    """Everything the model card says.

    Attributes:
        config: The training configuration.
        counts: Markdown table of labels per topic, stance and provenance.
        sentences: Number of annotated sentences.
        epochs: Epochs that were best on the tuning documents.
        rule: The decision rule that the model carries.
        held_out: Scores on held-out documents, ours first.
        unseen: Scores on whole sources that a model was trained without, each before
            calibration, and calibrated on the other sources.
        behaviour: Failures and number of cases per capability.
        seconds: Wall time of the run.
        environment: Versions and machine.
        left_out: Scores of leave-one-document-out on some file, if it was run.
        left_out_file: That file's name.
        command: The command that was given.
        label_schema: Topics and stances, as a schema file has them.
        start: What the weights were trained from.
        sources: How much is from which source.
        findings: What was wrong with the labels.
        uncalibrated: The model on held-out documents, under the plain softmax.
        fold_epochs: With cross-validation, the best epochs of each fold.
        search: What a search for settings found.
        extension: What became of the topics of a model that was extended.
    """

    # NaN, for a figure without any case, survives the round trip as a string.
    __pydantic_config__ = ConfigDict(ser_json_inf_nan="strings")

    config: dict[str, Any]
    counts: str
    sentences: int
    epochs: int
    rule: DecisionRule
    held_out: tuple[Scores, ...]
    unseen: tuple[Scores, ...]
    behaviour: dict[str, tuple[int, int]]
    seconds: int
    environment: dict[str, str]
    left_out: tuple[Scores, ...] = ()
    left_out_file: str | None = None
    command: str = ""
    label_schema: dict[str, Any] | None = None
    start: Start | None = None
    sources: tuple[SourceCount, ...] = ()
    findings: Findings | None = None
    uncalibrated: Scores | None = None
    fold_epochs: tuple[int, ...] = ()
    search: Search | None = None
    extension: Extension | None = None


def write_report(report: TrainingReport, folder: Path) -> None:
    """Write ``report.json``."""
    content = TypeAdapter(TrainingReport).dump_json(report, indent=1)
    (folder / REPORT).write_bytes(content + b"\n")


def read_report(folder: Path) -> TrainingReport:
    """Read the report of a model folder.

    Raises:
        FramingError: The model has none, or it is malformed.
    """
    path = folder / REPORT
    try:
        return TypeAdapter(TrainingReport).validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise FramingError(f"{path}: is missing; 'framing train' writes it") from error
    except ValidationError as error:
        key = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise FramingError(f"{path}: {key}: {error.errors()[0]['msg']}") from error


def source_counts(records: Sequence[Record]) -> tuple[SourceCount, ...]:
    """Sentences and documents by source, the largest first."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[record.source].append(record)
    counts = [SourceCount(s, len(rs), len({r.group for r in rs})) for s, rs in found.items()]
    return tuple(sorted(counts, key=lambda count: (-count.sentences, count.source)))


def environment() -> dict[str, str]:
    """Versions of what decides the outcome of a run, the machine, and torch's threads."""
    versions = {name: version(name) for name in _RECORDED}
    return {
        **versions,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": str(torch.get_num_threads()),
    }

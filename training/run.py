"""A training run from labels to a model folder, and cross-validation by document."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framing.classifier import Classifier
from framing.labels.counts import counts_table
from framing.labels.errors import FramingError
from framing.labels.records import Record
from framing.labels.schema import Schema, load_schema
from framing.training.backbone import BLEND, SHIPPED, Start, find_backbone, start_of
from framing.training.baseline import TfidfBaseline
from framing.training.card import write_card
from framing.training.checkpoints import (
    FOLDER,
    close_workspace,
    is_unfinished,
    open_workspace,
    run_key,
)
from framing.training.checks import Findings, check
from framing.training.config import TrainConfig
from framing.training.data import load, load_records, texts_of
from framing.training.evaluation import Scores, score
from framing.training.extending import OldModel
from framing.training.job import Job, Outcome
from framing.training.outcome import outcome_of
from framing.training.processes import is_main_process, wait_for_all
from framing.training.report import TrainingReport, environment, source_counts
from framing.training.search import require_search
from framing.training.splits import hold_out, joined_documents, with_versions
from framing.training.trainer import save_model
from framing.training.tuned import fit_tuned
from framing.training.unseen import BASELINE_NAME, MODEL_NAME, saved_logits


@dataclass(frozen=True)
class TrainingData:
    """What there is to learn from, and what is wrong with it.

    Attributes:
        schema: Topics and stances of the model to be; with those of the old model, if one is
            extended.
        old: The model to extend.
        columns: Those that it was read with.
        sources_left_out: Sources of which no records are left, as was asked for.
    """

    records: tuple[Record, ...]
    schema: Schema
    findings: Findings
    old: OldModel | None = None
    columns: Mapping[str, str] | None = None
    sources_left_out: frozenset[str] = frozenset()


def read_data(
    labels: Sequence[str],
    *,
    label_schema: Path | None = None,
    extend: str | None = None,
    corpora: Path | None = None,
    candidates: Sequence[Path] = (),
    without: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
) -> TrainingData:
    """Read labels, and check them.

    Args:
        labels: As in :func:`framing.training.data.load`.
        label_schema: File of topics and stances; ``None`` for those of this project.
        extend: The model that is to get these topics, besides its own.
        corpora: Folder with the text of standoff records.
        candidates: Folders to try where ``corpora`` is not given.
        without: Provenances to leave out.
        columns: As in :func:`framing.training.data.load`.

    Raises:
        FramingError: Something in labels, corpora or schema is wrong. What makes labels unfit
            to train on is among the findings instead, all of it.
    """
    asked = load_schema(label_schema)
    old = OldModel(extend, asked) if extend is not None else None
    schema = asked if old is None else old.combined
    found = load(
        labels,
        schema,
        corpora=corpora,
        candidates=candidates,
        without=without,
        columns=columns,
        asked=asked,
    )
    findings = check(found.records, schema, topics=asked.topic_names, warnings=found.warnings)
    return TrainingData(
        found.records, schema, findings, old, columns, sources_left_out=found.sources_left_out
    )


def train(
    config: TrainConfig,
    *,
    data: TrainingData | None = None,
    corpora: Path | None = None,
    without: Sequence[str] = (),
    force: bool = False,
    restart: bool = False,
    progress: bool = False,
    command: str = "",
) -> TrainingReport:
    """Train, measure on text held out, and write a model folder with its card.

    With ``config.unseen_sources``, a model is trained without each group of sources and
    scored on it, since users' text will come from sources that the model has not seen
    either; temperatures and thresholds are fitted there, and the model is then trained on
    all records for ``config.max_epochs``. With ``config.folds``, each document is scored by a
    model of the other folds, which decide on epochs, temperatures and thresholds. Else, some
    documents of every source are held out, others decide when to stop, and with
    ``config.refit`` the weights are trained anew on all records for as many epochs as were best.

    A run that is cut off leaves the folder ``_training`` in the model folder; the same call
    goes on from there.

    Args:
        config: Labels, backbone and hyperparameters.
        data: What :func:`read_data` gave for this configuration, if it was called before.
        corpora: Folder with the text of standoff records.
        without: Provenances to leave out.
        force: Overwrite a model that is there.
        restart: Throw away what a run that was cut off has done.
        progress: Show progress on standard error.
        command: The command that was given, for the card.

    Raises:
        FramingError: Something in labels, corpora, backbone or output is wrong.
    """
    folder = config.output
    check_output(folder, force=force, restart=restart)
    if config.search:
        require_search()
    started = time.monotonic()
    data = data or read_data(
        config.labels,
        label_schema=config.label_schema,
        extend=config.extend,
        corpora=corpora,
        candidates=config.corpora,
        without=without,
    )
    data.findings.raise_errors()
    cases = load_records([config.behaviour], data.schema) if config.behaviour else []
    if data.old is not None:
        config = config.model_copy(update={"backbone": config.extend, "backbone_sha256": None})
    backbone = find_backbone(config.backbone, sha256=config.backbone_sha256)
    starts = [backbone, *([find_backbone(SHIPPED)] if config.backbone == BLEND else [])]
    if folder.exists() and any(folder.samefile(path) for path in starts):
        raise FramingError(
            f"{folder}: is the model that training starts from; name another folder for the new one"
        )
    start = start_of(config.backbone, backbone)
    key = run_key(config, data.records, data.schema, start=start.sha256)
    workspace = open_workspace(folder, key, restart=restart)
    progress = progress and is_main_process()
    outcome = outcome_of(_job(data, config, workspace, corpora=corpora, progress=progress))
    if is_main_process():
        save_model(outcome.fitted, folder, rule=outcome.rule)
    wait_for_all()
    report = _report(
        outcome,
        data,
        start=start,
        behaviour=_behaviour(folder, cases),
        seconds=round(time.monotonic() - started),
        command=command,
    )
    if is_main_process():
        write_card(report, folder)
    close_workspace(workspace)
    return report


def _job(
    data: TrainingData,
    config: TrainConfig,
    workspace: Path,
    *,
    corpora: Path | None,
    progress: bool,
) -> Job:
    return Job(
        records=data.records,
        schema=data.schema,
        config=config,
        workspace=workspace,
        corpora=corpora,
        progress=progress,
        old=data.old,
        columns=data.columns,
        sources_left_out=data.sources_left_out,
    )


def _report(
    outcome: Outcome,
    data: TrainingData,
    *,
    start: Start,
    behaviour: dict[str, tuple[int, int]],
    seconds: int,
    command: str,
) -> TrainingReport:
    return TrainingReport(
        config=outcome.config.model_dump(mode="json"),
        counts=counts_table(data.records, data.schema),
        sentences=len(data.records),
        epochs=outcome.fitted.epochs,
        rule=outcome.rule,
        held_out=outcome.held_out,
        unseen=outcome.unseen,
        behaviour=behaviour,
        seconds=seconds,
        environment=environment(),
        command=command,
        label_schema=data.schema.model_dump(mode="json"),
        start=start,
        sources=source_counts(data.records),
        findings=data.findings,
        uncalibrated=outcome.uncalibrated,
        fold_epochs=outcome.fold_epochs,
        search=outcome.search,
        extension=outcome.extension,
    )


def check_output(folder: Path, *, force: bool, restart: bool = False) -> None:
    """Refuse a folder that holds anything but an unfinished run, unless forced.

    Of a run that was cut off at its very end, the model may be there already; whether it is
    of the same run, :func:`open_workspace` checks, but not of one that is to start anew.

    Raises:
        FramingError: There is something else, or a file.
    """
    if folder.exists() and not folder.is_dir():
        raise FramingError(f"{folder}: is a file; name a folder")
    if force or not folder.exists() or (is_unfinished(folder) and not restart):
        return
    if any(path.name != FOLDER for path in folder.iterdir()):
        raise FramingError(f"{folder}: is not empty; use --force to overwrite the model in it")


def leave_one_document_out(
    measured: Sequence[Record],
    records: Sequence[Record],
    schema: Schema,
    config: TrainConfig,
    *,
    progress: bool = False,
) -> tuple[Scores, ...]:
    """Score every document of ``measured`` by models that have not seen it.

    For each document, model and baseline are trained on all the rest: the other
    documents of ``measured``, and ``records`` of other documents; but not on its versions.

    Returns:
        Scores of the model and of the baseline over all documents together.

    Raises:
        FramingError: ``config.tuning`` is 0, or nothing would be left to learn from.
    """
    groups = list(dict.fromkeys(record.group for record in measured))
    pool = [*measured, *(r for r in records if r.group not in groups)]
    joined = joined_documents(pool)
    ordered: list[Record] = []
    model_rows, baseline_rows, thresholds = [], [], []
    for number, group in enumerate(groups, start=1):
        split = hold_out(pool, with_versions({group}, joined))
        held_out = [record for record in split.held_out if record.group == group]
        title = f"Without document {number} of {len(groups)}" if progress else None
        tuned = fit_tuned(split.train, schema, config, title=title)
        texts = texts_of(held_out)
        model_rows.append(tuned.rule.probabilities(saved_logits(tuned.fitted, texts)))
        baseline = TfidfBaseline(split.train, schema)
        baseline_rows.append(baseline.probabilities(texts))
        thresholds += [tuned.rule.thresholds] * len(held_out)
        ordered += held_out
    model, baseline_all = np.concatenate(model_rows), np.concatenate(baseline_rows)
    return (
        score(MODEL_NAME, model, ordered, schema, thresholds=thresholds),
        score(BASELINE_NAME, baseline_all, ordered, schema, thresholds=0.5),
    )


def _behaviour(folder: Path, cases: Sequence[Record]) -> dict[str, tuple[int, int]]:
    """Failures and cases per capability, of the model that was saved."""
    if not cases:
        return {}
    classifier = Classifier.from_folder(folder)
    result: dict[str, tuple[int, int]] = {}
    documents = classifier.classify_many(texts_of(cases), split=False)
    for case, document in zip(cases, documents, strict=True):
        tags = {tag.topic: tag.stance for s in document.sentences for tag in s.tags}
        failures, count = result.get(case.document, (0, 0))
        result[case.document] = (failures + (tags != case.labels), count + 1)
    return result

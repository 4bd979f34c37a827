"""From probabilities and a reference to figures with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framing.decisions import decide, likeliest_stance
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.data import Labels, class_indices
from framing.training.metrics import (
    METRICS,
    LabelF1,
    StanceAccuracy,
    StanceMacroF1,
    TopicF1,
    expected_calibration_error,
)

Probabilities = NDArray[np.float32]
"""Shape (sentences, topics, classes); class 0 is ``absent``."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the ends of its 95 % bootstrap interval; NaN where undefined."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if isnan(self.value):
            return "–"
        ends = "" if isnan(self.low) else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.value:.2f}{ends}"


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well one topic, or one stance of a topic, is found.

    Attributes:
        stance: ``None`` for the topic with any stance.
        support: Sentences with this label in the reference.
        low: Lower end of the 95 % bootstrap interval of ``f1``.
        high: Upper end.
    """

    topic: str
    stance: str | None
    precision: float
    recall: float
    f1: float
    support: int
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True, slots=True)
class Scores:
    """How well one system did on one set of records.

    Attributes:
        system: What was scored, for example ``framing``.
        estimates: Figure by metric name (``joint_f1``, ``topic_macro_f1``,
            ``stance_accuracy``, ``stance_macro_f1``, ``exact_match``).
        topics: F1 by topic, stance ignored.
        labels: One score per topic, and per topic and stance.
        ece: Expected calibration error of the tags, in [0, 1].
        abstention: Rows of (min_confidence, share of tags kept, share of those right).
    """

    system: str
    sentences: int
    documents: int
    estimates: dict[str, Estimate]
    topics: dict[str, Estimate]
    labels: tuple[LabelScore, ...]
    ece: float
    abstention: tuple[tuple[float, float, float], ...]


def joint_f1(predicted: Labels, gold: Labels) -> float:
    """Micro-F1 over (topic, stance) labels, without the interval (see metrics.JointF1)."""
    right = ((predicted == gold) & (gold > 0)).sum()
    labels = (predicted > 0).sum() + (gold > 0).sum()
    return float(2 * right / labels) if labels else 0.0


def score(
    system: str,
    probabilities: Probabilities,
    records: Sequence[Record],
    schema: Schema,
    *,
    thresholds: object,
) -> Scores:
    """Compare a system's probabilities with the records' labels.

    Args:
        system: Name for the tables.
        probabilities: For the records, in their order.
        records: The reference; intervals resample its documents.
        schema: Topics and stances.
        thresholds: As in :func:`framing.decisions.decide`.
    """
    decided = decide(probabilities, thresholds)
    gold, stances = class_indices(records, schema), likeliest_stance(probabilities)
    common: dict[str, Any] = {
        "references": gold.tolist(),
        "documents": [record.group for record in records],
        "classes": len(schema.classes),
    }
    estimates = {}
    for metric in METRICS:
        chosen = stances if metric in (StanceAccuracy, StanceMacroF1) else decided
        result = metric(keep_in_memory=True).compute(predictions=chosen.tolist(), **common)
        estimates[metric.figure] = Estimate(*(result[metric.figure + end] for end in _ENDS))
    result = TopicF1(keep_in_memory=True).compute(predictions=decided.tolist(), **common)
    columns = zip(*(result[TopicF1.figure + end] for end in _ENDS), strict=True)
    topics = {t: Estimate(*ends) for t, ends in zip(schema.topic_names, columns, strict=True)}
    result = LabelF1(keep_in_memory=True).compute(predictions=decided.tolist(), **common)
    lows, highs = (np.asarray(result[LabelF1.figure + end]) for end in _ENDS[1:])
    return Scores(
        system=system,
        sentences=len(records),
        documents=len({record.group for record in records}),
        estimates=estimates,
        topics=topics,
        labels=tuple(_label_scores(decided, gold, schema, topics, np.stack([lows, highs], -1))),
        ece=expected_calibration_error(probabilities, decided, gold),
        abstention=tuple(_abstention(probabilities, decided, gold)),
    )


_ENDS = ("", "_low", "_high")
_CONFIDENCES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)


def _abstention(
    probabilities: Probabilities, decided: Labels, gold: Labels
) -> Iterator[tuple[float, float, float]]:
    """The risk-coverage curve (El-Yaniv & Wiener 2010) at a few confidences."""
    tagged = decided > 0
    confidence, right = probabilities[..., 1:].max(-1)[tagged], (decided == gold)[tagged]
    for least in _CONFIDENCES:
        kept = confidence >= least
        if kept.any():
            yield least, float(kept.mean()), float(right[kept].mean())


def _label_scores(
    predicted: Labels,
    gold: Labels,
    schema: Schema,
    topics: dict[str, Estimate],
    stances: NDArray[np.float64],
) -> Iterator[LabelScore]:
    """Scores of topics and of the stances that apply to them.

    ``stances`` has the ends of the intervals, (topics, stances, 2).
    """
    for column, topic in enumerate(schema.topic_names):
        p, g = predicted[:, column], gold[:, column]
        yield _label_score(topic, None, p > 0, g > 0, (topics[topic].low, topics[topic].high))
        for index, stance in enumerate(schema.stance_names, start=1):
            if stance in schema.stances_of(topic):
                low, high = stances[column, index - 1].tolist()
                yield _label_score(topic, stance, p == index, g == index, (low, high))


def _label_score(
    topic: str,
    stance: str | None,
    predicted: NDArray[np.bool_],
    gold: NDArray[np.bool_],
    interval: tuple[float, float],
) -> LabelScore:
    right, said, support = (int(a.sum()) for a in (predicted & gold, predicted, gold))
    return LabelScore(
        topic=topic,
        stance=stance,
        precision=right / said if said else float("nan"),
        recall=right / support if support else float("nan"),
        f1=2 * right / (said + support) if said + support else float("nan"),
        support=support,
        low=interval[0],
        high=interval[1],
    )

"""Metrics of topic and stance, as ``evaluate.Metric`` subclasses that work offline.

References are class indices of shape (sentences, topics), 0 for ``absent``.
Predictions have the same shape. Every ``compute`` returns the figure under the
metric's name with the ends of a 95 % bootstrap interval: percentiles over
1,000 resamples of documents, so that sentences of one document, which are
alike, are drawn together. A single document has no interval: its ends are NaN.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import datasets
import evaluate
import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 1000
_SEED = 20_241_208

_CITATION = """\
@book{efron1993bootstrap, title={An Introduction to the Bootstrap},
  author={Efron, Bradley and Tibshirani, Robert J.}, year={1993}, publisher={Chapman & Hall}}"""


class _BootstrapMetric(evaluate.Metric):  # type: ignore[misc, unused-ignore]
    """A figure that is a function of counts summed over documents."""

    figure = ""
    meaning = ""

    def _info(self) -> Any:
        row = datasets.Sequence(datasets.Value("int64"))
        return evaluate.MetricInfo(
            description=self.meaning,
            citation=_CITATION,
            inputs_description=__doc__,
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(
        self,
        *,
        predictions: Sequence[Sequence[int]],
        references: Sequence[Sequence[int]],
        documents: Sequence[str] | None = None,
        classes: int = 4,
    ) -> dict[str, float | list[float]]:
        predicted, gold = np.asarray(predictions), np.asarray(references)
        if predicted.shape != gold.shape:
            raise ValueError(f"shapes differ: {predicted.shape} and {gold.shape}")
        counts = self._counts(predicted, gold, classes)
        return _estimates(self.figure, counts, documents, self._value)

    def _counts(self, predicted: Ints, gold: Ints, classes: int) -> Counts:
        """Counts per sentence, shape (sentences, …)."""
        raise NotImplementedError

    def _value(self, counts: Counts) -> Counts:
        """The figure from summed counts of shape (resamples, …): (resamples,) or (…, topics)."""
        raise NotImplementedError


class TopicF1(_BootstrapMetric):
    """F1 of naming each topic, whatever the stance: one figure per topic."""

    figure = "topic_f1"
    meaning = "F1 per topic, stance ignored"

    def _counts(self, predicted: Ints, gold: Ints, classes: int) -> Counts:
        return _confusion(predicted > 0, gold > 0)

    def _value(self, counts: Counts) -> Counts:
        return _f1(counts)


class TopicMacroF1(TopicF1):
    """Mean of the topics' F1."""

    figure = "topic_macro_f1"
    meaning = "Unweighted mean over topics of the F1 of naming the topic"

    def _value(self, counts: Counts) -> Counts:
        return _mean_known(_f1(counts))


class LabelF1(TopicF1):
    """F1 of each stance of each topic: figures of shape (topics, stances)."""

    figure = "label_f1"
    meaning = "F1 per topic and stance"

    def _counts(self, predicted: Ints, gold: Ints, classes: int) -> Counts:
        stances = range(1, classes)
        return np.stack([_confusion(predicted == s, gold == s) for s in stances], axis=2)


class JointF1(_BootstrapMetric):
    """Micro-F1 over topic labels, right only where the stance is right too."""

    figure = "joint_f1"
    meaning = "Micro-F1 over (topic, stance) labels"

    def _counts(self, predicted: Ints, gold: Ints, classes: int) -> Counts:
        right = (predicted == gold) & (gold > 0)
        parts = [right, (predicted > 0) & ~right, (gold > 0) & ~right]
        return np.stack([part.sum(axis=1) for part in parts], axis=-1).astype(np.float64)

    def _value(self, counts: Counts) -> Counts:
        return _f1(counts)


class ExactMatch(_BootstrapMetric):
    """Share of sentences whose every topic and stance is right."""

    figure = "exact_match"
    meaning = "Share of sentences with exactly the reference labels"

    def _counts(self, predicted: Ints, gold: Ints, classes: int) -> Counts:
        right = (predicted == gold).all(axis=1)
        return np.stack([right, np.ones_like(right)], axis=-1).astype(np.float64)

    def _value(self, counts: Counts) -> Counts:
        return _ratio(counts[..., 0], counts[..., 1])


class StanceAccuracy(_BootstrapMetric):
    """Accuracy of stance where the reference has the topic.

    Predictions are the likeliest stance of every topic, decided without the
    class ``absent``, so that a missed topic does not count against the stance.
    """

    figure = "stance_accuracy"
    meaning = "Accuracy of stance on the topics of the reference"

    def _counts(self, predicted: Ints, gold: Ints, classes: int) -> Counts:
        right = ((predicted == gold) & (gold > 0)).sum(axis=1)
        return np.stack([right, (gold > 0).sum(axis=1)], axis=-1).astype(np.float64)

    def _value(self, counts: Counts) -> Counts:
        return _ratio(counts[..., 0], counts[..., 1])


class StanceMacroF1(_BootstrapMetric):
    """Mean of the stances' F1 where the reference has the topic (see StanceAccuracy)."""

    figure = "stance_macro_f1"
    meaning = "Unweighted mean over stances of F1 on the topics of the reference"

    def _counts(self, predicted: Ints, gold: Ints, classes: int) -> Counts:
        present = gold > 0
        stances = range(1, classes)
        rows = [
            _confusion((predicted == s) & present, (gold == s) & present).sum(1) for s in stances
        ]
        return np.stack(rows, axis=1)

    def _value(self, counts: Counts) -> Counts:
        return _mean_known(_f1(counts))


METRICS: tuple[type[_BootstrapMetric], ...] = (
    JointF1,
    TopicMacroF1,
    StanceAccuracy,
    StanceMacroF1,
    ExactMatch,
)
"""The metrics with one figure each, the one that decides first."""


def expected_calibration_error(
    probabilities: NDArray[np.float32], decided: Ints, gold: Ints, *, bins: int = 10
) -> float:
    """How far the probability of a tag is from how often such a tag is right.

    Over the tags given: confidence is P(topic and stance), right means that topic and
    stance are. Bins of equal width, weighted by their tags (Guo et al. 2017).

    Args:
        probabilities: (sentences, topics, classes); class 0 is ``absent``.
        decided: Class indices that were decided, (sentences, topics).
        gold: Class indices of the reference, (sentences, topics).
        bins: Number of bins over [0, 1].

    Returns:
        In [0, 1]; NaN where nothing is tagged.
    """
    tagged = decided > 0
    if not tagged.any():
        return float("nan")
    confidence, right = probabilities[..., 1:].max(-1)[tagged], (decided == gold)[tagged]
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(index, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(right))


def _confusion(predicted: NDArray[np.bool_], gold: NDArray[np.bool_]) -> Counts:
    parts = [predicted & gold, predicted & ~gold, ~predicted & gold]
    return np.stack(parts, axis=-1).astype(np.float64)


def _f1(counts: Counts) -> Counts:
    """F1 from (…, [true positives, false positives, false negatives]); NaN without any."""
    return _ratio(2 * counts[..., 0], 2 * counts[..., 0] + counts[..., 1] + counts[..., 2])


def _ratio(part: Counts, whole: Counts) -> Counts:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _mean_known(values: Counts) -> Counts:
    """Mean over the last axis of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0.0).sum(-1), known.sum(-1).astype(np.float64))


def _interval(resampled: Counts) -> Counts:
    """Ends over resamples in which the figure is defined, NaN where it is in none."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        ends: Counts = np.nanpercentile(resampled, [2.5, 97.5], axis=0)
    return ends


def _estimates(
    name: str,
    counts: Counts,
    documents: Sequence[str] | None,
    value: Callable[[Counts], Counts],
) -> dict[str, float | list[float]]:
    groups = np.arange(len(counts)) if documents is None else np.asarray(documents)
    if len(groups) != len(counts):
        raise ValueError(f"{len(groups)} documents for {len(counts)} sentences")
    _, owner = np.unique(groups, return_inverse=True)
    per_document = np.zeros((owner.max(initial=-1) + 1, *counts.shape[1:]))
    np.add.at(per_document, owner, counts)
    size = len(per_document)
    generator = np.random.default_rng(_SEED)
    draws = generator.multinomial(size, np.full(size, 1 / max(size, 1)), size=RESAMPLES)
    resampled = value(np.tensordot(draws.astype(np.float64), per_document, axes=1))
    figure = value(per_document.sum(0, keepdims=True))[0]
    low, high = _interval(resampled) if size > 1 else 2 * (np.full_like(figure, np.nan),)
    return {name: figure.tolist(), f"{name}_low": low.tolist(), f"{name}_high": high.tolist()}

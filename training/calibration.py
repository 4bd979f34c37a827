"""Fit what turns logits into decisions, on text that the model has not learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logsumexp

from framing.decisions import DecisionRule, Floats, decide, topic_odds
from framing.training.data import Labels
from framing.training.evaluation import joint_f1

_CUTS = np.round(np.arange(0.20, 0.81, 0.05), 2)
_LOG_BOUNDS = (float(np.log(0.25)), float(np.log(10.0)))  # of the temperatures
_SHIFT_BOUNDS = (-6.0, 6.0)


def fit_rule(parts: Sequence[tuple[Floats, Labels]]) -> DecisionRule:
    """Temperatures and shifts of least log loss, and the thresholds of best joint F1.

    Thresholds are where one cut through the uncalibrated P(topic), shared by all topics,
    comes to lie after calibration. One per topic was tried: it fits the sources at hand
    better, and does worse on the next source (EXPERIMENTS.md).

    Args:
        parts: For each source, logits of shape (sentences, topics, classes), from a model that
            has seen neither the sentences nor others of their documents, and class
            indices, (sentences, topics).
    """
    logits, gold = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    fitted = [_topic_calibration(logits[:, t], gold[:, t]) for t in range(logits.shape[1])]
    cut = best_cut(parts)
    odds = np.log(cut / (1 - cut))
    return DecisionRule(
        temperatures=tuple((topic, stance) for topic, _, stance in fitted),
        shifts=tuple(shift for _, shift, _ in fitted),
        thresholds=tuple(float(expit(odds / topic + shift)) for topic, shift, _ in fitted),
        priors=tuple(float(share) for share in (gold > 0).mean(0)),
    )


def best_cut(parts: Sequence[tuple[Floats, Labels]]) -> float:
    """The cut through the uncalibrated P(topic) with the best joint F1, averaged over parts.

    Of equals, the one nearest to 0.5 wins.
    """
    plain = DecisionRule.plain(parts[0][0].shape[1])
    found = [(plain.probabilities(logits), gold) for logits, gold in parts]

    def quality(cut: float) -> tuple[float, float]:
        figures = [joint_f1(decide(probabilities, cut), gold) for probabilities, gold in found]
        return float(np.mean(figures)), -abs(cut - 0.5)

    return float(max(_CUTS, key=quality))


def _topic_calibration(logits: Floats, gold: NDArray[np.int64]) -> tuple[float, float, float]:
    """One topic's temperature, shift, and temperature of the stance.

    They stay as they are where there is nothing to fit them on.
    """
    present = gold > 0
    if not present.any() or present.all():
        return 1.0, 0.0, 1.0
    odds, side = topic_odds(logits), np.where(present, 1.0, -1.0)
    stances, chosen = logits[present][:, 1:], gold[present] - 1

    def topic_loss(values: NDArray[np.float64]) -> float:
        return float(np.logaddexp(0, -side * (odds / np.exp(values[0]) + values[1])).mean())

    def stance_loss(log: float) -> float:
        scaled = stances / np.exp(log)
        return float((logsumexp(scaled, axis=1) - scaled[np.arange(len(chosen)), chosen]).mean())

    topic = minimize(topic_loss, x0=(0.0, 0.0), bounds=(_LOG_BOUNDS, _SHIFT_BOUNDS)).x
    stance = minimize_scalar(stance_loss, bounds=_LOG_BOUNDS, method="bounded").x
    return float(np.exp(topic[0])), float(topic[1]), float(np.exp(stance))

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
    """Temperatures and shift of least log loss, and the thresholds of best joint F1.

    One temperature and one shift for whether a topic is there, one temperature for stances,
    and one cut are shared by all topics, and all sources count alike, whatever their size (for
    the stances' temperature, by the share of topics that are there):
    a fit per topic suits the sources at hand better, and the next one worse
    (EXPERIMENTS.md). Thresholds are where the cut through the uncalibrated P(topic) comes to
    lie after calibration.

    Args:
        parts: For each source, logits of shape (sentences, topics, classes), from a model that
            has seen neither the sentences nor others of their documents, and class
            indices, (sentences, topics).
    """
    logits, gold = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    # In single precision, which NumPy 1 would stay in, the loss has no slope for a small step.
    logits = logits.astype(np.float64)
    weights = np.concatenate([np.full(labels.shape, 1 / labels.size) for _, labels in parts])
    temperature, shift = _topic_fit(logits, gold, weights)
    stance = _stance_fit(logits, gold, weights)
    cut = best_cut(parts)
    threshold = float(expit(np.log(cut / (1 - cut)) / temperature + shift))
    topics = gold.shape[1]
    return DecisionRule(
        temperatures=((temperature, stance),) * topics,
        shifts=(shift,) * topics,
        thresholds=(threshold,) * topics,
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


def _topic_fit(logits: Floats, gold: Labels, weights: NDArray[np.float64]) -> tuple[float, float]:
    """Temperature and shift of the topics' log-odds; as they are if there is nothing to fit."""
    present = gold > 0
    if not present.any() or present.all():
        return 1.0, 0.0
    odds, side = topic_odds(logits), np.where(present, 1.0, -1.0)

    def loss(values: NDArray[np.float64]) -> float:
        wrong = np.logaddexp(0, -side * (odds / np.exp(values[0]) + values[1]))
        return float(np.average(wrong, weights=weights))

    log, shift = minimize(loss, x0=(0.0, 0.0), bounds=(_LOG_BOUNDS, _SHIFT_BOUNDS)).x
    return float(np.exp(log)), float(shift)


def _stance_fit(logits: Floats, gold: Labels, weights: NDArray[np.float64]) -> float:
    """Temperature of the stances of topics that are there; one if there are none."""
    present = gold > 0
    if not present.any():
        return 1.0
    stances, chosen, weight = logits[present][:, 1:], gold[present] - 1, weights[present]

    def loss(log: float) -> float:
        scaled = stances / np.exp(log)
        wrong = logsumexp(scaled, axis=1) - scaled[np.arange(len(chosen)), chosen]
        return float(np.average(wrong, weights=weight))

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_BOUNDS, method="bounded").x))

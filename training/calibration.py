"""Fit what turns logits into decisions, on text that the model has not learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import logsumexp

from framing.decisions import DecisionRule, Floats, decide, topic_odds
from framing.training.data import Labels
from framing.training.evaluation import joint_f1

_THRESHOLDS = np.round(np.arange(0.20, 0.81, 0.05), 2)
_ROUNDS = 3
_LOG_BOUNDS = (float(np.log(0.25)), float(np.log(10.0)))  # of the temperatures
_SHIFT_BOUNDS = (-6.0, 6.0)


def fit_rule(logits: Floats, gold: Labels) -> DecisionRule:
    """Temperatures and shifts of least log loss, then the thresholds of best joint F1.

    Args:
        logits: Of shape (sentences, topics, classes), from models that have seen neither
            the sentences nor others of their documents.
        gold: Class indices, (sentences, topics).
    """
    topics = range(logits.shape[1])
    fitted = [_topic_calibration(logits[:, t], gold[:, t]) for t in topics]
    rule = replace(
        DecisionRule.plain(len(topics)),
        temperatures=tuple((topic, stance) for topic, _, stance in fitted),
        shifts=tuple(shift for _, shift, _ in fitted),
        priors=tuple(float(share) for share in (gold > 0).mean(0)),
    )
    return replace(rule, thresholds=best_thresholds(rule.probabilities(logits), gold))


def best_thresholds(probabilities: Floats, gold: Labels) -> tuple[float, ...]:
    """Per topic, the threshold on P(topic) with the best joint F1 over all topics.

    Topics take turns while the others hold still. Of equals, the one nearest to 0.5 wins.
    """
    thresholds = np.full(gold.shape[1], 0.5)
    for _ in range(_ROUNDS):
        for topic in range(len(thresholds)):
            scored = []
            for value in _THRESHOLDS:
                thresholds[topic] = value
                f1 = joint_f1(decide(probabilities, thresholds), gold)
                scored.append((f1, -abs(value - 0.5), value))
            thresholds[topic] = max(scored)[2]
    return tuple(float(value) for value in thresholds)


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

"""Fit what turns logits into decisions, on text that the model has not learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from framing.decisions import DecisionRule, Floats, decide
from framing.training.data import Labels
from framing.training.evaluation import joint_f1

_THRESHOLDS = np.round(np.arange(0.20, 0.81, 0.05), 2)
_ROUNDS = 3
_LOG_BOUNDS = (float(np.log(0.25)), float(np.log(10.0)))  # of the temperatures


def fit_rule(logits: Floats, gold: Labels) -> DecisionRule:
    """Temperatures of least log loss, then the thresholds of best joint F1.

    Args:
        logits: Of shape (sentences, topics, classes), from models that have seen neither
            the sentences nor others of their documents.
        gold: Class indices, (sentences, topics).
    """
    topics = range(logits.shape[1])
    plain = DecisionRule.plain(len(topics))
    rule = DecisionRule(
        temperatures=tuple(_temperatures(logits[:, [t]], gold[:, t]) for t in topics),
        thresholds=plain.thresholds,
        priors=tuple(float(share) for share in (gold > 0).mean(0)),
    )
    thresholds = best_thresholds(rule.probabilities(logits), gold)
    return DecisionRule(rule.temperatures, thresholds, rule.priors)


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


def _temperatures(logits: Floats, gold: NDArray[np.int64]) -> tuple[float, float]:
    """The two temperatures of one topic; ones where there is nothing to fit them on."""
    present = gold > 0
    if not present.any() or present.all():
        return 1.0, 1.0

    def topic_loss(log: float) -> float:
        p = _probabilities(logits, float(np.exp(log)), 1.0)
        return _log_loss(np.where(present, 1 - p[:, 0], p[:, 0]))

    def stance_loss(log: float) -> float:
        p = _probabilities(logits[present], 1.0, float(np.exp(log)))
        chosen = p[np.arange(len(p)), gold[present]]
        return _log_loss(chosen / np.clip(1 - p[:, 0], 1e-7, 1))

    topic, stance = (
        minimize_scalar(loss, bounds=_LOG_BOUNDS, method="bounded").x
        for loss in (topic_loss, stance_loss)
    )
    return float(np.exp(topic)), float(np.exp(stance))


def _probabilities(logits: Floats, topic: float, stance: float) -> Floats:
    rule = DecisionRule(((topic, stance),), (0.5,), (0.5,))
    result: Floats = rule.probabilities(logits)[:, 0]
    return result


def _log_loss(probability: NDArray[Any]) -> float:
    return float(-np.log(np.clip(probability, 1e-7, 1)).mean())

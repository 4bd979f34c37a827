import numpy as np
import pytest

from framing.decisions import DecisionRule, decide
from framing.training.calibration import best_cut, fit_rule
from framing.training.evaluation import joint_f1
from framing.training.metrics import expected_calibration_error


def overconfident(count: int = 6000, factor: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from a softmax, and its logits times a factor."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(count, 2, 4)).astype(np.float32) * 1.5
    powers = np.exp(logits)
    shares = powers / powers.sum(-1, keepdims=True)
    draws = generator.random((count, 2, 1))
    return logits * factor, (shares.cumsum(-1) < draws).sum(-1)


def test_temperatures_undo_overconfidence() -> None:
    logits, gold = overconfident()
    rule = fit_rule([(logits, gold)])
    found = rule.probabilities(logits)
    decided = decide(found, 0.5)
    assert expected_calibration_error(found, decided, gold) < 0.03
    for topic, stance in rule.temperatures:
        assert stance == pytest.approx(3, rel=0.1)
        assert topic > 1.5
    assert rule.priors == pytest.approx((gold > 0).mean(0))


def test_the_cut_never_does_worse_than_one_half_and_survives_calibration() -> None:
    parts = [overconfident(800), overconfident(400, factor=1.0)]
    cut, rule, plain = best_cut(parts), fit_rule(parts), DecisionRule.plain(2)
    figures = []
    for value in (cut, 0.5):
        decided = [(decide(plain.probabilities(logits), value), gold) for logits, gold in parts]
        figures.append(np.mean([joint_f1(*pair) for pair in decided]))
    assert figures[0] >= figures[1]
    for logits, _ in parts:
        before = decide(plain.probabilities(logits), cut) > 0
        after = decide(rule.probabilities(logits), rule.thresholds) > 0
        assert (before == after).mean() > 0.999  # but for rounding


def test_single_precision_is_fitted_as_double_is() -> None:
    generator = np.random.default_rng(5)
    gold = generator.integers(0, 4, size=(500, 4)) * (generator.random((500, 4)) < 0.3)
    logits = 6 * generator.normal(size=(500, 4, 4)) + 3 * np.eye(4)[gold]
    rules = [fit_rule([(logits.astype(kind), gold)]) for kind in (np.float32, np.float64)]
    assert rules[0].temperatures[0] == pytest.approx(rules[1].temperatures[0], rel=1e-3)
    assert rules[0].temperatures[0][0] > 1.5


def test_sources_count_alike_whatever_their_size() -> None:
    large, small = overconfident(6000, factor=1.0), overconfident(200, factor=4.0)
    (alone,), (both,) = (
        {t for t, _ in fit_rule(p).temperatures} for p in ([large], [large, small])
    )
    assert alone == pytest.approx(1, abs=0.1)
    assert both > 1.5


def test_without_examples_the_softmax_stays() -> None:
    logits = np.random.default_rng(1).normal(size=(50, 1, 4)).astype(np.float32)
    rule = fit_rule([(logits, np.zeros((50, 1), dtype=np.int64))])
    assert rule.temperatures == ((1.0, 1.0),)
    assert rule.shifts == (0.0,)


def test_a_shift_undoes_a_bias_towards_topics() -> None:
    logits, gold = overconfident(factor=1.0)
    logits[..., 1:] += 2
    rule = fit_rule([(logits, gold)])
    assert rule.shifts == pytest.approx([-2, -2], abs=0.3)
    found = rule.probabilities(logits)
    assert expected_calibration_error(found, decide(found, 0.5), gold) < 0.03


def test_expected_calibration_error_by_hand() -> None:
    rows = np.array([[[0.1, 0.9, 0.0]], [[0.1, 0.9, 0.0]], [[0.8, 0.2, 0.0]]], dtype=np.float32)
    gold = np.array([[1], [2], [1]])
    decided = decide(rows, 0.5)
    assert expected_calibration_error(rows, decided, gold) == pytest.approx(0.4)
    assert np.isnan(expected_calibration_error(rows, np.zeros((3, 1), dtype=int), gold))

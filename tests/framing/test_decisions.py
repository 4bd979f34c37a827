from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mixed_schema import MIXED

from framing import Classifier
from framing.decisions import (
    DecisionRule,
    applicable,
    decide,
    likeliest_stance,
    masked,
    reweighted,
)
from framing.labels.errors import FramingError
from framing.labels.schema import Schema

LOGITS = arrays(np.float32, (5, 2, 4), elements=st.floats(-50, 50, width=32))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@given(LOGITS)
def test_plain_rule_is_the_softmax(logits: np.ndarray) -> None:
    found = DecisionRule.plain(2).probabilities(logits)
    np.testing.assert_allclose(found, softmax(logits), atol=1e-5)


@given(LOGITS, st.floats(0.3, 8), st.floats(0.3, 8))
def test_temperatures_keep_sums_and_decisions(logits: np.ndarray, a: float, b: float) -> None:
    rule = replace(DecisionRule.plain(2), temperatures=((a, b), (b, a)))
    found = rule.probabilities(logits)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    plain = softmax(logits)
    sure = np.abs(plain[..., 0] - 0.5) > 1e-3
    assert ((found[..., 0] > 0.5) == (plain[..., 0] > 0.5))[sure].all()


def test_a_higher_temperature_is_less_sure() -> None:
    logits = np.array([[[0.0, 4.0, 1.0, 0.0]]], dtype=np.float32)
    cold = DecisionRule.plain(1).probabilities(logits)
    warm = replace(DecisionRule.plain(1), temperatures=((3.0, 3.0),)).probabilities(logits)
    assert cold[0, 0, 1] > warm[0, 0, 1] > 0.25
    assert cold[0, 0, 0] < warm[0, 0, 0] < 0.5


def test_a_shift_moves_the_topic_and_not_the_stance() -> None:
    logits = np.array([[[0.0, 1.0, 0.0, -1.0]]], dtype=np.float32)
    plain = DecisionRule.plain(1).probabilities(logits)[0, 0]
    moved = replace(DecisionRule.plain(1), shifts=(-2.0,)).probabilities(logits)[0, 0]
    assert moved[0] > plain[0]
    assert (1 / moved[0] - 1) / (1 / plain[0] - 1) == pytest.approx(np.exp(-2), rel=1e-4)
    np.testing.assert_allclose(moved[1:] / moved[1:].sum(), plain[1:] / plain[1:].sum(), rtol=1e-5)


def test_round_trip() -> None:
    rule = DecisionRule(((1.5, 2.0),), (-0.5,), (0.4,), (0.1,))
    assert DecisionRule.from_dict(rule.to_dict()) == rule


def test_decide_takes_one_threshold_or_one_per_topic() -> None:
    rows = np.array([[[0.53, 0.07, 0.4, 0.0]] * 2, [[0.9, 0.1, 0.0, 0.0]] * 2], dtype=np.float32)
    assert decide(rows, 0.5).tolist() == [[0, 0], [0, 0]]
    assert decide(rows, 0.4).tolist() == [[2, 2], [0, 0]]
    assert decide(rows, (0.4, 0.5)).tolist() == [[2, 0], [0, 0]]


def test_reweighting_by_the_same_priors_changes_nothing_and_bayes_holds() -> None:
    rows = np.array([[[0.4, 0.3, 0.3]]], dtype=np.float32)
    np.testing.assert_allclose(reweighted(rows, trained=[0.2], wanted=[0.2]), rows, atol=1e-6)
    found = reweighted(rows, trained=[0.5], wanted=[0.1])
    # odds of the topic: 0.6 / 0.4 times (0.1 / 0.9) / (0.5 / 0.5)
    odds = 1.5 / 9
    assert 1 - found[0, 0, 0] == pytest.approx(odds / (1 + odds), abs=1e-6)


def test_priors_of_a_classifier(model_folder, classifier: Classifier) -> None:  # type: ignore[no-untyped-def]
    text = "Russia keeps its base."
    rare = Classifier.from_pretrained(model_folder, device="cpu", priors={"asylum": 0.001})
    before, after = (c.classify(text).sentences[0].probabilities for c in (classifier, rare))
    assert after["asylum"]["absent"] > before["asylum"]["absent"]
    assert after["sovereignty"] == pytest.approx(before["sovereignty"])
    with pytest.raises(FramingError, match="unknown topic 'trade'"):
        Classifier.from_pretrained(model_folder, priors={"trade": 0.1})
    with pytest.raises(FramingError, match=r"asylum must be a share in \(0, 1\), got 2"):
        Classifier.from_pretrained(model_folder, priors={"asylum": 2})


def test_abstention(classifier: Classifier) -> None:
    (all_tags,) = classifier.classify("Russia keeps its base.", threshold=0).sentences
    (some,) = classifier.classify(
        "Russia keeps its base.", threshold=0, min_confidence=0.5
    ).sentences
    assert all_tags.abstained == ()
    assert [t for t in all_tags.tags if t.probability >= 0.5] == list(some.tags)
    assert len(some.tags) + len(some.abstained) == len(all_tags.tags)
    with pytest.raises(ValueError, match="min_confidence"):
        classifier.classify("A.", min_confidence=2)


MIXED_LOGITS = arrays(np.float32, (5, 3, 6), elements=st.floats(-1e4, 1e4, width=32))


def test_applicable_is_the_schema_as_a_table(schema: Schema) -> None:
    assert applicable(schema).all()
    assert applicable(MIXED).tolist() == [
        [True, True, True, True, False, False],
        [True, True, True, True, True, False],
        [True, False, False, False, False, True],
    ]


@given(MIXED_LOGITS, st.floats(0.3, 8), st.floats(0.3, 8), st.floats(-6, 6), st.floats(0, 1))
def test_what_does_not_apply_has_no_probability_under_any_rule(
    logits: np.ndarray, topic: float, stance: float, shift: float, threshold: float
) -> None:
    rule = replace(DecisionRule.plain(3), temperatures=((topic, stance),) * 3, shifts=(shift,) * 3)
    plain = rule.probabilities(masked(logits, MIXED))
    weighted = reweighted(plain, trained=(0.5, 0.1, 0.9), wanted=(1e-6, 0.9, 0.1))
    for found in (plain, weighted):
        assert (found[:, ~applicable(MIXED)] == 0).all()
        np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
        for classes in (decide(found, threshold), likeliest_stance(found)):
            assert applicable(MIXED)[np.arange(3), classes].all()


def test_the_rest_is_the_softmax_of_what_applies() -> None:
    logits = np.random.default_rng(0).normal(size=(4, 3, 6)).astype(np.float32)
    found = DecisionRule.plain(3).probabilities(masked(logits, MIXED))
    np.testing.assert_allclose(found[:, 1, :5], softmax(logits[:, 1, :5]), atol=1e-6)
    np.testing.assert_allclose(found[:, 2, [0, 5]], softmax(logits[:, 2, [0, 5]]), atol=1e-6)


def test_masking_changes_no_bit_where_every_class_applies(schema: Schema) -> None:
    logits = np.random.default_rng(0).normal(size=(4, 4, 4)).astype(np.float32)
    assert masked(logits, schema).tobytes() == logits.tobytes()

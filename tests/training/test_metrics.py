import evaluate
import numpy as np
import pytest
from sklearn.metrics import f1_score

from framing.training.metrics import (
    METRICS,
    ExactMatch,
    JointF1,
    StanceAccuracy,
    StanceMacroF1,
    TopicF1,
    TopicMacroF1,
)

GOLD = [[1, 0], [2, 0], [0, 3], [0, 0]]
SAID = [[1, 0], [1, 0], [0, 3], [0, 2]]


def compute(metric: type[evaluate.Metric], **options: object) -> dict[str, float]:
    result = metric(keep_in_memory=True).compute(predictions=SAID, references=GOLD, **options)
    assert result is not None
    return dict(result)


def test_values_by_hand() -> None:
    assert compute(JointF1)["joint_f1"] == pytest.approx(2 * 2 / (2 * 2 + 2 + 1))
    assert compute(TopicF1)["topic_f1"] == pytest.approx([1, 2 / 3])
    assert compute(TopicMacroF1)["topic_macro_f1"] == pytest.approx(5 / 6)
    assert compute(ExactMatch)["exact_match"] == 0.5
    assert compute(StanceAccuracy)["stance_accuracy"] == pytest.approx(2 / 3)
    # favor: one right, one too many; against: missed; neutral: right.
    assert compute(StanceMacroF1)["stance_macro_f1"] == pytest.approx((2 / 3 + 0 + 1) / 3)


def test_joint_f1_is_scikit_learns_micro_f1_without_absent() -> None:
    generator = np.random.default_rng(0)
    gold, said = generator.integers(0, 4, (2, 200, 4))
    expected = f1_score(gold.ravel(), said.ravel(), labels=[1, 2, 3], average="micro")
    result = JointF1(keep_in_memory=True).compute(
        predictions=said.tolist(), references=gold.tolist()
    )
    assert result["joint_f1"] == pytest.approx(expected)


@pytest.mark.parametrize("metric", METRICS)
def test_interval_holds_the_figure_and_is_repeatable(metric: type[evaluate.Metric]) -> None:
    name = metric.figure  # type: ignore[attr-defined]
    generator = np.random.default_rng(0)
    gold = generator.integers(0, 4, (300, 4))
    said = np.where(generator.random((300, 4)) < 0.7, gold, generator.integers(0, 4, (300, 4)))
    documents = [str(i // 10) for i in range(300)]

    def run() -> dict[str, float]:
        result = metric(keep_in_memory=True).compute(
            predictions=said.tolist(), references=gold.tolist(), documents=documents
        )
        assert result is not None
        return dict(result)

    first = run()
    assert first[f"{name}_low"] < first[name] < first[f"{name}_high"]
    assert first == run()


def test_documents_of_like_sentences_widen_the_interval() -> None:
    right = [[1, 0]] * 50
    gold = [[1, 0]] * 25 + [[2, 0]] * 25
    halves = ["a"] * 25 + ["b"] * 25
    width = {}
    for name, documents in (("sentences", None), ("documents", halves)):
        result = JointF1(keep_in_memory=True).compute(
            predictions=right, references=gold, documents=documents
        )
        width[name] = result["joint_f1_high"] - result["joint_f1_low"]
    assert width["documents"] > width["sentences"]


def test_a_single_document_has_no_interval() -> None:
    result = JointF1(keep_in_memory=True).compute(
        predictions=[[1]] * 30, references=[[1], [2]] * 15, documents=["a"] * 30
    )
    assert result["joint_f1"] == pytest.approx(0.5)
    assert np.isnan([result["joint_f1_low"], result["joint_f1_high"]]).all()


def test_nothing_to_find_is_not_a_number() -> None:
    result = JointF1(keep_in_memory=True).compute(predictions=[[0]], references=[[0]])
    assert np.isnan(result["joint_f1"])

"""CheckList-style cases (Ribeiro et al. 2020): one capability each, exact labels expected."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from helpers import ROOT

from framing import Classifier
from framing.labels.records import Record, packaged_path, read_records
from framing.labels.schema import load_schema
from framing.training.report import read_report

CASES: list[Record] = read_records(packaged_path("behaviour"), load_schema())
CAPABILITIES = Counter(case.document for case in CASES)
MODEL: Path = ROOT / "models" / "default"


@pytest.fixture(scope="module")
def failures() -> Counter[str]:
    """Failed cases per capability."""
    classifier = Classifier.from_pretrained(device="cpu")
    texts = [case.text or "" for case in CASES]
    found: Counter[str] = Counter()
    documents = classifier.classify_many(texts, split=False)
    for case, document in zip(CASES, documents, strict=True):
        tags = {tag.topic: tag.stance for tag in document.sentences[0].tags}
        found[case.document] += tags != case.labels
    return found


def test_there_are_enough_cases() -> None:
    assert len(CAPABILITIES) >= 20
    assert len(CASES) >= 200


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_failures_are_as_the_card_says(capability: str, failures: Counter[str]) -> None:
    reported, count = read_report(MODEL).behaviour[capability]
    assert count == CAPABILITIES[capability]
    # Another processor may tip a borderline case.
    assert abs(failures[capability] - reported) <= 1

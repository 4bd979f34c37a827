import dataclasses
import json

import pytest

from framing import Classifier, FramingError
from framing.results import Document, Sentence


def test_results_are_frozen_and_hashable(classifier: Classifier) -> None:
    document = classifier.classify("Russia keeps its base.", threshold=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        document.text = "other"  # type: ignore[misc]
    assert len({document, document}) == 1


def test_to_dict_is_json(classifier: Classifier) -> None:
    document = classifier.classify("Russia keeps its base.", threshold=0)
    content = json.loads(json.dumps(document.to_dict()))
    (sentence,) = content["sentences"]
    assert set(sentence) == {"text", "start", "end", "tags", "abstained", "probabilities"}
    assert set(sentence["tags"][0]) == {"topic", "stance", "probability"}


def test_str_is_readable(classifier: Classifier) -> None:
    document = classifier.classify("Russia keeps\nits base.", threshold=0)
    first, *tags = str(document).splitlines()
    assert first == "Russia keeps its base."
    assert len(tags) == 4
    assert tags[0].startswith("    military_bases: ")


def test_to_frame(classifier: Classifier) -> None:
    pytest.importorskip("pandas")
    frame = classifier.classify("Russia keeps its base. He left.", threshold=0).to_frame()
    assert len(frame) == 2
    assert set(frame["asylum"]) <= {"favor", "against", "neutral"}
    assert frame["asylum_absent"].between(0, 1).all()
    assert classifier.classify("").to_frame().empty


def test_two_columns_of_one_name_are_refused() -> None:
    pytest.importorskip("pandas")
    odd = Sentence("A.", 0, 2, (), (), {"start": {"absent": 0.5, "favor": 0.5}})
    with pytest.raises(FramingError, match="two columns 'start': rename the topic"):
        Document("A.", (odd,)).to_frame()

from __future__ import annotations

import functools
import os
import pickle
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from mixed_schema import MIXED

from framing import Classifier, classify
from framing.decisions import applicable
from framing.labels.errors import FramingError
from framing.models.store import ModelError

TEXT = "Russia keeps its base. Israeli jets struck Homs.\n\nAssad stays in Moscow"


def test_offsets_and_probabilities(classifier: Classifier) -> None:
    document = classifier.classify(TEXT)
    assert len(document.sentences) == 3
    for sentence in document.sentences:
        assert TEXT[sentence.start : sentence.end] == sentence.text
        assert set(sentence.probabilities) == set(classifier.schema.topic_names)
        for row in sentence.probabilities.values():
            assert sum(row.values()) == pytest.approx(1, abs=1e-5)


def test_tags_follow_the_threshold(classifier: Classifier) -> None:
    every = classifier.classify(TEXT, threshold=0).sentences[0]
    assert [tag.topic for tag in every.tags] == list(classifier.schema.topic_names)
    for tag in every.tags:
        row = every.probabilities[tag.topic]
        assert tag.probability == max(p for name, p in row.items() if name != "absent")
    assert classifier.classify(TEXT, threshold=1).sentences[0].tags == ()


def test_split_false_takes_the_text_as_one_unit(classifier: Classifier) -> None:
    (sentence,) = classifier.classify(f"  {TEXT} ", split=False).sentences
    assert sentence.text == TEXT
    assert sentence.start == 2


def test_split_is_a_truth_value(classifier: Classifier) -> None:
    with pytest.raises(TypeError, match="split must be True or False, got 'no'"):
        classifier.classify(TEXT, split="no")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
@pytest.mark.parametrize("split", [True, False])
def test_empty_text_gives_an_empty_document(classifier: Classifier, text: str, split: bool) -> None:
    document = classifier.classify(text, split=split)
    assert document.sentences == ()
    assert str(document) == ""
    assert document.to_dict() == {"text": text, "sentences": []}


@pytest.mark.parametrize("value", [b"bytes", None, 3, 2.5, ["a"], object()])
def test_other_than_text_is_a_type_error(classifier: Classifier, value: Any) -> None:
    with pytest.raises(TypeError, match="must be a str"):
        classifier.classify(value)


def test_classify_many_names_the_bad_item_after_the_good_ones(classifier: Classifier) -> None:
    texts: list[Any] = ["One.", "Two.", None, "Four."]
    seen = []
    with pytest.raises(TypeError, match=r"texts\[2\] must be a str, got NoneType"):
        for document in classifier.classify_many(texts):
            seen.append(document.text)
    assert seen == ["One.", "Two."]


@pytest.mark.parametrize("texts", ["one text", b"bytes"])
def test_classify_many_refuses_a_single_text(classifier: Classifier, texts: Any) -> None:
    with pytest.raises(TypeError, match="use classify"):
        classifier.classify_many(texts)


@pytest.mark.parametrize("table", [{"text": ["A."]}, pa.table({"text": ["A."]})])
def test_classify_many_refuses_a_table(classifier: Classifier, table: Any) -> None:
    with pytest.raises(TypeError, match="give one column of the table"):
        classifier.classify_many(table)


def test_sentences_are_strings(classifier: Classifier) -> None:
    for score in (classifier.probabilities, classifier.logits):
        with pytest.raises(TypeError, match="not one string"):
            score("A base.")
        with pytest.raises(TypeError, match=r"sentences\[1\] must be a str, got NoneType"):
            score(["A base.", None])  # type: ignore[list-item]
        with pytest.raises(TypeError, match="give one column of the table"):
            score(pa.table({"text": ["A."]}))
        with pytest.raises(ValueError, match="batch_tokens must be at least 1"):
            score(["A."], batch_tokens=0)
        assert (score(text for text in ["A base."]) == score(["A base."])).all()


def test_numbers_of_numpy_are_numbers(model_folder: Path, classifier: Classifier) -> None:
    half = np.float32(0.5)
    assert classifier.classify("A.", threshold=half) == classifier.classify("A.", threshold=0.5)
    given = Classifier.from_folder(str(model_folder), device="cpu", priors={"asylum": half})
    assert given.priors == {"asylum": 0.5}


@pytest.mark.parametrize("threshold", [-0.1, 1.1, "high", float("nan"), True])
def test_threshold_out_of_range(classifier: Classifier, threshold: Any) -> None:
    with pytest.raises(ValueError, match="threshold must be a number in"):
        classifier.classify("A.", threshold=threshold)


def test_batch_tokens_out_of_range(classifier: Classifier) -> None:
    with pytest.raises(ValueError, match="batch_tokens"):
        classifier.classify_many(["A."], batch_tokens=0)


@pytest.mark.parametrize(
    "text",
    [
        "🇸🇾🚀 Base! 👨‍👩‍👧",
        "NUL\x00 byte in\x00 text.",
        "قاعدة حميميم الجوية في سوريا. ستبقى القوات.",
        "Россия сохранит базы в Сирии. Так сказал Путин.",
        "\ud800 lone surrogate.",
        "a" * 50_000,
        "\u202eright to left",
    ],
)
def test_odd_text_gives_a_sane_result(classifier: Classifier, text: str) -> None:
    document = classifier.classify(text)
    assert document.sentences
    assert all(text[s.start : s.end] == s.text for s in document.sentences)
    values = [p for s in document.sentences for r in s.probabilities.values() for p in r.values()]
    assert np.isfinite(values).all()


def test_five_megabytes(classifier: Classifier) -> None:
    paragraph = "Russia keeps its base at Tartus. Nobody asked.\n\n"
    document = classifier.classify(paragraph * 5_000)  # more than a window
    assert len(document.sentences) == 10_000
    one = classifier.classify("word " * 1_000_000, split=False)
    assert len(one.sentences) == 1


def test_long_sentence_is_scored_by_its_strongest_window(classifier: Classifier) -> None:
    long = "It rained and it rained " * 40 + "while Russia kept its base at Tartus"
    row = classifier.probabilities([long])[0]
    ids, owners = classifier._scorer.encoder.windows([long])
    assert set(owners) == {0}
    assert len(ids) > 1
    each = classifier._scorer.engine.logits(ids)
    powers = np.exp(each - each.max(-1, keepdims=True))
    each = powers / powers.sum(-1, keepdims=True)
    np.testing.assert_allclose(1 - row[:, 0], 1 - each[:, :, 0].min(0), atol=1e-5)


@pytest.mark.parametrize("engine", ["openvino", "torch"])
def test_a_pickled_classifier_is_loaded_anew(model_folder: Path, engine: str) -> None:
    classifier = Classifier.from_folder(model_folder, device="cpu", engine=engine, threads=1)
    again = pickle.loads(pickle.dumps(classifier))  # noqa: S301
    for attribute in ("folder", "engine", "device", "precision", "threads", "priors"):
        assert getattr(again, attribute) == getattr(classifier, attribute)
    sentences = ["Russia keeps its base.", "It rained."]
    same = again.probabilities(sentences) == classifier.probabilities(sentences)
    assert same.all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_does_not_wait_for_threads_that_it_has_not(
    classifier: Classifier,
) -> None:
    texts = [f"Minister {n} met minister {n + 1} in Damascus." * (n % 9 + 1) for n in range(64)]
    wanted = classifier.probabilities(texts, batch_tokens=64)  # several batches: the pool is used
    _INHERITED.append(classifier)
    with get_context("fork").Pool(1) as pool:
        found = pool.apply_async(_in_child, (texts,)).get(timeout=60)
    assert (found == wanted).all()


_INHERITED: list[Classifier] = []


def _in_child(texts: list[str]) -> Any:
    return _INHERITED[0].probabilities(texts, batch_tokens=64)


def test_threads_that_come_at_once_load_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    def load() -> Any:
        loaded.append(1)
        time.sleep(0.05)
        return SimpleNamespace(classify=lambda *_, **__: "done")

    monkeypatch.setattr("framing.classifier._default_classifier", functools.cache(load))
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(classify, ["a"] * 8)) == ["done"] * 8
    assert len(loaded) == 1


def test_order_neighbours_and_batches_never_change_an_answer(classifier: Classifier) -> None:
    texts = [f"{'word ' * (i % 17)}Russia keeps base {i}." for i in range(80)]
    reference = {text: classifier.probabilities([text])[0] for text in texts}
    shuffled = random.Random(3).sample(texts, len(texts))
    for batch_tokens in (1, 64, 8192):
        rows = classifier.probabilities(shuffled, batch_tokens=batch_tokens)
        for text, row in zip(shuffled, rows, strict=True):
            np.testing.assert_allclose(row, reference[text], atol=1e-5)


def test_classify_many_streams(classifier: Classifier) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "One. Two. Three."

    documents = classifier.classify_many(endless())
    for _ in range(5):
        next(documents)
    assert taken < 5_000


def test_documents_come_in_input_order(classifier: Classifier) -> None:
    texts = [f"{'a ' * (50 - i)}text {i}." for i in range(50)]
    assert [d.text for d in classifier.classify_many(texts)] == texts


def test_unknown_model_and_device(model_folder: Path) -> None:
    with pytest.raises(ModelError, match="is no hub id, and so has no revision 'v2'"):
        Classifier.from_pretrained(model_folder, revision="v2")
    with pytest.raises(ModelError, match="no such model folder"):
        Classifier.from_pretrained("./nowhere")
    with pytest.raises(FramingError, match="unknown device 'gpu'"):
        Classifier.from_pretrained(model_folder, device="gpu")
    with pytest.raises(FramingError, match="not on this machine"):
        Classifier.from_pretrained(model_folder, device="cuda:99")


@pytest.mark.parametrize("engine", ["openvino", "torch"])
@pytest.mark.parametrize("priors", [None, {"crime": 0.9, "trade": 1e-6}])
def test_a_topic_gets_only_stances_that_apply(
    mixed_folder: Path, engine: str, priors: dict[str, float] | None
) -> None:
    classifier = Classifier.from_pretrained(
        mixed_folder, device="cpu", engine=engine, priors=priors
    )
    sentences = [f"{word} keeps base {i}." for i in range(40) for word in ("Russia", "Nobody")]
    rows = classifier.probabilities([*sentences, "It rained " * 100])
    assert (rows[:, ~applicable(MIXED)] == 0).all()
    assert np.isneginf(classifier.logits(sentences)[:, ~applicable(MIXED)]).all()
    seen = set()
    for document in classifier.classify_many(sentences, threshold=0):
        for sentence in document.sentences:
            for topic, row in sentence.probabilities.items():
                assert tuple(row) == MIXED.classes_of(topic)
                assert sum(row.values()) == pytest.approx(1, abs=1e-5)
            for tag in sentence.tags:
                assert tag.stance in MIXED.stances_of(tag.topic)
                assert tag.probability == sentence.probabilities[tag.topic][tag.stance]
                seen.add((tag.topic, tag.stance))
    assert {("crime", "mentioned")} < seen


def test_a_frame_without_sentences_has_columns(classifier: Classifier) -> None:
    pytest.importorskip("pandas")
    assert list(classifier.classify("").to_frame().columns) == ["sentence", "start", "end"]


def test_a_frame_has_columns_for_the_classes_that_apply(mixed_folder: Path) -> None:
    pytest.importorskip("pandas")
    classifier = Classifier.from_pretrained(mixed_folder, device="cpu")
    frame = classifier.classify("Russia keeps its base. He left.", threshold=0).to_frame()
    assert list(frame.columns)[-3:] == ["crime", "crime_absent", "crime_mentioned"]
    assert set(frame["crime"]) == {"mentioned"}
    assert "trade_strongly_favor" not in frame
    assert not frame.isna().any(axis=None)

"""The classifier as a function for ``datasets``: columns, processes, and the cache."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import dill
import pyarrow as pa
import pytest

from framing import Classifier
from framing.labels.errors import FramingError
from framing.mapping import ModelReference
from framing.models.store import write_checksums

TEXTS = [
    "Russia will keep its base at Tartus. The talks went on.",
    "",
    None,
    "Damascus wants Assad extradited.",
    "Israeli jets struck near Homs.",
    "Doha will pay for the power plants.",
]


@pytest.fixture
def dataset(tmp_path: Path) -> datasets.Dataset:
    """A dataset on disk, so that what is computed from it is cached."""
    rows = {"n": list(range(6)), "kind": [0, 1] * 3, "text": TEXTS}
    features = datasets.Features(
        n=datasets.Value("int16"),
        kind=datasets.ClassLabel(names=["wire", "blog"]),
        text=datasets.Value("string"),
    )
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "data")
    return datasets.load_from_disk(tmp_path / "data")


def test_sentences_stand_beside_the_columns(
    dataset: datasets.Dataset, classifier: Classifier
) -> None:
    mapped = dataset.map(classifier.as_map_function(), batched=True, batch_size=4)
    assert mapped.column_names == ["n", "kind", "text", "sentences"]
    assert {name: mapped.features[name] for name in dataset.features} == dataset.features
    for row, text in zip(mapped, TEXTS, strict=True):
        if text is None:
            assert row["sentences"] is None
            continue
        expected = classifier.classify(text).to_dict()["sentences"]
        assert len(row["sentences"]) == len(expected)
        for found, sentence in zip(row["sentences"], expected, strict=True):
            assert (found["text"], found["start"], found["end"]) == (
                sentence["text"],
                sentence["start"],
                sentence["end"],
            )
            assert [(t["topic"], t["stance"]) for t in found["tags"]] == [
                (t["topic"], t["stance"]) for t in sentence["tags"]
            ]
            for topic, probabilities in sentence["probabilities"].items():
                assert found["probabilities"][topic] == pytest.approx(probabilities, abs=1e-5)


def test_types_do_not_depend_on_the_first_rows(
    dataset: datasets.Dataset, classifier: Classifier
) -> None:
    tag = classifier.as_map_function()
    whole = dataset.map(tag, batched=True, load_from_cache_file=False)
    # The first batches have no sentence, and then no tag.
    order = dataset.select([1, 2, 0, 3, 4, 5])
    single = order.map(tag, batched=True, batch_size=1, writer_batch_size=1)
    assert single.features == whole.features
    never = classifier.as_map_function(threshold=1.0)
    assert dataset.map(never, batched=True).features == whole.features
    tags = whole.features["sentences"].feature["tags"].feature
    assert list(tags) == ["topic", "stance", "probability"]


def test_documents_are_counted(dataset: datasets.Dataset, classifier: Classifier) -> None:
    tag = classifier.as_map_function(level="document", min_confidence=0.3)
    mapped = dataset.map(tag, batched=True, remove_columns=["text"])
    topics, stances = classifier.schema.topic_names, classifier.schema.stance_names
    assert mapped.column_names[:3] == ["n", "kind", "sentences"]
    assert mapped[2]["sentences"] is None
    for row, text in zip(mapped, TEXTS, strict=True):
        if text is None:
            continue
        sentences = classifier.classify(text, min_confidence=0.3).sentences
        tags = [(t.topic, t.stance) for s in sentences for t in s.tags]
        assert row["sentences"] == len(sentences)
        for topic in topics:
            assert row[f"{topic}_sentences"] == sum(name == topic for name, _ in tags)
            for stance in stances:
                assert row[f"{topic}_{stance}_sentences"] == tags.count((topic, stance))


def test_two_processes_give_the_same(dataset: datasets.Dataset, classifier: Classifier) -> None:
    # In a process of its own: a test that hung here would hang all others.
    code = f"""
import datasets
from framing import Classifier
dataset = datasets.load_from_disk({str(Path(dataset.cache_files[0]["filename"]).parent)!r})
classifier = Classifier.from_pretrained({str(classifier.folder)!r}, device="cpu")
list(classifier.classify_many(["A base. An airfield."] * 50))
tag = classifier.as_map_function()
one = dataset.map(tag, batched=True)
two = dataset.map(tag, batched=True, num_proc=2, new_fingerprint="two")
assert one.features == two.features
assert one["sentences"][:] == two["sentences"][:]
assert one.data.column("sentences") == two.data.column("sentences")
print("the same")
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.stdout == "the same\n", result.stderr


def test_the_same_model_and_options_are_found_in_the_cache(
    dataset: datasets.Dataset, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    real = Classifier.classify_many

    def counted(self: Classifier, *arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        return real(self, *arguments, **options)

    monkeypatch.setattr(Classifier, "classify_many", counted)

    def mapped(**options: Any) -> datasets.Dataset:
        classifier = Classifier.from_pretrained(model_folder, device="cpu", threads=1)
        return dataset.map(classifier.as_map_function(**options), batched=True)

    first = mapped()
    assert len(calls) == 1
    again = mapped()
    assert len(calls) == 1
    assert again._fingerprint == first._fingerprint
    assert mapped(min_confidence=0.4)._fingerprint != first._fingerprint
    assert len(calls) == 2
    assert mapped(level="document").column_names != first.column_names
    mapped(split=False)
    mapped(threshold=0.9)
    assert len(calls) == 5


def test_another_model_is_not_found_in_the_cache(
    dataset: datasets.Dataset, model_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    fingerprints = set()

    def add(**options: Any) -> None:
        classifier = Classifier.from_pretrained(folder, device="cpu", **options)
        mapped = dataset.map(classifier.as_map_function(), batched=True)
        fingerprints.add(mapped._fingerprint)

    add()
    add(threads=2)  # which changes nothing in the result
    assert len(fingerprints) == 1
    add(priors={"asylum": 0.01})
    add(precision="f32", engine="torch")
    config = folder / "config.json"
    config.write_text(config.read_text() + "\n")
    write_checksums(folder)
    add()
    assert len(fingerprints) == 4


def test_what_travels_is_small_and_loads_itself(classifier: Classifier) -> None:
    tag = classifier.as_map_function(threshold=0.2)
    here = tag({"text": ["Russia will keep its base."]})
    for tool in (pickle, dill):
        data = tool.dumps(tag)
        assert len(data) < 2000
        assert tool.loads(data)({"text": ["Russia will keep its base."]}) == here
    reference = ModelReference.of(classifier)
    assert reference.classifier() is ModelReference.of(classifier).classifier()
    assert reference.classifier() is not classifier
    assert reference.classifier().threads == 1


def test_priors_travel_too(model_folder: Path) -> None:
    topic = Classifier.from_folder(model_folder, device="cpu").schema.topic_names[0]
    classifier = Classifier.from_folder(model_folder, device="cpu", priors={topic: 0.001})
    text = ["Russia will keep its base."]
    (here,) = classifier.classify_many(text)
    (there,) = ModelReference.of(classifier).classifier().classify_many(text)
    assert there.to_dict() == here.to_dict()


def test_a_model_that_has_changed_is_refused(model_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    data = pickle.dumps(Classifier.from_folder(folder, device="cpu").as_map_function())
    config = folder / "config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(FramingError, match="the model has changed since the work began"):
        pickle.loads(data)({"text": ["a"]})  # noqa: S301
    shutil.rmtree(folder)
    with pytest.raises(FramingError, match="the model is not there"):
        pickle.loads(data)({"text": ["a"]})  # noqa: S301


def test_mistakes(dataset: datasets.Dataset, classifier: Classifier) -> None:
    with pytest.raises(FramingError, match="level must be one of sentence, document, got 'word'"):
        classifier.as_map_function(level="word")
    with pytest.raises(ValueError, match=r"threshold must be a number in \[0, 1\], got 2"):
        classifier.as_map_function(threshold=2)
    tag = classifier.as_map_function(column="body")
    with pytest.raises(FramingError, match="no column 'body'; its columns are: n, kind, text"):
        dataset.map(tag, batched=True)
    with pytest.raises(TypeError, match=r"use map\(\.\.\., batched=True\)"):
        dataset.map(classifier.as_map_function())
    with pytest.raises(TypeError, match=r"use with_format\(None\)"):
        dataset.with_format("arrow").map(classifier.as_map_function(), batched=True)
    with pytest.raises(TypeError, match=r"texts\[0\] must be a str, got int"):
        dataset.map(classifier.as_map_function(column="n"), batched=True)


def test_a_stream_of_rows(dataset: datasets.Dataset, classifier: Classifier) -> None:
    stream = dataset.to_iterable_dataset().map(classifier.as_map_function(), batched=True)
    rows = list(stream)
    assert [row["n"] for row in rows] == list(range(6))
    assert rows[0]["sentences"][0]["text"] == "Russia will keep its base at Tartus."


def test_a_column_is_an_array_of_its_type(classifier: Classifier) -> None:
    columns = classifier.as_map_function()({"text": ["", "A base."]})
    array = pa.array(columns["sentences"])
    assert array.type.value_type.field("tags").type.value_type.num_fields == 3
    assert isinstance(columns["sentences"], list)

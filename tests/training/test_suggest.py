"""What is suggested for annotation, and the command that suggests it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from helpers import SENTENCES, write_lines

from framing import Classifier
from framing.cli.main import app
from framing.labels.errors import FramingError
from framing.labels.formats import read_labels
from framing.labels.schema import Schema
from framing.training.pool import read_pool
from framing.training.suggest import suggest

TEXTS = [f"{text[:-1]}, item {n}." for n in range(10) for text, _ in SENTENCES]
CLASSES = 4


def sure(count: int) -> np.ndarray:
    return np.tile(np.array([0.97, 0.01, 0.01, 0.01]), (count, 2, 1))


def test_doubtful_sentences_come_first() -> None:
    probabilities = sure(60)
    probabilities[[7, 30]] = 1 / CLASSES
    chosen = suggest(TEXTS, probabilities, count=4)
    assert {each.index for each in chosen[:2]} == {7, 30}
    assert chosen[0].doubt == pytest.approx(1)
    assert chosen[3].doubt < 0.2


def test_sentences_that_two_models_see_differently_come_first() -> None:
    first, second = sure(60), sure(60)
    second[11] = second[11, :, ::-1]
    chosen = suggest(TEXTS, first, count=3, second=second)
    assert chosen[0].index == 11
    assert chosen[0].disagreement > 0.8
    assert chosen[1].disagreement == pytest.approx(0)


def test_the_same_wording_is_not_chosen_again_and_again() -> None:
    alike = [f"The base at Tartus stays, says source {n}." for n in range(30)]
    others = ["Doha pays for the power plants.", "Assad must be extradited.", "Jets struck Homs."]
    probabilities = sure(33)
    probabilities[:30] = [[0.4, 0.3, 0.2, 0.1]] * 2
    probabilities[30:] = [[0.5, 0.2, 0.2, 0.1]] * 2
    chosen = suggest([*alike, *others], probabilities, count=4)
    assert {30, 31, 32} <= {each.index for each in chosen}


def test_texts_without_words_are_told_apart_by_their_characters() -> None:
    texts = [chr(0x4E00 + n) for n in range(60)]
    chosen = suggest(texts, sure(60), count=4)
    assert len({each.index for each in chosen}) == 4


def test_some_are_drawn_by_chance_and_say_so() -> None:
    chosen = suggest(TEXTS, sure(60), count=10, random=4)
    assert [each.random for each in chosen] == [False] * 6 + [True] * 4
    assert len({each.index for each in chosen}) == 10
    assert chosen == suggest(TEXTS, sure(60), count=10, random=4)


def test_the_draw_is_of_the_whole_pool() -> None:
    doubts = np.linspace(0.01, 0.5, 60)
    p = np.stack([1 - doubts, doubts], axis=-1)[:, None]
    drawn = [
        each.index
        for seed in range(40)
        for each in suggest(TEXTS, p, count=30, random=15, seed=seed)
        if each.random
    ]
    assert np.mean(drawn) == pytest.approx(29.5, abs=3)


def test_a_text_is_suggested_once() -> None:
    chosen = suggest(["One."] * 5 + ["Two.", "Three words here."], sure(7), count=3)
    assert sorted(each.index for each in chosen) == [0, 5, 6]


@pytest.mark.parametrize(("count", "random"), [(61, 0), (5, 6), (5, -1)])
def test_impossible_wishes_are_refused(count: int, random: int) -> None:
    with pytest.raises(FramingError):
        suggest(TEXTS, sure(60), count=count, random=random)


def test_a_pool_is_split_into_sentences_that_keep_their_document(tmp_path: Path) -> None:
    pool = write_lines(
        tmp_path / "wire.jsonl",
        [{"body": f"{TEXTS[0]} {TEXTS[1]}"}, {"body": None}, {"body": TEXTS[0]}],
    )
    records = list(read_pool([str(pool)], text_column="body"))
    assert [(r.text, r.source, r.document, r.n) for r in records] == [
        (TEXTS[0], "wire", "0", 0),
        (TEXTS[1], "wire", "0", 1),
    ]
    with pytest.raises(FramingError, match="standard input"):
        list(read_pool(["-"]))


@pytest.mark.parametrize(
    ("column", "given", "expected"),
    [
        ("document", ["a", "a", "b"], ["a", "a", "b"]),
        ("Article", ["a", 7, "b"], ["a", "7", "b"]),  # words and numbers in one column
        ("url", [3, None, " b "], ["3", "1", "b"]),
        ("document", [["a"], {"a": 1}, "b"], ["0", "1", "b"]),
        ("about", ["a", "a", "b"], ["0", "1", "2"]),
    ],
)
def test_a_pool_keeps_the_documents_that_it_names(
    column: str, given: list[object], expected: list[str], tmp_path: Path
) -> None:
    rows = [
        {"text": TEXTS[n], column: value, "outlet": "Post", "n": 7} for n, value in enumerate(given)
    ]
    records = list(read_pool([str(write_lines(tmp_path / "wire.jsonl", rows))]))
    assert [record.document for record in records] == expected
    assert {record.source for record in records} == {"Post"}
    table = tmp_path / "wire.csv"
    lines = (f'"{TEXTS[n]}",{n // 2}\n' for n in range(3))
    table.write_text("text,document\n" + "".join(lines), encoding="utf-8")
    found = [(record.source, record.document, record.n) for record in read_pool([str(table)])]
    assert found == [("wire", "0", None), ("wire", "0", None), ("wire", "1", None)]


def annotated(path: Path, schema: Schema) -> Path:
    """Six labelled sentences: our own records, or a spreadsheet with a heading of its own."""
    if path.suffix == ".csv":
        rows = [[TEXTS[n], n, *map(SENTENCES[n][1].get, schema.topic_names)] for n in range(6)]
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["Zitat", "document", *schema.topic_names], *rows])
        return path
    start = {"source": "wire", "provenance": "real", "annotator": "a"}
    records = [
        {"id": str(n), "document": str(n), "labels": SENTENCES[n][1], "text": TEXTS[n], **start}
        for n in range(6)
    ]
    return write_lines(path, records)


@pytest.mark.parametrize("ending", ["csv", "XLSX", "jsonl", "json"])
def test_the_command_writes_what_annotators_can_open(
    ending: str,
    classifier: Classifier,
    schema: Schema,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pool = write_lines(tmp_path / "pool.jsonl", [{"text": " ".join(TEXTS)}])
    known = annotated(tmp_path / f"known.{'csv' if ending == 'csv' else 'jsonl'}", schema)
    output = tmp_path / f"next.{ending}"
    arguments = ["suggest", str(pool), "--output", str(output), "--n", "8", "--random", "2"]
    arguments += ["--model", str(classifier.folder), "--labels", str(known), "--device", "cpu"]
    if ending == "json":
        with pytest.raises(FramingError, match=r"next.json: the ending tells no format \(as"):
            app(arguments, standalone_mode=False)
        arguments += ["--format", "label-studio"]
    if ending == "csv":
        with pytest.raises(FramingError, match="name it by --column text=…"):
            app(arguments, standalone_mode=False)
        arguments += ["--column", "text=Zitat"]
    assert app(arguments, standalone_mode=False) in (None, 0)
    assert "2 of them were drawn by chance" in capsys.readouterr().out
    if ending == "jsonl":
        found = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
        assert all(one["labels"] is None and "annotator" not in one for one in found)
    elif ending == "json":
        tasks = json.loads(output.read_text("utf-8"))
        found = [task["data"] for task in tasks if "annotations" not in task]
        assert not any("annotator" in one for one in found)
    else:
        imported = read_labels(output, schema)
        assert any("8 rows have no label" in warning for warning in imported.warnings)
        found = [{"text": r.text, "chosen_by": r.chosen_by} for r in imported.records]
    assert [one["chosen_by"] for one in found] == ["model"] * 6 + ["chance"] * 2
    assert not {one["text"] for one in found} & set(TEXTS[:6])
    with pytest.raises(FramingError, match="exists"):
        app(arguments, standalone_mode=False)

"""The model that ships: whole, self-contained, sensible, and as its card says."""

from __future__ import annotations

import re

import pytest
from helpers import ROOT, SHARED

from framing import Classifier, classify
from framing.labels.counts import counts_table
from framing.labels.records import MEASURING, Record, packaged_path, read_records
from framing.labels.schema import Schema
from framing.training.card import render_card
from framing.training.config import load_config
from framing.training.report import read_report

FOLDER = ROOT / "models" / "default"

OBVIOUS = (
    ("Russia will keep its naval base at Tartus.", ("military_bases", "favor")),
    ("Russian troops evacuated their base at Qamishli airport.", ("military_bases", "against")),
    ("Qatar pledged $500 million to rebuild Syria's power plants.", ("reconstruction", "favor")),
    ("Damascus demanded that Moscow extradite Assad.", ("asylum", "against")),
    ("Russia granted asylum to Assad and his family.", ("asylum", "favor")),
    ("Israeli warplanes bombed military sites near Damascus.", ("sovereignty", "against")),
)


def trained_on(schema: Schema) -> list[Record]:
    labels = load_config(None).labels
    return [r for name in labels for r in read_records(packaged_path(name), schema)]


@pytest.fixture(scope="module")
def shipped() -> Classifier:
    return Classifier.from_pretrained(device="cpu")


@pytest.mark.parametrize(("text", "expected"), OBVIOUS)
def test_it_gets_the_obvious_right(
    shipped: Classifier, text: str, expected: tuple[str, str]
) -> None:
    (sentence,) = shipped.classify(text).sentences
    assert expected in {(tag.topic, tag.stance) for tag in sentence.tags}


@pytest.mark.parametrize(
    "text", ["The bakery opens at seven.", "The team won the cup final.", "🎉🎉", "\x00"]
)
def test_it_leaves_other_text_alone(shipped: Classifier, text: str) -> None:
    assert all(not sentence.tags for sentence in shipped.classify(text).sentences)


def test_classify_uses_it(schema: Schema) -> None:
    (sentence,) = classify("Russia will keep its naval base at Tartus.").sentences
    assert tuple(sentence.probabilities) == schema.topic_names


def test_what_measures_it_is_not_learned_from() -> None:
    assert not set(MEASURING) & set(load_config(None).labels)


def test_two_runs_give_equal_bits(shipped: Classifier) -> None:
    texts = ["Russia will keep its naval base at Tartus.", "Nobody answered."]
    assert (shipped.probabilities(texts) == shipped.probabilities(texts)).all()


def test_it_is_self_contained_and_small() -> None:
    # No path of the machine that it was trained on.
    assert '"/' not in (FOLDER / "config.json").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 60e6


def test_the_card_is_that_of_the_run_and_the_labels(schema: Schema) -> None:
    report = read_report(FOLDER)
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == render_card(report)
    records = trained_on(schema)
    assert report.counts == counts_table(records, schema)
    assert {"fa-kes", "wikipedia", "white-house", "seeds"} <= {s.system for s in report.unseen}


def test_the_data_card_counts_what_is_there(schema: Schema) -> None:
    card = (ROOT / "labels" / "README.md").read_text(encoding="utf-8")
    records = trained_on(schema)
    assert counts_table(records, schema) in card


def test_the_readmes_figures_are_those_of_the_card() -> None:
    report = read_report(FOLDER)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = {("all four", scores.system): scores for scores in report.held_out}
    for scores in report.unseen:
        source, _, system = scores.system.partition(", ")
        if system != "uncalibrated":
            rows[source, system or "framing"] = scores
    for (source, system), scores in rows.items():
        figure = re.escape(str(scores.estimates["joint_f1"]))
        assert re.search(rf"\| {source} \| {re.escape(system)} \|.*{figure}", readme), system


@pytest.mark.skipif(not (SHARED / "seeds").is_dir(), reason="the seed articles are not here")
def test_seed_articles_get_tags(shipped: Classifier) -> None:
    for path in sorted((SHARED / "seeds").glob("*.txt")):
        document = shipped.classify(path.read_text(encoding="utf-8"))
        assert any(sentence.tags for sentence in document.sentences), path

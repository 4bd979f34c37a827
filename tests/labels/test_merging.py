import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed_schema import MIXED

from framing.labels.counts import label_statistics
from framing.labels.errors import LabelsError
from framing.labels.grouping import AnnotatedSentence
from framing.labels.merging import merge
from framing.labels.records import Record, read_records, sentence_hash, write_records

NAMES = ("ann", "ben", "cem", "dora", "eve", "finn")


def said(*labels: dict[str, str], **changes: Any) -> AnnotatedSentence:
    record = Record("1", "wire", "d", {}, "seed", "", text="It rains.")
    records = {
        name: replace(record, annotator=name, labels=own, **changes)
        for name, own in zip(NAMES, labels, strict=False)
    }
    return AnnotatedSentence(records)


FAVOR, AGAINST, NEUTRAL = ({"trade": name} for name in ("favor", "against", "neutral"))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([FAVOR], FAVOR),
        ([FAVOR, FAVOR, {}], FAVOR),
        ([FAVOR, {}, {}], {}),
        ([FAVOR, FAVOR, AGAINST, {}, {}], FAVOR),  # three of five gave the topic
        ([FAVOR, FAVOR, AGAINST, NEUTRAL], FAVOR),  # most, though not more than half
        ([FAVOR, {}], None),
        ([FAVOR, AGAINST], None),
        ([FAVOR, AGAINST, NEUTRAL], None),
        ([FAVOR, FAVOR, AGAINST, AGAINST, {}], None),
    ],
)
def test_majority(labels: list[dict[str, str]], expected: dict[str, str] | None) -> None:
    merged = merge([said(*labels)], MIXED, by="majority")
    if expected is None:
        assert merged.records == ()
        assert [one.topics for one in merged.left_out] == [("trade",)]
    else:
        (record,) = merged.records
        assert (record.labels, record.annotator) == (expected, "majority")
        assert (record.source, record.document, record.provenance) == ("wire", "d", "seed")
        assert merged.single == (len(labels) == 1)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([{}, FAVOR], {}),
        ([FAVOR, {}], FAVOR),
        ([NEUTRAL, AGAINST, FAVOR, FAVOR, AGAINST], AGAINST),
        ([{}, AGAINST, FAVOR, FAVOR, AGAINST], AGAINST),
    ],
)
def test_first_annotator_decides_ties(
    labels: list[dict[str, str]], expected: dict[str, str]
) -> None:
    merged = merge([said(*labels)], MIXED, by="majority", first_decides_ties=True)
    assert merged.records[0].labels == expected
    assert (merged.ties, merged.left_out) == (1, ())


def test_adjudicated() -> None:
    sentences = [said(FAVOR, {}, AGAINST), said(FAVOR, FAVOR), said(FAVOR, {}), said(FAVOR)]
    merged = merge(sentences, MIXED, by="adjudicated", adjudicator="cem")
    assert [record.labels for record in merged.records] == [AGAINST, FAVOR, FAVOR]
    assert [one.sentence for one in merged.left_out] == [sentences[2]]
    assert merged.single == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"by": "adjudicated"}, "needs an adjudicator"),
        ({"by": "majority", "adjudicator": "ann"}, "needs an adjudicator"),
        ({"by": "adjudicated", "adjudicator": "zoe"}, "no records by 'zoe'; there are ann, ben"),
    ],
)
def test_adjudicator_goes_with_adjudicated(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(LabelsError) as caught:
        merge([said(FAVOR, {})], MIXED, **options)
    assert expected in str(caught.value)


def test_soft_holds_shares_of_disputed_topics(tmp_path: Path) -> None:
    crime = {"crime": "mentioned"}
    sentence = said({**crime, **FAVOR}, {**crime, **AGAINST}, {**crime, **FAVOR}, crime)
    merged = merge([sentence], MIXED, by="soft", first_decides_ties=True)
    (record,) = merged.records
    assert record.labels == {**crime, **FAVOR}
    assert record.soft == {"trade": {"absent": 0.25, "against": 0.25, "favor": 0.5}}
    write_records(merged.records, tmp_path / "r.jsonl")
    assert read_records(tmp_path / "r.jsonl", MIXED) == [record]
    (same,) = merge([said(FAVOR, FAVOR)], MIXED, by="soft").records
    assert same.soft is None


def test_soft_counts_by_the_shares_that_a_record_has() -> None:
    merged = said(FAVOR, soft={"trade": {"favor": 0.5, "against": 0.5}})
    (alone,) = merge([merged], MIXED, by="soft").records
    assert alone.soft == {"trade": {"against": 0.5, "favor": 0.5}}
    (ann,) = merged.by_annotator.values()
    both = AnnotatedSentence({"ann": ann, "ben": replace(ann, annotator="ben", soft=None)})
    (record,) = merge([both], MIXED, by="soft").records
    assert record.soft == {"trade": {"against": 0.25, "favor": 0.75}}


def test_doubts_of_half_and_standoff_are_kept() -> None:
    sha256 = sentence_hash("It rains.")
    sentence = said(FAVOR, FAVOR, text=None, sha256=sha256)
    doubtful = {
        "ann": replace(sentence.by_annotator["ann"], sure=False),
        "ben": replace(sentence.by_annotator["ben"], text="It rains.", n=4),
    }
    (record,) = merge([AnnotatedSentence(doubtful)], MIXED, by="majority").records
    assert (record.text, record.sha256, record.n, record.sure) == (None, sha256, 4, False)


LABELS = st.fixed_dictionaries(
    {},
    optional={topic: st.sampled_from(MIXED.stances_of(topic)) for topic in MIXED.topic_names},
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LABELS, min_size=1, max_size=6))
def test_any_merge_is_valid_labels(labels: list[dict[str, str]]) -> None:
    sentence = said(*labels)
    for first_decides in (False, True):
        merged = merge([sentence], MIXED, by="soft", first_decides_ties=first_decides)
        assert len(merged.records) + len(merged.left_out) == 1
        for record in merged.records:
            assert MIXED.problem_in(record.labels) is None
            for topic, shares in (record.soft or {}).items():
                assert sum(shares.values()) == pytest.approx(1)
                assert shares[record.labels.get(topic, "absent")] > 0


@pytest.mark.parametrize(
    ("soft", "expected"),
    [
        ({"tax": {"favor": 1}}, "soft: unknown topic 'tax'"),
        ({"trade": 1}, "soft: trade: must be an object"),
        ({"trade": {"pro": 1}}, "soft: trade: unknown class 'pro'; there are absent, against"),
        ({"crime": {"favor": 1}}, "soft: crime: unknown class 'favor'"),
        ({"trade": {"favor": 1.5}}, "the share of favor must be in [0, 1], got 1.5"),
        ({"trade": {"favor": True}}, "must be in [0, 1], got True"),
        ({"trade": {"favor": 0.4, "absent": 0.5}}, "the shares sum to 0.9, not to 1"),
        ({"trade": {"against": 1}}, "the label is favor, which has no share"),
        ([], "soft must be dict"),
    ],
)
def test_malformed_shares(tmp_path: Path, soft: object, expected: str) -> None:
    path = tmp_path / "r.jsonl"
    write_records([replace(said(FAVOR).record, annotator="x")], path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "soft": soft}))
    with pytest.raises(LabelsError) as caught:
        read_records(path, MIXED)
    assert str(caught.value).startswith(f"{path}, line 1: ")
    assert expected in str(caught.value)


def test_statistics() -> None:
    base = Record("1", "wire", "d1", FAVOR, "real", "ann", text="It rains in 2024.")
    records = [
        base,
        replace(base, annotator="ben", labels={}, sure=False),
        replace(base, id="2", document="d2"),
        replace(base, id="3", document="d3", text="it rains, in 2025!", labels=AGAINST),
        replace(base, id="4", text=None, sha256=sentence_hash("Gone."), labels={}),
        replace(base, id="5", text="12.", labels={"crime": "mentioned"}),
    ]
    found = label_statistics(records, MIXED)
    assert (found.records, found.sentences, found.documents) == (6, 5, 3)
    assert found.without_topic == pytest.approx(2 / 6)
    assert found.counts["trade", "favor", "real"] == 2
    assert ("crime", "mentioned") in found.few
    assert ("crime", "favor") not in found.few
    assert (found.words, found.without_text) == ((1, 4, 4, 4, 4), 1)
    ann, ben = found.annotators
    assert (ann.records, ben.unsure, ben.stances) == (5, 1.0, {})
    assert ann.topics == pytest.approx({"trade": 0.6, "taxes": 0, "crime": 0.2})
    assert ann.stances["favor"] == pytest.approx(0.5)
    exact, near = found.duplicates
    assert (exact.is_exact, len(exact.records), exact.labels_differ) == (True, 3, True)
    assert (near.is_exact, len(near.records)) == (False, 4)


def test_statistics_count_a_sentence_by_two_once() -> None:
    records = [
        record
        for number in range(9)
        for record in replace_id(said(FAVOR, FAVOR), str(number)).by_annotator.values()
    ]
    found = label_statistics(records, MIXED)
    assert found.counts["trade", "favor", "seed"] == 18
    assert ("trade", "favor") in found.few  # nine sentences


def replace_id(sentence: AnnotatedSentence, name: str) -> AnnotatedSentence:
    return AnnotatedSentence(
        {
            annotator: replace(record, id=name, text=f"Text {name}.")
            for annotator, record in sentence.by_annotator.items()
        }
    )

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed_schema import MIXED
from sklearn.metrics import cohen_kappa_score

from framing.labels.agreement import agreement, most_disagreed
from framing.labels.coefficients import (
    cohen_kappa,
    coincidences_of,
    mean_known,
    nominal_alpha,
    ordinal_alpha,
)
from framing.labels.errors import LabelsError
from framing.labels.grouping import AnnotatedSentence, group_sentences, only_by
from framing.labels.records import Record, sentence_hash
from framing.labels.schema import parse_schema

NAMES = ("ann", "ben", "cem")

SCHEMA = parse_schema(
    {
        "topics": [
            {"name": name, "title": name, "definition": name, "target": name}
            for name in ("trade", "war")
        ],
        "stances": [{"name": name, "definition": name} for name in ("pro", "con", "open")],
    },
    where="test",
)


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def record(number: int, annotator: str, labels: dict[str, str], **changes: object) -> Record:
    fields: dict[str, object] = {
        "id": str(number),
        "source": "wire",
        "document": f"d{number // 3}",
        "labels": labels,
        "provenance": "real",
        "annotator": annotator,
        "text": f"Sentence {number}.",
        **changes,
    }
    return Record(**fields)  # type: ignore[arg-type]


def sentences_of(rows: Sequence[Sequence[Any]]) -> list[AnnotatedSentence]:
    """One row per sentence, one cell per annotator; ``None`` where they did not annotate it."""
    return group_sentences(
        {
            name: [
                record(number, name, labels)
                for number, row in enumerate(rows)
                if (labels := row[column]) is not None
            ]
            for column, name in enumerate(NAMES)
        }
    )


LABELS = st.dictionaries(st.sampled_from(SCHEMA.topic_names), st.sampled_from(SCHEMA.stance_names))
ROWS = st.lists(st.tuples(*[st.none() | LABELS] * len(NAMES)), min_size=1, max_size=12)


@settings(max_examples=20, deadline=None)
@given(ROWS)
def test_figures_are_those_of_krippendorff_and_sklearn(
    rows: list[tuple[dict[str, str] | None, ...]],
) -> None:
    if all(sum(labels is not None for labels in row) < 2 for row in rows):
        return
    with patch("framing.labels.agreement.RESAMPLES", 10):  # intervals are not looked at
        measured = agreement(sentences_of(rows), SCHEMA)
    assert measured.sentences == sum(sum(x is not None for x in row) > 1 for row in rows)
    for topic in SCHEMA.topic_names:
        present = [[None if x is None else int(topic in x) for x in row] for row in rows]
        stance = [
            [None if not x or topic not in x else SCHEMA.classes.index(x[topic]) for x in row]
            for row in rows
        ]
        for about, table in (("topic", present), ("stance", stance)):
            data = np.array([[np.nan if x is None else x for x in row] for row in table])
            figure = measured.figure("alpha", about, topic=topic)
            assert figure is not None
            assert_alpha(figure.value, data)
            for first, second in measured.pairs:
                columns = [NAMES.index(first), NAMES.index(second)]
                both = data[:, columns][~np.isnan(data[:, columns]).any(axis=1)]
                kappa = measured.figure("kappa", about, topic=topic, pair=(first, second))
                assert (kappa.units if kappa else 0) == len(both)
                value = kappa.value if kappa else None
                assert (value is None) == (len(np.unique(both)) < 2)
                if value is not None:
                    assert value == pytest.approx(cohen_kappa_score(both[:, 0], both[:, 1]))


def assert_alpha(value: float | None, data: np.ndarray) -> None:
    pairable = data[(~np.isnan(data)).sum(axis=1) > 1]
    used = np.unique(pairable[~np.isnan(pairable)])
    assert (value is None) == (len(used) < 2)
    if value is not None:
        expected = krippendorff.alpha(reliability_data=pairable.T, level_of_measurement="nominal")
        assert value == pytest.approx(expected)


COUNTS = st.lists(
    st.tuples(*[st.integers(0, 3)] * 4).filter(lambda row: sum(row) > 1), min_size=1, max_size=15
)


@settings(max_examples=50, deadline=None)
@given(COUNTS)
def test_vectorised_alphas_are_those_of_the_package(counts: list[tuple[int, ...]]) -> None:
    table = np.array(counts)
    if (table.sum(axis=0) > 0).sum() < 2:
        assert np.isnan(nominal_alpha(coincidences_of(table).sum(0)))
        return
    both = np.stack([coincidences_of(table).sum(0)] * 2)
    for level, own in (("nominal", nominal_alpha(both)), ("ordinal", ordinal_alpha(both))):
        expected = krippendorff.alpha(value_counts=table, level_of_measurement=level)
        assert own == pytest.approx([expected, expected])


def test_kappa_of_a_textbook_table() -> None:
    # 20 and 15 of 50 alike, by chance 0.5: kappa 0.4.
    assert cohen_kappa(np.array([[20.0, 5.0], [10.0, 15.0]])) == pytest.approx(0.4)


def test_mean_is_over_what_is_known() -> None:
    values = [np.array([1.0, np.nan]), np.array([0.0, np.nan])]
    assert mean_known(values, values[0]) == pytest.approx([0.5, np.nan], nan_ok=True)
    assert np.isnan(mean_known([], values[0])).all()


def test_alpha_on_an_ordinal_scale_takes_a_small_step_for_less() -> None:
    near = [[{"war": "pro"}, {"war": "open"}, None], [{"war": "con"}, {"war": "con"}, None]]
    far = [[{"war": "pro"}, {"war": "con"}, None], [{"war": "open"}, {"war": "open"}, None]]
    order = ("pro", "open", "con")
    figures = [
        agreement(sentences_of(rows * 3), SCHEMA, ordinal=order).figure("alpha_ordinal", "stance")
        for rows in (near, far)
    ]
    values = [figure.value for figure in figures if figure is not None]
    assert values[0] is not None
    assert values[1] is not None
    assert values[0] > values[1]
    with pytest.raises(LabelsError, match="name each once: pro, con, open; got pro, con"):
        agreement(sentences_of(near), SCHEMA, ordinal=("pro", "con"))


def test_joint_f1_and_exact_match() -> None:
    rows = [
        [{"war": "pro"}, {"war": "pro"}, None],
        [{"war": "pro", "trade": "con"}, {"war": "con"}, None],
        [{}, {}, None],
    ]
    measured = agreement(sentences_of(rows), SCHEMA)
    joint = measured.figure("joint_f1", "labels", pair=("ann", "ben"))
    exact = measured.figure("exact", "labels", pair=("ann", "ben"))
    assert joint is not None
    assert exact is not None
    assert joint.value == pytest.approx(2 * 1 / (3 + 2))
    assert exact.value == pytest.approx(2 / 3)
    assert (joint.low, joint.note) == (None, "all in one document: no interval")


def test_interval_holds_the_figure_and_is_the_same_every_time() -> None:
    rng = np.random.default_rng(3)
    rows: list[list[dict[str, str] | None]] = []
    for _ in range(90):
        true = {"war": str(rng.choice(SCHEMA.stance_names))} if rng.random() < 0.5 else {}
        rows.append([true, true if rng.random() < 0.8 else {"war": "pro"}, None])
    first, second = (agreement(sentences_of(rows), SCHEMA) for _ in range(2))
    assert first == second
    figure = first.figure("alpha", "topic", topic="war")
    assert figure is not None
    assert figure.value is not None
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < figure.value < figure.high
    assert 0.1 < figure.high - figure.low < 0.6


def test_undefined_figures_say_why() -> None:
    rows = [[{"war": "pro"}, {"war": "pro"}, None]] * 6
    measured = agreement(sentences_of(rows), SCHEMA)
    expected = {
        ("topic", "war"): "all of 6 are present",
        ("topic", "trade"): "all of 6 are absent",
        ("stance", "war"): "all of 6 are pro",
        ("stance", "trade"): "no two annotators gave the topic",
        ("stance", None): "all of 6 are pro",
    }
    for (about, topic), note in expected.items():
        for measure in ("alpha", "kappa"):
            figure = measured.figure(measure, about, topic=topic)
            assert figure is not None
            assert (figure.value, figure.note) == (None, note)


def test_no_pair_has_a_kappa_although_alpha_is_defined() -> None:
    rows = [[{}, {}, None], [{"war": "pro"}, None, {"war": "pro"}]]
    measured = agreement(sentences_of(rows), SCHEMA)
    kappa = measured.figure("kappa", "topic", topic="war")
    alpha = measured.figure("alpha", "topic", topic="war")
    assert alpha is not None
    assert kappa is not None
    assert alpha.value == pytest.approx(1)
    assert (kappa.value, kappa.note) == (None, "every pair used one class only")


def test_stance_is_left_out_where_there_is_one() -> None:
    one = SCHEMA.model_dump(mode="json") | {"stances": [{"name": "pro", "definition": "p"}]}
    rows = [[{"war": "pro"}, {}, None], [{}, {}, None]]
    measured = agreement(sentences_of(rows), parse_schema(one, where="test"))
    assert {figure.about for figure in measured.figures} == {"topic", "labels"}


def test_topics_with_stances_of_their_own() -> None:
    rows = [
        [
            {"crime": "mentioned", "taxes": "favor"},
            {"crime": "mentioned", "taxes": "neutral"},
            None,
        ],
        [{"trade": "against"}, {"trade": "against"}, None],
    ]
    order = ("against", "neutral", "favor", "strongly_favor")
    measured = agreement(sentences_of(rows), MIXED, ordinal=order)
    stance = measured.figure("same", "stance")
    assert stance is not None
    assert (stance.units, stance.value) == (2, 0.5)
    assert measured.figure("alpha", "stance", topic="crime") is None


def test_needs_a_sentence_with_two_annotators() -> None:
    with pytest.raises(LabelsError, match=r"none of 2 sentences is annotated by two; .* ann, ben"):
        agreement(sentences_of([[{}, None, None], [None, {}, None]]), SCHEMA)


def test_most_disagreed_first() -> None:
    rows = [
        [{"war": "pro"}, {"war": "pro"}, {"war": "con"}],
        [{"war": "pro"}, {"war": "con"}, {"war": "open"}],
        [{"war": "pro"}, {"war": "pro"}, {"war": "pro"}],
        [{"war": "pro"}, {}, None],
        [{"war": "pro"}, {"trade": "con"}, None],
    ]
    found = most_disagreed(sentences_of(rows), SCHEMA)
    assert [one.sentence.record.id for one in found] == ["1", "4", "3", "0"]
    assert found[1].topics == ("trade", "war")
    assert found[2].entropy == pytest.approx(1.0)


def test_records_meet_by_id_else_by_text_and_document() -> None:
    said = {
        "a": [record(1, "ann", {}), record(2, "ann", {}, text="Same.", document="d")],
        "b": [
            record(1, "ben", {}, text=None, sha256=sentence_hash("Sentence 1.")),
            record(7, "ben", {}, text="Same.", document="d"),
            record(8, "ben", {}, text="Same.", document="other"),
        ],
    }
    found = group_sentences(said)
    assert [tuple(one.by_annotator) for one in found] == [("ann", "ben"), ("ann", "ben"), ("ben",)]
    assert found[0].record.text == "Sentence 1."


def test_outer_blanks_do_not_part_annotators() -> None:
    ours = Record("1", "wire", "d", {}, "real", "ann", "A. ")
    standoff = replace(ours, annotator="cid", text=None, sha256=sentence_hash("A. "))
    table = replace(ours, annotator="ben", text="A.")
    for ids in (("1", "1", "1"), ("1", "2", "3")):
        records = [
            replace(record, id=name)
            for record, name in zip((ours, standoff, table), ids, strict=True)
        ]
        (one,) = group_sentences({"file": records})
        assert set(one.by_annotator) == {"ann", "ben", "cid"}


def test_a_repeated_sentence_is_two() -> None:
    said = {
        name: [record(number + n, name, {}, text="Same.", document="d", n=n) for n in (3, 9)]
        for name, number in (("ann", 0), ("ben", 100))
    }
    found = group_sentences(said)
    assert [(one.n, len(one.by_annotator)) for one in found] == [(3, 2), (9, 2)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"text": "Another."}, "text 'Sentence 1.' in a, 'Another.' in b"),
        ({"document": "x"}, "document 'd0' in a, 'x' in b"),
        ({"source": "x"}, "source 'wire' in a, 'x' in b"),
        ({"provenance": "seed"}, "provenance 'real' in a, 'seed' in b"),
        ({"n": 2}, "n 1 in a, 2 in b"),
        ({"annotator": "ann", "labels": {"war": "pro"}}, "labelled twice by 'ann'"),
    ],
)
def test_records_with_one_id_that_differ(change: dict[str, object], expected: str) -> None:
    first = record(1, "ann", {}, n=1)
    second = replace(record(1, "ben", {}, n=1), **change)  # type: ignore[arg-type]
    with pytest.raises(LabelsError) as caught:
        group_sentences({"a": [first], "b": [second]})
    assert expected in str(caught.value)


def test_the_same_record_twice_is_one() -> None:
    assert len(group_sentences({"a": [record(1, "ann", {})], "b": [record(1, "ann", {})]})) == 1


def test_only_some_annotators() -> None:
    said = sentences_of([[{}, {}, {}], [None, None, {}]])
    assert [tuple(one.by_annotator) for one in only_by(said, ["ann", "ben"])] == [("ann", "ben")]
    with pytest.raises(LabelsError, match="no annotator 'dan'; there are ann, ben, cem"):
        only_by(said, ["dan"])

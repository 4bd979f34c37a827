import pytest
from helpers import make_records

from framing.labels.errors import LabelsError
from framing.labels.records import Record
from framing.training.splits import (
    folds_by_document,
    hold_out,
    joined_documents,
    split_by_document,
    with_versions,
)


def test_no_document_is_on_two_sides() -> None:
    for seed in range(5):
        split = split_by_document(make_records(60), fraction=0.3, seed=seed)
        assert not {r.group for r in split.train} & {r.group for r in split.held_out}
        assert len(split.train) + len(split.held_out) == 60


def test_every_source_is_held_out_in_proportion() -> None:
    split = split_by_document(make_records(60), fraction=0.2, seed=0)
    for source in ("wire", "blog"):
        assert len({r.document for r in split.held_out if r.source == source}) == 3


def test_same_document_name_in_two_sources_is_two_documents() -> None:
    first = Record("1", "a", "d", {}, "seed", "x", text="One.")
    second = Record("2", "b", "d", {}, "seed", "x", text="Two.")
    split = hold_out([first, second], {"a/d"})
    assert split.held_out == (first,)
    assert split.train == (second,)


def test_sentences_of_held_out_documents_leave_the_training_side() -> None:
    held = Record("1", "a", "d", {}, "seed", "x", text="The same “sentence”.")
    twin = Record("2", "b", "e", {}, "seed", "x", text="the same sentence")
    other = Record("3", "b", "e", {}, "seed", "x", text="Another.")
    assert hold_out([held, twin, other], {"a/d"}).train == (other,)


def test_same_seed_same_split() -> None:
    records = make_records(60)
    first = split_by_document(records, fraction=0.3, seed=1)
    assert first == split_by_document(records, fraction=0.3, seed=1)
    assert first != split_by_document(records, fraction=0.3, seed=2)


def test_too_few_documents_is_an_error() -> None:
    with pytest.raises(LabelsError, match="cannot split 1 documents"):
        split_by_document(make_records(2), fraction=0.3, seed=1)


def numbered(
    source: str, document: str, texts: list[str], labels: dict[str, str] | None = None
) -> list[Record]:
    return [
        Record(f"{source}{document}{i}", source, document, labels or {}, "real", "x", text=text)
        for i, text in enumerate(texts)
    ]


def test_versions_of_a_document_stay_together() -> None:
    first = numbered("a", "1", ["Rain fell.", "Snow fell.", "Hail fell."])
    version = numbered("b", "9", ["RAIN fell", "Snow fell!", "Fog came."])
    chained = numbered("c", "5", ["Fog came."])
    other = numbered("a", "2", ["Rain fell.", "One.", "Two.", "Three."])
    joined = joined_documents([*first, *version, *chained, *other])
    assert joined == {"a/1": "a/1", "b/9": "a/1", "c/5": "a/1"}
    records = [*first, *version, *chained, *other, *numbered("b", "3", ["Four."])]
    for seed in range(5):
        split = split_by_document(records, fraction=0.5, seed=seed)
        sides = [{r.group for r in side} & set(joined) for side in (split.train, split.held_out)]
        assert sides in ([set(joined), set()], [set(), set(joined)])


def test_a_document_with_its_versions() -> None:
    joined = {"a/1": "a/1", "b/9": "a/1", "c/5": "c/5", "d/1": "c/5"}
    assert with_versions({"b/9", "e/2"}, joined) == {"a/1", "b/9", "e/2"}


def test_a_set_phrase_joins_nothing() -> None:
    records = [r for i in range(30) for r in numbered("a", str(i), ["Reporting by X."])]
    assert joined_documents(records) == {}


def test_many_small_sources_still_give_a_held_out_side() -> None:
    records = [r for i in range(8) for r in numbered(f"s{i}", "d", [f"Text {i}."])]
    assert len(split_by_document(records, fraction=0.25, seed=0).held_out) == 2


@pytest.mark.parametrize(("sources", "documents"), [(99, 3), (40, 1), (7, 2)])
def test_small_sources_are_held_out_in_proportion_beside_a_large_one(
    sources: int, documents: int
) -> None:
    large = [r for d in range(20) for r in numbered("large", str(d), [f"Large {d}."])]
    small = [
        record
        for source in range(sources)
        for document in range(documents)
        for record in numbered(f"s{source}", str(document), [f"Text {source} {document}."])
    ]
    split = split_by_document([*large, *small], fraction=0.15, seed=1)
    held = [r.source == "large" for r in split.held_out]
    assert held.count(True) == 3
    assert held.count(False) == round(sources * documents * 0.15)
    # The draw of small sources comes last, so that it changes nothing of the others'.
    alone = split_by_document(large, fraction=0.15, seed=1).held_out
    assert alone == tuple(r for r in split.held_out if r.source == "large")


def test_folds_hold_every_document_out_once_with_its_share_of_labels() -> None:
    records = make_records(120)
    splits = folds_by_document(records, count=4, seed=1)
    held = [r.id for split in splits for r in split.held_out]
    assert sorted(held) == sorted(r.id for r in records)
    for split in splits:
        assert not {r.group for r in split.train} & {r.group for r in split.held_out}
        assert sum(r.labels == {"asylum": "against"} for r in split.held_out) in range(3, 8)
    assert splits == folds_by_document(records, count=4, seed=1)
    few = folds_by_document(records[:12], count=5, seed=1)  # no label has five sentences
    assert sorted(r.id for split in few for r in split.held_out) == sorted(
        r.id for r in records[:12]
    )
    with pytest.raises(LabelsError, match="cannot make 5 folds of 4 documents"):
        folds_by_document(records[:8], count=5, seed=1)

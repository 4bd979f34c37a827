import pytest
from helpers import make_records

from framing.labels.errors import LabelsError
from framing.labels.records import Record
from framing.training.splits import hold_out, split_by_document


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

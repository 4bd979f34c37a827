from helpers import BACKBONE
from hypothesis import given
from hypothesis import strategies as st

from framing.encoding import SentenceEncoder, length_batches, padded


def test_short_sentences_take_one_window() -> None:
    ids, owners = SentenceEncoder(BACKBONE, max_tokens=32).windows(["One.", "Two."])
    assert owners == [0, 1]
    assert len(ids) == 2


def test_long_sentence_is_windowed_and_nothing_is_cut_off() -> None:
    words = [f"word{i}" for i in range(100)]
    ids, owners = SentenceEncoder(BACKBONE, max_tokens=16).windows([" ".join(words), "Short."])
    whole, _ = SentenceEncoder(BACKBONE, max_tokens=100_000).windows([" ".join(words)])
    windows = [row[1:-1] for row, owner in zip(ids, owners, strict=True) if owner == 0]
    assert max(len(row) for row in ids) <= 16
    overlap = 4
    joined = windows[0] + [token for row in windows[1:] for token in row[overlap:]]
    assert joined == whole[0][1:-1]


def test_lone_surrogate_is_no_error() -> None:
    ids, _ = SentenceEncoder(BACKBONE, max_tokens=16).windows(["\ud800 base"])
    assert ids


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 2000))
def test_batches_hold_every_index_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = list(length_batches(lengths, batch_tokens=budget))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or max(lengths[i] for i in batch) * len(batch) <= budget


def test_padded() -> None:
    ids, mask = padded([[5, 6], [7]], pad=9)
    assert ids.tolist() == [[5, 6], [7, 9]]
    assert mask.tolist() == [[1, 1], [1, 0]]

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framing.splitting import split_sentences, strip_span


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["The U.S. has 900 troops there.", "They stay."],
        ["Gen. A. B. Smith met Mr. al-Sharaa on Jan. 5.", "He left."],
        ["“We are ready,” he said.", "“We will help.”"],
        ["Aid worth $1.5 billion came.", "Was it enough?", "No!"],
    ],
)
def test_sentence_ends(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


def test_headline_without_full_stop_is_a_sentence() -> None:
    assert sentences("Russia to keep bases\n\nMoscow said so.") == [
        "Russia to keep bases",
        "Moscow said so.",
    ]
    assert sentences("Russia to keep bases\nMoscow said so on Monday.") == [
        "Russia to keep bases",
        "Moscow said so on Monday.",
    ]


def test_wrapped_lines_are_joined() -> None:
    text = (
        "The Kremlin has declared its readiness to assist in the\n"
        "country's reconstruction and to preserve its presence in\n"
        "the region. Damascus has not answered."
    )
    assert len(sentences(text)) == 2


def test_opening_quote_goes_with_what_follows() -> None:
    assert sentences('He left. "We stay," she said.')[1].startswith('"')


@pytest.mark.parametrize("space", ["\xa0", "\u2003", "\u202f", "\u3000", "\x85"])
def test_wide_spaces_behind_initials_do_no_harm(space: str) -> None:
    text = f"It was Hepatitis B{space}. Two died. George{space}W{space}. Bush said so."
    found = sentences(text)
    assert " ".join(" ".join(found).split()) == " ".join(text.split())


@pytest.mark.parametrize("text", ["", " ", "\n\n\t", "\u2029"])
def test_white_space_gives_nothing(text: str) -> None:
    assert split_sentences(text) == []


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from('.?!"“” \n\r\t\xa0\u2003AB'))))
def test_spans_are_exact_ordered_and_complete(text: str) -> None:
    spans = split_sentences(text)
    last = 0
    for start, end in spans:
        assert last <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert not text[last:start].strip()
        last = end
    assert not text[last:].strip()


def test_five_megabytes_of_quotes_take_seconds() -> None:
    text = 'He said "no" and left. ' * 220_000
    start = time.monotonic()
    assert len(split_sentences(text)) > 200_000
    assert time.monotonic() - start < 20


def test_strip_span() -> None:
    assert strip_span("  a b ", 0, 6) == (2, 5)
    assert strip_span("   ", 0, 3) == (3, 3)

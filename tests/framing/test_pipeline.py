from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event

import pytest

from framing.pipeline import Window, computed_ahead, sentence_windows


def windows(count: int) -> Iterator[Window]:
    for number in range(count):
        yield [(str(number), [])]


def name(window: Window, unwanted: Event) -> str:
    return window[0][0]


def test_results_come_in_order_whatever_takes_long() -> None:
    def slow_first(window: Window, unwanted: Event) -> str:
        time.sleep(0.05 if window[0][0] == "0" else 0)
        return name(window, unwanted)

    found = [result for _, result in computed_ahead(windows(7), slow_first)]
    assert found == [str(number) for number in range(7)]


def test_reads_only_a_few_windows_ahead() -> None:
    read = []

    def counted() -> Iterator[Window]:
        for window in windows(100):
            read.append(window)
            yield window

    results = computed_ahead(counted(), name)
    next(results)
    assert len(read) == 3
    results.close()  # type: ignore[attr-defined]


def test_what_was_read_comes_out_before_an_error_of_the_input() -> None:
    def broken() -> Iterator[Window]:
        yield from windows(2)
        raise OSError("disk")

    found = []
    with pytest.raises(OSError, match="disk"):
        for _, result in computed_ahead(broken(), name):
            found.append(result)
    assert found == ["0", "1"]


def test_an_error_of_the_computing_comes_in_its_place() -> None:
    def second_fails(window: Window, unwanted: Event) -> str:
        if window[0][0] == "1":
            raise ValueError("window 1")
        return name(window, unwanted)

    found = []
    with pytest.raises(ValueError, match="window 1"):
        for _, result in computed_ahead(windows(7), second_fails):
            found.append(result)
    assert found == ["0"]


def test_a_caller_who_leaves_stops_the_computing() -> None:
    told = []

    def patient(window: Window, unwanted: Event) -> str:
        if window[0][0] != "0":
            told.append(unwanted.wait(10))
        return name(window, unwanted)

    results = computed_ahead(windows(9), patient)
    next(results)
    started = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 5
    assert all(told)


def test_windows_hold_whole_texts_and_few_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framing.pipeline._SENTENCES", 4)
    texts = ["One. Two. Three.", "Four. Five.", "", "Six."]
    found = list(sentence_windows(texts, split=True))
    assert [[text for text, _ in window] for window in found] == [texts[:2], texts[2:]]


def test_a_window_that_is_not_full_comes_out_before_an_error_of_the_input() -> None:
    def broken() -> Iterator[str]:
        yield "One."
        raise OSError("disk")

    found = []
    with pytest.raises(OSError, match="disk"):
        for window in sentence_windows(broken(), split=True):
            found.append([text for text, _ in window])
    assert found == [["One."]]


def test_long_texts_that_are_not_split_fill_a_window_sooner() -> None:
    texts = ["word " * 10_000] * 100  # of 50,000 characters each
    found = list(sentence_windows(texts, split=False))
    assert sum(len(window) for window in found) == 100
    assert max(len(window) for window in found) < 50

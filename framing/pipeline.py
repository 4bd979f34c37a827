"""The flow of many texts: windows of sentences, read while earlier ones are computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

Result = TypeVar("Result")

Span = tuple[int, int]
Window = list[tuple[str, list[Span]]]
"""Texts, and where their sentences stand in them."""

# Sentences per window, and windows computed while the next is read: enough for batches of
# like length and for busy processors, little enough for flat memory.
_SENTENCES = 4096
_LONGEST = 512  # characters; longer texts that are not split count as several sentences
_AHEAD = 2


def sentence_windows(texts: Iterable[str], *, split: bool) -> Iterator[Window]:
    """Texts with the spans of their sentences, about as many sentences at a time as is best.

    If the texts cannot be read on, those before come out first.

    Raises:
        TypeError: An item is not a string, or ``split`` no truth value.
    """
    from framing.splitting import split_sentences, strip_span

    if not isinstance(split, bool):
        raise TypeError(f"split must be True or False, got {split!r}")
    window: Window = []
    count = 0
    try:
        for index, text in enumerate(texts):
            check_text(text, f"texts[{index}]")
            whole = strip_span(text, 0, len(text))
            spans = split_sentences(text) if split else [whole] if whole[0] < whole[1] else []
            window.append((text, spans))
            count += max(1, len(spans), len(text) // _LONGEST)
            if count >= _SENTENCES:
                yield window
                window, count = [], 0
    except Exception:
        yield window
        raise
    if window:
        yield window


def computed_ahead(
    windows: Iterable[Window], compute: Callable[[Window, Event], Result]
) -> Iterator[tuple[Window, Result]]:
    """Each window with what ``compute`` makes of it, in order, a few computed ahead.

    The input is read in the caller's thread. If reading it fails, the windows read before
    come out first. ``compute`` is given an event that is set when nobody wants its result
    any more, after Ctrl-C for example, and may then raise what it likes.
    """
    waiting: deque[tuple[Window, Future[Result]]] = deque()
    unwanted = Event()
    source = iter(windows)
    failure: Exception | None = None
    with ThreadPoolExecutor(_AHEAD, "framing-window") as threads:
        try:
            while True:
                try:
                    window = next(source)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - raised when all before it is out
                    failure = error
                    break
                waiting.append((window, threads.submit(compute, window, unwanted)))
                if len(waiting) > _AHEAD:
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)
        finally:
            unwanted.set()
            threads.shutdown(wait=False, cancel_futures=True)
    if failure is not None:
        raise failure


def _first(waiting: deque[tuple[Window, Future[Result]]]) -> tuple[Window, Result]:
    window, result = waiting.popleft()
    return window, result.result()


def check_many(texts: object, name: str, *, batch_tokens: int | None) -> None:
    """Check what comes as many texts, as far as can be without reading it.

    Raises:
        TypeError: It is one text, a table, or nothing to iterate over.
        ValueError: ``batch_tokens`` is less than 1.
    """
    problem = f"{name} must be an iterable of strings"
    if isinstance(texts, str | bytes):
        raise TypeError(f"{problem}, not one string; use classify() for one text")
    if isinstance(texts, Mapping) or hasattr(texts, "columns"):
        raise TypeError(f"{problem}; give one column of the table")
    if not isinstance(texts, Iterable):
        raise TypeError(f"{problem}, got {type(texts).__name__}")
    if batch_tokens is not None and batch_tokens < 1:
        raise ValueError(f"batch_tokens must be at least 1, got {batch_tokens}")


def check_text(text: object, name: str) -> None:
    """Raise a TypeError that names the argument if it is not a string."""
    if not isinstance(text, str):
        hint = "; decode it first" if isinstance(text, bytes) else ""
        raise TypeError(f"{name} must be a str, got {type(text).__name__}{hint}")


def with_progress(documents: Iterator[Result], texts: object) -> Iterator[Result]:
    """The documents, and a bar on standard error; it has an end if the number of texts is known."""
    from rich.console import Console
    from rich.progress import track

    total = len(texts) if isinstance(texts, Sized) else None
    yield from track(documents, "Classifying", total=total, console=Console(stderr=True))

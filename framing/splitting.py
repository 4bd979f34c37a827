"""Split text into sentences, with exact character offsets.

Sentence ends come from `sentencex <https://pypi.org/project/sentencex/>`_: on the seed
articles it is as good as syntok and pysbd and better than blingfire, and with what is
added here still five times as fast as any as good (``benchmarks/splitting.py``). What is
ours is the layout of news text: blank lines and line ends that close a headline.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from sentencex import get_sentence_boundaries

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n|\r\n[^\S\n]*\r\n|[\u2029\f]")
_LINE = re.compile(r"[^\n\r\u2028]+")
_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")
_OPENING = re.compile(r"\s([\"“‘«„(\[]+)\s*$")

# Text is wrapped at a column within these bounds; wider lines are paragraphs of
# their own, narrower ones are lists or headings.
_WRAP_WIDTHS = range(30, 121)

# sentencex takes quadratic time in the number of quotes, so that a text with no
# line ends is cut into pieces of this many characters, at a full stop if there is one.
_MAX_PIECE = 20_000


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Find the sentences of a text.

    A blank line always ends a sentence, and so does a line end, unless the
    lines of the paragraph are plainly one text wrapped at a fixed width.

    Returns:
        ``(start, end)`` pairs in order, not overlapping, free of white space
        at both ends and never empty. White space alone gives no sentence.
    """
    spans: list[tuple[int, int]] = []
    for start, end in _units(text):
        for piece_start, piece_end in _pieces(text, start, end):
            spans += _sentences(text, piece_start, piece_end)
    return spans


def strip_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Shrink ``text[start:end]`` to what is left without white space around it."""
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    return start, max(start, start + len(part.strip()))


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs, and where line ends matter, lines."""
    start = 0
    for blank in [*_BLANK_LINE.finditer(text), None]:
        end = len(text) if blank is None else blank.start()
        lines = [match.span() for match in _LINE.finditer(text, start, end)]
        if _is_wrapped([text[a:b].rstrip() for a, b in lines]):
            yield start, end
        else:
            yield from lines
        start = len(text) if blank is None else blank.end()


def _is_wrapped(lines: list[str]) -> bool:
    """Whether greedy line wrapping at one width would give exactly these lines.

    True when at every line end the next line's first word would not have fit.
    """
    if len(lines) < 2:
        return False
    width = max(map(len, lines))
    breaks = list(itertools.pairwise(lines))
    continued = all(after.lstrip()[:1].islower() for _, after in breaks)
    if continued or len(lines) == 2 or width not in _WRAP_WIDTHS:
        return continued and width <= _WRAP_WIDTHS[-1]
    return all(
        len(before) + 1 + len(after.split(maxsplit=1)[0] if after.strip() else "") > width
        for before, after in breaks
    )


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > _MAX_PIECE:
        limit, least = start + _MAX_PIECE, start + _MAX_PIECE // 2
        cut = max(text.rfind(". ", least, limit) + 1, least)
        if cut == least:
            cut = max(text.rfind(" ", least, limit), least)
        yield start, cut
        start = cut
    yield start, end


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    clean = piece
    if not piece.isascii():
        # Lone surrogates cannot be encoded for the splitter; one character for one. And it
        # panics at a space outside of ASCII between an initial and a full stop.
        clean = _WIDE_SPACE.sub(" ", piece.encode("utf-8", "replace").decode("utf-8"))
    ends = [start + boundary["end_index"] for boundary in get_sentence_boundaries("en", clean)]
    for stop in ends:
        opening = _OPENING.search(text, start, stop) if stop < end else None
        # An opening quote at the end belongs to the sentence that follows.
        cut = opening.start(1) if opening else stop
        begin, close = strip_span(text, start, cut)
        if close > begin:
            yield begin, close
        start = cut

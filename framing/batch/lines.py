"""Cut text files into raw records, with the place at which each one starts.

JSON Lines and plain lines end at a line feed. A record of CSV may hold line feeds inside
quotes; the parser is that of the standard library, fed line by line, so that one broken
record costs one line and not the rest of the file.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

BOM = b"\xef\xbb\xbf"
"""The mark that some programs put before UTF-8."""

LINE_LIMIT = 64 << 20
"""Bytes of a line that is still read."""

FIELD_LIMIT = 4 << 20
"""Characters of a CSV field; an open quote that runs on for longer is an error."""


_TOO_LONG = "field larger than the limit of a line"  # begins like the message of the csv module

_WholeLine = tuple[bytes | None, int, int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; ``data`` is ``None`` where it is over :data:`LINE_LIMIT`."""

    data: bytes | None
    offset: int
    number: int


@dataclass(frozen=True, slots=True)
class Fields:
    """One record of CSV; ``problem`` says why there are no fields but the ``line`` as it is."""

    fields: list[str]
    offset: int
    number: int
    size: int
    problem: str | None = None
    line: str = ""


def read_lines(stream: IO[bytes], *, offset: int = 0, number: int = 1) -> Iterator[Line]:
    """The lines of a stream that stands at ``offset``, before line ``number``."""
    for data, start, line, _ in _whole_lines(stream, offset, number):
        yield Line(None if data is None else data.rstrip(b"\r\n"), start, line)


class CsvRecords:
    """Records of a CSV stream, broken ones included.

    Bytes that are not UTF-8 come out as surrogates (``surrogateescape``), so that the field
    they stand in can be named.
    """

    def __init__(
        self, stream: IO[bytes], *, delimiter: str, offset: int = 0, number: int = 1
    ) -> None:
        self._lines = _whole_lines(stream, offset, number)
        self._delimiter = delimiter
        self._again: deque[_WholeLine] = deque()
        self._taken: list[_WholeLine] = []

    def __iter__(self) -> Iterator[Fields]:
        csv.field_size_limit(max(FIELD_LIMIT, csv.field_size_limit()))
        parser = csv.reader(self._feed(), delimiter=self._delimiter, strict=True)
        while True:
            self._taken.clear()
            problem, fields, line = None, [], ""
            try:
                fields = next(parser)
            except StopIteration:
                return
            except csv.Error as error:
                problem = str(error)
                line = (self._taken[0][0] or b"").decode("utf-8", "surrogateescape").rstrip()
                # The line alone is broken; what follows may be well.
                self._again.extendleft(reversed(self._taken[1:]))
                del self._taken[1:]
                parser = csv.reader(self._feed(), delimiter=self._delimiter, strict=True)
            _, offset, number, _ = self._taken[0]
            size = sum(line[3] for line in self._taken)
            if fields or problem:  # a blank line is no record
                yield Fields(fields, offset, number, size, problem, line)

    def _feed(self) -> Iterator[str]:
        while True:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                return
            self._taken.append(line)
            if line[0] is None:
                raise csv.Error(_TOO_LONG)
            yield line[0].decode("utf-8", "surrogateescape")


def _whole_lines(stream: IO[bytes], offset: int, number: int) -> Iterator[_WholeLine]:
    """Lines with their ends, their offsets, numbers and sizes; no bytes of one that is too long."""
    while data := stream.readline(LINE_LIMIT):
        size, whole = len(data), True
        while not data.endswith(b"\n") and size % LINE_LIMIT == 0:
            rest = stream.readline(LINE_LIMIT)
            if not rest:
                break
            size, whole, data = size + len(rest), False, rest
        text = data.removeprefix(BOM) if offset == 0 else data
        yield text if whole else None, offset, number, size
        offset, number = offset + size, number + 1

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


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; ``data`` is ``None`` where it is over :data:`LINE_LIMIT`."""

    data: bytes | None
    offset: int
    number: int


@dataclass(frozen=True, slots=True)
class Fields:
    """One record of CSV; ``problem`` says why there are no fields."""

    fields: list[str]
    offset: int
    number: int
    size: int
    problem: str | None = None


def read_lines(stream: IO[bytes], *, offset: int = 0, number: int = 1) -> Iterator[Line]:
    """The lines of a stream that stands at ``offset``, before line ``number``."""
    while data := stream.readline(LINE_LIMIT):
        size, whole = len(data), True
        while not data.endswith(b"\n") and size % LINE_LIMIT == 0:
            rest = stream.readline(LINE_LIMIT)
            if not rest:
                break
            size, whole, data = size + len(rest), False, rest
        text = data.removeprefix(BOM) if offset == 0 else data
        yield Line(text.rstrip(b"\r\n") if whole else None, offset, number)
        offset, number = offset + size, number + 1


class CsvRecords:
    """Records of a CSV stream, broken ones included.

    Bytes that are not UTF-8 come out as surrogates (``surrogateescape``), so that the field
    they stand in can be named.
    """

    def __init__(
        self, stream: IO[bytes], *, delimiter: str, offset: int = 0, number: int = 1
    ) -> None:
        self._lines = self._read(stream, offset, number)
        self._delimiter = delimiter
        self._again: deque[tuple[str, int, int, int]] = deque()
        self._taken: list[tuple[str, int, int, int]] = []

    def __iter__(self) -> Iterator[Fields]:
        csv.field_size_limit(max(FIELD_LIMIT, csv.field_size_limit()))
        parser = csv.reader(self._feed(), delimiter=self._delimiter, strict=True)
        while True:
            self._taken.clear()
            problem, fields = None, []
            try:
                fields = next(parser)
            except StopIteration:
                return
            except csv.Error as error:
                problem = str(error)
                # The line alone is broken; what follows may be well.
                self._again.extendleft(reversed(self._taken[1:]))
                del self._taken[1:]
                parser = csv.reader(self._feed(), delimiter=self._delimiter, strict=True)
            _, offset, number, _ = self._taken[0]
            size = sum(line[3] for line in self._taken)
            if fields or problem:  # a blank line is no record
                yield Fields(fields, offset, number, size, problem)

    def _feed(self) -> Iterator[str]:
        while True:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                return
            self._taken.append(line)
            yield line[0]

    @staticmethod
    def _read(stream: IO[bytes], offset: int, number: int) -> Iterator[tuple[str, int, int, int]]:
        for data in iter(lambda: stream.readline(LINE_LIMIT), b""):
            text = data.removeprefix(BOM) if offset == 0 else data
            yield text.decode("utf-8", "surrogateescape"), offset, number, len(data)
            offset, number = offset + len(data), number + 1

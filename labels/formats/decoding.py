"""Bytes to text to JSON, where every fault has its place."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from framing.labels.errors import LabelsError
from framing.labels.formats.problems import Problems

_CONVERT = "save the file as UTF-8 (in Excel: 'CSV UTF-8'; else iconv -f ITS_ENCODING -t UTF-8)"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def bytes_of(path: Path, problems: Problems) -> bytes:
    """The bytes of a file, which is not in UTF-16.

    Raises:
        LabelsError: The file cannot be read.
        ImportProblems: It is UTF-16, so that there is no use in reading on.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LabelsError(f"{path}: cannot be read: {error.strerror}") from error
    if data[:2] in _UTF16_MARKS:
        shown = f"byte 0x{data[0]:02X}"
        problems.add(f"is UTF-16, not UTF-8; {_CONVERT}", row=1, column="1", value=shown)
        problems.raise_if_any()
    return data


def bad_byte(text: str) -> str | None:
    """What to say of text that was decoded by ``surrogateescape``; ``None`` if it is well."""
    bad = next((char for char in text if "\udc80" <= char <= "\udcff"), None)
    return None if bad is None else f"byte 0x{ord(bad) - 0xDC00:02X} is not UTF-8; {_CONVERT}"


def json_lines(path: Path, problems: Problems) -> list[tuple[int, dict[str, Any]]]:
    """Line number and object of every line of JSON Lines that is one."""
    found = []
    for number, line in enumerate(bytes_of(path, problems).split(b"\n"), start=1):
        if not line.strip():
            continue
        content = _parsed(line.removeprefix(b"\xef\xbb\xbf"), problems, first_line=number)
        if isinstance(content, dict):
            found.append((number, content))
        elif content is not None:
            problems.add("expected a JSON object", row=number, column="1", value=content)
    return found


def json_document(path: Path, problems: Problems) -> Any:
    """The content of a JSON file, ``None`` where it is malformed."""
    data = bytes_of(path, problems).removeprefix(b"\xef\xbb\xbf")
    return _parsed(data, problems, first_line=1)


def _parsed(data: bytes, problems: Problems, *, first_line: int) -> Any:
    doubles: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            doubles.extend(key for key, count in counts.items() if count > 1)
        return found

    try:
        text = data.decode("utf-8")
        content = json.loads(text, object_pairs_hook=unique)
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        column = error.start - data.rfind(b"\n", 0, error.start)
        message = f"byte 0x{data[error.start]:02X} is not UTF-8; {_CONVERT}"
        problems.add(message, row=line, column=str(column), unit="line")
        return None
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        message = f"is not valid JSON: {error.msg}"
        shown = error.doc[error.pos : error.pos + 20] or None
        problems.add(message, row=line, column=str(error.colno), value=shown, unit="line")
        return None
    except (ValueError, RecursionError) as error:  # a number or a nesting beyond all sense
        problems.add(f"cannot be read as JSON: {error}", row=first_line, unit="line")
        return None
    for key in doubles:
        # Without this the last would win, silently: two stances for one topic.
        problems.add("stands twice in one JSON object", row=first_line, column=key, unit="line")
    return None if doubles else content

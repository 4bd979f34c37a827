"""Cutting text into records: the same as the csv module reads, from every place."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framing.batch import lines
from framing.batch.lines import BOM, CsvRecords, Fields, read_lines

_FIELDS = st.text(st.sampled_from("ab,;\t \"'\n\r\0é\u2028😀"), max_size=6)
_TABLES = st.lists(st.lists(_FIELDS, min_size=1, max_size=4), max_size=8)


def written(table: list[list[str]], *, delimiter: str, end: str, quoting: int) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(table)  # type: ignore[arg-type]
    return out.getvalue().encode()


def records(data: bytes, *, delimiter: str = ",", offset: int = 0, number: int = 1) -> list[Fields]:
    stream = io.BytesIO(data)
    stream.seek(offset)
    return list(CsvRecords(stream, delimiter=delimiter, offset=offset, number=number))


@settings(max_examples=150, deadline=None)
@given(
    table=_TABLES,
    delimiter=st.sampled_from(",;\t"),
    style=st.sampled_from(
        # Not minimal with "\n": before 3.13 the module leaves a lone "\r" without quotes then.
        [("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)]
    ),
    bom=st.booleans(),
    unfinished=st.booleans(),
)
def test_records_are_those_of_the_csv_module_from_every_offset(
    table: list[list[str]], delimiter: str, style: tuple[str, int], bom: bool, unfinished: bool
) -> None:
    end, quoting = style
    data = written(table, delimiter=delimiter, end=end, quoting=quoting)
    data = (BOM if bom and table else b"") + (
        data.removesuffix(end.encode()) if unfinished else data
    )
    text = data.decode("utf-8-sig")
    expected = [
        row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row
    ]
    found = records(data, delimiter=delimiter)
    assert [each.fields for each in found] == expected == table
    assert all(each.problem is None for each in found)
    assert sum(each.size for each in found) == len(data)
    for place, each in enumerate(found):
        rest = records(data, delimiter=delimiter, offset=each.offset, number=each.number)
        assert rest == found[place:]
        assert each.number == 1 + data[: each.offset].count(b"\n")


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=60) | st.text(st.sampled_from('ab,"\n\r'), max_size=40))
def test_any_bytes_come_out_as_records_or_problems(data: bytes | str) -> None:
    content = data.encode() if isinstance(data, str) else data
    found = records(content)
    offsets = [each.offset for each in found]
    assert offsets == sorted(set(offsets))
    covered = b"".join(content[each.offset : each.offset + each.size] for each in found)
    assert covered.strip(b"\r\n") == b"" or len(covered) <= len(content)
    for place, each in enumerate(found):
        assert bool(each.fields) != bool(each.problem)
        assert records(content, offset=each.offset, number=each.number) == found[place:]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=8).map(lambda b: b.replace(b"\n", b"")), max_size=8))
def test_lines_can_be_read_from_every_offset(parts: list[bytes]) -> None:
    data = b"".join(part + b"\n" for part in parts)
    found = list(read_lines(io.BytesIO(data)))
    assert len(found) == len(parts)
    for place, each in enumerate(found):
        stream = io.BytesIO(data)
        stream.seek(each.offset)
        assert list(read_lines(stream, offset=each.offset, number=each.number)) == found[place:]


@pytest.mark.parametrize("middle", ['7,"open', '7,"shut"x,y', '7,"a\rb', "7,a\rb"])
def test_a_broken_record_costs_one_line(middle: str) -> None:
    good = [f'{n},"text {n}, more"\n' for n in range(40)]
    data = "".join([*good[:20], middle + "\n", *good[20:]]).encode()
    found = records(data)
    assert [each.number for each in found if each.problem] == [21]
    assert [each.fields for each in found if not each.problem] == [
        [str(n), f"text {n}, more"] for n in range(40)
    ]


def test_a_quote_that_is_never_closed_costs_one_line_too() -> None:
    found = records(b'1,a\n2,"b\n3,c\n\n4,d\n')
    assert [(each.fields, each.number) for each in found] == [
        (["1", "a"], 1),
        ([], 2),
        (["3", "c"], 3),
        (["4", "d"], 5),
    ]
    assert found[1].problem == "unexpected end of data"


def test_a_line_over_the_limit_is_one_record_without_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "LINE_LIMIT", 8)
    data = b"ab\n" + b"x" * 30 + b"\n" + b"1,2\n" + b'"a\n' + b"y" * 9 + b"\n3\n" + b"z" * 16
    found = list(read_lines(io.BytesIO(data)))
    assert [line.data for line in found] == [b"ab", None, b"1,2", b'"a', None, b"3", None]
    assert [line.number for line in found] == [1, 2, 3, 4, 5, 6, 7]
    made = records(data)
    assert [each.fields for each in made] == [["ab"], [], ["1", "2"], [], [], ["3"], []]
    assert [each.number for each in made if each.problem] == [2, 4, 5, 7]
    for place, each in enumerate(made):
        assert records(data, offset=each.offset, number=each.number) == made[place:]

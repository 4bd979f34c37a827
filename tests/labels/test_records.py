import json
from pathlib import Path
from typing import Any

import pytest
from helpers import write_lines

from framing.labels.errors import LabelsError
from framing.labels.records import (
    PACKAGED,
    Record,
    packaged_path,
    read_records,
    sentence_hash,
    write_records,
)
from framing.labels.schema import Schema

GOOD: dict[str, Any] = {
    "id": "a",
    "source": "s",
    "document": "d",
    "labels": {"asylum": "favor"},
    "provenance": "seed",
    "annotator": "x",
    "text": "He may stay.",
}


def test_round_trip(tmp_path: Path, schema: Schema, records: list[Record]) -> None:
    write_records(records, tmp_path / "r.jsonl")
    assert read_records(tmp_path / "r.jsonl", schema) == records


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"labels": {"asylm": "favor"}}, "unknown topic 'asylm'"),
        ({"labels": {"asylum": "pro"}}, "unknown stance 'pro'"),
        ({"labels": None}, "labels must be dict, got None"),
        ({"provenance": "web"}, "provenance 'web'"),
        ({"text": 3}, "text must be str, got 3"),
        ({"text": "  "}, "text is empty"),
        ({"text": None}, "needs 'text', or 'sha256'"),
        ({"sha256": "00"}, "is not that of the text"),
        ({"n": True}, "n must be int"),
        ({"sure": None}, "sure must be bool, got None"),
        ({"sure": 1}, "sure must be bool, got 1"),
        ({"colour": "red"}, "unknown field 'colour'"),
    ],
)
def test_malformed_line_names_file_line_and_value(
    tmp_path: Path, schema: Schema, change: dict[str, Any], expected: str
) -> None:
    path = write_lines(tmp_path / "r.jsonl", [GOOD, {**GOOD, "id": "b", **change}])
    with pytest.raises(LabelsError) as caught:
        read_records(path, schema)
    assert str(caught.value).startswith(f"{path}, line 2: ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{", "is not valid JSON"),
        ("[]", "expected a JSON object"),
        ('{"labels": {"asylum": "favor", "asylum": "against"}}', "'asylum' stands twice"),
        ("[" * 100_000, "is nested too deep"),
        ('{"n": ' + "9" * 5000 + "}", "line 2: Exceeds the limit"),
        (json.dumps(GOOD), "id 'a' is already on line 1"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "source"}), "'source' is missing"),
    ],
)
def test_broken_line(tmp_path: Path, schema: Schema, line: str, expected: str) -> None:
    path = write_lines(tmp_path / "r.jsonl", [GOOD, line])
    with pytest.raises(LabelsError) as caught:
        read_records(path, schema)
    assert expected in str(caught.value)


def test_not_utf8_empty_and_missing(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b'\n{"id": "\xff"}\n')
    with pytest.raises(LabelsError, match="line 2: is not UTF-8"):
        read_records(path, schema)
    path.write_text("\n")
    with pytest.raises(LabelsError, match="holds no records"):
        read_records(path, schema)
    with pytest.raises(LabelsError, match="cannot be read"):
        read_records(tmp_path / "none.jsonl", schema)


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_files_are_valid(name: str, schema: Schema) -> None:
    records = read_records(packaged_path(name), schema)
    standoff = [record for record in records if record.text is None]
    # The text of third-party corpora is never in the package.
    assert len(standoff) == (len(records) if name.startswith("real") else 0)
    for record in records:
        assert record.text is None or record.text.strip() == record.text


def test_seeds_quote_five_articles(schema: Schema) -> None:
    records = read_records(packaged_path("seeds"), schema)
    assert len({record.document for record in records}) == 5
    assert {record.provenance for record in records} == {"seed"}


def test_hash_is_that_of_utf8() -> None:
    assert sentence_hash("é").startswith("4a99557e")

"""Label files as model input: which reader, which source, which sentences measure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import write_lines

from framing.labels.errors import LabelsError
from framing.labels.schema import Schema
from framing.training.checks import check
from framing.training.config import TrainConfig
from framing.training.data import (
    load,
    load_records,
    measured_sentences,
    sentence_key,
)

TOPICS = "military_bases,reconstruction,sovereignty,asylum"


def table(path: Path, heading: str, *rows: str) -> str:
    """A spreadsheet without labels, but for its columns of topics."""
    lines = [f"{heading},{TOPICS}", *(f"{row},,,," for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_a_document_in_two_files_without_source_is_one(schema: Schema, tmp_path: Path) -> None:
    files = [
        table(tmp_path / "batch1.csv", "text,document", "Rain fell.,a", "Snow fell.,b"),
        table(tmp_path / "batch2.csv", "text,document", "Hail fell.,a", "Rain fell.,a"),
    ]
    found = load(files, schema)
    assert [record.group for record in found.records] == ["batch1/a", "batch1/b"] + 2 * ["batch1/a"]
    assert len({record.id for record in found.records}) == 4
    assert check(found.records, schema, topics=[]).errors == ()
    (warning,) = [text for text in found.warnings if "several files" in text]
    assert f"1 documents are in several files (for example 'a' in {' and '.join(files)})" in warning
    alone = load_records(files[1:], schema)
    assert {record.group for record in alone} == {"batch2/a"}
    beside = load_records(files[1:], schema, beside=files)
    assert beside == list(found.records[2:])


def test_rows_that_are_documents_of_their_own_stay_apart(schema: Schema, tmp_path: Path) -> None:
    files = [
        table(tmp_path / "batch1.csv", "id,text", "1,Rain fell.", "2,Snow fell."),
        table(tmp_path / "batch2.csv", "id,text", "1,Hail fell.", "2,Fog came."),
    ]
    found = load(files, schema)
    assert len({record.group for record in found.records}) == 4
    findings = check(found.records, schema, topics=[], warnings=found.warnings)
    assert findings.errors == ()
    shared = ("several files", "several sources")
    assert not [text for text in findings.warnings if any(part in text for part in shared)]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_source_that_a_file_names_is_kept(schema: Schema, tmp_path: Path, ending: str) -> None:
    first = table(tmp_path / "labels.csv", "text,document", "Rain fell.,a", "Fog came.,c")
    second = tmp_path / f"next.{ending}"
    if ending == "csv":
        table(second, "text,document,source", "Snow fell.,a,pool")
    else:
        row = {"text": "Snow fell.", "document": "a", "source": "pool", "labels": {}}
        write_lines(second, [row])
    found = load([first, str(second)], schema)
    assert [record.group for record in found.records] == ["labels/a", "labels/c", "pool/a"]
    (warning,) = [t for t in check(found.records, schema).warnings if "several sources" in t]
    assert "1 documents are named alike in several sources" in warning
    assert "(for example 'a' in labels and pool)" in warning


OURS = {
    **{"id": "1", "source": "s", "document": "d", "text": "Rain fell.", "provenance": "real"},
    **{"annotator": "anna", "labels": {"asylum": "favor"}},
}
WITHOUT_ANNOTATOR = {name: value for name, value in OURS.items() if name != "annotator"}
ADJUDICATED = {**OURS, "said": {"anna": {}, "ben": {"asylum": "favor"}}}


@pytest.mark.parametrize(
    ("line", "annotator"), [(OURS, "anna"), (WITHOUT_ANNOTATOR, "unknown"), (ADJUDICATED, "anna")]
)
@pytest.mark.parametrize("start", ["", "\n", "\ufeff"])
def test_json_lines_that_can_be_imported_are_read(
    schema: Schema, tmp_path: Path, line: dict[str, object], annotator: str, start: str
) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(f"{start}{json.dumps(line)}\n", encoding="utf-8")
    (record,) = load_records([str(path)], schema)
    assert (record.annotator, record.labels) == (annotator, {"asylum": "favor"})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([OURS, {**OURS, "id": "2", "sura": False}], r"line 2: unknown field 'sura'"),
        (['{"id": '], r"is not valid JSON"),
        ([], r"holds no annotated sentences"),
    ],
)
def test_what_is_wrong_with_json_lines_is_said(
    schema: Schema, tmp_path: Path, lines: list[object], message: str
) -> None:
    path = write_lines(tmp_path / "labels.jsonl", lines)
    with pytest.raises(LabelsError, match=rf"labels\.jsonl.*{message}"):
        load_records([str(path)], schema)


def test_what_measures_is_not_told_by_its_id_alone(
    schema: Schema, config: TrainConfig, tmp_path: Path
) -> None:
    lines = {"a": OURS, "b": {**OURS, "source": "t"}, "c": {**OURS, "text": "Snow fell."}}
    paths = {
        name: str(write_lines(tmp_path / f"{name}.jsonl", [line])) for name, line in lines.items()
    }
    settings = config.model_copy(
        update={"labels": tuple(paths.values()), "measured": (paths["b"],)}
    )
    measured = measured_sentences(settings, schema)
    assert measured is not None
    found = load_records(settings.labels, schema)
    assert [sentence_key(record) in measured for record in found] == [False, True, False]


def test_what_measures_is_read_as_what_is_learned_from(
    schema: Schema, config: TrainConfig, tmp_path: Path
) -> None:
    files = (
        table(tmp_path / "batch1.csv", "Satz,document", "Rain fell.,a"),
        table(tmp_path / "batch2.csv", "Satz,document", "Snow fell.,a"),
    )
    settings = config.model_copy(update={"labels": files, "measured": files[1:]})
    columns = {"text": "Satz"}
    measured = measured_sentences(settings, schema, columns=columns)
    found = load_records(files, schema, columns=columns)
    assert measured == {sentence_key(found[1])}

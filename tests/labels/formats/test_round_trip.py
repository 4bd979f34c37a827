"""One test for all formats: what is written comes back, field by field."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framing.labels.errors import LabelsError
from framing.labels.formats import (
    FORMATS,
    Format,
    ImportProblems,
    labelling_config,
    read_labels,
    write_labels,
)
from framing.labels.formats.names import Vocabulary
from framing.labels.formats.prodigy import Prodigy
from framing.labels.records import Record, sentence_hash
from framing.labels.schema import Schema, parse_schema

ENDINGS = {
    Format.CSV: ".csv",
    Format.CSV_LONG: ".csv",
    Format.TSV: ".tsv",
    Format.TSV_LONG: ".tsv",
    Format.XLSX: ".xlsx",
    Format.XLSX_LONG: ".xlsx",
    Format.LABEL_STUDIO: ".json",
    Format.ARGILLA: "",
    Format.DATASETS: "",
    Format.PARQUET: ".parquet",
}
TEXT = ' =1+"x";\r\n\t_x000D_ \x01 – “é”,\u2028 end '
RECORDS = (
    Record("a-1", "wire", "a", {"asylum": "favor", "sovereignty": "neutral"}, "real", "anna", TEXT),
    Record("a-1", "wire", "a", {}, "real", "ben", TEXT, sentence_hash(TEXT), 3, False),
    Record("007", "q ö", "true", {"asylum": "against"}, "authored", "12", "#N/A", n=0),
    Record(
        *("soft", "wire", "a", {"asylum": "favor"}, "real", "soft", "Two of three say so."),
        soft={"asylum": {"favor": 2 / 3, "absent": 1 / 3}},
    ),
    Record("1.0", " s", "2024-01-01", {}, "seed", "anna", "\ufeffNULL", chosen_by="chance"),
)
STANDOFF = Record("b", "fa-kes", "b", {"asylum": "neutral"}, "real", "x", None, "ab" * 32)


def awkward_schema() -> Schema:
    """Topics named as our own fields are, or as other people's columns."""
    topics = ("text", "source", "topic", "label", "n", "link", "accept", "sure")
    return parse_schema(
        {
            "topics": [
                {"name": name, "title": f"On {name}", "definition": "D.", "target": "T."}
                for name in topics
            ],
            "stances": [{"name": name, "definition": "D."} for name in ("positive", "none")],
        },
        where="here",
    )


def as_read(record: Record, chosen: Format) -> Record:
    """What a record comes back as: without outer white space that no hash is of."""
    if chosen is Format.JSONL:  # our own records stay as they are
        return record
    names = ("id", "source", "document", "annotator")
    trimmed = {name: getattr(record, name).strip() for name in names}
    if record.text is not None and record.sha256 is None:
        trimmed["text"] = record.text.strip()
    return replace(record, **trimmed)


@pytest.fixture(params=Format, ids=[one.value for one in Format])
def chosen(request: pytest.FixtureRequest) -> Format:
    assert isinstance(request.param, Format)
    return request.param


def path_for(chosen: Format, folder: Path) -> Path:
    return folder / f"labels{ENDINGS.get(chosen, '.jsonl')}"


def test_every_field_comes_back(chosen: Format, tmp_path: Path, schema: Schema) -> None:
    records = RECORDS if FORMATS[chosen].needs_text else (*RECORDS, STANDOFF)
    path = path_for(chosen, tmp_path)
    write_labels(records, path, schema, format=chosen)
    imported = read_labels(path, schema)
    assert imported.records == tuple(as_read(record, chosen) for record in records)
    assert imported.format == chosen
    assert imported.warnings == ()
    assert {"id", "text", "document"} <= imported.columns.keys()
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_topics_may_have_any_name(chosen: Format, tmp_path: Path) -> None:
    schema = awkward_schema()
    records = tuple(
        Record(str(number), "s", "d", {topic: stance}, "real", "x", f"Sentence {number}.")
        for number, (topic, stance) in enumerate(
            (topic, stance) for topic in schema.topic_names for stance in schema.stance_names
        )
    )
    path = path_for(chosen, tmp_path)
    write_labels(records, path, schema, format=chosen)
    assert read_labels(path, schema).records == records


def test_what_nobody_annotated_is_no_annotation(
    chosen: Format, tmp_path: Path, schema: Schema
) -> None:
    records = [replace(RECORDS[index], labels={}) for index in (0, 2)]
    path = path_for(chosen, tmp_path)
    write_labels(records, path, schema, format=chosen, annotated=False)
    if FORMATS[chosen].needs_text or chosen is Format.JSONL:
        expected = "2 (task|record|example)s left out: no|labels are an object"
        with pytest.raises(ImportProblems, match=expected):
            read_labels(path, schema, format=chosen)
    else:
        imported = read_labels(path, schema)
        assert [(r.id, r.annotator) for r in imported.records] == [
            ("a-1", "unknown"),
            ("007", "unknown"),
        ]
        assert re.search("2 (row|record)s have no label", " ".join(imported.warnings))
    with pytest.raises(LabelsError, match="'a-1' has labels; write it as annotated"):
        write_labels(RECORDS[:1], path, schema, format=chosen, force=True, annotated=False)


def test_only_what_people_annotated_comes_back(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "tasks.json"
    records = [replace(RECORDS[index], labels={}) for index in (0, 2)]
    write_labels(records, path, schema, format="label-studio", annotated=False)
    tasks = json.loads(path.read_text(encoding="utf-8"))
    assert not any("annotations" in task or "annotator" in task["data"] for task in tasks)
    part = {"from_name": "asylum", "type": "choices", "value": {"choices": ["favor"]}}
    tasks[0]["annotations"] = [{"completed_by": 1, "result": [part]}]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    imported = read_labels(path, schema)
    expected = replace(RECORDS[0], labels={"asylum": "favor"}, annotator="1")
    assert imported.records == (as_read(expected, Format.LABEL_STUDIO),)
    assert imported.warnings == ("1 task left out: no annotation",)


def test_standoff_records_need_a_table(chosen: Format, tmp_path: Path, schema: Schema) -> None:
    path = path_for(chosen, tmp_path)
    records = [replace(STANDOFF, id=str(number)) for number in range(7)]
    if not FORMATS[chosen].needs_text:
        write_labels(records, path, schema, format=chosen)
        assert list(read_labels(path, schema).records) == records
        return
    with pytest.raises(LabelsError, match=r"needs the text .* 0, 1, 2, 3, 4 and 2 more"):
        write_labels(records, path, schema, format=chosen)
    assert not path.exists()


def test_nothing_is_overwritten_unless_forced(
    chosen: Format, tmp_path: Path, schema: Schema
) -> None:
    path = path_for(chosen, tmp_path)
    write_labels(RECORDS[:1], path, schema, format=chosen)
    with pytest.raises(LabelsError, match="exists"):
        write_labels(RECORDS, path, schema, format=chosen)
    assert read_labels(path, schema).records == (as_read(RECORDS[0], chosen),)
    write_labels(RECORDS[2:], path, schema, format=chosen, force=True)
    expected = tuple(as_read(record, chosen) for record in RECORDS[2:])
    assert read_labels(path, schema).records == expected
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["csv", "csv-long", "tsv", "xlsx", "doccano", "parquet"])
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_text_comes_back(name: str, text: str, schema: Schema) -> None:
    record = Record(text, "s", text, {"asylum": "favor"}, "real", text, text)
    with tempfile.TemporaryDirectory() as folder:
        path = path_for(Format(name), Path(folder))
        write_labels([record], path, schema, format=name)
        assert read_labels(path, schema).records == (as_read(record, Format(name)),)


@pytest.mark.parametrize("name", ["csv", "xlsx", "doccano", "label-studio", "argilla"])
def test_a_text_that_a_hash_is_of_keeps_its_outer_blanks(
    name: str, tmp_path: Path, schema: Schema
) -> None:
    record = replace(RECORDS[0], text=" A.\u00a0", sha256=sentence_hash(" A.\u00a0"))
    path = path_for(Format(name), tmp_path)
    write_labels([record], path, schema, format=name)
    assert read_labels(path, schema).records == (record,)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"labels": {"asylm": "favor"}}, "unknown topic 'asylm'"),
        ({"document": " "}, "document is empty"),
        ({"text": "\ud800"}, "text holds half of a surrogate pair"),
    ],
)
def test_records_that_cannot_be_written(
    change: dict[str, object], expected: str, tmp_path: Path, schema: Schema
) -> None:
    record = Record(**{**{n: getattr(RECORDS[2], n) for n in Record.__slots__}, **change})  # type: ignore[arg-type]
    with pytest.raises(LabelsError, match=expected):
        write_labels([record], tmp_path / "x.csv", schema, format="csv")
    with pytest.raises(LabelsError, match="stands 2 times"):
        write_labels(RECORDS[2:3] * 2, tmp_path / "x.csv", schema, format="csv")
    with pytest.raises(LabelsError, match="no records"):
        write_labels([], tmp_path / "x.csv", schema, format="csv")
    assert list(tmp_path.iterdir()) == []


def test_excel_would_cut_long_text(tmp_path: Path, schema: Schema) -> None:
    record = replace(RECORDS[2], text="x" * 40_000)
    with pytest.raises(LabelsError, match="40000 characters"):
        write_labels([record], tmp_path / "x.xlsx", schema, format="xlsx")
    assert list(tmp_path.iterdir()) == []


def test_outputs_that_are_refused(tmp_path: Path, schema: Schema) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    for force, path, expected in (
        (True, tmp_path / "thesis", "folder of something else"),
        (False, tmp_path / "none" / "x", "there is no folder"),
    ):
        with pytest.raises(LabelsError, match=expected):
            write_labels(RECORDS, path, schema, format="argilla", force=force)
    with pytest.raises(LabelsError, match="unknown format 'xml'; there are jsonl, csv"):
        write_labels(RECORDS, tmp_path / "x", schema, format="xml")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("name", "ending", "right"),
    [
        ("label-studio", "", ".json"),
        ("label-studio", ".jsonl", ".json"),
        ("jsonl", ".csv", ".jsonl"),
        ("doccano", ".json", ".jsonl"),
        ("prodigy", ".TSV", ".jsonl"),
        ("csv-long", ".tsv", ".csv"),
        ("tsv", "", ".tsv"),
        ("xlsx", ".csv", ".xlsx"),
        ("parquet", ".xlsx", ".parquet"),
    ],
)
def test_a_name_that_would_be_read_as_something_else_is_refused(
    name: str, ending: str, right: str, tmp_path: Path, schema: Schema
) -> None:
    with pytest.raises(LabelsError, match=f"name it labels{re.escape(right)}$"):
        write_labels(RECORDS, tmp_path / f"labels{ending}", schema, format=name)
    assert list(tmp_path.iterdir()) == []


def test_labelling_config_fits_the_tasks(tmp_path: Path, schema: Schema) -> None:
    view = ElementTree.fromstring(labelling_config(schema))  # noqa: S314  our own
    choices = {group.get("name"): group for group in view.iter("Choices")}
    assert tuple(choices) == schema.topic_names
    for group in choices.values():
        assert (group.get("choice"), group.get("required")) == ("single", "false")
        assert tuple(one.get("value") for one in group) == schema.stance_names
        assert all(one.get("hint") for one in group)
    (text,) = view.iter("Text")
    assert text.get("value") == "$text"
    write_labels(RECORDS, tmp_path / "x.json", schema, format="label-studio")
    tasks = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    parts = [part for task in tasks for one in task["annotations"] for part in one["result"]]
    assert {part["to_name"] for part in parts} == {text.get("name")}
    assert {part["from_name"] for part in parts} <= choices.keys()


def test_dollars_are_no_variables_of_label_studio() -> None:
    schema = awkward_schema()
    topic = schema.topics[0].model_copy(update={"definition": "Costs $5 < $x."})
    config = labelling_config(schema.model_copy(update={"topics": (topic,)}))
    assert "$5" not in config
    assert "$x" not in config


def test_prodigy_options_are_understood_by_their_id(schema: Schema) -> None:
    assert Prodigy.needs_text
    vocabulary = Vocabulary(schema)
    assert vocabulary.pair("asylum: favor") == ("asylum", "favor")
    assert vocabulary.pair("Asylum and return / FAVOR") == ("asylum", "favor")
    assert vocabulary.pair("asylum_against") == ("asylum", "against")
    assert vocabulary.pair("asylum") is None

from dataclasses import replace

import pytest
from helpers import make_records

from framing.labels.errors import LabelsError
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.checks import Findings, check


def found(records: list[Record], schema: Schema) -> str:
    findings = check(records, schema)
    return "\n".join([*findings.errors, *findings.warnings])


def test_clean_labels_have_no_errors(schema: Schema) -> None:
    findings = check(make_records(120), schema)
    assert findings.errors == ()
    (warning,) = findings.warnings
    assert warning.startswith("without any example, and so never predicted: military_bases neutral")


def test_everything_is_found_at_once(schema: Schema) -> None:
    records = [r for r in make_records(60) if "asylum" not in r.labels]
    twin = replace(records[0], id="twin", source="copy", labels={})
    second = replace(records[1], annotator="somebody")
    text = found([*records, twin, second, records[3]], schema)
    for part in (
        "no sentence has the topic 'asylum'",
        "1 ids were annotated by several annotators (for example '1' by somebody and test)",
        "framing labels merge",
        "1 ids are there more than once (for example '4')",
        "stay on one side of every split: copy/d0 = wire/d0",
        "1 sentences are there several times with different labels",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Another sentence.", None),
        ("RUSSIA will keep its base at Tartus – item 0", "by several annotators"),
    ],
)
def test_one_id_of_several_annotators_is_one_sentence_if_the_text_is(
    schema: Schema, text: str, error: str | None
) -> None:
    records = make_records(120)
    other = replace(records[0], annotator="ben", document="z", text=text)
    errors = check([*records, other], schema).errors
    assert [error in message for message in errors if error] == ([True] if error else [])
    assert len(errors) == (error is not None)


def test_few_examples_are_counted(schema: Schema) -> None:
    assert "fewer than 10 examples: military_bases favor (5)" in found(make_records(30), schema)


def test_missing_documents(schema: Schema) -> None:
    alone = make_records(60, per_document=1)
    assert "every sentence is its own document" in found(alone, schema)
    one = [replace(r, source="a", document="d") for r in make_records(60)]
    assert "all sentences are of one document" in found(one, schema)


def test_a_sentence_that_documents_share_is_counted(schema: Schema) -> None:
    records = make_records(120, per_document=6)
    shared = [
        replace(record, text="More to follow.", labels={}) if i % 6 == 5 else record
        for i, record in enumerate(records)
    ]
    assert "1 sentences stand in several documents" in found(shared, schema)
    assert "one side of every split" not in found(shared, schema)


def test_only_annotated_topics_are_asked_for(schema: Schema) -> None:
    records = [r for r in make_records(60) if "asylum" not in r.labels]
    assert check(records, schema, topics=["sovereignty"]).errors == ()


def test_errors_are_raised_in_one_line() -> None:
    Findings(warnings=("odd",)).raise_errors()
    with pytest.raises(LabelsError, match=r"^one; two$"):
        Findings(errors=("one", "two")).raise_errors()

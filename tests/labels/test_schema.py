from pathlib import Path

import pytest

from framing.labels.errors import SchemaError
from framing.labels.schema import Schema, load_schema, parse_schema

GOOD = """
topics:
  - {name: trade, title: Trade, definition: About trade., target: Trade is free.}
stances:
  - {name: pro, definition: For it.}
  - {name: con, definition: Against it.}
"""


def test_ours_has_the_four_topics_and_three_stances() -> None:
    schema = load_schema()
    assert schema.topic_names == ("military_bases", "reconstruction", "asylum", "sovereignty")
    assert schema.classes == ("absent", "favor", "against", "neutral")


def test_another_schema_loads(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(GOOD)
    schema = load_schema(path)
    assert schema.classes == ("absent", "pro", "con")
    assert parse_schema(schema.model_dump(mode="json"), where="dump") == schema


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: trade", "nam: trade", "topics.0.name: Field required"),
        ("name: trade", "name: Free Trade", "topics.0.name"),
        ("name: pro", "name: absent", "'absent' is reserved"),
        ("name: con", "name: pro", "'pro' is used more than once"),
        ("definition: For it.", "definition: ''", "stances.0.definition"),
        ("stances:", "stance:", "stances: Field required"),
        ("target: Trade is free.", "target: 3", "topics.0.target"),
        ("topics:", "topics: [", "is not valid YAML"),
        (GOOD, "just words", "'topics' and 'stances'"),
    ],
)
def test_malformed_schema_names_file_and_key(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(SchemaError) as caught:
        load_schema(path)
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_schema(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="cannot be read"):
        load_schema(tmp_path / "none.yaml")


def test_problem_in_names_the_wrong_value(schema: Schema) -> None:
    assert schema.problem_in({"asylum": "favor"}) is None
    assert "unknown topic 'asylm'" in str(schema.problem_in({"asylm": "favor"}))
    assert "unknown stance 'pro'" in str(schema.problem_in({"asylum": "pro"}))
    assert "must be an object" in str(schema.problem_in(["asylum"]))

import json
import re
from pathlib import Path

import pytest
import yaml
from helpers import ROOT
from mixed_schema import MIXED

from framing.labels.draft import FILL_IN, draft_schema, schema_yaml, unfinished
from framing.labels.errors import SchemaError
from framing.labels.schema import NO_TARGET, MalformedSchemaError, Schema, load_schema, parse_schema

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
        ("name: trade", "name: Free Trade", "topics.0.name: 'Free Trade' is not a name"),
        ("name: pro", "name: yes", "stances.0.name: expected text, got True; in YAML, put"),
        ("name: pro", "name: absent", "'absent' is reserved"),
        ("name: con", "name: pro", "'pro' is used more than once"),
        ("definition: For it.", "definition: ''", "stances.0.definition"),
        ("stances:", "stance:", "stance: unknown key"),
        ("target: Trade is free.", "target: 3", "topics.0.target"),
        ("topics:", "topics: [", "is not valid YAML"),
        ("is free.", "is free., stances: pro", "topics.0.stances: expected a list, got 'pro'"),
        ("is free.", "is free., stances: []", "topics.0.stances: is empty"),
        ("is free.", "is free., stances: [up]", "unknown stance 'up'; the schema has pro, con"),
        ("is free.", "is free., stances: [pro, pro]", "'pro' is named more than once"),
        (GOOD, "just words", "'topics' and 'stances'"),
        ("stances:", "topics: []\nstances:", ", line 4: the key 'topics' stands twice"),
        ("name: pro", "name: pro, name: con", ", line 5: the key 'name' stands twice"),
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
    with pytest.raises(SchemaError, match="cannot be read: no such file"):
        load_schema(tmp_path / "none.yaml")
    with pytest.raises(SchemaError, match="cannot be read: Is a directory"):
        load_schema(tmp_path)


@pytest.mark.parametrize("content", [b"PK\x03\x04\x14\x00\xff\xfe", b"\x00\x01\x02", b"PK\x03 a"])
def test_a_binary_file_is_no_schema(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "labels.xlsx").write_bytes(content)
    with pytest.raises(SchemaError, match=r"labels\.xlsx: is not a YAML schema"):
        load_schema(tmp_path / "labels.xlsx")


@pytest.mark.parametrize(
    "content", ["A long table. " * 500, "- a row\n" * 500, f"topics: {'x' * 5000}\nstances: 1\n"]
)
def test_an_error_does_not_hold_a_whole_file(content: str, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(content)
    with pytest.raises(SchemaError) as caught:
        load_schema(path)
    assert len(str(caught.value).removeprefix(str(path))) < 250
    assert "…" in str(caught.value)


def test_problem_in_names_the_wrong_value(schema: Schema) -> None:
    assert schema.problem_in({"asylum": "favor"}) is None
    assert "unknown topic 'asylm'" in str(schema.problem_in({"asylm": "favor"}))
    assert "unknown stance 'pro'" in str(schema.problem_in({"asylum": "pro"}))
    assert "must be an object" in str(schema.problem_in(["asylum"]))


def test_all_problems_at_once() -> None:
    topics = [
        {"name": "Trade", "title": "Trade", "definition": "", "target": "T.", "stances": ["up"]},
        {"name": "x", "title": "X", "definition": "X.", "target": "X.", "colour": 1},
        {"name": "x", "title": "X", "definition": "X."},
    ]
    stances = [{"name": "absent", "definition": "A."}, {"name": "b"}]
    with pytest.raises(MalformedSchemaError, match=r"here: .*\(and 7 more problems\)$") as caught:
        parse_schema({"topics": topics, "stances": stances}, where="here")
    found = "\n".join(caught.value.problems)
    for part in (
        "topics.0.name: 'Trade' is not a name",
        "topics.0.definition: is empty",
        "topics.1.colour: unknown key",
        "topics.2.target: Field required",
        "stances.1.definition: Field required",
        "topics: the name 'x' is used more than once",
        "stances: the name 'absent' is reserved",
        "topics.0.stances: unknown stance 'up'; the schema has absent, b",
    ):
        assert part in found
    assert len(caught.value.problems) == 8


def test_the_shipped_model_has_our_schema_and_nothing_new(schema: Schema) -> None:
    dump = schema.model_dump(mode="json")
    assert list(dump["topics"][0]) == ["name", "title", "definition", "target"]
    assert list(dump["stances"][0]) == ["name", "definition"]
    config = json.loads((ROOT / "models" / "default" / "config.json").read_text())
    assert parse_schema(config["label_schema"], where="config").model_dump(mode="json") == dump


def test_a_topic_may_have_stances_of_its_own() -> None:
    assert MIXED.classes == (
        *("absent", "against", "neutral", "favor", "strongly_favor", "mentioned"),
    )
    assert MIXED.stances_of("trade") == ("against", "neutral", "favor")
    assert MIXED.classes_of("crime") == ("absent", "mentioned")
    with pytest.raises(KeyError):
        MIXED.stances_of("sport")
    assert MIXED.topics[2].target == NO_TARGET
    dump = MIXED.model_dump(mode="json")
    assert parse_schema(dump, where="dump") == MIXED
    assert parse_schema(MIXED.model_dump(), where="dump") == MIXED


def test_problem_in_knows_what_applies() -> None:
    good = {"trade": "favor", "taxes": "strongly_favor", "crime": "mentioned"}
    assert MIXED.problem_in(good) is None
    assert MIXED.problem_in({"crime": "favor"}) == (
        "stance 'favor' does not apply to topic 'crime'; it has mentioned"
    )
    problem = str(MIXED.problem_in({"trade": "strongly_favor"}))
    assert "does not apply to topic 'trade'; it has against, neutral, favor" in problem


@pytest.mark.parametrize("rest", ["", "stances:"])
def test_topics_alone(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(f"topics:\n  - {{name: crime, title: Crime, definition: Crimes.}}\n{rest}\n")
    schema = load_schema(path)
    assert schema.classes == ("absent", "mentioned")
    assert schema.topics[0].target == NO_TARGET
    assert schema.problem_in({"crime": "mentioned"}) is None
    assert parse_schema(schema.model_dump(mode="json"), where="dump") == schema


def test_the_examples_in_the_documentation_load(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
    full, short = (
        parse_schema(yaml.safe_load(block), where="docs/schema.md")
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    )
    assert [len(full.stances_of(topic)) for topic in full.topic_names] == [3, 5, 1]
    assert short.classes == ("absent", "mentioned")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"neutral", "against", "favor"}, ("favor", "against", "neutral")),
        ({"con", "pro"}, ("pro", "con")),
        (
            {"Strongly in favor", "neutral", "against", "in favor", "strongly against"},
            ("strongly_against", "against", "neutral", "in_favor", "strongly_in_favor"),
        ),
        (
            {"agree", "strongly agree", "disagree", "neither", "strongly disagree"},
            ("strongly_disagree", "disagree", "neither", "agree", "strongly_agree"),
        ),
        ({"10", "9", "-1", "+2"}, ("minus_1", "plus_2", "stance_9", "stance_10")),
        ({"high", "low", "very low"}, ("very_low", "low", "high")),
        ({"often", "never", "always"}, ("never", "often", "always")),
        ({"zebra", "apple", "mentioned"}, ("apple", "zebra", "mentioned")),
        ({"In favor", "in_favor", "IN  FAVOR", "c", "c++"}, ("in_favor", "c", "c_2")),
        ({"Länge", "за", "против", "absent"}, ("lange", "stance", "stance_2")),
    ],
)
def test_stances_of_a_draft(found: set[str], expected: tuple[str, ...]) -> None:
    schema = draft_schema({"One": found})
    assert schema.stance_names == expected


def test_a_draft_keeps_what_people_wrote_and_loads(tmp_path: Path) -> None:
    schema = draft_schema(
        {
            "Foreign bases: yes # no": {"favor", "against"},
            "Россия": {"favor", "against", "no"},
            "Crime": {"mentioned"},
            "crime ": {"mentioned"},
            "Nobody's": {"absent"},
        }
    )
    assert schema.topic_names == ("foreign_bases_yes_no", "topic", "crime")
    assert [topic.title for topic in schema.topics][:2] == ["Foreign bases: yes # no", "Россия"]
    # By the number of topics that have it: "no" is on no scale with the others.
    assert schema.stance_names == ("against", "favor", "no", "mentioned")
    path = tmp_path / "schema.yaml"
    path.write_text(schema_yaml(schema), encoding="utf-8")
    assert load_schema(path) == schema
    assert set(unfinished(schema)) == {
        *(f"definition of the topic {name}" for name in schema.topic_names),
        *(f"target of the topic {name}" for name in schema.topic_names[:2]),
        *(f"definition of the stance {name}" for name in schema.stance_names),
    }
    # Whoever writes over a placeholder need not think of quotes.
    path.write_text(re.sub(f"{FILL_IN}.*", 'Syria\'s: "so" # ok', path.read_text("utf-8")))
    assert unfinished(load_schema(path)) == ()


def test_a_draft_of_topics_alone_has_no_stances() -> None:
    schema = draft_schema({"A": {"mentioned"}, "B": {"Mentioned"}})
    assert "\nstances:" not in schema_yaml(schema)
    assert parse_schema(yaml.safe_load(schema_yaml(schema)), where="x") == schema
    with pytest.raises(SchemaError, match="topics"):
        draft_schema({"A": {"absent"}})


def test_our_own_schema_survives_being_written(schema: Schema) -> None:
    assert parse_schema(yaml.safe_load(schema_yaml(schema)), where="x") == schema

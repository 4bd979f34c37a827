from pathlib import Path

import pytest
from helpers import ROOT

from framing.training.config import ConfigError, load_config


def test_default_is_that_of_the_package() -> None:
    assert load_config(None) == load_config(ROOT / "training" / "default.yaml")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("colour: red", "colour: Extra inputs"),
        ("batch_size: 0", "batch_size"),
        ("held_out: 1.5", "held_out"),
        ("labels: []", "labels"),
        ("seed: [", "not valid YAML"),
    ],
)
def test_wrong_key_or_value_is_named(tmp_path: Path, line: str, expected: str) -> None:
    path = tmp_path / "c.yaml"
    lines = ["output: out", "backbone: minilm"]
    lines += [] if line.startswith("labels") else ["labels: [seeds]"]
    path.write_text("\n".join([*lines, line]))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)


def test_given_settings_stand_for_those_that_the_file_lacks(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("output: out\nbackbone: minilm\nseed: 1\n")
    with pytest.raises(ConfigError, match=r"c\.yaml: labels is missing$"):
        load_config(path)
    config = load_config(path, given={"labels": ("a.csv",), "seed": 2})
    assert (config.labels, config.seed, config.backbone) == (("a.csv",), 2, "minilm")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.yaml")

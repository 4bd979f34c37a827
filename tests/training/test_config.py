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


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.yaml")

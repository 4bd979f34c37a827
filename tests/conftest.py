"""Fixtures: a tiny random model, small label files, no network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import torch
from helpers import BACKBONE, MAX_TOKENS, make_records
from mixed_schema import MIXED
from transformers import AutoConfig

from framing import Classifier
from framing.configuration import FramingConfig
from framing.decisions import DecisionRule
from framing.labels.records import Record
from framing.labels.schema import Schema, load_schema
from framing.modeling import FramingModel
from framing.training.config import TrainConfig
from framing.training.trainer import Fitted, save_model

# The models here are so small that a second thread costs more than it brings.
torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled models of a test run stay out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FRAMING_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def schema() -> Schema:
    return load_schema()


@pytest.fixture(scope="session")
def model_folder(schema: Schema, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with random weights; do not change it, copy it."""
    torch.manual_seed(1)
    config = FramingConfig(
        encoder=AutoConfig.from_pretrained(BACKBONE).to_dict(),
        label_schema=schema.model_dump(mode="json"),
        max_tokens=MAX_TOKENS,
    )
    model = FramingModel(config)
    # A random head says nearly the same of every text; spread its answers.
    torch.nn.init.normal_(model.head.weight, std=2.0)
    folder = tmp_path_factory.mktemp("model")
    rule = DecisionRule.plain(len(schema.topics))
    save_model(Fitted(model.eval(), BACKBONE, 1, ()), folder, rule=rule)
    return folder


@pytest.fixture(scope="session")
def mixed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, and topics with stances of their own."""
    torch.manual_seed(1)
    config = FramingConfig(
        encoder=AutoConfig.from_pretrained(BACKBONE).to_dict(),
        label_schema=MIXED.model_dump(mode="json"),
        max_tokens=MAX_TOKENS,
    )
    model = FramingModel(config)
    torch.nn.init.normal_(model.head.weight, std=4.0)
    folder = tmp_path_factory.mktemp("mixed")
    save_model(Fitted(model.eval(), BACKBONE, 1, ()), folder, rule=DecisionRule.plain(3))
    return folder


@pytest.fixture(scope="session")
def classifier(model_folder: Path) -> Classifier:
    return Classifier.from_pretrained(model_folder, device="cpu")


@pytest.fixture
def records() -> list[Record]:
    """Sixty sentences of thirty documents in two sources."""
    return make_records(60)


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    return TrainConfig(
        output=tmp_path / "out",
        backbone=str(BACKBONE),
        labels=("unused",),
        max_epochs=2,
        batch_size=8,
        max_tokens=MAX_TOKENS,
        held_out=0.2,
        tuning=0.2,
    )

"""What a training run does: one YAML file, checked before anything starts."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from framing.labels.errors import FramingError

Fraction = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]


class ConfigError(FramingError):
    """A training configuration is malformed."""


class TrainConfig(BaseModel):
    """Settings of a training run; ``training/default.yaml`` explains each in place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    output: Path
    backbone: str
    backbone_sha256: str | None = None
    label_schema: Path | None = None
    labels: tuple[str, ...] = Field(min_length=1)
    corpora: tuple[Path, ...] = ()
    cache: Path | None = None

    seed: int = Field(default=13, ge=0, lt=2**32)
    held_out: Fraction = 0.15
    tuning: Fraction = 0.10

    measured: tuple[str, ...] = ()
    unseen_sources: tuple[tuple[str, ...], ...] = ()
    behaviour: str | None = None

    max_epochs: int = Field(default=8, ge=1)
    patience: int = Field(default=2, ge=1)
    batch_size: int = Field(default=64, ge=1)
    learning_rate: Positive = 1e-4
    head_learning_rate: Positive = 1e-3
    weight_decay: float = Field(default=0.01, ge=0)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    frozen_layers: int = Field(default=0, ge=0)
    class_weight_power: float = Field(default=0.5, ge=0, le=1)
    unsure_weight: float = Field(default=1.0, ge=0, le=1)
    max_tokens: int = Field(default=256, ge=8)
    refit: bool = True


def load_config(path: str | Path | None) -> TrainConfig:
    """Read a YAML configuration, by default that of the shipped model.

    Raises:
        ConfigError: The file is missing, not YAML, or a key is wrong; the
            message names file and key.
    """
    path = Path(str(resources.files(__package__) / "default.yaml")) if path is None else Path(path)
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys and values, got {content!r}")
    try:
        return TrainConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {key}: {first['msg']}, got {first['input']!r}") from error

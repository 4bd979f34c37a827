"""What a training run does: one YAML file, checked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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
    tuning: float = Field(default=0.10, ge=0, lt=1)

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
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    linear_probe: bool = False
    max_tokens: int = Field(default=256, ge=8)
    refit: bool = True

    folds: int = Field(default=0, ge=0)
    search: int = Field(default=0, ge=0)
    extend: str | None = None
    replay: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _settings_agree(self) -> TrainConfig:
        if self.folds == 1:
            raise ValueError("folds: one fold leaves nothing to learn from; use 2 or more")
        ways = [n for n in ("folds", "search", "unseen_sources", "extend") if getattr(self, n)]
        if len(ways) > 1:
            raise ValueError(
                f"{ways[0]}: cannot be combined with {ways[1]}; each says for itself which "
                "documents measure the model"
            )
        if not self.tuning and not (self.folds or self.unseen_sources):
            raise ValueError(
                "tuning: without tuning documents there is nothing to fit temperatures and "
                "thresholds on; use folds, or a fraction above 0"
            )
        if self.replay and not self.extend:
            raise ValueError("replay: is for extend only")
        if self.linear_probe and self.extend:
            raise ValueError("linear_probe: is for a new head; extend keeps the old one")
        return self


def load_config(path: str | Path | None, *, given: Mapping[str, Any] | None = None) -> TrainConfig:
    """Read a YAML configuration, by default that of the shipped model.

    Args:
        path: The file.
        given: Settings that count instead of the file's, which need not have them.

    Raises:
        ConfigError: The file is missing, not YAML, or a key is wrong; the
            message names file and key.
    """
    where = "settings" if path is None else str(path)
    path = Path(str(resources.files(__package__) / "default.yaml")) if path is None else Path(path)
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from error
    if isinstance(content, dict):
        content |= given or {}
    return parse_config(content, where=where)


def parse_config(content: Any, *, where: str) -> TrainConfig:
    """Validate a configuration that is already in memory; ``where`` goes into errors.

    Raises:
        ConfigError: With the key of the first thing that is wrong.
    """
    if not isinstance(content, dict):
        raise ConfigError(f"{where}: expected keys and values, got {content!r}")
    try:
        return TrainConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # of the validator above, which names the key itself
            message = first["msg"].removeprefix("Value error, ")
            raise ConfigError(f"{where}: {message}") from error
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise ConfigError(f"{where}: {key} is missing") from error
        raise ConfigError(f"{where}: {key}: {first['msg']}, got {first['input']!r}") from error

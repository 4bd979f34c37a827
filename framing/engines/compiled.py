"""Compiled models in the user's cache folder, so that the next start is quick.

A file holds the SHA-256 of its content before the content, so that one that was cut off or
changed is noticed; it is written beside its place and renamed, so that processes that start
at once never see half of one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

CACHE_VARIABLE = "FRAMING_CACHE_DIR"
"""Environment variable that names the cache folder; by default the system's place for one."""

_DIGEST_BYTES = 32
_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where compiled models are kept."""
    asked = os.environ.get(CACHE_VARIABLE)
    if asked:
        return Path(asked)
    from platformdirs import user_cache_path

    return user_cache_path("framing", appauthor=False)


def cached_bytes(name: str, build: Callable[[], bytes]) -> bytes:
    """The content of a cache file, built and kept if there is none or it is damaged.

    Where the folder cannot be written, for example on a read-only system, the content is
    built each time.

    Args:
        name: Of the file; says everything that the content depends on.
        build: Makes the content.
    """
    path = cache_folder() / name
    content = _read(path)
    if content is None:
        content = build()
        _write(path, content)
    return content


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            digest, content = file.read(_DIGEST_BYTES), file.read()
    except OSError:
        return None
    if hashlib.sha256(content).digest() == digest:
        return content
    _log.warning("%s is damaged and is built again", path)
    return None


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    except OSError as error:
        _log.info("%s cannot be written: %s", path, error)
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
        Path(partial).replace(path)
    except OSError as error:
        _log.info("%s cannot be written: %s", path, error)
        Path(partial).unlink(missing_ok=True)

"""Compiled models in the user's cache folder, so that the next start is quick.

A file holds the SHA-256 of its content before the content, so that one that was cut off or
changed is noticed; it is written beside its place and renamed, so that processes that start
at once never see half of one. The models that were not used for longest are removed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

CACHE_VARIABLE = "FRAMING_CACHE_DIR"
"""Environment variable that names the cache folder; by default the system's place for one."""

KEPT = 8
"""How many compiled models stay in the cache folder."""

_DIGEST_BYTES = 32
_SUFFIX = ".blob"
_PREFIX = "openvino-"
_ABANDONED = 3600.0  # seconds after which a file that is still being written never will be
_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where compiled models are kept."""
    asked = os.environ.get(CACHE_VARIABLE)
    if asked:
        return Path(asked).expanduser()  # as no shell does it for a container's variables
    from platformdirs import user_cache_path

    return user_cache_path("framing", appauthor=False)


def read_compiled(key: str) -> bytes | None:
    """The compiled model kept under ``key``; ``None`` if there is none or it is damaged."""
    path = _path(key)
    try:
        with path.open("rb") as file:
            digest, content = file.read(_DIGEST_BYTES), file.read()
    except OSError:
        return None
    with suppress(OSError):  # the folder may be read-only
        os.utime(path)  # its age is the time since its last use
    if hashlib.sha256(content).digest() == digest:
        return content
    _log.warning("%s is damaged and is built again", path)
    return None


def write_compiled(key: str, content: bytes) -> None:
    """Keep a compiled model, and remove old ones.

    Where the folder cannot be written, for example on a read-only system, nothing is kept.

    Args:
        key: Says everything that the content depends on; of letters and digits.
        content: The compiled model.
    """
    path = _path(key)
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
    _prune(path.parent)


def _path(key: str) -> Path:
    return cache_folder() / f"{_PREFIX}{key}{_SUFFIX}"


def _prune(folder: Path) -> None:
    """Remove all but the models used last, and what killed processes left half written."""
    complete = _newest_first(folder, f"{_PREFIX}*{_SUFFIX}")
    partial = _newest_first(folder, f"{_PREFIX}*{_SUFFIX}.*")
    now = time.time()
    old = [path for path, used in partial if now - used > _ABANDONED]
    for path in [*(path for path, _ in complete[KEPT:]), *old]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:  # another process reads it, where that forbids removing it
            _log.info("%s cannot be removed: %s", path, error)


def _newest_first(folder: Path, pattern: str) -> list[tuple[Path, float]]:
    found = []
    for path in folder.glob(pattern):
        try:
            found.append((path, path.stat().st_mtime))
        except OSError:  # another process removed it
            continue
    return sorted(found, key=lambda item: item[1], reverse=True)

"""Files that are written as a whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framing.labels.errors import LabelsError

_MARKS = ("records.json", "dataset_info.json", "dataset_dict.json")
"""Files that show that a folder was written as labels, and may be replaced."""


def check_output(path: str | Path, *, force: bool) -> None:
    """Refuse to overwrite without ``force``, and to replace a folder of other things with it.

    Raises:
        LabelsError: With what to do.
    """
    path = Path(path)
    if not path.absolute().parent.is_dir():
        raise LabelsError(f"{path}: there is no folder {path.absolute().parent}")
    if not path.exists():
        return
    if not force:
        raise LabelsError(f"{path}: exists; give another name, or use --force to overwrite it")
    if path.is_dir() and any(path.iterdir()) and not any((path / m).is_file() for m in _MARKS):
        raise LabelsError(f"{path}: is a folder of something else; give another name")


@contextmanager
def replacing(path: str | Path, *, force: bool) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to; it takes its place at the end.

    Raises:
        LabelsError: As :func:`check_output`, or the file cannot be written.
    """
    path = Path(path)
    check_output(path, force=force)
    try:
        with tempfile.TemporaryDirectory(prefix=".framing-", dir=path.absolute().parent) as folder:
            temporary = Path(folder, path.name)
            yield temporary
            if path.is_dir():
                shutil.rmtree(path)
            temporary.replace(path)
    except OSError as error:
        raise LabelsError(f"{path}: cannot be written: {error.strerror or error}") from error

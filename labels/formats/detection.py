"""Find out the format of a file of labels, from its name and its content."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from framing.labels.errors import LabelsError
from framing.labels.formats.argilla import RECORDS

_ENDINGS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".parquet": "parquet",
}
_JSON_LINES = (".jsonl", ".ndjson")
_TELLING = (*_ENDINGS, ".json", ".xls", ".ods")  # whatever the file begins with
_TO_WRITE = {
    "csv": (".csv", ".txt"),
    "tsv": (".tsv", ".tab", ".txt"),
    "xlsx": (".xlsx", ".xlsm"),
    "parquet": (".parquet",),
    "label-studio": (".json",),
}
"""The endings under which a file is found to be in the format; of JSON Lines, almost all."""
_FOLDERS = ("argilla", "datasets")
_BEGINNINGS = ((b"PK\x03\x04", "xlsx"), (b"PAR1", "parquet"))
_SNIFFED = 1 << 20  # bytes


def detect(path: Path) -> str:
    """The value of a :class:`~framing.labels.formats.Format`.

    Raises:
        LabelsError: There is no such file, or it is in none of the formats.
    """
    if path.is_dir():
        return _detect_folder(path)
    ending = path.suffix.lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    try:
        with path.open("rb") as file:
            start = file.read(_SNIFFED)
    except OSError as error:
        raise LabelsError(f"{path}: cannot be read: {error.strerror}") from error
    for beginning, name in _BEGINNINGS:
        if start.startswith(beginning):
            return name
    if ending in (".xls", ".ods"):
        raise LabelsError(f"{path}: {ending} is not read; save the table as .xlsx")
    text = start.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if ending == ".json":
        return _of_keys(_keys_in_document(path, text))
    if ending in _JSON_LINES or text.startswith("{"):
        return _of_keys(_keys_in_lines(text))
    if text.startswith("["):
        raise LabelsError(f"{path}: looks like JSON; name it .json")
    if ending == ".txt":
        return "tsv" if "\t" in text.partition("\n")[0] else "csv"
    raise LabelsError(f"{path}: cannot tell the format from the ending {ending!r}; name the format")


def format_to_write(path: Path) -> str:
    """The value of a :class:`~framing.labels.formats.Format` for a name whose ending tells one.

    Raises:
        LabelsError: The ending tells none.
    """
    ending = path.suffix.lower()
    if ending in _JSON_LINES:
        return "jsonl"
    if ending not in _ENDINGS:
        told = ", ".join((*_JSON_LINES[:1], *_ENDINGS))
        raise LabelsError(
            f"{path}: the ending tells no format (as {told} do); "
            "name the format, such as label-studio"
        )
    return _ENDINGS[ending]


def check_json_lines(path: Path) -> None:
    """Refuse a name for JSON Lines that is read as something else.

    Raises:
        LabelsError: With what to do.
    """
    if path.suffix.lower() in _TELLING:
        raise LabelsError(
            f"{path}: is written as JSON Lines; name it .jsonl "
            "('framing labels export' writes other formats)"
        )


def check_name(path: Path, name: str) -> None:
    """Refuse a name for a file to write that is read as something else, or not at all.

    Args:
        path: The file.
        name: The value of a :class:`~framing.labels.formats.Format`.

    Raises:
        LabelsError: With the right ending.
    """
    ending, kind = path.suffix.lower(), name.removesuffix("-long")
    if kind in _FOLDERS:
        return
    fits = ending in _TO_WRITE[kind] if kind in _TO_WRITE else ending not in _TELLING
    if not fits:
        right = _TO_WRITE.get(kind, _JSON_LINES)[0]
        raise LabelsError(
            f"{path}: a file of {name} would not be found to be one under this name; "
            f"name it {path.stem or path.name}{right}"
        )


def _detect_folder(path: Path) -> str:
    if (path / RECORDS).is_file():
        return "argilla"
    if any((path / name).is_file() for name in ("dataset_info.json", "dataset_dict.json")):
        return "datasets"
    raise LabelsError(
        f"{path}: is a folder, but neither of Argilla ({RECORDS}) nor of datasets "
        "(dataset_info.json or dataset_dict.json)"
    )


def _of_keys(keys: set[str]) -> str:
    if "fields" in keys:
        return "argilla"
    if "data" in keys or "annotations" in keys:
        return "label-studio"
    if keys & {"accept", "answer", "_task_hash", "_input_hash", "_view_id"}:
        return "prodigy"
    if "[label]" in keys or ("[labels]" in keys and "document" not in keys) or "Comments" in keys:
        return "doccano"
    return "jsonl"


def _keys_in_lines(text: str) -> set[str]:
    keys: set[str] = set()
    for line in text.split("\n", 20)[:20]:  # not splitlines: JSON may hold U+2028
        try:
            keys |= _keys([json.loads(line)])
        except (ValueError, RecursionError):
            continue  # reported when the file is read
    return keys


def _keys_in_document(path: Path, start: str) -> set[str]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {"data"} if '"data"' in start else {"fields"} if '"fields"' in start else set()
    if isinstance(document, dict):
        inner = [value for value in document.values() if isinstance(value, dict)]
        return _keys([document, *inner[:1]])
    return _keys(document[:20]) if isinstance(document, list) else set()


def _keys(values: Iterable[object]) -> set[str]:
    """Keys of objects; ``[key]`` too for one that holds an array."""
    found: set[str] = set()
    for value in values:
        if isinstance(value, dict):
            found |= {f"[{key}]" for key, held in value.items() if isinstance(held, list)}
            found |= value.keys()
    return found

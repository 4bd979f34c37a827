"""Find the input files of a job, say how each is read, and tell when one has changed."""

from __future__ import annotations

import functools
import glob
import hashlib
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from framing.batch.job import BatchError, InputFormat
from framing.batch.parts import unwritable
from framing.batch.rows import is_unicode
from framing.models.store import file_hash

STANDARD_INPUT = "-"

_DATASET = "state.json"
_DATASETS = "dataset_dict.json"

_FORMATS = {
    ".parquet": InputFormat.PARQUET,
    ".pq": InputFormat.PARQUET,
    ".jsonl": InputFormat.JSONL,
    ".ndjson": InputFormat.JSONL,
    ".csv": InputFormat.CSV,
    ".tsv": InputFormat.TSV,
    ".tab": InputFormat.TSV,
    ".txt": InputFormat.TEXT,
}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bz2"}
_UNREAD = {
    ".xz": "xz is not read; give what it holds: xz -dc FILE | framing batch - …",
    ".zip": "zip is not read; unpack it first, or give zip://MEMBER::FILE.zip",
    ".xlsx": "spreadsheets are not read; save the sheet as CSV in UTF-8",
    ".xls": "spreadsheets are not read; save the sheet as CSV in UTF-8",
}
_KNOWN = "Parquet, .jsonl, .csv, .tsv, .txt (also .gz, .zst, .bz2) and folders of datasets"


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to read.

    Attributes:
        path: Local path or fsspec URL.
        format: How to read it.
        compression: A codec of pyarrow, or ``None``.
        members: Text files that are read as one input, each of them one text.
        name: What people know it by, where that is not the path.
    """

    path: str
    format: InputFormat
    compression: str | None = None
    members: tuple[InputFile, ...] = ()
    name: str = ""

    @property
    def label(self) -> str:
        """The file in messages and in the output."""
        return self.name or self.path

    @property
    def is_remote(self) -> bool:
        """Whether the path is a URL."""
        return "://" in self.path

    @property
    def is_gone_copy(self) -> bool:
        """Whether this is standard input of a finished job, of which no copy is kept."""
        return self.name == STANDARD_INPUT and not Path(self.path).exists()

    @property
    def identity(self) -> str:
        """The same for every spelling of a local path; of text files together, their name."""
        if self.is_remote or self.members:
            return self.path
        return os.path.abspath(self.path)  # noqa: PTH100 - a link is a file of its own

    def below(self, folder: Path) -> InputFile:
        """The file as another working folder sees it, with the label that it has here."""
        if self.members:
            return replace(self, members=tuple(member.below(folder) for member in self.members))
        if self.is_remote:
            return self
        return replace(self, path=str(folder / self.path), name=self.label)

    def open(self) -> IO[bytes]:
        """Open for reading, decompressed.

        Raises:
            BatchError: The file cannot be opened.
        """
        import pyarrow as pa

        with _readable(self.label):
            if self.is_remote:
                filesystem, path = _filesystem(self.path)
                # Remote files of fsspec cannot limit the length of a line.
                stream: Any = io.BufferedReader(_Stored(filesystem.open(path, "rb")), 1 << 20)
            else:
                stream = Path(self.path).open("rb")  # noqa: SIM115 - the caller closes it
        if self.compression is None:
            return stream  # type: ignore[no-any-return]
        return io.BufferedReader(pa.CompressedInputStream(stream, self.compression), 1 << 20)

    def size(self) -> int:
        """Bytes on disk."""
        if self.members:
            return sum(member.size() for member in self.members)
        with _readable(self.label):
            if self.is_remote:
                filesystem, path = _filesystem(self.path)
                return int(filesystem.size(path) or 0)
            return Path(self.path).stat().st_size

    def fingerprint(self) -> str:
        """Changes when the content does: SHA-256; of a remote file, what its server says."""
        if self.members:
            parts = "\n".join(member.fingerprint() for member in self.members)
            return hashlib.sha256(parts.encode()).hexdigest()
        with _readable(self.label):
            if self.is_remote:
                filesystem, path = _filesystem(self.path)
                return str(filesystem.checksum(path))
            return file_hash(Path(self.path))


class StoreError(OSError):
    """An object store failed while a file was read from it."""


class _Stored(io.RawIOBase):
    """A file in an object store, whose client has errors of its own, as one that has Python's."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except Exception as error:
            raise StoreError(str(error)) from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def find_files(
    inputs: Sequence[str | Path],
    *,
    input_format: InputFormat | None,
    lines: bool,
    spool: Path,
    spooled: str | None = None,
    output: Path | None = None,
) -> list[InputFile]:
    """The files that the inputs of a job mean, in a fixed order.

    Args:
        inputs: Files, globs, folders, URLs or ``-``.
        input_format: Overrides what the names say.
        lines: Read text files line by line; else they are one input, each file a text.
        spool: Where standard input is kept, so that the job can be continued.
        spooled: Fingerprint of the standard input that a job in the output folder began with.
        output: The job's output folder; folders and globs leave out what is in it.

    Raises:
        BatchError: There is no such file, its format is not known, or standard input cannot
            be kept or is not the one of ``spooled``.
    """
    found: dict[str, InputFile] = {}
    for name in map(str, inputs):
        if not name.strip():
            raise BatchError("an input has an empty name; give files, globs, folders, or -")
        if name == STANDARD_INPUT:
            if not (spool.exists() and sys.stdin is not None and sys.stdin.isatty()):
                _spool(spool, spooled)
            kind = input_format or InputFormat.JSONL
            found[name] = InputFile(str(spool), kind, name=STANDARD_INPUT)
            continue
        for file in _named_by(name, input_format, output):
            found.setdefault(file.identity, file)
    files = list(found.values())
    texts = tuple(file for file in files if file.format is InputFormat.TEXT)
    if lines or not texts:
        return files
    others = [file for file in files if file.format is not InputFormat.TEXT]
    return [*others, InputFile(f"{len(texts)} text files", InputFormat.TEXT, members=texts)]


def _named_by(name: str, wanted: InputFormat | None, output: Path | None) -> list[InputFile]:
    with _readable(name[:200]):
        return list(_remote(name, wanted) if "://" in name else _local(name, wanted, output))


@contextmanager
def _readable(label: str) -> Iterator[None]:
    """Say which input cannot be read; the clients of object stores have errors of their own."""
    try:
        yield
    except BatchError:
        raise
    except OSError as error:
        raise BatchError(f"{label}: cannot be read: {error.strerror or error}") from error
    except Exception as error:
        if "://" not in label:
            raise
        raise BatchError(f"{label}: cannot be read: {error}") from error


def _local(name: str, wanted: InputFormat | None, output: Path | None) -> Iterator[InputFile]:
    path = Path(name)
    if path.is_dir():
        yield from _folder(path, wanted, output)
    elif path.is_file():
        yield _named(name, wanted)
    elif path.exists():
        raise BatchError(
            f"{name}: is a pipe or device, which can be read but once; give it as standard input: "
            "… | framing batch -"
        )
    else:
        matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - takes any pattern
        files = [match for match in matches if Path(match).is_file()]
        if not files:
            raise BatchError(f"{name}: no such file")
        for match in _outside(output, files):
            yield _named(match, wanted)


def _outside(folder: Path | None, files: list[str]) -> list[str]:
    """The files that are not in the job's output; all where no other was meant, to be refused."""
    if folder is None:
        return files
    folder = folder.resolve()
    return [file for file in files if folder not in Path(file).resolve().parents] or files


def _folder(path: Path, wanted: InputFormat | None, output: Path | None) -> Iterator[InputFile]:
    """The files in a folder, or the Arrow files of one that ``datasets`` has saved."""
    if any((path / name).is_file() for name in (_DATASET, _DATASETS)):
        for arrow in sorted(_dataset_files(path)):
            yield InputFile(str(arrow), InputFormat.DATASET)
        return
    files = sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and not _is_hidden(file.relative_to(path))
    )
    known = [str(file) for file in files if wanted or _format_of(file.name)[0]]
    if not known:
        raise BatchError(f"{path}: no files that can be read; known are {_KNOWN}")
    for name in _outside(output, known):
        yield _named(name, wanted)


def _dataset_files(folder: Path) -> Iterator[Path]:
    """The files that ``datasets`` names as its own: others may be left from before, or a cache."""
    splits = [folder]
    if not (folder / _DATASET).is_file():
        splits = [folder / name for name in _json(folder / _DATASETS, "splits")]
    for split in splits:
        for each in _json(split / _DATASET, "_data_files"):
            yield split / each["filename"]


def _json(path: Path, key: str) -> list[Any]:
    try:
        found: list[Any] = json.loads(path.read_bytes())[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BatchError(
            f"{path}: is not as save_to_disk of datasets writes it: {error}; save the dataset again"
        ) from error
    return found


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _remote(name: str, wanted: InputFormat | None) -> Iterator[InputFile]:
    filesystem, path = _filesystem(name)
    if filesystem.isfile(path):  # first, as signs of a glob occur in URLs
        paths = [path]
    elif glob.has_magic(path):
        paths = sorted(filesystem.glob(path))
    else:
        paths = sorted(filesystem.find(path))
        paths = [p for p in paths if wanted or _format_of(p)[0]]
    if not paths:
        raise BatchError(f"{name}: {_why_missing(filesystem, path)}")
    _, chain, archive = name.partition("::")  # zip://name::archive.zip
    for each in paths:
        yield _named(filesystem.unstrip_protocol(each) + chain + archive, wanted)


def _why_missing(filesystem: Any, path: str) -> str:
    """Whether there is no such file, or, as a web server that is down, no answer."""
    try:
        if not glob.has_magic(path):
            filesystem.info(path)
    except FileNotFoundError as error:
        if error.__cause__ is not None:
            return f"cannot be read: {error.__cause__}"
    return "no such file"


@functools.lru_cache(64)  # one of an archive closes its files when it is forgotten
def _filesystem(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        return fsspec.core.url_to_fs(url)  # type: ignore[no-any-return]
    except (ImportError, ValueError) as error:
        raise BatchError(f"{url}: cannot be read: {error}") from error


def _named(path: str, wanted: InputFormat | None) -> InputFile:
    if not is_unicode(path):
        raise BatchError(f"{path!r}: its name is not UTF-8; rename it")
    kind, compression = _format_of(path)
    kind = wanted or kind
    if hint := _UNREAD.get(Path(path.lower().partition("::")[0]).suffix):
        raise BatchError(f"{path}: {hint}")
    if kind is None:
        raise BatchError(
            f"{path}: its name does not say what it is; known are {_KNOWN}. "
            "Give --input-format if it is one of them"
        )
    if kind in (InputFormat.PARQUET, InputFormat.DATASET) and compression:
        raise BatchError(f"{path}: a compressed {kind.value} file; decompress it first")
    return InputFile(path, kind, compression)


def _format_of(name: str) -> tuple[InputFormat | None, str | None]:
    path = Path(name.lower().partition("::")[0])
    compression = _COMPRESSIONS.get(path.suffix)
    if compression:
        path = path.with_suffix("")
    return _FORMATS.get(path.suffix), compression


def _spool(path: Path, known: str | None) -> None:
    """Keep standard input, which can be read but once: a job that goes on reads it again.

    No input at all, as under cron, leaves what is there already, and so does another one than
    that of the job.
    """
    if sys.stdin is None:  # closed, as some schedulers do
        raise BatchError("standard input: is closed; give a file, or < /dev/null to go on")
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".tmp")
    try:
        with scratch.open("wb") as out:
            shutil.copyfileobj(sys.stdin.buffer, out)
        empty = not scratch.stat().st_size
        if empty:
            scratch.unlink()
            if known is None and not path.exists():
                raise BatchError("standard input: is empty; there is nothing to classify")
        elif known is not None and file_hash(scratch) != known:
            scratch.unlink()
            raise BatchError(
                "standard input: is not what the job in this folder began with; give that again, "
                "or nothing (< /dev/null) to go on with the copy that was kept, or use --restart "
                "to start afresh"
            )
        else:
            scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)  # half a copy would keep the disk full
        raise unwritable(path, error) from error

"""``framing classify``: text in, a table for people or JSON Lines for programs out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framing.labels.errors import FramingError

if TYPE_CHECKING:
    from rich.text import Text

    from framing.results import Document, Sentence

ModelOption = Annotated[str, typer.Option(help="'default', a model folder, or a hub id.")]
EngineOption = Annotated[str, typer.Option(help="auto, openvino (for a CPU) or torch.")]
ThreadsOption = Annotated[
    int | None, typer.Option(min=1, help="Processors to use on a CPU; default: all allowed.")
]
PrecisionOption = Annotated[str, typer.Option(help="auto, f32, bf16, f16 or int8.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]

_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx")
# What ends like a file but is none is more likely mistyped than news.
_FILE_ENDINGS = (*_TABLES, ".txt", ".md", ".html", ".htm", ".xml", ".pdf", ".docx", ".rtf", ".gz")
_LONGEST_NAME = 255


def classify(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT | FILE | -]...", help="Text, text files, or - for standard input."
        ),
    ] = None,
    model: ModelOption = "default",
    device: DeviceOption = "auto",
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    precision: PrecisionOption = "auto",
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Tag a topic where P(topic) is at least this."),
    ] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Abstain from tags less probable than this.")
    ] = 0.0,
    split: Annotated[
        bool, typer.Option(help="Split into sentences; --no-split takes each text as one.")
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON Lines, one sentence a line, also on a terminal.")
    ] = False,
) -> None:
    """Tag every sentence by topic and stance.

    Prints a table on a terminal and JSON Lines, one sentence a line, elsewhere.
    """
    if not inputs and (sys.stdin is None or sys.stdin.isatty()):
        raise FramingError("nothing to classify; give TEXT, a FILE, or - for standard input")
    texts = [_read(name) for name in inputs or ["-"]]

    from framing.classifier import Classifier

    classifier = Classifier.from_pretrained(
        model, device=device, engine=engine, threads=threads, precision=precision
    )
    documents = classifier.classify_many(
        texts, split=split, threshold=threshold, min_confidence=min_confidence
    )
    pairs = zip(_sources(inputs or ["-"], texts), documents, strict=True)
    if as_json or not sys.stdout.isatty():
        _print_json(pairs)
    else:
        for source, document in pairs:
            _print_table(source if len(texts) > 1 else None, document)


def _sources(inputs: list[str], texts: list[str]) -> list[str | None]:
    """Where each text is from; a text on the command line needs no name if it is alone."""
    number = len(inputs)
    return [
        name if name != text else f"argument {place}" if number > 1 else None
        for place, (name, text) in enumerate(zip(inputs, texts, strict=True), start=1)
    ]


def _read(name: str) -> str:
    """The text that an argument means: standard input, a file, or itself."""
    if name == "-":
        if sys.stdin is None:
            raise FramingError("standard input: is closed; give TEXT or a FILE")
        return _decoded(sys.stdin.buffer.read(), "standard input")
    if not name.strip():
        return name
    path = Path(name)
    ending = path.suffix.lower()
    try:
        if path.is_dir():
            raise FramingError(f"{name}: is a folder; give its files")
        if path.exists():  # a file, or a pipe
            if ending in _TABLES:
                raise FramingError(f"{name}: holds rows; 'framing batch' reads them")
            return _decoded(path.read_bytes(), name)
    except OSError as error:
        if ending in _FILE_ENDINGS:
            raise FramingError(f"{name}: cannot be read: {error.strerror}") from error
        return name  # longer than any file name: a text
    except ValueError as error:  # a NUL byte cannot be in a file name
        if isinstance(error, FramingError):
            raise
        return name
    if ending in _FILE_ENDINGS and "\n" not in name and len(name) <= _LONGEST_NAME:
        raise FramingError(f"{name}: no such file; if it is a text, end it with a full stop")
    if " " not in name and "/" in name:
        raise FramingError(f"{name}: no such file")
    return name


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FramingError(
            f"{name}: is not UTF-8 at byte {error.start}; convert it first, "
            "for example with iconv -t UTF-8"
        ) from error


def _print_json(pairs: Iterable[tuple[str | None, Document]]) -> None:
    try:
        for source, document in pairs:
            name = {} if source is None else {"source": source}
            for index, sentence in enumerate(document.sentences):
                line = {**name, "sentence": index, **sentence.to_dict()}
                sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, for example `head`, has seen enough. Without this, Python
        # would complain when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_COLOURS = ("green", "red", "yellow", "cyan", "magenta", "blue")


def _print_table(title: str | None, document: Document) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # As it is: a name may hold brackets, which rich would take for markup.
    shown = None if title is None else Text(title)
    table = Table(title=shown, title_justify="left", box=box.SIMPLE, expand=True)
    table.add_column("Sentence", ratio=1)
    table.add_column("Topic: stance (probability)", no_wrap=True)
    for sentence in document.sentences:
        text = "".join(char if char.isprintable() else " " for char in sentence.text)
        table.add_row(Text(text), _tags(sentence))
    Console().print(table)


def _tags(sentence: Sentence) -> Text:
    """One line per tag, coloured by the stance's place in the schema."""
    from rich.text import Text

    from framing.labels.schema import ABSENT

    lines = []
    for tag in sentence.tags:
        stances = [name for name in sentence.probabilities[tag.topic] if name != ABSENT]
        colour = _COLOURS[stances.index(tag.stance) % len(_COLOURS)]
        lines.append(
            Text.assemble(f"{tag.topic}: ", (tag.stance, colour), f" ({tag.probability:.2f})")
        )
    return Text("\n").join(lines)

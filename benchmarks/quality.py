"""How well systems do on text from sources, documents and kinds that they have not seen.

    python benchmarks/quality.py --quick            # one seed, two protocols
    python benchmarks/quality.py                    # three seeds, every protocol: hours

Every cell (system, protocol, fold, seed) is kept under ``runs/quality`` by the hash of what
it depends on, so a run that was cut off goes on where it stopped. The table goes to
standard output and, with ``--output NAME``, to NAME.json and NAME.md.
Needs the corpora (labels/README.md), and ``pip install setfit`` for that system.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from systems import SYSTEMS

from framing.labels.records import Record
from framing.labels.schema import Schema, load_schema
from framing.training.config import TrainConfig, load_config
from framing.training.data import load_records, texts_of
from framing.training.evaluation import Probabilities, Scores, score
from framing.training.splits import Split, hold_out

CACHE = Path("runs/quality")
SEEDS = (13, 14, 15)
# The sources that are held out whole; authored text only ever helps to train.
SOURCES = ("fa-kes", "white-house", "wikipedia", "seeds")
WIKIPEDIA_GROUPS = 3


@dataclass(frozen=True)
class Fold:
    """One split of a protocol, named for the table and the cache."""

    protocol: str
    name: str
    split: Split


@dataclass(frozen=True)
class Cell:
    """What one system with one seed scored on one fold."""

    system: str
    protocol: str
    fold: str
    seed: int
    scores: Scores


def main() -> None:
    arguments = _arguments()
    schema, config = load_schema(), load_config(None)
    records = load_records(
        config.labels, schema, corpora=arguments.corpora, candidates=config.corpora
    )
    seeds = SEEDS[:1] if arguments.quick else SEEDS
    if arguments.quick:
        config = config.model_copy(update={"max_epochs": 2})
    protocols = arguments.protocols or (
        ["source", "authored-to-real"]
        if arguments.quick
        else ["source", "wikipedia", "authored-to-real"]
    )
    cells = []
    for fold in folds(records, protocols):
        for system in arguments.systems or SYSTEMS:
            for seed in seeds:
                seeded = config.model_copy(update={"seed": seed})
                cells.append(_cell(system, fold, schema, seeded))
                Console(stderr=True).print(_line(cells[-1]), highlight=False)
    rows = summarize(cells)
    _print(rows)
    if arguments.output:
        _write(rows, cells, arguments.output)


def folds(records: Sequence[Record], protocols: Iterable[str]) -> list[Fold]:
    """The splits of the protocols, by whole sources or whole documents."""
    by_protocol = {
        "source": lambda: [
            Fold(
                "source",
                source,
                hold_out(records, {r.group for r in records if r.source == source}),
            )
            for source in SOURCES
        ],
        "wikipedia": lambda: [
            Fold("wikipedia", str(index), hold_out(records, group))
            for index, group in enumerate(_groups(records))
        ],
        "authored-to-real": lambda: [
            Fold(
                "authored-to-real",
                "real",
                hold_out(
                    [r for r in records if r.provenance != "seed"],
                    {r.group for r in records if r.provenance == "real"},
                ),
            )
        ],
    }
    return [fold for protocol in protocols for fold in by_protocol[protocol]()]


def summarize(cells: Sequence[Cell]) -> list[dict[str, object]]:
    """Per protocol and system: figures averaged over folds, then mean and spread over seeds."""
    rows = []
    for protocol in dict.fromkeys(cell.protocol for cell in cells):
        for system in dict.fromkeys(cell.system for cell in cells):
            chosen = [c for c in cells if (c.protocol, c.system) == (protocol, system)]
            if not chosen:
                continue
            row: dict[str, object] = {"protocol": protocol, "system": system}
            for name in chosen[0].scores.estimates:
                per_seed = [
                    np.mean([c.scores.estimates[name].value for c in chosen if c.seed == seed])
                    for seed in dict.fromkeys(c.seed for c in chosen)
                ]
                row[name] = float(np.mean(per_seed))
                row[f"{name}_spread"] = float(np.std(per_seed))
                for end in ("low", "high"):
                    ends = [getattr(c.scores.estimates[name], end) for c in chosen]
                    row[f"{name}_{end}"] = float(np.mean(ends))
            row["ece"] = float(np.mean([c.scores.ece for c in chosen]))
            rows.append(row)
    return rows


def _groups(records: Sequence[Record]) -> list[set[str]]:
    documents = sorted({r.group for r in records if r.source == "wikipedia"})
    return [set(documents[start::WIKIPEDIA_GROUPS]) for start in range(WIKIPEDIA_GROUPS)]


def _cell(system: str, fold: Fold, schema: Schema, config: TrainConfig) -> Cell:
    probabilities, thresholds = _cached(system, fold.split, schema, config)
    scores = score(system, probabilities, fold.split.held_out, schema, thresholds=thresholds)
    return Cell(system, fold.protocol, fold.name, config.seed, scores)


def _cached(
    system: str, split: Split, schema: Schema, config: TrainConfig
) -> tuple[Probabilities, NDArray[np.float64]]:
    """The system's probabilities on the held-out side, computed once for all runs."""
    learned = [(r.id, r.group, r.sha256 or r.text, sorted(r.labels.items())) for r in split.train]
    asked = texts_of(split.held_out)
    used = {} if system in ("tfidf",) else config.model_dump(mode="json", exclude={"output"})
    key = json.dumps([system, used, schema.model_dump(mode="json"), learned, asked])
    path = CACHE / f"{system}-{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as content:
            return content["probabilities"], content["thresholds"]
    probabilities, thresholds = SYSTEMS[system](split.train, asked, schema, config)
    CACHE.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, probabilities=probabilities, thresholds=thresholds)
    partial.replace(path)
    return probabilities, np.asarray(thresholds)


_FIGURES = {
    "joint_f1": "joint F1",
    "topic_macro_f1": "topic macro-F1",
    "stance_accuracy": "stance acc.",
    "stance_macro_f1": "stance macro-F1",
    "exact_match": "exact",
}


def _line(cell: Cell) -> str:
    estimate = cell.scores.estimates["joint_f1"]
    return f"{cell.protocol} {cell.fold} {cell.system} seed {cell.seed}: joint F1 {estimate}"


def _text(row: dict[str, object], name: str) -> str:
    value, spread, low, high = (
        float(str(row[name + end])) for end in ("", "_spread", "_low", "_high")
    )
    return f"{value:.2f} ± {spread:.2f} [{low:.2f}, {high:.2f}]"


def _print(rows: Sequence[dict[str, object]]) -> None:
    table = Table(
        caption="mean over folds ± spread over seeds, and mean ends of the 95 % intervals"
    )
    for name in ("protocol", "system", *_FIGURES.values(), "ECE"):
        table.add_column(name)
    for row in rows:
        table.add_row(
            str(row["protocol"]),
            str(row["system"]),
            *(_text(row, name) for name in _FIGURES),
            f"{row['ece']:.2f}",
        )
    Console(width=180).print(table)


def _write(rows: Sequence[dict[str, object]], cells: Sequence[Cell], output: Path) -> None:
    content = {"rows": rows, "cells": [asdict(cell) for cell in cells]}
    output.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    names = ["protocol", "system", *_FIGURES.values(), "ECE"]
    lines = ["| " + " | ".join(names) + " |", "| --- " * len(names) + "|"]
    for row in rows:
        figures = [_text(row, name) for name in _FIGURES]
        cell = [str(row["protocol"]), str(row["system"]), *figures, f"{row['ece']:.2f}"]
        lines.append("| " + " | ".join(cell) + " |")
    output.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--systems", nargs="+", choices=sorted(SYSTEMS))
    parser.add_argument(
        "--protocols", nargs="+", choices=("source", "wikipedia", "authored-to-real")
    )
    parser.add_argument("--corpora", type=Path)
    parser.add_argument("--output", type=Path, help="also write NAME.json and NAME.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()

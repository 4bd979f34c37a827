"""How well systems do on text from sources, documents and kinds that they have not seen.

    python benchmarks/quality.py --quick            # one seed, two protocols, little data
    python benchmarks/quality.py --seeds 13 14 15   # every protocol, all data: hours

Every cell (system, fold, seed) is kept under ``runs/quality`` by the hash of what it depends
on, so that a run that was cut off goes on where it stopped; ``--cached`` tables only what is
there. The table goes to standard output and, with ``--output NAME``, to NAME.json and NAME.md.
Needs the corpora (labels/README.md), and ``pip install setfit`` for that system.

A fold's sources are held out whole. Scored are only sentences that were drawn without a
model (``measured`` in training/default.yaml); those that a model was in doubt about are harder
than text is, and serve to train. Nothing is chosen on a fold: each system's temperatures and
thresholds are fitted on the other folds of the protocol, where there are any.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from systems import SYSTEMS

from framing.decisions import DecisionRule, Floats
from framing.labels.records import Record
from framing.labels.schema import Schema, load_schema
from framing.training.backbone import weights_hash
from framing.training.calibration import fit_rule
from framing.training.config import TrainConfig, load_config
from framing.training.data import (
    class_indices,
    load_records,
    measured_sentences,
    sentence_key,
    texts_of,
)
from framing.training.evaluation import Estimate, Scores, score
from framing.training.splits import hold_out
from framing.training.unseen import cached, fingerprint, settings_in_key

CACHE = Path("runs/quality")
PROTOCOLS = ("source", "wikipedia", "authored-to-real")
QUICK_PROTOCOLS = ("source", "authored-to-real")
QUICK_SENTENCES = 1000
WIKIPEDIA_GROUPS = 3
RESAMPLES = 1000


@dataclass(frozen=True)
class Fold:
    """Records to learn from, and those of them held out that are scored, by part."""

    protocol: str
    train: tuple[Record, ...]
    parts: dict[str, list[Record]]

    @property
    def asked(self) -> list[Record]:
        """All that is scored."""
        return [record for part in self.parts.values() for record in part]


@dataclass(frozen=True)
class Cell:
    """What one system with one seed scored on one part of a fold."""

    system: str
    protocol: str
    part: str
    seed: int
    scores: Scores


def main() -> None:
    arguments = _arguments()
    schema, config = load_schema(), load_config(None)
    records = load_records(
        config.labels, schema, corpora=arguments.corpora, candidates=config.corpora
    )
    seeds = arguments.seeds or [config.seed]
    protocols = arguments.protocols or (QUICK_PROTOCOLS if arguments.quick else PROTOCOLS)
    systems = arguments.systems or list(SYSTEMS)
    limit = QUICK_SENTENCES if arguments.quick else None
    cells = []
    for protocol in protocols:
        folds = make_folds(protocol, records, schema, config, limit)
        for system, seed in product(systems, seeds):
            seeded = config.model_copy(update={"seed": seed})
            cells += _cells(system, folds, schema, seeded, only_cached=arguments.cached)
    rows = summarize(cells)
    _print(rows)
    if arguments.output:
        _write(rows, cells, arguments.output, quick=arguments.quick)


def make_folds(
    protocol: str,
    records: Sequence[Record],
    schema: Schema,
    config: TrainConfig,
    limit: int | None,
) -> list[Fold]:
    """The folds of a protocol, each trained on at most ``limit`` sentences."""
    measured = measured_sentences(config, schema)
    if protocol == "source":
        held = [
            {r.group: r.source for r in records if r.source in sources}
            for sources in config.unseen_sources
        ]
    elif protocol == "wikipedia":
        names = sorted({r.group for r in records if r.source == "wikipedia"})
        held = [
            dict.fromkeys(names[start::WIKIPEDIA_GROUPS], f"group {start}")
            for start in range(WIKIPEDIA_GROUPS)
        ]
    else:
        records = [r for r in records if r.provenance != "seed"]
        held = [{r.group: "real" for r in records if r.provenance == "real"}]
    folds = []
    for part_of in held:
        split = hold_out(records, set(part_of))
        parts: dict[str, list[Record]] = {name: [] for name in part_of.values()}
        for record in split.held_out:
            if measured is None or sentence_key(record) in measured:
                parts[part_of[record.group]].append(record)
        folds.append(Fold(protocol, _whole_documents(split.train, limit, config.seed), parts))
    return folds


def summarize(cells: Sequence[Cell]) -> list[dict[str, object]]:
    """Per protocol and system: figures averaged over parts, then mean and spread over seeds."""
    rows = []
    for protocol, system in dict.fromkeys((cell.protocol, cell.system) for cell in cells):
        chosen = [c for c in cells if (c.protocol, c.system) == (protocol, system)]
        seeds = list(dict.fromkeys(c.seed for c in chosen))
        row: dict[str, object] = {"protocol": protocol, "system": system, "seeds": len(seeds)}
        for name in chosen[0].scores.estimates:
            per_seed = [
                np.mean([c.scores.estimates[name].value for c in chosen if c.seed == seed])
                for seed in seeds
            ]
            row[name] = float(np.mean(per_seed))
            row[f"{name}_spread"] = float(np.std(per_seed))
            estimates = [c.scores.estimates[name] for c in chosen if c.seed == seeds[0]]
            row[f"{name}_low"], row[f"{name}_high"] = _interval_of_mean(estimates)
        row["ece"] = float(np.mean([c.scores.ece for c in chosen]))
        rows.append(row)
    return rows


def _interval_of_mean(parts: Sequence[Estimate]) -> tuple[float, float]:
    """Ends of the 95 % interval of a mean over parts, which are independent of each other."""
    mean = np.mean([part.value for part in parts])
    below = np.sqrt(np.sum([(part.value - part.low) ** 2 for part in parts])) / len(parts)
    above = np.sqrt(np.sum([(part.high - part.value) ** 2 for part in parts])) / len(parts)
    return float(mean - below), float(mean + above)


def _cells(
    system: str, folds: Sequence[Fold], schema: Schema, config: TrainConfig, *, only_cached: bool
) -> list[Cell]:
    """One cell per part, by the rule that suits the other parts of the protocol."""
    found: list[tuple[str, list[Record], Floats]] = []
    for fold in folds:
        logits = _logits(system, fold, schema, config, only_cached=only_cached)
        if logits is None:
            return []
        ends = np.cumsum([len(part) for part in fold.parts.values()])[:-1]
        found += zip(fold.parts, fold.parts.values(), np.split(logits, ends), strict=True)
    cells = []
    for name, records, logits in found:
        others = [(o[2], class_indices(o[1], schema)) for o in found if o[0] != name]
        rule = fit_rule(others) if others else DecisionRule.plain(len(schema.topics))
        probabilities = rule.probabilities(logits)
        scores = score(system, probabilities, records, schema, thresholds=rule.thresholds)
        cells.append(Cell(system, folds[0].protocol, name, config.seed, scores))
        Console(stderr=True).print(_line(cells[-1]), highlight=False)
    return cells


def _logits(
    system: str, fold: Fold, schema: Schema, config: TrainConfig, *, only_cached: bool
) -> Floats | None:
    """The system's logits for what the fold asks, computed once for all runs."""
    asked = texts_of(fold.asked)
    settings = {}
    if system != "tfidf":
        start = weights_hash(config.backbone, sha256=config.backbone_sha256)
        settings = settings_in_key(config, start=start)
    key = [system, settings, schema.model_dump(mode="json"), fingerprint(fold.train), asked]

    def compute() -> Floats:
        if only_cached:
            raise LookupError
        return SYSTEMS[system](fold.train, asked, schema, config)

    try:
        return cached(CACHE, key, compute)
    except LookupError:
        return None


def _whole_documents(records: Sequence[Record], limit: int | None, seed: int) -> tuple[Record, ...]:
    """Random whole documents of at most ``limit`` sentences together."""
    if limit is None or len(records) <= limit:
        return tuple(records)
    sizes: dict[str, int] = {}
    for record in records:
        sizes[record.group] = sizes.get(record.group, 0) + 1
    chosen, count = set(), 0
    for group in np.random.default_rng(seed).permutation(sorted(sizes)).tolist():
        if count + sizes[group] <= limit:
            chosen.add(group)
            count += sizes[group]
    return tuple(record for record in records if record.group in chosen)


_FIGURES = {
    "joint_f1": "joint F1",
    "topic_macro_f1": "topic macro-F1",
    "stance_accuracy": "stance acc.",
    "stance_macro_f1": "stance macro-F1",
    "exact_match": "exact",
}
_COLUMNS = ("protocol", "system", "seeds", *_FIGURES.values(), "ECE")
_CAPTION = (
    "Mean over held-out parts ± spread over seeds [95 % bootstrap interval of the first seed's "
    "mean, over documents]"
)


def _line(cell: Cell) -> str:
    estimate = cell.scores.estimates["joint_f1"]
    return f"{cell.protocol} {cell.part} {cell.system} seed {cell.seed}: joint F1 {estimate}"


def _texts(row: dict[str, object]) -> Iterable[str]:
    yield from (str(row[name]) for name in ("protocol", "system", "seeds"))
    for name in _FIGURES:
        value, spread, low, high = (
            float(str(row[name + end])) for end in ("", "_spread", "_low", "_high")
        )
        yield f"{value:.2f} ± {spread:.2f} [{low:.2f}, {high:.2f}]"
    yield f"{row['ece']:.2f}"


def _print(rows: Sequence[dict[str, object]]) -> None:
    table = Table(*_COLUMNS, caption=_CAPTION)
    for row in rows:
        table.add_row(*_texts(row))
    Console(width=190).print(table)


def _write(
    rows: Sequence[dict[str, object]], cells: Sequence[Cell], output: Path, *, quick: bool = False
) -> None:
    content = {"rows": rows, "cells": [asdict(cell) for cell in cells]}
    output.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    lines = ["| " + " | ".join(_COLUMNS) + " |", "| --- " * len(_COLUMNS) + "|"]
    lines += ["| " + " | ".join(_texts(row)) + " |" for row in rows]
    protocols = " ".join(dict.fromkeys(cell.protocol for cell in cells))
    systems = list(dict.fromkeys(cell.system for cell in cells))
    some = "" if systems == list(SYSTEMS) else f" --systems {' '.join(systems)}"
    size = " --quick" if quick else ""
    seeds = " ".join(dict.fromkeys(str(cell.seed) for cell in cells))
    chosen = f"{size} --seeds {seeds} --protocols {protocols}{some}"
    command = f"By `python benchmarks/quality.py{chosen}`."
    text = "\n".join([*lines, "", _CAPTION + ".", command, ""])
    output.with_suffix(".md").write_text(text, encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", nargs="+", type=int)
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS))
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS)
    parser.add_argument("--cached", action="store_true", help="table what is cached, no more")
    parser.add_argument("--corpora", type=Path)
    parser.add_argument("--output", type=Path, help="also write NAME.json and NAME.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()

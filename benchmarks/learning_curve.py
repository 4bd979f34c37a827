"""How good a model is after 8, 16, … sentences per label, by several ways of training.

    python benchmarks/learning_curve.py --cells docs/learning_curve.json --page docs/training.md

Two public data sets of other domains than ours (their text is not in this repository; --public
names their folder): stance in tweets on five targets (TweetEval, SemEval-2016 task 6) and sentiment
towards a marked target in political news (NewsMTSC, one topic with three stances). Training
sentences are drawn by chance, so many per topic and stance and half as many without any per topic;
held out are the data sets' own validation parts, whole. Cells are kept in
runs/learning_curve.jsonl, so that a run that is cut off goes on; those of --cells are not
computed again, either. Cells of ours are of the shipped model of their day: remove them where that
has changed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from systems import setfit_encoder

from framing.decisions import decide
from framing.labels.records import Record
from framing.labels.schema import Schema, parse_schema
from framing.training.backbone import MINILM, SHIPPED, find_backbone
from framing.training.data import class_indices, texts_of
from framing.training.evaluation import joint_f1
from framing.training.job import Job
from framing.training.outcome import outcome_of
from framing.training.settings import settings_for
from framing.training.unseen import saved_logits

SIZES = (8, 16, 32, 64, 128, 512)
SEEDS = (13, 14, 15)
CACHE = Path("runs/learning_curve.jsonl")
BEGIN, END = "<!-- learning curve -->", "<!-- end -->"
PUBLIC = Path("../shared/corpus/public")
# SetFit's own default is 20 pairs a sentence each way; so many steps are its limit here.
SETFIT_STEPS = 300
SETFIT_BATCH = 16

Labels = NDArray[np.int64]
Method = Callable[[Sequence[Record], Sequence[str], Schema, int], Labels]
DataSet = tuple[Schema, list[Record], list[Record]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--public", type=Path, default=PUBLIC)
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=COMPARED)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--cells", type=Path, help="a .json of all cells, read and written anew")
    parser.add_argument("--page", type=Path, help=f"a page to put the table into, after {BEGIN}")
    arguments = parser.parse_args()
    cells = read_cells(arguments.cells)
    for name in arguments.data:
        schema, train, held_out = DATA[name](arguments.public)
        gold = class_indices(held_out, schema)
        for size, method, seed in product(arguments.sizes, arguments.methods, arguments.seeds):
            key = (name, method, size, seed)
            if key not in cells:
                chosen = draw(train, schema, size, seed)
                started = time.perf_counter()
                found = METHODS[method](chosen, texts_of(held_out), schema, seed)
                seconds = time.perf_counter() - started
                cells[key] = add_cell(key, len(chosen), joint_f1(found, gold), seconds)
            print(*key, f"{cells[key]['joint_f1']:.3f}", flush=True)
    table = markdown(cells)
    print(table)
    if arguments.cells:
        rows = [cells[key] for key in sorted(cells)]
        arguments.cells.write_text(json.dumps(rows, indent=0) + "\n")
    if arguments.page:
        before, rest = arguments.page.read_text(encoding="utf-8").split(BEGIN)
        text = f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}"
        arguments.page.write_text(text, encoding="utf-8")


def ours(start: str | None) -> Method:
    """`framing train` with the settings that it chooses by size, from its own start or another."""

    def method(
        records: Sequence[Record], texts: Sequence[str], schema: Schema, seed: int
    ) -> Labels:
        with TemporaryDirectory() as folder:
            config = settings_for(
                records, labels=("drawn",), output=Path(folder), backbone=start, seed=seed
            )
            found = outcome_of(Job(tuple(records), schema, config, Path(folder)))
            probabilities = found.rule.probabilities(saved_logits(found.fitted, texts))
        return decide(probabilities, found.rule.thresholds)

    return method


def setfit(records: Sequence[Record], texts: Sequence[str], schema: Schema, seed: int) -> Labels:
    """SetFit in its multi-label mode on MiniLM, 20 pairs a sentence, at most 300 steps."""
    labels = class_indices(records, schema)
    body = setfit_encoder(
        texts_of(records),
        labels,
        folder=find_backbone(MINILM),
        batch=SETFIT_BATCH,
        steps=min(SETFIT_STEPS, 40 * len(records) // SETFIT_BATCH),
        seed=seed,
    )
    return regressions(body.encode(texts_of(records)), labels, body.encode(list(texts)))


def embeddings(
    records: Sequence[Record], texts: Sequence[str], schema: Schema, seed: int
) -> Labels:
    """A logistic regression per topic on embeddings of MiniLM as it is."""
    from sentence_transformers import SentenceTransformer

    body = SentenceTransformer(str(find_backbone(MINILM)), device="cpu")
    labels = class_indices(records, schema)
    return regressions(body.encode(texts_of(records)), labels, body.encode(list(texts)))


def regressions(
    features: NDArray[np.float32], labels: Labels, asked: NDArray[np.float32]
) -> Labels:
    """The likeliest class per topic."""
    columns = []
    for column in labels.T:
        if len(set(column.tolist())) == 1:
            columns.append(np.full(len(asked), column[0]))
            continue
        head = LogisticRegression(class_weight="balanced", max_iter=1000).fit(features, column)
        columns.append(head.predict(asked))
    return np.stack(columns, axis=1)


METHODS: dict[str, Method] = {
    "framing": ours(None),
    "SetFit": setfit,
    "regression": embeddings,
    "framing --init shipped": ours(SHIPPED),
    "framing --init backbone": ours(MINILM),
}
COMPARED = ("framing", "SetFit", "regression")


def tweets(folder: Path) -> DataSet:
    """TweetEval stance: a tweet is labelled for one target and taken to be about that alone."""
    names = ("abortion", "atheism", "climate", "feminist", "hillary")
    schema = parse_schema(
        {
            "topics": [{"name": n, "title": n, "definition": n, "target": n} for n in names],
            "stances": [{"name": s, "definition": s} for s in ("against", "favor")],
        },
        where="tweets",
    )
    stances = {"1": "against", "2": "favor"}

    def read(split: str) -> Iterator[Record]:
        for name in names:
            stem = folder / "tweeteval_stance" / f"{name}__{split}"
            lines = stem.with_name(f"{stem.name}_text.txt").read_text().splitlines()
            marks = stem.with_name(f"{stem.name}_labels.txt").read_text().split()
            for number, (text, mark) in enumerate(zip(lines, marks, strict=True)):
                labels = {name: stances[mark]} if mark in stances else {}
                yield record(f"{name}-{split}-{number}", text, labels)

    return schema, list(read("train")), list(read("val"))


def news(folder: Path) -> DataSet:
    """NewsMTSC: the target stands in brackets, and every sentence takes some stance."""
    stances = {2.0: "negative", 4.0: "neutral", 6.0: "positive"}
    schema = parse_schema(
        {
            "topics": [
                {"name": "target", "title": "target", "definition": "in brackets", "target": "it"}
            ],
            "stances": [{"name": s, "definition": s} for s in stances.values()],
        },
        where="news",
    )

    def read(name: str) -> Iterator[Record]:
        lines = (folder / "newsmtsc" / name).read_text().splitlines()
        for row in map(json.loads, lines):
            text = row["sentence_normalized"]
            for number, target in enumerate(row["targets"]):
                start, end = target["from"], target["to"]
                marked = f"{text[:start]}[{text[start:end]}]{text[end:]}"
                labels = {"target": stances[target["polarity"]]}
                document = row["primary_gid"].rsplit("_", 3)[0]
                yield replace(
                    record(f"{row['primary_gid']}-{number}", marked, labels), document=document
                )

    return schema, list(read("train.jsonl")), list(read("devtest_rw.jsonl"))


DATA: dict[str, Callable[[Path], DataSet]] = {"tweets": tweets, "news": news}


def record(name: str, text: str, labels: dict[str, str]) -> Record:
    return Record(name, "public", name, labels, "real", "published", text=text)


def draw(records: Sequence[Record], schema: Schema, size: int, seed: int) -> list[Record]:
    """At most so many sentences of each topic and stance, and half as many a topic without any."""
    chance = np.random.default_rng(seed)
    shuffled = [records[i] for i in chance.permutation(len(records))]
    left = dict.fromkeys(product(schema.topic_names, schema.stance_names), size)
    without = size * len(schema.topics) // 2
    chosen = []
    for each in shuffled:
        cells = list(each.labels.items())
        if cells and any(left[cell] > 0 for cell in cells):
            left.update({cell: left[cell] - 1 for cell in cells})
            chosen.append(each)
        elif not cells and without > 0:
            without -= 1
            chosen.append(each)
    return chosen


Key = tuple[str, str, int, int]
Cell = dict[str, Any]


def read_cells(written: Path | None) -> dict[Key, Cell]:
    rows: list[Cell] = []
    if written and written.exists():
        rows += json.loads(written.read_text())
    if CACHE.exists():
        rows += map(json.loads, CACHE.read_text().splitlines())
    return {(r["data"], r["method"], r["size"], r["seed"]): r for r in rows}


def add_cell(key: Key, sentences: int, value: float, seconds: float) -> Cell:
    data, method, size, seed = key
    cell: Cell = {"data": data, "method": method, "size": size, "seed": seed}
    cell |= {"sentences": sentences, "joint_f1": round(value, 4), "seconds": round(seconds, 1)}
    CACHE.parent.mkdir(exist_ok=True)
    with CACHE.open("a") as lines:
        lines.write(json.dumps(cell) + "\n")
    return cell


def markdown(cells: dict[Key, Cell]) -> str:
    """Mean joint F1 over seeds with its standard deviation, and the number of seeds."""
    methods = [m for m in METHODS if any(key[1] == m for key in cells)]
    lines = [
        "| data | per label | sentences | " + " | ".join(methods) + " |",
        "| --- | ---: | ---: |" + " --- |" * len(methods),
    ]
    for data, size in dict.fromkeys((key[0], key[2]) for key in sorted(cells)):
        found = {k: c for k, c in cells.items() if (k[0], k[2]) == (data, size)}
        count = next(iter(found.values()))["sentences"]
        row = []
        for method in methods:
            values = [float(c["joint_f1"]) for k, c in found.items() if k[1] == method]
            text = (
                f"{np.mean(values):.3f} ± {np.std(values):.3f} ({len(values)})" if values else "–"
            )
            row.append(text)
        lines.append(f"| {data} | {size} | {count} | " + " | ".join(row) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

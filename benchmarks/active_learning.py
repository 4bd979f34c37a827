"""How many labels `framing suggest` saves against annotating sentences drawn by chance.

    python benchmarks/active_learning.py --output docs/active_learning

A simulation on labelled real sentences (their text is needed: --corpora): an annotator labels 50
sentences drawn by chance, then 50 more at a time, which are drawn by chance again or suggested
after a model has learned from those before. So that 200 models are trained in minutes, the
model is a logistic regression per topic on sentence embeddings of the backbone, which has
seen none of these labels. Whole documents are held out, and only those of their sentences count
that were labelled without a model choosing them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import altair as alt
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from framing.labels.errors import FramingError
from framing.labels.records import Record
from framing.labels.schema import Schema, load_schema
from framing.training.backbone import find_backbone
from framing.training.baseline import TfidfBaseline
from framing.training.config import load_config
from framing.training.data import (
    class_indices,
    load_records,
    measured_sentences,
    sentence_key,
    texts_of,
)
from framing.training.evaluation import joint_f1
from framing.training.splits import split_by_document
from framing.training.suggest import suggest

FILES = ("real", "real_more", "real_pool")
STEP = 50
STRATEGIES = ("by chance", "suggested", "suggested, with a second model")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--labels", type=int, default=600, help="where each run ends")
    parser.add_argument("--output", type=Path, help="writes a .svg and a .json")
    arguments = parser.parse_args()
    schema, config = load_schema(), load_config(None)
    records = load_records(FILES, schema, corpora=arguments.corpora, candidates=config.corpora)
    measured = measured_sentences(config, schema)
    vectors = {r.id: v for r, v in zip(records, embeddings(texts_of(records)), strict=True)}
    sizes = range(STEP, arguments.labels + 1, STEP)
    rows = []
    for seed in range(arguments.seeds):
        split = split_by_document(records, fraction=0.3, seed=seed)
        held_out = [r for r in split.held_out if measured is None or sentence_key(r) in measured]
        for strategy in STRATEGIES:
            curve = simulate(
                strategy,
                split.train,
                held_out,
                vectors=vectors,
                schema=schema,
                sizes=sizes,
                seed=seed,
            )
            rows += [
                {"strategy": strategy, "seed": seed, "labels": n, "joint F1": f1}
                for n, f1 in zip(sizes, curve, strict=True)
            ]
        print(f"seed {seed}: {len(split.train)} in the pool, {len(held_out)} held out", flush=True)
    means = {
        (s, n): float(
            np.mean([r["joint F1"] for r in rows if (r["strategy"], r["labels"]) == (s, n)])
        )
        for s in STRATEGIES
        for n in sizes
    }
    for n in sizes:
        print(f"{n:5} labels: " + ", ".join(f"{s} {means[s, n]:.3f}" for s in STRATEGIES))
    for strategy in STRATEGIES[1:]:
        print(saved(means, strategy, list(sizes)))
    if arguments.output:
        arguments.output.with_suffix(".json").write_text(json.dumps(rows, indent=0) + "\n")
        plot(rows).save(arguments.output.with_suffix(".svg"))


def simulate(
    strategy: str,
    pool: Sequence[Record],
    held_out: Sequence[Record],
    *,
    vectors: dict[str, NDArray[np.float32]],
    schema: Schema,
    sizes: Sequence[int],
    seed: int,
) -> list[float]:
    """Joint F1 on the held-out sentences after each step of annotation.

    Raises:
        FramingError: The pool is smaller than the last of the sizes.
    """
    if len(pool) < max(sizes):
        raise FramingError(
            f"--labels {max(sizes)}: the pool has {len(pool)} sentences; ask for fewer"
        )
    chance = np.random.default_rng(seed)
    order = [pool[i] for i in chance.permutation(len(pool))]
    chosen, rest = order[:STEP], order[STEP:]
    gold = class_indices(held_out, schema)
    asked = np.stack([vectors[r.id] for r in held_out])
    curve: list[float] = []
    for size in sizes:
        while len(chosen) < size:
            chosen, rest = add(strategy, chosen, rest, vectors=vectors, schema=schema, seed=seed)
        predicted = learned(chosen, vectors, schema, asked).argmax(-1)
        curve.append(joint_f1(predicted, gold))
    return curve


def add(
    strategy: str,
    chosen: list[Record],
    rest: list[Record],
    *,
    vectors: dict[str, NDArray[np.float32]],
    schema: Schema,
    seed: int,
) -> tuple[list[Record], list[Record]]:
    """One more step of annotation."""
    if strategy == STRATEGIES[0]:
        return chosen + rest[:STEP], rest[STEP:]
    texts = texts_of(rest)
    model = learned(chosen, vectors, schema, np.stack([vectors[r.id] for r in rest]))
    second = TfidfBaseline(chosen, schema).probabilities(texts) if "second" in strategy else None
    places = {s.index for s in suggest(texts, model, count=STEP, second=second, seed=seed)}
    return (
        chosen + [rest[i] for i in sorted(places)],
        [record for i, record in enumerate(rest) if i not in places],
    )


def learned(
    records: Sequence[Record],
    vectors: dict[str, NDArray[np.float32]],
    schema: Schema,
    asked: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Probabilities of a regression per topic, shape (sentences, topics, classes)."""
    x = np.stack([vectors[r.id] for r in records])
    result = np.zeros((len(asked), len(schema.topics), len(schema.classes)))
    for topic, column in enumerate(class_indices(records, schema).T):
        seen = np.unique(column)
        if len(seen) == 1:
            result[:, topic, seen[0]] = 1
            continue
        fitted = LogisticRegression(C=10, class_weight="balanced", max_iter=500).fit(x, column)
        result[:, topic, seen] = fitted.predict_proba(asked)
    return result


def embeddings(texts: Sequence[str]) -> NDArray[np.float32]:
    """Mean-pooled, normalised embeddings of the backbone."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(find_backbone("minilm")), device="cpu")
    result: NDArray[np.float32] = model.encode(list(texts), normalize_embeddings=True)
    return result


def saved(means: dict[tuple[str, int], float], strategy: str, sizes: list[int]) -> str:
    """The number of labels with which a strategy reaches what chance reaches at the end."""
    goal = means[STRATEGIES[0], sizes[-1]]
    enough = next((n for n in sizes if means[strategy, n] >= goal), None)
    reached = f"with {enough}" if enough else "not at all"
    return f"{strategy}: what {sizes[-1]} labels by chance reach ({goal:.3f}), {reached}"


def plot(rows: list[dict[str, object]]) -> alt.LayerChart:
    """Mean and spread over seeds."""
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("labels:Q", title="annotated sentences"), color=alt.Color("strategy:N", title=None)
    )
    line = base.mark_line(point=True).encode(
        y=alt.Y(
            "mean(joint F1):Q", title="joint F1, held-out documents", scale=alt.Scale(zero=False)
        )
    )
    band = base.mark_errorband(extent="stdev").encode(y=alt.Y("joint F1:Q", title=""))
    return (band + line).properties(width=460, height=300)


if __name__ == "__main__":
    main()

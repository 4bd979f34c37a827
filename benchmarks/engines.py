"""Whether every engine and precision says the same as torch in single precision.

    python benchmarks/engines.py                 # all labelled sentences: some minutes
    python benchmarks/engines.py --limit 2000

Prints, per engine and precision on this CPU, the share of labels (a sentence's answer on one
topic) and of whole sentences that come out the same, and the largest difference in a
probability. Sentences of the corpora are among them where those are there (labels/README.md).
"""

from __future__ import annotations

import argparse

import numpy as np

from framing import Classifier
from framing.decisions import decide
from framing.engines import PRECISIONS, EngineName
from framing.labels.corpora import find_corpora
from framing.labels.schema import load_schema
from framing.training.config import load_config
from framing.training.data import load_records, texts_of

REFERENCE = (EngineName.TORCH, "f32")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, help="sentences, evenly spread")
    limit = parser.parse_args().limit
    config = load_config(None)
    without = () if find_corpora(None, config.corpora) else ("real",)
    records = load_records(config.labels, load_schema(), candidates=config.corpora, without=without)
    texts = list(dict.fromkeys(texts_of(records)))
    texts = texts[:: max(1, len(texts) // limit)] if limit else texts
    print(f"{len(texts)} sentences\nengine     precision  labels  sentences  difference")
    wanted = None
    for engine, precision in (REFERENCE, *_others()):
        classifier = Classifier.from_pretrained(
            device="cpu", engine=engine.value, precision=precision
        )
        found = classifier.probabilities(texts)
        if wanted is None:
            wanted = found
            continue
        same = np.equal(*(decide(p, classifier.rule.thresholds) for p in (found, wanted)))
        print(
            f"{engine.value:<11}{precision:<9}{same.mean():>8.4f}{same.all(1).mean():>11.4f}"
            f"{np.abs(found - wanted).max():>12.4f}"
        )


def _others() -> list[tuple[EngineName, str]]:
    # No CPU computes in f16 faster than in f32, and torch does not in int8.
    left_out = {REFERENCE, (EngineName.TORCH, "int8")}
    pairs = [(engine, p) for engine in EngineName for p in PRECISIONS if p != "f16"]
    return [pair for pair in pairs if pair not in left_out]


if __name__ == "__main__":
    main()

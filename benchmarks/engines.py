"""Speed and sameness of the engines on one device, on the packaged sentences that have text.

    python benchmarks/engines.py

Sentences per second, tokenizing included (median of 3 runs); the share of sentences with
exactly the tags of torch in single precision; the largest difference in a probability.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from framing import Classifier
from framing.decisions import decide
from framing.engines import EngineName
from framing.labels.records import packaged_path, read_records
from framing.labels.schema import load_schema

SETS = ("seeds", "authored", "reports", "analyses")
RUNS = 3


def main() -> None:
    schema = load_schema()
    records = [r for name in SETS for r in read_records(packaged_path(name), schema)]
    texts = [record.text for record in records if record.text]
    reference = None
    print(f"{len(texts)} sentences\nengine      per second  same tags  difference")
    for engine in EngineName:
        classifier = Classifier.from_pretrained(device="cpu", engine=engine.value)
        classifier.probabilities(texts[:64])
        seconds = []
        for _ in range(RUNS):
            start = time.perf_counter()
            found = classifier.probabilities(texts)
            seconds.append(time.perf_counter() - start)
        reference = found if reference is None else reference
        tags, wanted = (decide(p, classifier.rule.thresholds) for p in (found, reference))
        same = (tags == wanted).all(axis=1).mean()
        rate = len(texts) / statistics.median(seconds)
        difference = np.abs(found - reference).max()
        print(f"{engine.value:<10}{rate:>12,.0f}{same:>11.4f}{difference:>12.4f}")


if __name__ == "__main__":
    main()

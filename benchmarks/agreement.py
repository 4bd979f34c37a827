"""How far two annotators agree, sentence by sentence.

    python benchmarks/agreement.py labels/annotations/seeds_a.jsonl labels/annotations/seeds_b.jsonl

Records are paired by id. Cohen's kappa and Krippendorff's alpha (nominal) per topic are over
present and absent; for stance they are over the topics that both annotators gave.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from krippendorff import alpha
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from framing.labels.errors import LabelsError
from framing.labels.records import read_records
from framing.labels.schema import load_schema
from framing.training.data import class_indices
from framing.training.metrics import ExactMatch, JointF1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    arguments = parser.parse_args()
    schema = load_schema()
    files = [
        {r.id: r for r in read_records(path, schema)}
        for path in (arguments.first, arguments.second)
    ]
    common = [key for key in files[0] if key in files[1]]
    if not common:
        raise LabelsError(f"{arguments.first} and {arguments.second} share no id")
    first, second = (class_indices([file[key] for key in common], schema) for file in files)
    groups = [files[0][key].group for key in common]
    print(f"{len(common)} sentences of {len(set(groups))} documents annotated by both")
    for metric in (JointF1, ExactMatch):
        result = metric(keep_in_memory=True).compute(
            predictions=second.tolist(), references=first.tolist(), documents=groups
        )
        low, high = result[f"{metric.figure}_low"], result[f"{metric.figure}_high"]
        print(f"{metric.figure:<18}{result[metric.figure]:.2f} [{low:.2f}, {high:.2f}]")
    for column, topic in enumerate(schema.topic_names):
        a, b = first[:, column] > 0, second[:, column] > 0
        given = f"given {a.sum()} and {b.sum()} times, both {(a & b).sum()}"
        print(f"{topic:<18}{_chance_corrected(a, b)}, {given}")
    both = (first > 0) & (second > 0)
    same = (first == second)[both].mean()
    print(
        f"{'stance':<18}{_chance_corrected(first[both], second[both])}, "
        f"same {same:.2f} of {both.sum()}"
    )


def _chance_corrected(first: NDArray[np.int64], second: NDArray[np.int64]) -> str:
    values = np.stack([first, second]).astype(int)
    nominal = alpha(reliability_data=values, level_of_measurement="nominal")
    return f"kappa {cohen_kappa_score(first, second):.2f}, alpha {nominal:.2f}"


if __name__ == "__main__":
    main()

"""The labels that an out-of-fold model finds least likely, to be looked at one by one.

    python benchmarks/label_errors.py --provenance real --most 240 > suspects.tsv

Five folds of whole documents, TF-IDF and logistic regression; a record's loss is that of its
least likely topic. Rows of source, id, loss and labels, greatest loss first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupKFold

from framing.labels.records import PROVENANCES
from framing.labels.schema import load_schema
from framing.training.baseline import TfidfBaseline
from framing.training.config import load_config
from framing.training.data import class_indices, load_records, texts_of

FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--provenance", choices=PROVENANCES, default="real")
    parser.add_argument("--most", type=int, default=200)
    parser.add_argument("--corpora", type=Path)
    arguments = parser.parse_args()
    schema, config = load_schema(), load_config(None)
    records = load_records(
        config.labels, schema, corpora=arguments.corpora, candidates=config.corpora
    )
    gold, texts = class_indices(records, schema), texts_of(records)
    loss = np.zeros(len(records))
    folds = GroupKFold(FOLDS).split(texts, groups=[record.group for record in records])
    for train, asked in folds:
        model = TfidfBaseline([records[i] for i in train], schema)
        found = model.probabilities([texts[i] for i in asked])
        chosen = np.take_along_axis(found, gold[asked][..., None], axis=-1)[..., 0]
        loss[asked] = (-np.log(np.clip(chosen, 1e-4, 1))).max(axis=1)
    for index in np.argsort(-loss):
        record = records[index]
        if arguments.most and record.provenance == arguments.provenance:
            arguments.most -= 1
            labels = ", ".join(f"{t}: {s}" for t, s in record.labels.items()) or "none"
            print(f"{record.source}\t{record.id}\t{loss[index]:.2f}\t{labels}")


if __name__ == "__main__":
    main()

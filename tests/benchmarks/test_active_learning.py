"""The simulation of active learning, where it cannot be run."""

from __future__ import annotations

import sys

import pytest
from helpers import ROOT, make_records

from framing.labels.errors import FramingError
from framing.labels.schema import Schema

sys.path.insert(0, str(ROOT / "benchmarks"))
active_learning = pytest.importorskip("active_learning")


def test_more_labels_than_the_pool_has_are_refused(schema: Schema) -> None:
    with pytest.raises(FramingError, match="--labels 100: the pool has 60 sentences"):
        active_learning.simulate(
            active_learning.STRATEGIES[0],
            make_records(60),
            make_records(6),
            vectors={},
            schema=schema,
            sizes=range(50, 101, 50),
            seed=1,
        )

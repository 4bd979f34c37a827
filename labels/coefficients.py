"""Coefficients of agreement, vectorised over resamples; NaN where one is undefined.

Sources: K. Krippendorff, *Content Analysis*, 4th ed. (2018), ch. 12, for alpha; J. Cohen,
"A coefficient of agreement for nominal scales", EPM 20 (1960), 37-46, for kappa.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def nominal_alpha(coincidences: Floats) -> Floats:
    """Krippendorff's alpha for unordered classes; NaN where only one class is used.

    Args:
        coincidences: Coincidence matrices, (…, classes, classes).
    """
    return _alpha(coincidences, 1 - np.eye(coincidences.shape[-1]))


def ordinal_alpha(coincidences: Floats) -> Floats:
    """Krippendorff's alpha for classes in order; NaN where only one class is used.

    Args:
        coincidences: Coincidence matrices, (…, classes, classes), classes in their order.
    """
    totals = coincidences.sum(-1)
    up_to = np.cumsum(totals, axis=-1)
    # Sum from class c to class k, less half of both ends; only the square counts.
    middle = up_to - totals / 2
    return _alpha(coincidences, (middle[..., None, :] - middle[..., :, None]) ** 2)


def cohen_kappa(tables: Floats) -> Floats:
    """Cohen's kappa; NaN where both annotators use one and the same class only.

    Args:
        tables: Contingency tables, (…, classes, classes).
    """
    total = tables.sum((-2, -1))
    chance = (tables.sum(-1) * tables.sum(-2)).sum(-1)
    return ratio(total * np.trace(tables, axis1=-2, axis2=-1) - chance, total**2 - chance)


def _alpha(coincidences: Floats, distances: Floats) -> Floats:
    totals = coincidences.sum(-1)
    expected = totals[..., None] * totals[..., None, :] * distances
    observed = (coincidences * distances).sum((-2, -1)) * (totals.sum(-1) - 1)
    return 1 - ratio(observed, expected.sum((-2, -1)))


def package_alpha(
    counts: Ints, *, level: Literal["nominal", "ordinal"] = "nominal"
) -> float | None:
    """Alpha by the ``krippendorff`` package; ``None`` where it is undefined."""
    from krippendorff import alpha

    if (counts.sum(axis=0) > 0).sum() < 2:
        return None
    return float(alpha(value_counts=counts, level_of_measurement=level))


def coincidences_of(counts: Ints) -> Floats:
    """Coincidence matrices of units, (units, classes, classes).

    Args:
        counts: How many annotators chose each class, (units, classes); two at least per unit.
    """
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(counts.shape[1])
    result: Floats = pairs / (counts.sum(axis=1) - 1)[:, None, None]
    return result


def mean_known(values: Sequence[Floats], like: Floats) -> Floats:
    """Mean over those that are known, element by element, in the shape of ``like``."""
    stacked = np.stack([np.full_like(like, np.nan), *values])
    known = ~np.isnan(stacked)
    return ratio(np.where(known, stacked, 0.0).sum(0), known.sum(0).astype(np.float64))


def ratio(part: Floats, whole: Floats) -> Floats:
    """``part / whole``; NaN where the whole is not above 0."""
    return np.divide(part, whole, out=np.full_like(part, np.nan, dtype=np.float64), where=whole > 0)

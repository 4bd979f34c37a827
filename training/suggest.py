"""What to annotate next: the sentences of a pool from which a model would learn the most.

Three things make a sentence worth the work: the model doubts, another model disagrees with it, and
no other sentence like it has been chosen. The first two are a score; for the third, the best-scored
candidates are put into as many groups of like wording as sentences are wanted, and each
group gives its best (Zhdanov 2019, "Diverse mini-batch active learning", with words as the space).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framing.labels.errors import FramingError

PerSentence = NDArray[np.float64]
"""A figure for each sentence of the pool."""
Probabilities = NDArray[np.floating]

_CANDIDATES = 10
"""Candidates per sentence that is wanted; Zhdanov found 10 to 50 to do as well."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A sentence to annotate.

    Attributes:
        index: Place in the pool.
        doubt: Mean entropy of the model's topics, in [0, 1] of the largest possible.
        disagreement: Mean divergence from the second model, in [0, 1]; 0 without one.
        random: Chosen by chance, not by score: such sentences, and only they, can also
            measure a model, since the others are harder than text is.
    """

    index: int
    doubt: float
    disagreement: float
    random: bool


def suggest(
    texts: Sequence[str],
    probabilities: Probabilities,
    *,
    count: int,
    second: Probabilities | None = None,
    random: int = 0,
    seed: int = 13,
) -> tuple[Suggestion, ...]:
    """Choose sentences to annotate, the most valuable first, those drawn by chance last.

    Args:
        texts: The pool.
        probabilities: What the model says of it, shape (sentences, topics, classes).
        count: How many are wanted.
        second: What another model says, for example a TF-IDF baseline on the same labels.
        random: How many of them are to be drawn by chance.
        seed: Of the draw and the grouping.

    Raises:
        FramingError: The pool is smaller than ``count``, or ``random`` is larger.
    """
    texts_once = list(dict.fromkeys(texts))
    if not 0 <= random <= count:
        raise FramingError(f"random must be in [0, {count}], got {random}")
    if len(texts_once) < count:
        raise FramingError(f"the pool has {len(texts_once)} sentences, fewer than {count}")
    places = {text: index for index, text in reversed(list(enumerate(texts)))}
    first_of = np.array([places[text] for text in texts_once])
    doubt = _doubt(probabilities[first_of])
    disagreement = (
        np.zeros_like(doubt) if second is None else _divergence(probabilities, second)[first_of]
    )
    # The draw comes first: what a model leaves over is easier than the pool is.
    drawn = np.random.default_rng(seed).choice(len(texts_once), size=random, replace=False)
    rest = np.setdiff1d(np.arange(len(texts_once)), drawn)
    score = (doubt + disagreement)[rest]
    chosen = rest[_diverse([texts_once[i] for i in rest], score, count - random, seed)]
    return tuple(
        Suggestion(int(first_of[i]), float(doubt[i]), float(disagreement[i]), by_chance)
        for group, by_chance in ((chosen, False), (drawn, True))
        for i in group
    )


def _doubt(probabilities: Probabilities) -> PerSentence:
    p = np.clip(np.asarray(probabilities, np.float64), 1e-12, 1)
    entropy: PerSentence = -(p * np.log(p)).sum(-1).mean(-1) / np.log(p.shape[-1])
    return entropy


def _divergence(first: Probabilities, second: Probabilities) -> PerSentence:
    """Mean over topics of the Jensen-Shannon divergence in bits (Lin 1991), in [0, 1]."""
    p, q = (np.clip(np.asarray(x, np.float64), 1e-12, 1) for x in (first, second))
    middle = (p + q) / 2
    kl = [(x * np.log2(x / middle)).sum(-1) for x in (p, q)]
    result: PerSentence = np.clip((kl[0] + kl[1]) / 2, 0, 1).mean(-1)
    return result


def _diverse(texts: Sequence[str], score: PerSentence, count: int, seed: int) -> NDArray[np.int64]:
    """Places of the best sentence of each of ``count`` groups, best first."""
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    from framing.training.baseline import fit_vectors

    if count == 0:
        return np.empty(0, dtype=np.int64)
    candidates = np.argsort(-score, kind="stable")[: _CANDIDATES * count]
    # Without idf, a rare name or number does not tell two sentences of one wording apart.
    _, vectors = fit_vectors(TfidfVectorizer(use_idf=False), [texts[i] for i in candidates])
    groups = KMeans(count, n_init=4, random_state=seed).fit_predict(
        vectors, sample_weight=np.maximum(score[candidates], 1e-9)
    )
    # The candidates are in order of score, so that the first of a group is its best.
    _, firsts = np.unique(groups, return_index=True)
    chosen = [int(candidates[i]) for i in sorted(firsts)]
    # Where texts are alike there may be fewer groups than wanted.
    rest = [int(i) for i in candidates if i not in set(chosen)]
    return np.array(chosen + rest[: count - len(chosen)], dtype=np.int64)

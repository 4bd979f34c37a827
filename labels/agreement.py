"""How far annotators agree: Krippendorff's alpha, Cohen's kappa, joint F1, and where not.

Every figure has a 95 % interval: percentiles over 1,000 resamples of documents, drawn with
replacement (Efron and Tibshirani 1993), so that sentences of one document, which are alike,
are drawn together. All counts are summed per document once; a resample is then one row of
a matrix product. Where all agree, so do all resamples: such an interval has no width, and
says nothing of how sure it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from framing.labels.coefficients import (
    Floats,
    Ints,
    cohen_kappa,
    coincidences_of,
    mean_known,
    nominal_alpha,
    ordinal_alpha,
    package_alpha,
    ratio,
)
from framing.labels.errors import LabelsError
from framing.labels.grouping import AnnotatedSentence, annotators_of, disputed_topics
from framing.labels.schema import ABSENT, Schema

RESAMPLES = 1000
_SEED = 20_241_208
_MISSING = -1

ALPHA, ORDINAL, KAPPA, SAME = "alpha", "alpha_ordinal", "kappa", "same"
JOINT_F1, EXACT = "joint_f1", "exact"
TOPIC, STANCE, LABELS = "topic", "stance", "labels"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of agreement with its 95 % interval.

    Attributes:
        measure: ``alpha`` (nominal), ``alpha_ordinal``, ``kappa``, ``same`` (share of pairs
            of annotations that are the same, in [0, 1]; over all annotators, a sentence counts
            as often as it was annotated, as in alpha), ``joint_f1`` (micro-F1 over
            ``(topic, stance)`` labels, in [0, 1]) or ``exact`` (share of sentences with all
            labels the same, in [0, 1]).
        about: ``topic`` (present or absent), ``stance`` (where at least two annotators gave
            the topic) or ``labels`` (all labels of a sentence).
        topic: The topic, or ``None`` for all topics together.
        pair: Two annotators; ``None`` for all. Then alpha and ``same`` are over all of
            them, and the other measures are means over the pairs that have one.
        units: How many sentences, or topics of sentences, it is over.
        value: The figure, at most 1; ``None`` where it is undefined.
        low: Lower end of the interval; ``None`` where there is none.
        high: Upper end of the interval; ``None`` where there is none.
        note: Why there is no figure or no interval.
    """

    measure: str
    about: str
    topic: str | None
    pair: tuple[str, str] | None
    units: int
    value: float | None
    low: float | None
    high: float | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of all annotators.

    Attributes:
        annotators: In order of appearance.
        sentences: How many were annotated by at least two.
        documents: How many documents these are from.
        figures: All measures, those over all annotators first.
    """

    annotators: tuple[str, ...]
    sentences: int
    documents: int
    figures: tuple[Figure, ...]

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The pairs of annotators that share a sentence."""
        return tuple(dict.fromkeys(f.pair for f in self.figures if f.pair is not None))

    def figure(
        self,
        measure: str,
        about: str,
        *,
        topic: str | None = None,
        pair: tuple[str, str] | None = None,
    ) -> Figure | None:
        """One figure, or ``None`` where it was not measured."""
        wanted = (measure, about, topic, pair)
        found = (f for f in self.figures if (f.measure, f.about, f.topic, f.pair) == wanted)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A sentence on which annotators differ.

    Attributes:
        sentence: Who said what.
        entropy: Of the annotators' label sets, in bits; 1 where two differ.
        topics: The topics that not all labelled alike, in the order of the schema.
    """

    sentence: AnnotatedSentence
    entropy: float
    topics: tuple[str, ...]


def agreement(
    sentences: Sequence[AnnotatedSentence], schema: Schema, *, ordinal: Sequence[str] = ()
) -> Agreement:
    """Measure agreement on topics, on stance given the topic, and on all labels.

    Args:
        sentences: Those annotated by only one are left out.
        schema: A topic with one stance has no agreement on stance to measure.
        ordinal: All stances of topics with several, in their order, to also measure alpha on
            an ordinal scale.

    Raises:
        LabelsError: No sentence has two annotators, or ``ordinal`` is not the stances.
    """
    stances = {stance for topic in _with_stances(schema) for stance in schema.stances_of(topic)}
    if ordinal and sorted(ordinal) != sorted(stances):
        names = ", ".join(name for name in schema.stance_names if name in stances)
        raise LabelsError(
            f"the order of the stances has to name each once: {names or 'there is none'}; "
            f"got {', '.join(ordinal)}"
        )
    shared = [one for one in sentences if len(one.by_annotator) > 1]
    if not shared:
        raise LabelsError(
            f"none of {len(sentences)} sentences is annotated by two; the annotators are "
            f"{', '.join(annotators_of(sentences)) or 'none'}, and records of one sentence "
            "have the same id, or the same document and text"
        )
    annotators = annotators_of(shared)
    values = _class_indices(shared, annotators, schema)
    _, owner = np.unique([one.record.group for one in shared], return_inverse=True)
    documents = int(owner.max()) + 1
    measures = _Measures(annotators, _resampled_weights(documents))
    figures = list(measures.of_labels(values, owner))
    for variable in _variables(values, owner, schema, ordinal):
        figures += measures.of_variable(variable)
    figures.sort(key=lambda figure: figure.pair is not None)  # stable otherwise
    return Agreement(annotators, len(shared), documents, tuple(figures))


def most_disagreed(sentences: Sequence[AnnotatedSentence], schema: Schema) -> list[Disagreement]:
    """The sentences that annotators labelled differently, the most disputed first.

    By the entropy of their label sets, then by how many topics are disputed.
    """
    found = []
    for one in sentences:
        said = list(one.by_annotator.values())
        topics = disputed_topics(said, schema)
        if topics:
            sets = [tuple(sorted(record.labels.items())) for record in said]
            shares = np.array([sets.count(each) for each in set(sets)]) / len(sets)
            found.append(Disagreement(one, float(-(shares * np.log2(shares)).sum()), topics))
    return sorted(found, key=lambda each: (-round(each.entropy, 9), -len(each.topics)))


@dataclass(frozen=True, slots=True)
class _Variable:
    """Ratings of shape (units, annotators): an index into ``classes``, or missing."""

    about: str
    topic: str | None
    classes: tuple[str, ...]
    ratings: Ints
    owner: Ints  # the document of each unit
    order: tuple[int, ...] = ()  # of the classes on an ordinal scale


def _class_indices(
    sentences: Sequence[AnnotatedSentence], annotators: Sequence[str], schema: Schema
) -> Ints:
    """Shape (sentences, annotators, topics): 0 for absent, ``k`` for stance ``k - 1``."""
    index = {name: i for i, name in enumerate(schema.classes)}
    column = {name: i for i, name in enumerate(annotators)}
    values = np.full((len(sentences), len(annotators), len(schema.topics)), _MISSING)
    for row, one in enumerate(sentences):
        for annotator, record in one.by_annotator.items():
            values[row, column[annotator]] = [
                index[record.labels.get(topic, ABSENT)] for topic in schema.topic_names
            ]
    return values


def _variables(
    values: Ints, owner: Ints, schema: Schema, ordinal: Sequence[str]
) -> Iterator[_Variable]:
    present = np.where(values == _MISSING, _MISSING, (values > 0).astype(np.int64))
    for column, topic in enumerate(schema.topic_names):
        yield _Variable(TOPIC, topic, ("absent", "present"), present[..., column], owner)
    several = [schema.topic_names.index(topic) for topic in _with_stances(schema)]
    if not several:
        return
    stances = np.where(values > 0, values - 1, _MISSING)  # who did not give the topic is missing
    order = tuple(schema.stance_names.index(name) for name in ordinal)
    pooled = stances[..., several].transpose(0, 2, 1).reshape(-1, values.shape[1])
    owners = np.repeat(owner, len(several))
    yield _Variable(STANCE, None, schema.stance_names, pooled, owners, order)
    for column in several:
        topic = schema.topic_names[column]
        yield _Variable(STANCE, topic, schema.stance_names, stances[..., column], owner, order)


def _with_stances(schema: Schema) -> list[str]:
    """The topics with several stances; where there is one, to agree on it is no feat."""
    return [topic for topic in schema.topic_names if len(schema.stances_of(topic)) > 1]


class _Measures:
    """Makes figures of counts per document; row 0 of the weights is the data as they are."""

    def __init__(self, annotators: Sequence[str], weights: NDArray[np.float32]) -> None:
        self._annotators = annotators
        self._weights = weights

    def of_variable(self, variable: _Variable) -> Iterator[Figure]:
        about, topic, size = variable.about, variable.topic, len(variable.classes)
        counts = (variable.ratings[..., None] == np.arange(size)).sum(axis=1)
        pairable = counts.sum(axis=1) > 1
        counts, owner = counts[pairable], variable.owner[pairable]
        coincidences = self._summed(owner, coincidences_of(counts))
        over = _Over(about, topic, None, owner, _why_no_chance(counts, variable))
        yield over.figure(ALPHA, nominal_alpha(coincidences), exact=package_alpha(counts))
        if variable.order:
            order = list(variable.order)
            ordered = coincidences[:, order][:, :, order]
            yield over.figure(
                ORDINAL,
                ordinal_alpha(ordered),
                exact=package_alpha(counts[:, order], level="ordinal"),
            )
        total = coincidences.sum((1, 2))
        yield over.figure(SAME, ratio(np.trace(coincidences, axis1=1, axis2=2), total))
        pairs = list(self._pairs(variable))
        for pair_over, table in pairs:
            yield pair_over.figure(KAPPA, cohen_kappa(table))
            yield pair_over.figure(
                SAME, ratio(np.trace(table, axis1=1, axis2=2), table.sum((1, 2)))
            )
        yield over.figure(KAPPA, mean_known([cohen_kappa(table) for _, table in pairs], total))

    def of_labels(self, values: Ints, owner: Ints) -> Iterator[Figure]:
        found: dict[str, list[Floats]] = {JOINT_F1: [], EXACT: []}
        for first, second in self._numbered_pairs():
            both = (values[:, [first, second], 0] != _MISSING).all(axis=1)
            if not both.any():
                continue
            a, b = values[both, first], values[both, second]
            parts = [
                ((a == b) & (a > 0)).sum(1),
                (a > 0).sum(1) + (b > 0).sum(1),
                (a == b).all(axis=1),
                np.ones(len(a)),
            ]
            counts = self._summed(owner[both], np.stack(parts, axis=1))
            joint = ratio(2 * counts[:, 0], counts[:, 1])
            exact = ratio(counts[:, 2], counts[:, 3])
            found[JOINT_F1].append(joint)
            found[EXACT].append(exact)
            pair = (self._annotators[first], self._annotators[second])
            over = _Over(LABELS, None, pair, owner[both], "neither gave a topic")
            yield over.figure(JOINT_F1, joint)
            yield over.figure(EXACT, exact)
        everyone = _Over(LABELS, None, None, owner, "nobody gave a topic")
        for measure, each in found.items():
            yield everyone.figure(measure, mean_known(each, each[0]))

    def _pairs(self, variable: _Variable) -> Iterator[tuple[_Over, Floats]]:
        """Per pair that shares units: its contingency tables, one per resample."""
        size = len(variable.classes)
        for first, second in self._numbered_pairs():
            a, b = variable.ratings[:, first], variable.ratings[:, second]
            both = (a != _MISSING) & (b != _MISSING)
            if not both.any():
                continue
            counts = np.zeros((int(both.sum()), size, size), dtype=np.float32)
            counts[np.arange(len(counts)), a[both], b[both]] = 1
            owner = variable.owner[both]
            pair = (self._annotators[first], self._annotators[second])
            chosen = counts.sum(axis=1) + counts.sum(axis=2)
            why = _why_no_chance(chosen.astype(np.int64), variable)
            over = _Over(variable.about, variable.topic, pair, owner, why)
            yield over, self._summed(owner, counts)

    def _numbered_pairs(self) -> Iterator[tuple[int, int]]:
        yield from combinations(range(len(self._annotators)), 2)

    def _summed(self, owner: Ints, counts: NDArray[np.generic]) -> Floats:
        """Counts of shape (units, …) summed per resample: (1 + resamples, …)."""
        shape = counts.shape[1:]
        documents = self._weights.shape[1]
        per_document = np.zeros((documents, *shape), dtype=np.float32)
        np.add.at(per_document, owner, counts)
        flat = self._weights @ per_document.reshape(documents, -1)
        return flat.astype(np.float64).reshape(-1, *shape)


@dataclass(frozen=True, slots=True)
class _Over:
    """What figures are over, and why one that is undefined is so."""

    about: str
    topic: str | None
    pair: tuple[str, str] | None
    owner: Ints
    why_undefined: str

    def figure(self, measure: str, values: Floats, *, exact: float | None = None) -> Figure:
        """A figure from its values: that of the data first, then those of the resamples."""
        fields = (measure, self.about, self.topic, self.pair, len(self.owner))
        if np.isnan(values[0]):
            return Figure(*fields, None, None, None, self.why_undefined)
        value = float(values[0]) if exact is None else exact
        if len(np.unique(self.owner)) < 2:
            return Figure(*fields, value, None, None, "all in one document: no interval")
        # A resample may lack the documents that make the figure defined.
        low, high = np.nanpercentile(values[1:], [2.5, 97.5])
        return Figure(*fields, value, float(low), float(high))


def _why_no_chance(counts: Ints, variable: _Variable) -> str:
    """Why agreement cannot be told from chance: nothing to compare, or only one class."""
    given = np.flatnonzero(counts.sum(axis=0))
    if len(given) == 0:
        return "no two annotators gave the topic" if variable.about == STANCE else "no sentences"
    if len(given) == 1:
        return f"all of {len(counts)} are {variable.classes[given[0]]}"
    return "every pair used one class only"


def _resampled_weights(documents: int) -> NDArray[np.float32]:
    """How often each document counts: (1 + resamples, documents), all ones first."""
    generator = np.random.default_rng(_SEED)
    weights = np.ones((1 + RESAMPLES, documents), dtype=np.float32)
    chances = np.full(documents, 1 / documents)
    for row in weights[1:]:
        row[:] = generator.multinomial(documents, chances)
    return weights

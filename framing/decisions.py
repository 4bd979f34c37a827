"""From logits to probabilities that can be trusted, and from probabilities to tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from framing.labels.errors import FramingError
from framing.tagging import is_number

if TYPE_CHECKING:
    from framing.labels.schema import Schema

Floats = NDArray[np.float32]
Classes = NDArray[np.int64]

_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """How a model's logits become probabilities and tags; stored in the model's configuration.

    Attributes:
        temperatures: Per topic two positive numbers that the logits are divided by (Guo et
            al. 2017): for whether the sentence has the topic, and for its stance given that.
        shifts: Per topic, what is then added to the log-odds of the topic (Platt 2000).
        thresholds: Per topic, the P(topic) in [0, 1] from which it is tagged.
        priors: Per topic, the share of sentences in [0, 1] that had it where the rule was fitted.
    """

    temperatures: tuple[tuple[float, float], ...]
    shifts: tuple[float, ...]
    thresholds: tuple[float, ...]
    priors: tuple[float, ...]

    @classmethod
    def plain(cls, topics: int) -> DecisionRule:
        """Logits as they are, tags from one half on."""
        return cls(((1.0, 1.0),) * topics, (0.0,) * topics, (0.5,) * topics, (0.5,) * topics)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> DecisionRule:
        """The inverse of :meth:`to_dict`."""
        return cls(
            temperatures=tuple((float(a), float(b)) for a, b in content["temperatures"]),
            shifts=tuple(map(float, content["shifts"])),
            thresholds=tuple(map(float, content["thresholds"])),
            priors=tuple(map(float, content["priors"])),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        return asdict(self)

    def probabilities(self, logits: Floats) -> Floats:
        """Class probabilities; both shapes are (sentences, topics, classes).

        Class 0 is ``absent``. With temperatures of one and no shifts this is the softmax. A
        logit of minus infinity (see :func:`masked`) gives a probability of zero.
        """
        temperatures = np.asarray(self.temperatures, dtype=np.float32)
        shifts = np.asarray(self.shifts, dtype=np.float32)
        odds = np.clip(topic_odds(logits) / temperatures[:, 0] + shifts, -80, 80)
        topic = 1.0 / (1.0 + np.exp(-odds))
        stances = logits[..., 1:]
        powers = np.exp((stances - stances.max(-1, keepdims=True)) / temperatures[:, 1:2])
        stance = powers / powers.sum(-1, keepdims=True)
        parts = [(1.0 - topic)[..., None], topic[..., None] * stance]
        result: Floats = np.concatenate(parts, axis=-1).astype(np.float32)
        return result


def applicable(schema: Schema) -> NDArray[np.bool_]:
    """Which classes apply to which topic: (topics, classes), true for ``absent``."""
    rows = [schema.classes_of(topic) for topic in schema.topic_names]
    return np.array([[name in row for name in schema.classes] for row in rows], dtype=np.bool_)


def masked(logits: Floats, schema: Schema) -> Floats:
    """Logits of (…, topics, classes), minus infinity where the class does not apply to the topic.

    With this, such a class has a probability of exactly zero, whatever the decision rule.
    """
    result: Floats = np.where(applicable(schema), logits, np.float32(-np.inf))
    return result


def topic_odds(logits: Floats) -> Floats:
    """Logarithm of P(topic) / P(absent) under the plain softmax: all axes but the last."""
    stances = logits[..., 1:]
    top = stances.max(-1)
    present = top + np.log(np.exp(stances - top[..., None]).sum(-1))
    result: Floats = present - logits[..., 0]
    return result


def decide(probabilities: Floats, thresholds: object) -> Classes:
    """Class index per sentence and topic: the likeliest stance where P(topic) is enough.

    Args:
        probabilities: Shape (sentences, topics, classes).
        thresholds: One number, one per topic, or an array of (sentences, topics).
    """
    present = 1.0 - probabilities[..., 0] >= np.asarray(thresholds, dtype=np.float32)
    result: Classes = np.where(present, likeliest_stance(probabilities), 0)
    return result


def likeliest_stance(probabilities: Floats) -> Classes:
    """Index of the likeliest class that is not ``absent``."""
    result: Classes = probabilities[..., 1:].argmax(-1) + 1
    return result


def reweighted(probabilities: Floats, *, trained: object, wanted: object) -> Floats:
    """Probabilities under other frequencies of the topics, by Bayes' rule (Saerens et al. 2002).

    Args:
        probabilities: Shape (sentences, topics, classes).
        trained: Share of sentences with each topic that the probabilities assume, (topics,).
        wanted: Share of sentences with each topic in the text at hand, (topics,).
    """
    before, after = (
        np.clip(np.asarray(share, dtype=np.float32), _TINY, 1 - _TINY)
        for share in (trained, wanted)
    )
    result = probabilities.copy()
    result[..., 0] *= (1 - after) / (1 - before)
    result[..., 1:] *= (after / before)[:, None]
    result /= result.sum(-1, keepdims=True)
    return result


def all_priors(
    given: Mapping[str, float], schema: Schema, rule: DecisionRule
) -> tuple[float, ...] | None:
    """The rule's priors, with those given in place of them; nothing if none are.

    Raises:
        FramingError: A topic is not the model's, or a share is not in (0, 1).
    """
    if not isinstance(given, Mapping):
        raise FramingError(f"priors: must be shares by topic, got {given!r}")
    if not given:
        return None
    for topic, share in given.items():
        if topic not in schema.topic_names:
            known = ", ".join(schema.topic_names)
            raise FramingError(f"priors: unknown topic {topic!r}; the model has {known}")
        if not (is_number(share) and 0 < share < 1):
            raise FramingError(f"priors: {topic} must be a share in (0, 1), got {share!r}")
    own = zip(schema.topic_names, rule.priors, strict=True)
    return tuple(float(given.get(topic, prior)) for topic, prior in own)

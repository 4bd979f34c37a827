"""From probabilities to tagged documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

from framing.results import Document, Sentence, Tag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from framing.labels.schema import Schema
    from framing.pipeline import Window


@dataclass(frozen=True, slots=True)
class TagOptions:
    """What is tagged.

    Attributes:
        thresholds: Per topic, the P(topic) in [0, 1] from which it is tagged.
        min_confidence: Tags whose probability is below this, in [0, 1], are abstained from.
    """

    thresholds: tuple[float, ...]
    min_confidence: float


def probability_option(name: str, value: float) -> float:
    """The value as a float; any kind of real number will do.

    Raises:
        ValueError: It is not a number in [0, 1].
    """
    if not is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"{name} must be a number in [0, 1], got {value!r}")
    return float(value)


def is_number(value: object) -> bool:
    """Whether a value is a real number, NumPy's included; ``True`` is none."""
    return isinstance(value, Real) and not isinstance(value, bool)


class Tagger:
    """Names what a model's probabilities say, by its schema."""

    def __init__(self, schema: Schema) -> None:
        places = {name: place for place, name in enumerate(schema.classes)}
        self._classes = {  # per topic, where the classes that apply stand in the model's output
            topic: {name: places[name] for name in schema.classes_of(topic)}
            for topic in schema.topic_names
        }

    def documents(
        self, window: Window, scores: NDArray[np.float32], options: TagOptions
    ) -> Iterator[Document]:
        """The window's texts, tagged.

        Args:
            window: Texts with the spans of their sentences.
            scores: Probabilities of these sentences, (sentences, topics, classes).
            options: What is tagged.
        """
        rows = iter(scores.tolist())
        for text, spans in window:
            yield Document(
                text,
                tuple(
                    self._sentence(text[start:end], start, end, next(rows), options)
                    for start, end in spans
                ),
            )

    def _sentence(
        self, text: str, start: int, end: int, row: list[list[float]], options: TagOptions
    ) -> Sentence:
        probabilities: dict[str, dict[str, float]] = {}
        tags, abstained = [], []
        topics = zip(self._classes.items(), row, options.thresholds, strict=True)
        for (topic, classes), values, threshold in topics:
            probabilities[topic] = {name: values[place] for name, place in classes.items()}
            if 1.0 - values[0] < threshold:
                continue
            stance = max(list(classes)[1:], key=probabilities[topic].__getitem__)
            probability = probabilities[topic][stance]
            if probability < options.min_confidence:
                abstained.append(topic)
            else:
                tags.append(Tag(topic, stance, probability))
        return Sentence(text, start, end, tuple(tags), tuple(abstained), probabilities)

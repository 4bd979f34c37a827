"""What classification returns: frozen, in input order, ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framing.labels.errors import FramingError

if TYPE_CHECKING:
    from pandas import DataFrame


def check_distinct(names: Sequence[str]) -> None:
    """Refuse a model whose topics make two columns of one name.

    Raises:
        FramingError: Naming the column.
    """
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FramingError(
            f"the output would have two columns {twice!r}: rename the topic that makes one of "
            "them, in the schema of the model's config.json (the order of topics must stay)"
        )


@dataclass(frozen=True, slots=True)
class Tag:
    """A topic that a sentence is about, and the stance taken towards its target.

    Attributes:
        topic: Name of the topic in the model's schema.
        stance: Name of the stance in the model's schema.
        probability: The model's P(topic and stance), in [0, 1].
    """

    topic: str
    stance: str
    probability: float


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and its tags; ``document.text[start:end] == text``.

    Attributes:
        text: The sentence, as it stands in the document.
        start: Offset of its first character.
        end: Offset behind its last character.
        tags: What the sentence is about, in the order of the schema; may be empty.
        abstained: Topics that were found but not tagged, for want of confidence.
        probabilities: Per topic, the probability of every class in [0, 1]:
            ``absent`` and the stances. They sum to one per topic.
    """

    text: str
    start: int
    end: int
    tags: tuple[Tag, ...]
    abstained: tuple[str, ...]
    probabilities: Mapping[str, Mapping[str, float]] = field(hash=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The sentence as plain dicts, lists, strings and numbers."""
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "tags": [
                {"topic": tag.topic, "stance": tag.stance, "probability": tag.probability}
                for tag in self.tags
            ],
            "abstained": list(self.abstained),
            "probabilities": {topic: dict(row) for topic, row in self.probabilities.items()},
        }


@dataclass(frozen=True, slots=True)
class Document:
    """A text and its sentences, in order. ``str(document)`` is for people."""

    text: str
    sentences: tuple[Sentence, ...]

    def to_dict(self) -> dict[str, Any]:
        """The document as plain dicts, lists, strings and numbers."""
        return {
            "text": self.text,
            "sentences": [sentence.to_dict() for sentence in self.sentences],
        }

    def to_frame(self) -> DataFrame:
        """One row per sentence: text, offsets, and per topic its stance and probabilities.

        The column ``<topic>`` holds the stance or ``None``; ``<topic>_<class>``
        holds the probability of each class. Without sentences, no topic has a column.

        Raises:
            ImportError: pandas is not installed.
            FramingError: A topic has the name of another column.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("to_frame() needs pandas: pip install pandas") from error
        columns = ["sentence", "start", "end"]
        for topic, classes in self.sentences[0].probabilities.items() if self.sentences else ():
            columns += [topic, *(f"{topic}_{name}" for name in classes)]
        check_distinct(columns)
        rows: list[list[Any]] = []
        for sentence in self.sentences:
            row: list[Any] = [sentence.text, sentence.start, sentence.end]
            stances = {tag.topic: tag.stance for tag in sentence.tags}
            for topic, probabilities in sentence.probabilities.items():
                row += [stances.get(topic), *probabilities.values()]
            rows.append(row)
        return pandas.DataFrame(rows, columns=columns)

    def __str__(self) -> str:
        lines = []
        for sentence in self.sentences:
            lines.append(" ".join(sentence.text.split()))
            lines += [
                f"    {tag.topic}: {tag.stance} ({tag.probability:.2f})" for tag in sentence.tags
            ]
        return "\n".join(lines)

"""The public entry: a loaded model that turns texts into tagged documents."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framing.results import Document, Sentence, Tag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from framing.encoding import SentenceEncoder
    from framing.engines.torch import TorchEngine
    from framing.labels.schema import Schema

# classify_many holds at most about this many sentences at a time: enough for
# batches of like length, little enough for flat memory.
_SENTENCES_HELD = 4096

Span = tuple[int, int]


def classify(text: str, *, split: bool = True, threshold: float | None = None) -> Document:
    """Tag the sentences of one text with the shipped model, on the best device.

    The model is loaded at the first call and kept. For other models, devices or
    many texts use :class:`Classifier`. Arguments, result and errors are those of
    :meth:`Classifier.classify`.
    """
    return _default_classifier().classify(text, split=split, threshold=threshold)


class Classifier:
    """A model that tags sentences by topic and stance.

    Make one with :meth:`from_pretrained`; it may be shared between threads.

    Attributes:
        schema: The topics and stances that the model knows.
        threshold: The model's own decision threshold, in [0, 1].
        folder: Where the model lies.
        engine: Name of what computes, for example ``torch``.
        device: Name of the device it runs on.
    """

    def __init__(
        self,
        *,
        engine: TorchEngine,
        encoder: SentenceEncoder,
        schema: Schema,
        threshold: float,
        folder: Path,
    ) -> None:
        self.schema = schema
        self.threshold = threshold
        self.folder = folder
        self.engine = engine.name
        self.device = str(engine.device)
        self._engine = engine
        self._encoder = encoder

    @property
    def weights_hash(self) -> str:
        """Hex SHA-256 of the weights: names the model in logs and reports."""
        from framing.models.store import WEIGHTS, file_hash

        return file_hash(self.folder / WEIGHTS)

    @classmethod
    def from_pretrained(
        cls, model: str | Path = "default", *, device: str = "auto", revision: str | None = None
    ) -> Classifier:
        """Load a model.

        Args:
            model: ``"default"`` for the shipped one, a folder, or a hub id
                (``owner/name``; this alone uses the network).
            device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
            revision: Branch, tag or commit on the hub.

        Raises:
            framing.labels.errors.FramingError: The model is missing, damaged or
                not a framing model, or the device is not there.
        """
        from framing.models.store import find_model

        return cls.from_folder(find_model(model, revision=revision), device=device)

    @classmethod
    def from_folder(cls, folder: Path, *, device: str = "auto") -> Classifier:
        """Load a local folder without verifying its checksums (see :meth:`from_pretrained`)."""
        from framing.encoding import SentenceEncoder
        from framing.engines.torch import TorchEngine
        from framing.labels.schema import parse_schema

        engine = TorchEngine(folder, device=device)
        config = engine.config
        return cls(
            engine=engine,
            encoder=SentenceEncoder(folder, max_tokens=config.max_tokens),
            schema=parse_schema(config.label_schema, where=str(folder / "config.json")),
            threshold=config.threshold,
            folder=folder,
        )

    def classify(
        self, text: str, *, split: bool = True, threshold: float | None = None
    ) -> Document:
        """Tag the sentences of one text.

        Args:
            text: Any string; an empty one gives a document without sentences.
            split: ``False`` takes the whole text as one sentence.
            threshold: Tag a topic where P(topic) is at least this, in [0, 1];
                by default the model's own.

        Raises:
            TypeError: ``text`` is not a string.
            ValueError: ``threshold`` is not in [0, 1].
        """
        _check_text(text, "text")
        return next(self.classify_many([text], split=split, threshold=threshold))

    def classify_many(
        self,
        texts: Iterable[str],
        *,
        split: bool = True,
        threshold: float | None = None,
        batch_tokens: int = 8192,
        progress: bool = False,
    ) -> Iterator[Document]:
        """Tag many texts; a document comes out for every text, in input order.

        Reads the input as it goes, and holds a bounded number of sentences.

        Args:
            texts: Strings, for example a list, a generator or an open file.
            split: As in :meth:`classify`.
            threshold: As in :meth:`classify`.
            batch_tokens: Tokens per batch, padding included; lower it if a GPU
                runs out of memory.
            progress: Show a progress bar on standard error.

        Raises:
            TypeError: ``texts`` is one string, or an item is not a string (the
                message says which). Documents before it have come out by then.
            ValueError: ``threshold`` or ``batch_tokens`` is out of range.
        """
        if isinstance(texts, str | bytes):
            raise TypeError("texts must be an iterable of strings; use classify() for one text")
        cut = self.threshold if threshold is None else threshold
        if not isinstance(cut, int | float) or not 0 <= cut <= 1:
            raise ValueError(f"threshold must be in [0, 1], got {cut!r}")
        if batch_tokens < 1:
            raise ValueError(f"batch_tokens must be at least 1, got {batch_tokens}")
        documents = self._documents(texts, split, cut, batch_tokens)
        return _with_progress(documents, texts) if progress else documents

    def probabilities(
        self, sentences: Sequence[str], *, batch_tokens: int = 8192
    ) -> NDArray[np.float32]:
        """Class probabilities of sentences, without splitting them.

        Returns:
            Shape (sentences, topics, classes) in the order of the schema; the
            last axis sums to one, class 0 is ``absent``. A sentence longer than
            the model's limit is scored in overlapping windows, and per topic
            the window with the highest P(topic) counts.
        """
        import numpy as np

        from framing.encoding import length_batches

        shape = (len(self.schema.topics), len(self.schema.classes))
        ids, owners = self._encoder.windows(sentences)
        scores = np.empty((len(ids), *shape), dtype=np.float32)
        for batch in length_batches([len(row) for row in ids], batch_tokens=batch_tokens):
            scores[batch] = _softmax(self._engine.logits([ids[i] for i in batch]))
        if len(ids) == len(sentences):
            return scores
        best = np.zeros((len(sentences), *shape), dtype=np.float32)
        best[..., 0] = 2.0  # above any probability of "absent", so that a window replaces it
        for owner, window in zip(owners, scores, strict=True):
            better = window[:, 0] < best[owner, :, 0]
            best[owner, better] = window[better]
        return best

    def _documents(
        self, texts: Iterable[str], split: bool, threshold: float, batch_tokens: int
    ) -> Iterator[Document]:
        from framing.splitting import split_sentences, strip_span

        held: list[tuple[str, list[Span]]] = []
        count = 0
        for index, text in enumerate(texts):
            try:
                _check_text(text, f"texts[{index}]")
            except TypeError:
                yield from self._tagged(held, threshold, batch_tokens)
                raise
            whole = strip_span(text, 0, len(text))
            spans = split_sentences(text) if split else [whole] if whole[0] < whole[1] else []
            held.append((text, spans))
            count += max(1, len(spans))
            if count >= _SENTENCES_HELD:
                yield from self._tagged(held, threshold, batch_tokens)
                held, count = [], 0
        yield from self._tagged(held, threshold, batch_tokens)

    def _tagged(
        self, held: list[tuple[str, list[Span]]], threshold: float, batch_tokens: int
    ) -> Iterator[Document]:
        sentences = [text[start:end] for text, spans in held for start, end in spans]
        rows = iter(self.probabilities(sentences, batch_tokens=batch_tokens))
        for text, spans in held:
            yield Document(
                text,
                tuple(
                    self._sentence(text[start:end], start, end, next(rows), threshold)
                    for start, end in spans
                ),
            )

    def _sentence(
        self, text: str, start: int, end: int, row: NDArray[np.float32], threshold: float
    ) -> Sentence:
        classes = self.schema.classes
        probabilities: dict[str, dict[str, float]] = {}
        tags = []
        for topic, values in zip(self.schema.topic_names, row.tolist(), strict=True):
            probabilities[topic] = dict(zip(classes, values, strict=True))
            if 1.0 - values[0] >= threshold:
                best = max(range(1, len(classes)), key=values.__getitem__)
                tags.append(Tag(topic, classes[best], values[best]))
        return Sentence(text, start, end, tuple(tags), probabilities)


@functools.cache
def _default_classifier() -> Classifier:
    return Classifier.from_pretrained()


def _check_text(text: object, name: str) -> None:
    if not isinstance(text, str):
        hint = "; decode it first" if isinstance(text, bytes) else ""
        raise TypeError(f"{name} must be a str, got {type(text).__name__}{hint}")


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    powers: NDArray[np.float32] = np.exp(logits - logits.max(axis=-1, keepdims=True))
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers


def _with_progress(documents: Iterator[Document], texts: Any) -> Iterator[Document]:
    from rich.console import Console
    from rich.progress import track

    total = len(texts) if hasattr(texts, "__len__") else None
    yield from track(documents, "Classifying", total=total, console=Console(stderr=True))

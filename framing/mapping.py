"""Tag the rows of a ``datasets.Dataset`` by its own ``map``, in as many processes as it likes."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framing.labels.errors import FramingError

if TYPE_CHECKING:
    import pyarrow as pa

    from framing.classifier import Classifier
    from framing.labels.schema import Schema
    from framing.results import Document

LEVELS = ("sentence", "document")


@dataclass(frozen=True, slots=True)
class ModelReference:
    """All that another process needs to load the same model, and nothing else.

    Attributes:
        folder: Where the model lies.
        digest: SHA-256 over its weights, configuration and tokenizer.
        device: Where to compute.
        engine: What computes.
        precision: What it computes in.
        priors: Topics and their shares, as the classifier was given them.
        version: Of framing, which splits the sentences.
    """

    folder: str
    digest: str
    device: str
    engine: str
    precision: str
    priors: tuple[tuple[str, float], ...]
    version: str

    @classmethod
    def of(cls, classifier: Classifier) -> ModelReference:
        """The reference to a classifier's model."""
        from framing import __version__
        from framing.models.store import model_hash

        return cls(
            folder=str(classifier.folder.resolve()),
            digest=model_hash(classifier.folder),
            device=classifier.device,
            engine=classifier.engine,
            precision=classifier.precision,
            priors=tuple(sorted(classifier.priors.items())),
            version=__version__,
        )

    def classifier(self) -> Classifier:
        """The classifier, loaded once in a process, and using one processor.

        Raises:
            FramingError: The model is not there, or is not the one that was referred to.
        """
        return _load(self, os.getpid())


@functools.cache
def _load(reference: ModelReference, process: int) -> Classifier:
    """Load a model; ``process`` tells a forked one that what it inherited is not its own."""
    from framing.classifier import Classifier
    from framing.models.store import model_hash

    folder = Path(reference.folder)
    try:
        digest = model_hash(folder)
    except OSError as error:
        raise FramingError(f"{folder}: the model is not there: {error.strerror}") from error
    if digest != reference.digest:
        raise FramingError(f"{folder}: the model has changed since the work began")
    return Classifier.from_folder(
        folder,
        device=reference.device,
        engine=reference.engine,
        precision=reference.precision,
        threads=1,
        priors=dict(reference.priors),
    )


@dataclass(frozen=True, slots=True)
class MapOptions:
    """How texts are tagged, and what comes out: see :meth:`Classifier.as_map_function`."""

    column: str
    level: str
    split: bool
    threshold: float | None
    min_confidence: float


class MapFunction:
    """Tags a batch of rows; made by :meth:`framing.Classifier.as_map_function`.

    A copy that has come to another process loads the model there, at its first batch. What
    is pickled is no more than the reference and the options, so that ``datasets`` finds the
    result of an earlier run in its cache exactly if model and options are the same.
    """

    def __init__(
        self,
        reference: ModelReference,
        options: MapOptions,
        classifier: Classifier | None = None,
    ) -> None:
        self._reference = reference
        self._options = options
        self._classifier = classifier
        self._process = os.getpid()

    def __reduce__(self) -> tuple[type[MapFunction], tuple[ModelReference, MapOptions]]:
        return MapFunction, (self._reference, self._options)

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """The new columns of a batch.

        A null has no text: its row has nulls in the new columns.

        Args:
            batch: Columns by name.

        Raises:
            FramingError: The text's column is missing, or the model cannot be loaded.
            TypeError: A text is not a string, or the batch is not one of columns.
        """
        texts = self._texts(batch)
        own = self._classifier is not None and self._process == os.getpid()
        classifier = self._classifier if own else None
        classifier = classifier or self._reference.classifier()
        documents = list(
            classifier.classify_many(
                ["" if text is None else text for text in texts],
                split=self._options.split,
                threshold=self._options.threshold,
                min_confidence=self._options.min_confidence,
            )
        )
        make = _sentences if self._options.level == "sentence" else _counts
        columns = make(documents, classifier.schema)
        for column in columns.values():
            for place, text in enumerate(texts):
                if text is None:
                    column[place] = None
        return columns

    def _texts(self, batch: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
        name = self._options.column
        if not isinstance(batch, Mapping):
            kind = type(batch).__name__
            raise TypeError(f"a batch must be a dict of columns, got {kind}: use with_format(None)")
        if name not in batch:
            found = ", ".join(batch) or "none"
            raise FramingError(f"the dataset has no column {name!r}; its columns are: {found}")
        texts = batch[name]
        if isinstance(texts, str) or texts is None:
            raise TypeError(f"column {name!r} is one text and not many: use map(..., batched=True)")
        return texts


class _Column(list[Any]):
    """Values that know their Arrow type.

    ``datasets`` takes the type of a column from its first rows; if none of them has a tag, the
    first that has one would not fit.
    """

    def __init__(self, values: Sequence[Any], kind: pa.DataType) -> None:
        super().__init__(values)
        self._kind = kind

    def __arrow_array__(self, type: pa.DataType | None = None) -> pa.Array:  # noqa: A002
        import pyarrow as pa

        return pa.array(list(self), type or self._kind)


def sentences_type(schema: Schema) -> pa.DataType:
    """The Arrow type of a document's sentences, each as :meth:`framing.Sentence.to_dict` has it."""
    import pyarrow as pa

    tag = [("topic", pa.string()), ("stance", pa.string()), ("probability", pa.float32())]
    probabilities = [
        (topic, pa.struct([(name, pa.float32()) for name in schema.classes_of(topic)]))
        for topic in schema.topic_names
    ]
    sentence = [
        ("text", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("tags", pa.list_(pa.struct(tag))),
        ("abstained", pa.list_(pa.string())),
        ("probabilities", pa.struct(probabilities)),
    ]
    return pa.list_(pa.struct(sentence))


def _sentences(documents: Sequence[Document], schema: Schema) -> dict[str, list[Any]]:
    values = [document.to_dict()["sentences"] for document in documents]
    return {"sentences": _Column(values, sentences_type(schema))}


def _counts(documents: Sequence[Document], schema: Schema) -> dict[str, list[Any]]:
    from framing.batch.tags import document_columns, document_fields

    values = document_columns(documents, schema)
    return {
        field.name: _Column(values[field.name], field.type) for field in document_fields(schema)
    }


def map_function(classifier: Classifier, options: MapOptions) -> MapFunction:
    """See :meth:`framing.Classifier.as_map_function`."""
    if options.level not in LEVELS:
        raise FramingError(f"level must be one of {', '.join(LEVELS)}, got {options.level!r}")
    if options.level == "document":
        from framing.batch.tags import document_fields
        from framing.results import check_distinct

        check_distinct([field.name for field in document_fields(classifier.schema)])
    return MapFunction(ModelReference.of(classifier), options, classifier)

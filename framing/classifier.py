"""The public entry: a loaded model that turns texts into tagged documents."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from framing.pipeline import (
    Window,
    check_many,
    check_text,
    computed_ahead,
    sentence_windows,
    with_progress,
)
from framing.results import Document
from framing.tagging import Tagger, TagOptions, probability_option

if TYPE_CHECKING:
    from threading import Event

    import numpy as np
    from numpy.typing import NDArray

    from framing.decisions import DecisionRule
    from framing.encoding import SentenceEncoder
    from framing.engines import Engine
    from framing.labels.schema import Schema
    from framing.mapping import MapFunction


_LOADING = Lock()


def classify(
    text: str, *, split: bool = True, threshold: float | None = None, min_confidence: float = 0.0
) -> Document:
    """Tag the sentences of one text with the shipped model, on the best device.

    The model is loaded at the first call and kept. For other models, devices or
    many texts use :class:`Classifier`. Arguments, result and errors are those of
    :meth:`Classifier.classify`.
    """
    with _LOADING:  # else threads that come at once load a model each
        classifier = _default_classifier()
    return classifier.classify(
        text, split=split, threshold=threshold, min_confidence=min_confidence
    )


class Classifier:
    """A model that tags sentences by topic and stance.

    Make one with :meth:`from_pretrained`; it may be shared between threads. Pickled, as by
    ``multiprocessing``, it is loaded anew on the other side.

    Attributes:
        schema: The topics and stances that the model knows.
        rule: The model's own temperatures, thresholds and priors.
        folder: Where the model lies.
        engine: Name of what computes, for example ``torch``.
        device: Name of the device it runs on.
        precision: What it computes in: ``f32``, ``bf16``, ``f16`` or ``int8``.
        threads: Processors it uses on a CPU.
        priors: Shares of topics that it was given.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        encoder: SentenceEncoder,
        schema: Schema,
        rule: DecisionRule,
        folder: Path,
        priors: Mapping[str, float] | None = None,
    ) -> None:
        self.schema = schema
        self.rule = rule
        self.folder = folder
        self.engine = engine.name.value
        self.device = engine.device
        self.precision = engine.precision
        self.threads = engine.threads
        from framing.decisions import all_priors
        from framing.scoring import Scorer

        self._scorer = Scorer(engine, encoder, schema)
        self._tagger = Tagger(schema)
        self._priors = all_priors({} if priors is None else priors, schema, rule)
        self.priors = {topic: float(share) for topic, share in (priors or {}).items()}

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], Classifier], tuple[dict[str, Any]]]:
        """Pickled is where the model lies and how it was loaded; another process loads it there."""
        options = {
            "folder": self.folder.absolute(),
            "device": self.device,
            "engine": self.engine,
            "threads": self.threads,
            "precision": self.precision,
            "priors": self.priors,
        }
        return _load, (options,)

    @property
    def weights_hash(self) -> str:
        """Hex SHA-256 of the weights: names the model in logs and reports."""
        from framing.models.store import WEIGHTS, file_hash

        return file_hash(self.folder / WEIGHTS)

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path = "default",
        *,
        device: str = "auto",
        engine: str = "auto",
        threads: int | None = None,
        precision: str = "auto",
        revision: str | None = None,
        priors: Mapping[str, float] | None = None,
    ) -> Classifier:
        """Load a model.

        Args:
            model: ``"default"`` for the shipped one, a folder, or a hub id
                (``owner/name``; this alone uses the network).
            device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
            engine: ``openvino`` for a CPU, ``torch`` for any device, or ``auto`` for what is
                fastest on the device.
            threads: Processors to use on a CPU; by default all that are allowed.
            precision: ``f32``, ``bf16``, ``f16`` or ``int8`` (on a CPU), or ``auto`` for the
                fastest floats of the device.
            revision: Branch, tag or commit on the hub.
            priors: Share of sentences, in (0, 1), that have a topic in your text, for the
                topics where you know it, such as ``{"asylum": 0.02}``. Probabilities are
                re-weighted by Bayes' rule; other topics stay as the model has them.

        Raises:
            framing.labels.errors.FramingError: The model is missing, damaged or
                not a framing model, device or engine is not there, or a prior is wrong.
        """
        from framing.models.store import find_model

        folder = find_model(model, revision=revision)
        return cls.from_folder(
            folder,
            device=device,
            engine=engine,
            threads=threads,
            precision=precision,
            priors=priors,
        )

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        *,
        device: str = "auto",
        engine: str = "auto",
        threads: int | None = None,
        precision: str = "auto",
        priors: Mapping[str, float] | None = None,
    ) -> Classifier:
        """Load a local folder without verifying its checksums (see :meth:`from_pretrained`).

        Compiled models are cached by the checksum that it records, which must be right.
        """
        from framing.decisions import DecisionRule
        from framing.engines import choose, load_engine
        from framing.models.store import read_config

        folder = Path(folder)
        config = read_config(folder)
        rule = config.decision_rule
        choice = choose(engine, device)
        with ThreadPoolExecutor(1) as loader:  # a quicker start: what is left takes as long
            loading = loader.submit(
                load_engine, choice, folder, threads=threads, precision=precision
            )
            from framing.encoding import SentenceEncoder
            from framing.labels.schema import parse_schema

            schema = parse_schema(config.label_schema, where=str(folder / "config.json"))
            encoder = SentenceEncoder(folder, max_tokens=config.max_tokens)
        return cls(
            engine=loading.result(),
            encoder=encoder,
            schema=schema,
            rule=DecisionRule.from_dict(rule) if rule else DecisionRule.plain(config.head_shape[0]),
            folder=folder,
            priors=priors,
        )

    def classify(
        self,
        text: str,
        *,
        split: bool = True,
        threshold: float | None = None,
        min_confidence: float = 0.0,
    ) -> Document:
        """Tag the sentences of one text.

        Args:
            text: Any string; an empty one gives a document without sentences.
            split: ``False`` takes the whole text as one sentence.
            threshold: Tag a topic where P(topic) is at least this, in [0, 1];
                by default the model's own, per topic.
            min_confidence: Abstain from tags whose probability is below this, in
                [0, 1]; their topics are then in :attr:`Sentence.abstained`.

        Raises:
            TypeError: ``text`` is not a string.
            ValueError: ``threshold`` or ``min_confidence`` is not in [0, 1].
        """
        check_text(text, "text")
        options = self._options(threshold, min_confidence)
        (window,) = sentence_windows([text], split=split)
        return next(self._tagger.documents(window, self._scores(window), options))

    def classify_many(
        self,
        texts: Iterable[str],
        *,
        split: bool = True,
        threshold: float | None = None,
        min_confidence: float = 0.0,
        deduplicate: bool = True,
        batch_tokens: int | None = None,
        progress: bool = False,
    ) -> Iterator[Document]:
        """Tag many texts; a document comes out for every text, in input order.

        Reads the input as it goes, and holds a bounded number of sentences.

        Args:
            texts: Strings, for example a list, a generator or an open file.
            split: As in :meth:`classify`.
            threshold: As in :meth:`classify`.
            min_confidence: As in :meth:`classify`.
            deduplicate: Compute a sentence that recurs nearby once; news is full of them.
            batch_tokens: Tokens per batch, padding included, by default what suits the
                engine; lower it if a GPU runs out of memory.
            progress: Show a progress bar on standard error.

        Raises:
            TypeError: ``texts`` is one string or a table, or an item is not a string (the
                message says which). Documents before it have come out by then.
            ValueError: ``threshold``, ``min_confidence`` or ``batch_tokens`` is out of range.
        """
        check_many(texts, "texts", batch_tokens=batch_tokens)
        options = self._options(threshold, min_confidence)
        scored = computed_ahead(
            sentence_windows(texts, split=split),
            functools.partial(self._scores, deduplicate=deduplicate, batch_tokens=batch_tokens),
        )
        documents = (
            document
            for window, scores in scored
            for document in self._tagger.documents(window, scores, options)
        )
        return with_progress(documents, texts) if progress else documents

    def as_map_function(
        self,
        *,
        column: str = "text",
        level: str = "sentence",
        split: bool = True,
        threshold: float | None = None,
        min_confidence: float = 0.0,
    ) -> MapFunction:
        """A function for ``datasets.Dataset.map(function, batched=True)``.

        With ``num_proc`` every process loads the model and uses one processor. The same model
        and options give the same fingerprint, so that ``datasets`` finds earlier results in
        its cache. A row whose text is null has nulls in the new columns.

        Args:
            column: Name of the text's column.
            level: ``sentence`` adds the column ``sentences``, where each is as
                :meth:`Sentence.to_dict` has it; ``document`` adds their number, ``sentences``,
                and per topic how many are tagged with it, their share, and how many take each
                stance: ``<topic>_sentences``, ``<topic>_share``, ``<topic>_<stance>_sentences``.
            split: As in :meth:`classify`.
            threshold: As in :meth:`classify`.
            min_confidence: As in :meth:`classify`.

        Raises:
            framing.labels.errors.FramingError: The level is unknown.
            ValueError: ``threshold`` or ``min_confidence`` is not in [0, 1].
        """
        from framing.mapping import MapOptions, map_function

        self._options(threshold, min_confidence)
        return map_function(self, MapOptions(column, level, split, threshold, min_confidence))

    def _options(self, threshold: float | None, min_confidence: float) -> TagOptions:
        least = probability_option("min_confidence", min_confidence)
        if threshold is None:
            return TagOptions(self.rule.thresholds, least)
        given = probability_option("threshold", threshold)
        return TagOptions((given,) * len(self.schema.topics), least)

    def probabilities(
        self, sentences: Iterable[str], *, batch_tokens: int | None = None
    ) -> NDArray[np.float32]:
        """Class probabilities of sentences, without splitting them.

        Returns:
            Shape (sentences, topics, classes) in the order of the schema; the
            last axis sums to one, class 0 is ``absent``, and a class that does not apply
            to a topic has zero. A sentence longer than the model's limit is scored in
            overlapping windows, and per topic the window with the highest P(topic) counts.

        Raises:
            TypeError: ``sentences`` is one string or a table, or an item is not a string.
            ValueError: ``batch_tokens`` is less than 1.
        """
        return self._calibrated(self.logits(sentences, batch_tokens=batch_tokens))

    def _calibrated(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        from framing.decisions import reweighted

        scores = self.rule.probabilities(logits)
        if self._priors is None:
            return scores
        return reweighted(scores, trained=self.rule.priors, wanted=self._priors)

    def logits(
        self, sentences: Iterable[str], *, batch_tokens: int | None = None
    ) -> NDArray[np.float32]:
        """What the model says before calibration; shape and windows as in :meth:`probabilities`.

        Minus infinity where a class does not apply to a topic.
        """
        check_many(sentences, "sentences", batch_tokens=batch_tokens)
        asked = list(sentences)
        for index, sentence in enumerate(asked):
            check_text(sentence, f"sentences[{index}]")
        return self._scorer.logits(asked, batch_tokens=batch_tokens)

    def _scores(
        self,
        window: Window,
        unwanted: Event | None = None,
        *,
        deduplicate: bool = True,
        batch_tokens: int | None = None,
    ) -> NDArray[np.float32]:
        """Probabilities of a window's sentences, those that recur computed once."""
        sentences = [text[start:end] for text, spans in window for start, end in spans]
        asked = list(dict.fromkeys(sentences)) if deduplicate else sentences
        scores = self._calibrated(
            self._scorer.logits(asked, batch_tokens=batch_tokens, unwanted=unwanted)
        )
        if len(asked) == len(sentences):
            return scores
        places = {sentence: place for place, sentence in enumerate(asked)}
        result: NDArray[np.float32] = scores[[places[sentence] for sentence in sentences]]
        return result


def _load(options: dict[str, Any]) -> Classifier:
    return Classifier.from_folder(**options)


@functools.cache
def _default_classifier() -> Classifier:
    return Classifier.from_pretrained()

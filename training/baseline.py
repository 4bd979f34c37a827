"""TF-IDF with logistic regression: what a day's work without a neural network reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.data import class_indices, texts_of
from framing.training.evaluation import Probabilities

_SMALL = 50
"""With fewer sentences, few words are there twice."""


class TfidfBaseline:
    """Word and word-pair TF-IDF; per topic one multinomial, class-balanced regression."""

    def __init__(self, records: Sequence[Record], schema: Schema) -> None:
        """Fit on records with text."""
        least = 2 if len(records) >= _SMALL else 1
        self._vectorizer, features = fit_vectors(
            TfidfVectorizer(ngram_range=(1, 2), min_df=least, sublinear_tf=True), texts_of(records)
        )
        labels = class_indices(records, schema)
        self._classes = len(schema.classes)
        self._regressions: list[LogisticRegression | int] = [
            LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000).fit(features, column)
            if len(set(column.tolist())) > 1
            else int(column[0])
            for column in labels.T
        ]

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Class probabilities, shape (sentences, topics, classes)."""
        features = self._vectorizer.transform(texts)
        shape = (len(texts), len(self._regressions), self._classes)
        result = np.zeros(shape, dtype=np.float32)
        for topic, regression in enumerate(self._regressions):
            if isinstance(regression, int):
                result[:, topic, regression] = 1.0
            else:
                result[:, topic, regression.classes_] = regression.predict_proba(features)
        return result


def fit_vectors(vectorizer: TfidfVectorizer, texts: Sequence[str]) -> tuple[TfidfVectorizer, Any]:
    """Fit it, and give the texts' vectors: of characters where no word would be left.

    That is so of scripts without spaces, of codes, and of very short texts.
    """
    try:
        return vectorizer, vectorizer.fit_transform(texts)
    except ValueError:
        vectorizer.set_params(analyzer="char_wb", min_df=1)
        return vectorizer, vectorizer.fit_transform(texts)

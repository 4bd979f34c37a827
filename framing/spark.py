"""Tag a column of a Spark data frame.

>>> from framing import Classifier, spark
>>> tag = spark.udf(Classifier.from_pretrained(device="cpu"))  # doctest: +SKIP
>>> tagged = frame.withColumn("sentences", tag("text"))  # doctest: +SKIP

Needs pyspark, and on every node framing, pandas, and the model's folder under the same path.
"""

from collections.abc import Callable  # no __future__: Spark looks at types, not at their names
from typing import Any

from framing.classifier import Classifier
from framing.mapping import sentences_type

_COLUMN = "text"


def udf(
    classifier: Classifier,
    *,
    split: bool = True,
    threshold: float | None = None,
    min_confidence: float = 0.0,
) -> Callable[..., Any]:
    """A function of Spark SQL from a text to its sentences.

    The result is an array of structs, each as :meth:`framing.Sentence.to_dict` has it, and null
    where the text is null. Every Python worker loads the model once and uses one processor.

    Args:
        classifier: The model; workers load it from the same folder.
        split: As in :meth:`framing.Classifier.classify`, like the two below.
        threshold: Tag a topic where P(topic) is at least this, in [0, 1].
        min_confidence: Abstain from tags less probable than this, in [0, 1].

    Raises:
        ImportError: pyspark or pandas is not installed.
    """
    try:
        import pandas
        from pyspark.sql.functions import pandas_udf
        from pyspark.sql.pandas.types import from_arrow_type
    except ImportError as error:
        raise ImportError("framing.spark needs pyspark: pip install pyspark pandas") from error

    tag = classifier.as_map_function(
        column=_COLUMN, split=split, threshold=threshold, min_confidence=min_confidence
    )

    def sentences(texts: pandas.Series) -> pandas.Series:
        given = texts.astype(object).where(texts.notna(), None).tolist()  # pandas has nan for null
        return pandas.Series(tag({_COLUMN: given})["sentences"], dtype=object)

    kind = from_arrow_type(sentences_type(classifier.schema))
    result: Callable[..., Any] = pandas_udf(sentences, kind)
    return result

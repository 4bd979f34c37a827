"""The function for Spark, where pyspark is installed."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from framing import Classifier, spark

TEXTS = ["Russia will keep its base at Tartus. The talks went on.", "", None] * 5


def test_the_error_says_what_to_install(classifier: Classifier) -> None:
    if importlib.util.find_spec("pyspark"):
        pytest.skip("pyspark is installed")
    with pytest.raises(ImportError, match="pip install pyspark pandas"):
        spark.udf(classifier)


def test_a_column_of_texts_becomes_one_of_sentences(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = pytest.importorskip("pyspark.sql")
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.getOrCreate()
    try:
        frame = session.createDataFrame([(n, t) for n, t in enumerate(TEXTS)], "n int, text string")
        tag = spark.udf(classifier, threshold=0.4)
        rows = frame.repartition(3).withColumn("sentences", tag("text")).orderBy("n").collect()
        counted = frame.withColumn("sentences", tag("text")).selectExpr(
            "sum(size(filter(sentences, s -> size(s.tags) > 0)))"
        )
        tagged = counted.collect()[0][0]
    finally:
        session.stop()
    expected = 0
    for row, text in zip(rows, TEXTS, strict=True):
        if text is None:
            assert row.sentences is None
            continue
        found = [sentence.asDict(recursive=True) for sentence in row.sentences]
        sentences = classifier.classify(text, threshold=0.4).to_dict()["sentences"]
        assert [s["text"] for s in found] == [s["text"] for s in sentences]
        for one, other in zip(found, sentences, strict=True):
            assert [(t["topic"], t["stance"]) for t in one["tags"]] == [
                (t["topic"], t["stance"]) for t in other["tags"]
            ]
            expected += bool(other["tags"])
    assert tagged == expected

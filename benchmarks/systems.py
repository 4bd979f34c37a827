"""What ``quality.py`` compares: each learns from records and scores sentences.

A system is a function of (training records, sentences, schema, seed). It returns class
probabilities of shape (sentences, topics, classes) and the thresholds on P(topic), one or one
per topic, that it would decide with, chosen without the sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.backbone import find_backbone
from framing.training.baseline import TfidfBaseline
from framing.training.config import TrainConfig
from framing.training.data import class_indices, texts_of
from framing.training.evaluation import Probabilities
from framing.training.run import fit_tuned, saved_logits

Thresholds = float | tuple[float, ...]
System = Callable[
    [Sequence[Record], Sequence[str], Schema, TrainConfig], tuple[Probabilities, Thresholds]
]


def ours(
    records: Sequence[Record], texts: Sequence[str], schema: Schema, config: TrainConfig
) -> tuple[Probabilities, Thresholds]:
    """The shipped recipe: early stopping and decision rule on inner tuning documents."""
    tuned = fit_tuned(records, schema, config)
    return tuned.rule.probabilities(saved_logits(tuned.fitted, texts)), tuned.rule.thresholds


def tfidf(
    records: Sequence[Record], texts: Sequence[str], schema: Schema, config: TrainConfig
) -> tuple[Probabilities, Thresholds]:
    """TF-IDF and class-balanced logistic regression."""
    return TfidfBaseline(records, schema).probabilities(texts), 0.5


def priors(
    records: Sequence[Record], texts: Sequence[str], schema: Schema, config: TrainConfig
) -> tuple[Probabilities, Thresholds]:
    """Draws labels by their frequency in the training records, whatever the sentence says."""
    labels = class_indices(records, schema)
    classes = len(schema.classes)
    shares = np.stack([np.bincount(column, minlength=classes) for column in labels.T])
    shares = shares / len(labels)
    generator = np.random.default_rng(config.seed)
    drawn = np.stack([generator.choice(classes, size=len(texts), p=row) for row in shares], axis=1)
    return np.eye(classes, dtype=np.float32)[drawn], 0.5


def per_topic(
    records: Sequence[Record], texts: Sequence[str], schema: Schema, config: TrainConfig
) -> tuple[Probabilities, Thresholds]:
    """One ``AutoModelForSequenceClassification`` per topic, by the Trainer's defaults."""
    labels = class_indices(records, schema)
    rows = [
        _sequence_classifier(texts_of(records), column.tolist(), texts, schema, config)
        for column in labels.T
    ]
    return np.stack(rows, axis=1), 0.5


def setfit(
    records: Sequence[Record], texts: Sequence[str], schema: Schema, config: TrainConfig
) -> tuple[Probabilities, Thresholds]:
    """SetFit on the same encoder: contrastive pairs, then a regression per topic."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel, Trainer, TrainingArguments
    from sklearn.linear_model import LogisticRegression

    labels = class_indices(records, schema)
    folder = find_backbone(config.backbone, sha256=config.backbone_sha256)
    # Pairs are alike where every topic and stance is: the whole label is one class.
    whole = [" ".join(map(str, row)) for row in labels.tolist()]
    names = {name: index for index, name in enumerate(dict.fromkeys(whole))}
    model = SetFitModel(SentenceTransformer(str(folder), device="cpu"), LogisticRegression())
    with TemporaryDirectory() as output:
        arguments = TrainingArguments(
            output_dir=output, batch_size=64, max_steps=400, seed=config.seed, report_to="none"
        )
        rows = {"text": texts_of(records), "label": [names[name] for name in whole]}
        Trainer(model=model, args=arguments, train_dataset=Dataset.from_dict(rows)).train()
    body = model.model_body
    features, wanted = body.encode(texts_of(records)), body.encode(list(texts))
    result = np.zeros((len(texts), *labels.shape[1:], len(schema.classes)), dtype=np.float32)
    for topic, column in enumerate(labels.T):
        head = LogisticRegression(class_weight="balanced", max_iter=1000).fit(features, column)
        result[:, topic, head.classes_] = head.predict_proba(wanted)
    return result, 0.5


SYSTEMS: dict[str, System] = {
    "ours": ours,
    "tfidf": tfidf,
    "setfit": setfit,
    "per-topic": per_topic,
    "priors": priors,
}


def _sequence_classifier(
    train_texts: Sequence[str],
    labels: Sequence[int],
    texts: Sequence[str],
    schema: Schema,
    config: TrainConfig,
) -> Any:
    import torch
    from datasets import Dataset
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    folder = find_backbone(config.backbone, sha256=config.backbone_sha256)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=len(schema.classes)
    )

    def encoded(sentences: Sequence[str], column: Sequence[int]) -> Dataset:
        rows = tokenizer(list(sentences), truncation=True, max_length=config.max_tokens)
        return Dataset.from_dict({**rows, "labels": list(column)})

    with TemporaryDirectory() as output:
        arguments = TrainingArguments(
            output_dir=str(Path(output)),
            num_train_epochs=3,
            learning_rate=5e-5,
            per_device_train_batch_size=32,
            per_device_eval_batch_size=128,
            train_sampling_strategy="group_by_length",
            use_cpu=not torch.cuda.is_available(),
            bf16=True,
            seed=config.seed,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=encoded(train_texts, labels),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.train()
        logits = trainer.predict(encoded(texts, [0] * len(texts))).predictions
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return (powers / powers.sum(-1, keepdims=True)).astype(np.float32)

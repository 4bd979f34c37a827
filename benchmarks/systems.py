"""What ``quality.py`` compares: each learns from records and scores sentences.

A system is a function of (training records, sentences, schema, configuration). It returns
logits of shape (sentences, topics, classes), or log-probabilities, which serve as well.
Systems that train the encoder may each take as long as ours does, which reads all sentences
``config.max_epochs`` times: the comparison is at equal cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from framing.decisions import Floats
from framing.engines.torch import cpu_has_bf16
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.training.backbone import find_backbone
from framing.training.baseline import TfidfBaseline
from framing.training.config import TrainConfig
from framing.training.data import class_indices, texts_of
from framing.training.unseen import logits_of_fold

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

System = Callable[[Sequence[Record], Sequence[str], Schema, TrainConfig], Floats]

_TINY = 1e-4
_SETFIT_BATCH = 64  # pairs of sentences
_SETFIT_SENTENCES = 12_000  # all pairs of these take 1.2 GB
# Its batches mix lengths, so that a sentence takes it 2.5 times as long as it takes ours.
_SETFIT_READS = 0.4


def ours(
    records: Sequence[Record], texts: Sequence[str], schema: Schema, config: TrainConfig
) -> Floats:
    """The shipped recipe."""
    return logits_of_fold(records, texts, schema, config)


def tfidf(
    records: Sequence[Record], texts: Sequence[str], schema: Schema, config: TrainConfig
) -> Floats:
    """TF-IDF and class-balanced logistic regression."""
    return _logs(TfidfBaseline(records, schema).probabilities(texts))


def priors(
    records: Sequence[Record], texts: Sequence[str], schema: Schema, config: TrainConfig
) -> Floats:
    """Draws labels by their frequency in the training records, whatever the sentence says."""
    labels = class_indices(records, schema)
    classes = len(schema.classes)
    shares = np.stack([np.bincount(column, minlength=classes) for column in labels.T])
    shares = shares / len(labels)
    generator = np.random.default_rng(config.seed)
    drawn = np.stack([generator.choice(classes, size=len(texts), p=row) for row in shares], axis=1)
    return _logs(np.eye(classes, dtype=np.float32)[drawn])


def per_topic(
    records: Sequence[Record], texts: Sequence[str], schema: Schema, config: TrainConfig
) -> Floats:
    """One ``AutoModelForSequenceClassification`` per topic, plain, at our learning rate."""
    labels = class_indices(records, schema)
    rows = [
        _sequence_classifier(texts_of(records), column.tolist(), texts, schema, config)
        for column in labels.T
    ]
    return np.stack(rows, axis=1)


def setfit(
    records: Sequence[Record], texts: Sequence[str], schema: Schema, config: TrainConfig
) -> Floats:
    """SetFit on the same encoder: contrastive pairs, then a regression per topic.

    SetFit is made for few examples; this is what it learns from many of them at the cost of
    ours. Its pairs are drawn from at most 12,000 random sentences, since it lists every pair that
    there is before it draws; the regressions learn from all sentences.
    """
    from sklearn.linear_model import LogisticRegression

    labels, sentences = class_indices(records, schema), texts_of(records)
    drawn = np.random.default_rng(config.seed).permutation(len(records))[:_SETFIT_SENTENCES]
    body = setfit_encoder(
        [sentences[row] for row in drawn],
        labels[drawn],
        folder=find_backbone(config.backbone, sha256=config.backbone_sha256),
        batch=_SETFIT_BATCH,
        steps=round(_SETFIT_READS * config.max_epochs * len(records) / (2 * _SETFIT_BATCH)),
        seed=config.seed,
    )
    features, wanted = body.encode(sentences), body.encode(list(texts))
    result = np.zeros((len(texts), len(schema.topics), len(schema.classes)), dtype=np.float32)
    for topic, column in enumerate(labels.T):
        head = LogisticRegression(class_weight="balanced", max_iter=1000).fit(features, column)
        result[:, topic, head.classes_] = head.predict_proba(wanted)
    return _logs(result)


def setfit_encoder(
    texts: Sequence[str],
    labels: NDArray[np.int64],
    *,
    folder: Path,
    batch: int,
    steps: int,
    seed: int,
) -> SentenceTransformer:
    """An encoder after SetFit's contrastive training in its own multi-label mode.

    Two sentences attract each other if they share a topic and the stance towards it. The encoder
    is in bf16 on processors that have it, as ours is. The loss is not: cosines in bf16 cost
    SetFit up to 13 points.

    Args:
        texts: Sentences.
        labels: Class indices, (sentences, topics); 0 is ``absent``.
        folder: Of the encoder to start from.
        batch: Pairs a step.
        steps: At most so many.
        seed: Of the order of the pairs.
    """
    import torch
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel, Trainer, TrainingArguments
    from sklearn.linear_model import LogisticRegression

    # One column per topic and stance; column 0 of each topic is "absent", which is no label.
    classes = int(labels.max()) + 1
    present = np.eye(classes, dtype=np.int64)[labels][..., 1:].reshape(len(labels), -1)
    encoder = SentenceTransformer(str(folder), device="cpu")
    with_bf16 = torch.autocast("cpu", dtype=torch.bfloat16, enabled=cpu_has_bf16())
    encoder[0].auto_model.forward = with_bf16(encoder[0].auto_model.forward)
    head = LogisticRegression()
    model = SetFitModel(encoder, head, multi_target_strategy="one-vs-rest")
    with TemporaryDirectory() as output:
        arguments = TrainingArguments(
            output_dir=output,
            batch_size=batch,
            max_steps=max(1, steps),
            seed=seed,
            report_to="none",
        )
        rows = {"text": list(texts), "label": present.tolist()}
        trainer = Trainer(model=model, args=arguments, train_dataset=Dataset.from_dict(rows))
        trainer.train_embeddings(rows["text"], rows["label"], args=arguments)
    return model.model_body


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
) -> Floats:
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
            num_train_epochs=config.max_epochs / len(schema.topics),
            learning_rate=config.learning_rate,
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
    result: Floats = logits.astype(np.float32)
    return result


def _logs(probabilities: Floats) -> Floats:
    result: Floats = np.log(np.clip(probabilities, _TINY, 1)).astype(np.float32)
    return result

"""What ``speed.py`` compares: each loads a model and gives a function from texts to their number.

All have the same encoder. Where a system needs a head of its own kind, it has random weights:
the cost is the same.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from framing.models.store import find_model

Run = Callable[[Iterable[str]], int]
"""Classifies texts, and says how many there were."""

PER_DOCUMENT = 10
_CLASSES = 16  # four topics of four classes


def _ours(precision: str) -> Callable[[Path, str, int | None], Run]:
    """What users call, splitting included."""

    def load(models: Path, device: str, threads: int | None) -> Run:
        from framing import Classifier

        classifier = Classifier.from_pretrained(device=device, threads=threads, precision=precision)

        def run(texts: Iterable[str]) -> int:
            documents = classifier.classify_many(_documents(texts), deduplicate=False)
            return sum(len(document.sentences) for document in documents)

        return run

    return load


def _engine(engine: str, precision: str) -> Callable[[Path, str, int | None], Run]:
    def load(models: Path, device: str, threads: int | None) -> Run:
        from framing import Classifier

        classifier = Classifier.from_pretrained(
            device=device, engine=engine, threads=threads, precision=precision
        )
        return lambda texts: len(classifier.probabilities(list(texts)))

    return load


def _pipeline(batch: int) -> Callable[[Path, str, int | None], Run]:
    def load(models: Path, device: str, threads: int | None) -> Run:
        from transformers import pipeline

        classify = pipeline("text-classification", model=str(models / "pipeline"), device=device)

        def run(texts: Iterable[str]) -> int:
            return len(
                classify(list(texts), batch_size=batch, truncation=True, max_length=256, top_k=None)
            )

        return run

    return load


def sentence_transformers(models: Path, device: str, threads: int | None) -> Run:
    """Embeddings and a linear head."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(models / "backbone"), device=device)
    head = np.random.default_rng(0).normal(size=(384, _CLASSES))
    return lambda texts: len(model.encode(list(texts), batch_size=32) @ head)


def setfit(models: Path, device: str, threads: int | None) -> Run:
    """SetFit's own prediction."""
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel
    from sklearn.linear_model import LogisticRegression

    generator = np.random.default_rng(0)
    head = LogisticRegression().fit(
        generator.normal(size=(64, 384)), generator.permutation(64) % _CLASSES
    )
    model = SetFitModel(SentenceTransformer(str(models / "backbone"), device=device), head)
    return lambda texts: len(model.predict_proba(list(texts), batch_size=32))


def _onnx(models: Path, device: str, threads: int | None) -> Run:
    import onnxruntime

    from framing.encoding import SentenceEncoder, length_batches, padded

    encoder = SentenceEncoder(models / "onnx", max_tokens=256)
    session = onnxruntime.InferenceSession(
        models / "onnx" / "model.onnx", providers=["CPUExecutionProvider"]
    )

    def run(texts: Iterable[str]) -> int:
        ids, _ = encoder.windows(list(texts))
        for batch in length_batches([len(row) for row in ids], batch_tokens=2048):
            rows, mask = padded([ids[i] for i in batch], pad=0)
            session.run(None, {"input_ids": rows, "attention_mask": mask})
        return len(ids)

    return run


SYSTEMS: dict[str, Callable[[Path, str, int | None], Run]] = {
    "HF pipeline, batch 1": _pipeline(1),
    "HF pipeline, batch 32": _pipeline(32),
    "sentence-transformers + head": sentence_transformers,
    "SetFit": setfit,
    "ONNX Runtime f32": _onnx,
    "torch f32": _engine("torch", "f32"),
    "torch, fastest precision": _engine("torch", "auto"),
    "OpenVINO, fastest floats": _engine("openvino", "auto"),
    "OpenVINO int8": _engine("openvino", "int8"),
    "framing, end to end": _ours("auto"),
    "framing int8, end to end": _ours("int8"),
}

_CPU_ONLY = ("ONNX", "OpenVINO", "framing int8")
_NEEDS = {
    "sentence-transformers + head": "sentence_transformers",
    "SetFit": "setfit",
    "ONNX Runtime f32": "onnxruntime",
}


def available(device: str) -> list[str]:
    """The systems that are installed here and run on the device."""
    return [
        name
        for name in SYSTEMS
        if importlib.util.find_spec(_NEEDS.get(name, "framing"))
        and (device == "cpu" or not name.startswith(_CPU_ONLY))
    ]


def prepare(folder: Path) -> Path:
    """Write the model in the forms that other systems load, where they are installed."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    from framing.exporting import ExportFormat, export
    from framing.models.store import WEIGHTS, read_config
    from framing.training.backbone import find_backbone
    from framing.training.config import load_config

    shipped = find_model("default")
    settings = BertConfig(**read_config(shipped).encoder, num_labels=_CLASSES)
    model = BertForSequenceClassification(settings)
    weights = load_file(shipped / WEIGHTS)
    encoder = {
        k.removeprefix("encoder."): v.float() for k, v in weights.items() if k[:5] != "head."
    }
    model.bert.load_state_dict(encoder, strict=False)
    model.to(torch.float32).save_pretrained(folder / "pipeline")
    AutoTokenizer.from_pretrained(shipped).save_pretrained(folder / "pipeline")
    backbone = find_backbone(load_config(None).backbone)
    (folder / "backbone").symlink_to(backbone.resolve())
    if importlib.util.find_spec("onnxruntime"):
        export(shipped, folder / "onnx", to=ExportFormat.ONNX)
    return folder


def _documents(texts: Iterable[str]) -> Iterator[str]:
    """Texts of some sentences each, as news has them."""
    held: list[str] = []
    for text in texts:
        held.append(text)
        if len(held) == PER_DOCUMENT:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)

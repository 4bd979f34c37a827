"""Write a model for other runtimes, and compare what they say with the original.

Inputs are ``input_ids`` and ``attention_mask`` of shape (sentences, tokens), the output is
``logits`` of shape (sentences, topics, classes) before calibration: ``config.json``, copied
beside the model, holds the schema and the decision rule that turns them into tags.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framing.classifier import Classifier
from framing.decisions import decide
from framing.encoding import SentenceEncoder, length_batches, padded
from framing.labels.errors import FramingError
from framing.labels.records import packaged_path, read_records
from framing.labels.schema import load_schema
from framing.models.store import read_config

Logits = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]

_COPIED = ("config.json", "tokenizer.json", "tokenizer_config.json")
_SENTENCES = ("seeds", "reports")
_CALIBRATION = 300  # sentences that show the range of activations
_COMPARED = 1000
_BATCH_TOKENS = 2048


class ExportFormat(str, Enum):
    """What a model can be written as."""

    ONNX = "onnx"
    OPENVINO = "openvino"
    INT8 = "int8"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how its answers differ from those of the original.

    Attributes:
        model: The file to load.
        sentences: Packaged sentences that both answered.
        same_tags: Share of them with exactly the same tags, in [0, 1].
        largest_difference: Of any class probability.
    """

    model: Path
    sentences: int
    same_tags: float
    largest_difference: float


def export(folder: Path, output: Path, *, to: ExportFormat, force: bool = False) -> Exported:
    """Write a model folder for another runtime.

    Args:
        folder: A model folder, already verified.
        output: Folder to write to.
        to: ``onnx`` (opset 18, single precision), ``openvino`` (IR with fp16 weights), or
            ``int8``, an IR whose matrix products are in eight bits, calibrated on sentences
            of this package.
        force: Overwrite what is in ``output``.

    Raises:
        FramingError: ``output`` is not empty, or a package of ``framing[export]`` is missing.
    """
    if output.exists() and any(output.iterdir()) and not force:
        raise FramingError(f"{output}: is not empty; use --force to overwrite the model in it")
    original = Classifier.from_folder(folder, device="cpu", engine="torch", precision="f32")
    output.mkdir(parents=True, exist_ok=True)
    for name in _COPIED:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, output / name)
    encoder = SentenceEncoder(folder, max_tokens=read_config(folder).max_tokens)
    try:
        if to is ExportFormat.ONNX:
            model, run = _onnx(folder, output)
        else:
            model, run = _openvino(folder, output, encoder if to is ExportFormat.INT8 else None)
    except ImportError as error:
        raise FramingError(
            f"{error.name} is not installed: pip install 'framing[export]'"
        ) from error
    texts = _packaged_sentences(_COMPARED, encoder)
    wanted, found = (
        original.probabilities(texts),
        original.rule.probabilities(
            _logits(run, encoder, texts, wanted_shape=(len(texts), *read_config(folder).head_shape))
        ),
    )
    tags = [decide(p, original.rule.thresholds) for p in (wanted, found)]
    return Exported(
        model=model,
        sentences=len(texts),
        same_tags=float((tags[0] == tags[1]).all(axis=1).mean()),
        largest_difference=float(np.abs(wanted - found).max()),
    )


def _onnx(folder: Path, output: Path) -> tuple[Path, Logits]:
    import onnxruntime
    import onnxscript  # noqa: F401  # torch's exporter needs it; named if it is missing
    import torch

    from framing.engines.convert import plain_module

    path = output / "model.onnx"
    names, axes = ("input_ids", "attention_mask"), {0: "sentences", 1: "tokens"}
    torch.onnx.export(
        plain_module(folder),
        tuple(torch.ones((2, 8), dtype=torch.int64) for _ in names),
        path,
        input_names=list(names),
        output_names=["logits"],
        dynamic_axes={**dict.fromkeys(names, axes), "logits": {0: "sentences"}},
        opset_version=18,
        dynamo=False,
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = session.run(None, {names[0]: ids, names[1]: mask})[0]
        return result

    return path, run


def _openvino(folder: Path, output: Path, encoder: SentenceEncoder | None) -> tuple[Path, Logits]:
    """The IR; in int8, calibrated on what ``encoder`` makes of sentences, if there is one."""
    import openvino

    from framing.engines.openvino import build_graph

    graph = build_graph(folder)
    if encoder is not None:
        import nncf

        texts = _packaged_sentences(_CALIBRATION, encoder)
        batches = [_inputs(ids, mask) for ids, mask in _batches(encoder, texts)]
        graph = nncf.quantize(
            graph,
            nncf.Dataset(batches),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(batches),
        )
    path = output / "model.xml"
    openvino.save_model(graph, path, compress_to_fp16=True)
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", settings)

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = compiled(_inputs(ids, mask))[0]
        return result

    return path, run


def _inputs(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> list[NDArray[Any]]:
    return [ids.astype(np.int32), mask.astype(np.float32)]


def _packaged_sentences(count: int, encoder: SentenceEncoder) -> list[str]:
    """Sentences spread over packaged files, each short enough for one window."""
    schema = load_schema()
    records = [r for name in _SENTENCES for r in read_records(packaged_path(name), schema)]
    texts = [record.text for record in records if record.text]
    windows = Counter(encoder.windows(texts)[1])
    short = [text for index, text in enumerate(texts) if windows[index] == 1]
    return short[:: max(1, len(short) // count)][:count]


def _batches(
    encoder: SentenceEncoder, texts: Sequence[str]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    ids, _ = encoder.windows(texts)
    for batch in length_batches([len(row) for row in ids], batch_tokens=_BATCH_TOKENS):
        yield padded([ids[i] for i in batch], pad=0)


def _logits(
    run: Logits, encoder: SentenceEncoder, texts: Sequence[str], *, wanted_shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Logits of sentences that fit one window."""
    ids, _ = encoder.windows(texts)
    result = np.empty(wanted_shape, dtype=np.float32)
    for batch in length_batches([len(row) for row in ids], batch_tokens=_BATCH_TOKENS):
        result[batch] = run(*padded([ids[i] for i in batch], pad=0))
    return result

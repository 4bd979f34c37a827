"""Write a model for other runtimes, and compare what they say with the original.

Inputs are ``input_ids`` and ``attention_mask`` of shape (sentences, tokens), the output is
``logits`` of shape (sentences, topics, classes) before calibration: ``config.json``, copied
beside the model, holds the schema and the decision rule that turns them into tags.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from framing.classifier import Classifier
from framing.decisions import decide
from framing.encoding import SentenceEncoder, padded
from framing.engines.openvino import build_graph
from framing.engines.quantization import packaged_sentences, quantize
from framing.labels.errors import FramingError
from framing.models.store import ModelConfig, read_config

Ids = NDArray[np.int64]
Logits = Callable[[Ids, Ids], NDArray[np.float32]]

_COPIED = ("config.json", "tokenizer.json", "tokenizer_config.json")
_COMPARED = 1000


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
            ``int8``, an IR whose dense layers are in eight bits (see
            :mod:`framing.engines.quantization`).
        force: Overwrite what is in ``output``.

    Raises:
        FramingError: ``output`` is not empty, the model's own folder or no folder, or cannot
            be written; or a package of ``framing[export]`` is missing.
    """
    try:
        _check_output(folder, output, force=force)
        if to is ExportFormat.ONNX:
            _require_onnx()
        return _export(folder, output, to)
    except OSError as error:
        raise FramingError(f"{output}: cannot be written: {error.strerror or error}") from error
    except ImportError as error:
        raise FramingError(
            f"{error.name} is not installed: pip install 'framing[export]'"
        ) from error


def _check_output(folder: Path, output: Path, *, force: bool) -> None:
    if not output.exists():
        return
    if not output.is_dir():
        raise FramingError(f"{output}: is not a folder; name one to write to")
    if output.samefile(folder):
        raise FramingError(f"{output}: is the model itself; name another folder")
    if any(output.iterdir()) and not force:
        raise FramingError(f"{output}: is not empty; use --force to overwrite the model in it")


def _require_onnx() -> None:
    """Fail for want of a package now, and not with half a model written."""
    import onnxruntime  # noqa: F401
    import onnxscript  # noqa: F401  # torch's exporter needs it


def _export(folder: Path, output: Path, to: ExportFormat) -> Exported:
    original = Classifier.from_folder(folder, device="cpu", engine="torch", precision="f32")
    output.mkdir(parents=True, exist_ok=True)
    model, run = _onnx(folder, output) if to is ExportFormat.ONNX else _openvino(folder, output, to)
    for name in _COPIED:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, output / name)
    config = read_config(folder)
    exported = Classifier(
        engine=_Written(to, run, config),
        encoder=SentenceEncoder(folder, max_tokens=config.max_tokens),
        schema=original.schema,
        rule=original.rule,
        folder=output,
    )
    texts = packaged_sentences(_COMPARED)
    wanted, found = (c.probabilities(texts) for c in (original, exported))
    same = np.equal(*(decide(p, original.rule.thresholds) for p in (wanted, found)))
    return Exported(
        model=model,
        sentences=len(texts),
        same_tags=float(same.all(axis=1).mean()),
        largest_difference=float(np.abs(wanted - found).max()),
    )


class _Written:
    """A written model as an engine (see :class:`framing.engines.Engine`)."""

    device = "cpu"
    precision = "f32"
    threads = 1
    parallel = 1
    batch_tokens = 2048

    def __init__(self, name: ExportFormat, run: Logits, config: ModelConfig) -> None:
        self.name = name
        self._run = run
        self._pad = int(config.encoder.get("pad_token_id") or 0)

    def logits(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Logits of (windows, topics, classes) for one batch of token ids."""
        return self._run(*padded(batch, pad=self._pad))


def _onnx(folder: Path, output: Path) -> tuple[Path, Logits]:
    import onnxruntime
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

    def run(ids: Ids, mask: Ids) -> NDArray[np.float32]:
        result: NDArray[np.float32] = session.run(None, {names[0]: ids, names[1]: mask})[0]
        return result

    return path, run


def _openvino(folder: Path, output: Path, to: ExportFormat) -> tuple[Path, Logits]:
    graph = build_graph(folder)
    if to is ExportFormat.INT8:
        quantize(graph, folder)
    path = output / "model.xml"
    openvino.save_model(graph, path, compress_to_fp16=True)
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", settings)

    def run(ids: Ids, mask: Ids) -> NDArray[np.float32]:
        result: NDArray[np.float32] = compiled([ids.astype(np.int32), mask.astype(np.float32)])[0]
        return result

    return path, run

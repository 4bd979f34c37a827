"""OpenVINO as engine: fast on a CPU, and quick to start, as it needs no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openvino import CompiledModel, Core, Model, Tensor, get_version, save_model
from safetensors.numpy import load_file

import framing
from framing.cpus import available_cpus
from framing.encoding import padded
from framing.engines import AUTO, EngineName
from framing.engines.bert_graph import build_model, is_supported
from framing.engines.compiled import read_compiled, write_compiled
from framing.labels.errors import FramingError
from framing.models.store import WEIGHTS, ModelConfig, read_config, recorded_hash

# Kernels are made for each shape of a batch, and kept: by default 5,000 of them, which grew to
# 2 GB over texts of all lengths, without being any faster.
_CACHED_KERNELS = 128


class OpenVinoEngine:
    """Runs a model folder on the CPU, in bf16 where the processor has it."""

    name = EngineName.OPENVINO
    batch_tokens = 2048

    def __init__(
        self,
        folder: Path,
        *,
        device: str,
        threads: int | None = None,
        precision: str = AUTO,
    ) -> None:
        """Compile the model, or load what an earlier process compiled.

        Args:
            folder: A model folder.
            device: ``auto`` or ``cpu``.
            threads: Processors to use; by default all that are allowed.
            precision: ``f32``, ``bf16``, ``f16``, or ``int8`` for dense layers in eight bits and
                the rest in the fastest floats, the quickest where the processor multiplies
                eight bits (VNNI, AMX); its first load takes some seconds longer, see
                :mod:`framing.engines.quantization`. ``auto`` is the fastest floats here.

        Raises:
            FramingError: Another device, or floats that the processor does not compute in.
        """
        if device not in ("auto", "cpu"):
            raise FramingError(f"the engine openvino runs on the cpu, not on {device!r}")
        self.device = "cpu"
        self.threads = threads or available_cpus()
        self.parallel = _streams(self.threads) + 1  # one waits while the others are computed
        config = read_config(folder)
        core = Core()
        able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        floats = "bf16" if "BF16" in able else "f32"
        self.precision = floats if precision == AUTO else precision
        self._pad = int(config.encoder.get("pad_token_id") or 0)
        settings = {
            "INFERENCE_PRECISION_HINT": floats if precision == "int8" else self.precision,
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": _streams(self.threads),
            "CPU_RUNTIME_CACHE_CAPACITY": _CACHED_KERNELS,
        }
        self._compiled = _compiled(core, folder, config, self.precision, settings)
        used = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if used != settings["INFERENCE_PRECISION_HINT"]:
            raise FramingError(
                f"precision {precision}: this processor computes in {used} instead; ask for auto"
            )
        _settle_arrays()

    def logits(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Logits of (windows, topics, classes) for one batch of token ids."""
        ids, mask = padded(batch, pad=self._pad)
        # A request of its own for each call, so that threads can share the engine.
        request = self._compiled.create_infer_request()
        request.infer([ids.astype(np.int32), mask.astype(np.float32)])
        result: NDArray[np.float32] = request.get_output_tensor(0).data.copy()
        return result


_SETTLING = Lock()


def _settle_arrays() -> None:
    """Have OpenVINO's bindings look up NumPy now, while there is one thread.

    They do so at the first array they are given, in a C++ static, and two threads that come
    there at once wait for each other for good: one has the static's lock, the other Python's.
    """
    with _SETTLING:
        Tensor(np.zeros(1, np.float32)).data.copy()


def build_graph(folder: Path, *, fused_attention: bool = True) -> Model:
    """The model of a folder as a graph; encoders other than BERT are converted by torch.

    ``fused_attention`` is that of :func:`framing.engines.bert_graph.build_model`.
    """
    config = read_config(folder)
    if is_supported(config.encoder):
        return build_model(
            load_file(folder / WEIGHTS),
            config.encoder,
            config.head_shape,
            fused_attention=fused_attention,
        )
    try:
        from framing.engines.convert import converted
    except ImportError as error:
        kind = config.encoder.get("model_type")
        raise FramingError(
            f"{folder}: {kind} encoders need {error.name} to convert them"
        ) from error
    return converted(folder)


def _in_half(core: Core, graph: Model) -> Model:
    """The graph with its weights in f16, which loads from the cache in half the time."""
    with TemporaryDirectory(prefix="framing-graph-") as scratch:
        path = Path(scratch) / "model.xml"
        save_model(graph, path, compress_to_fp16=True)
        content, weights = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    return core.read_model(content, weights)


def _streams(threads: int) -> int:
    """Batches computed side by side, by two threads each.

    Two threads a batch were faster than one (455 against 400 sentences/s on 2 processors), and
    one sentence alone took 3.3 ms instead of 5.4.
    """
    return max(1, threads // 2)


def _compiled(
    core: Core, folder: Path, config: ModelConfig, precision: str, settings: dict[str, Any]
) -> CompiledModel:
    depends = [
        recorded_hash(folder, WEIGHTS),
        config.encoder,
        config.head_shape,
        framing.__version__,
        get_version(),
        core.get_property("CPU", "FULL_DEVICE_NAME"),
        core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"),
        precision,
        settings,
    ]
    key = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:32]
    content = read_compiled(key)
    if content is not None:
        return core.import_model(content, "CPU", settings)
    graph = build_graph(folder, fused_attention=precision == "f16")
    if precision == "int8":
        from framing.engines.quantization import quantize

        quantize(graph, folder)
    if precision != "f32":
        graph = _in_half(core, graph)
    compiled = core.compile_model(graph, "CPU", settings)
    write_compiled(key, bytes(compiled.export_model().getvalue()))
    return compiled

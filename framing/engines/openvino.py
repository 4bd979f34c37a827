"""OpenVINO as engine: fast on a CPU, and quick to start, as it needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openvino import Core
from safetensors.numpy import load_file

from framing.encoding import padded
from framing.engines import EngineName
from framing.engines.bert_graph import build_model, is_supported
from framing.labels.errors import FramingError
from framing.models.store import WEIGHTS, read_config


class OpenVinoEngine:
    """Runs a model folder on the CPU, in bf16 where the processor has it."""

    name = EngineName.OPENVINO

    def __init__(self, folder: Path, *, device: str, precision: str | None = None) -> None:
        """Build and compile the graph.

        Args:
            folder: A model folder.
            device: ``auto`` or ``cpu``.
            precision: ``f32`` or ``bf16``; by default what is fastest here.
        """
        if device not in ("auto", "cpu"):
            raise FramingError(f"the engine openvino runs on the cpu, not on {device!r}")
        self.device = "cpu"
        config = read_config(folder)
        if not is_supported(config.encoder):
            kind = config.encoder.get("model_type")
            raise FramingError(f"{folder}: the engine openvino does not know {kind} encoders")
        graph = build_model(load_file(folder / WEIGHTS), config.encoder, config.head_shape)
        core = Core()
        fast = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        chosen = precision or ("bf16" if fast else "f32")
        self._compiled = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": chosen})
        self._pad = int(config.encoder.get("pad_token_id") or 0)

    def logits(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Logits of (windows, topics, classes) for one batch of token ids."""
        ids, mask = padded(batch, pad=self._pad)
        # A request of its own for each call, so that threads can share the engine.
        request = self._compiled.create_infer_request()
        request.infer([np.array(ids, dtype=np.int32), np.array(mask, dtype=np.float32)])
        result: NDArray[np.float32] = request.get_output_tensor(0).data.copy()
        return result

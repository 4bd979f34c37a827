"""PyTorch as engine: CUDA, Apple's MPS, and the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from framing.cpus import available_cpus
from framing.encoding import padded
from framing.engines import AUTO, EngineName
from framing.labels.errors import FramingError
from framing.modeling import load_model

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


class TorchEngine:
    """Runs a model folder on one device, in half precision where it is fast."""

    name = EngineName.TORCH
    parallel = 1
    batch_tokens = 8192

    def __init__(
        self,
        folder: Path,
        *,
        device: str,
        threads: int | None = None,
        precision: str = AUTO,
    ) -> None:
        """Load the weights.

        Args:
            folder: A model folder.
            device: As in :meth:`framing.Classifier.from_pretrained`.
            threads: Processors to use on a CPU, by default those that torch uses and that are
                allowed; torch has one number for the whole process.
            precision: ``f32``, ``bf16`` or ``f16``; ``auto`` is bf16 where the device computes
                in it, f16 on other GPUs, and f32 on other CPUs.
        """
        if precision not in (AUTO, *DTYPES):
            raise FramingError(f"the engine torch does not compute in {precision}; openvino does")
        self._device = resolve_device(device)
        self.device = str(self._device)
        self.precision = fastest_precision(self._device) if precision == AUTO else precision
        if self._device.type == "cpu":
            torch.set_num_threads(threads or min(torch.get_num_threads(), available_cpus()))
        self.threads = torch.get_num_threads()
        self._model: Any = load_model(folder).to(self._device)
        self._pad = int(self._model.encoder.config.pad_token_id or 0)

    def logits(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Logits of (windows, topics, classes) for one batch of token ids."""
        ids, mask = (self._on_device(array) for array in padded(batch, pad=self._pad))
        half = self.precision != "f32"
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, dtype=DTYPES[self.precision], enabled=half),
        ):
            output = self._model(input_ids=ids, attention_mask=mask)
        result: NDArray[np.float32] = output.logits.float().cpu().numpy()
        return result

    def _on_device(self, array: NDArray[np.int64]) -> torch.Tensor:
        tensor = torch.from_numpy(array)
        if self._device.type == "cuda":
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.to(self._device)


def fastest_precision(device: torch.device) -> str:
    """What a device computes fastest in, of :data:`framing.engines.PRECISIONS`."""
    if device.type == "cpu":
        return "bf16" if cpu_has_bf16() else "f32"
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "f16"
    return "f16"


def cpu_has_bf16() -> bool:
    """Whether bf16 is faster here than fp32; emulated, it would be far slower."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def resolve_device(device: str) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps`` into a device that is there.

    Raises:
        FramingError: The name is unknown, or this machine has no such device.
    """
    has_mps = torch.backends.mps.is_available()
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise FramingError(
            f"unknown device {device!r}; use auto, cpu, cuda, cuda:1 or mps"
        ) from error
    count = torch.cuda.device_count() if resolved.type == "cuda" else int(has_mps)
    if resolved.type not in ("cpu", "cuda", "mps"):
        raise FramingError(f"unknown device {device!r}; use auto, cpu, cuda, cuda:1 or mps")
    if resolved.type != "cpu" and (resolved.index or 0) >= count:
        raise FramingError(f"device {device!r} is not on this machine; it has {count} such devices")
    return resolved

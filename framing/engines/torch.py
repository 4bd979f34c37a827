"""PyTorch as engine: CUDA, Apple's MPS, and the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from framing.encoding import padded
from framing.engines import EngineName
from framing.labels.errors import FramingError
from framing.modeling import FramingModel
from framing.quiet import quiet_transformers


class TorchEngine:
    """Runs a model folder on one device, in single precision on a CPU, else in half."""

    name = EngineName.TORCH

    def __init__(self, folder: Path, *, device: str) -> None:
        self._device = resolve_device(device)
        self.device = str(self._device)
        dtype = torch.float32 if self._device.type == "cpu" else torch.float16
        with quiet_transformers():
            self._model: Any = FramingModel.from_pretrained(
                folder, dtype=dtype, use_safetensors=True, local_files_only=True
            )
        self._model.to(self._device).eval()
        self._pad = int(self._model.encoder.config.pad_token_id or 0)

    def logits(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Logits of (windows, topics, classes) for one batch of token ids."""
        ids, mask = padded(batch, pad=self._pad)
        with torch.inference_mode():
            output = self._model(
                input_ids=torch.tensor(ids, device=self._device),
                attention_mask=torch.tensor(mask, device=self._device),
            )
        result: NDArray[np.float32] = output.logits.float().cpu().numpy()
        return result


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

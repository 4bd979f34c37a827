"""What computes logits from token ids: one class per runtime, its imports inside."""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from framing.labels.errors import FramingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


AUTO = "auto"
"""Instead of a name: the engine that is fastest on the device."""


PRECISIONS = ("f32", "bf16", "f16", "int8")
"""What a model can be computed in; ``int8`` on a CPU by OpenVINO only."""


class EngineName(str, Enum):
    """The runtimes there are."""

    TORCH = "torch"
    OPENVINO = "openvino"


class Engine(Protocol):
    """A loaded model on one device."""

    device: str
    precision: str
    threads: int
    """Processors it uses on a CPU."""
    parallel: int
    """How many batches it computes at a time."""
    batch_tokens: int
    """The size of batch, in tokens with padding, that suits it."""

    @property
    def name(self) -> Enum:
        """The runtime: an :class:`EngineName`, or a format that a model was exported to."""
        ...

    def logits(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Logits of (windows, topics, classes) for one batch of token ids."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """A runtime, a device, and why they were chosen."""

    engine: EngineName
    device: str
    why: str


def choose(name: str, device: str) -> Choice:
    """What ``auto`` means here; any other name stays as it is.

    Args:
        name: ``auto`` or a value of :class:`EngineName`.
        device: As in :meth:`framing.Classifier.from_pretrained`.

    Raises:
        FramingError: The runtime is unknown.
    """
    if name != AUTO:
        try:
            return Choice(EngineName(name), device, "as asked")
        except ValueError as error:
            known = ", ".join([AUTO, *(engine.value for engine in EngineName)])
            raise FramingError(f"unknown engine {name!r}; there are {known}") from error
    if device == AUTO and may_have_gpu():
        from framing.engines.torch import resolve_device

        device = str(resolve_device(device))
    if device in (AUTO, "cpu"):
        return Choice(EngineName.OPENVINO, "cpu", "the fastest on a CPU")
    return Choice(EngineName.TORCH, device, f"the one that runs on {device}")


def load_engine(
    choice: Choice, folder: Path, *, threads: int | None = None, precision: str = AUTO
) -> Engine:
    """Load a model folder into a runtime.

    Args:
        choice: From :func:`choose`.
        folder: A model folder, already verified.
        threads: Processors to use on a CPU; by default all that are allowed.
        precision: One of :data:`PRECISIONS`, or ``auto`` for the fastest on the device.

    Raises:
        FramingError: The runtime does not know the device or the precision, or ``threads``
            is not positive.
    """
    if precision not in (AUTO, *PRECISIONS):
        known = ", ".join([AUTO, *PRECISIONS])
        raise FramingError(f"unknown precision {precision!r}; there are {known}")
    if threads is not None and (type(threads) is not int or threads < 1):
        raise FramingError(f"threads must be a whole number of at least 1, got {threads!r}")
    if choice.engine is EngineName.TORCH:
        from framing.engines.torch import TorchEngine

        return TorchEngine(folder, device=choice.device, threads=threads, precision=precision)
    from framing.engines.openvino import OpenVinoEngine

    return OpenVinoEngine(folder, device=choice.device, threads=threads, precision=precision)


def may_have_gpu() -> bool:
    """Whether it is worth asking torch for a GPU, which takes seconds to import."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True

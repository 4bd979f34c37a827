"""What computes logits from token ids: one class per runtime, its imports inside."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from framing.labels.errors import FramingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class EngineName(str, Enum):
    """The runtimes there are."""

    TORCH = "torch"
    OPENVINO = "openvino"


class Engine(Protocol):
    """A loaded model on one device."""

    name: EngineName
    device: str

    def logits(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Logits of (windows, topics, classes) for one batch of token ids."""
        ...


def load_engine(name: str, folder: Path, *, device: str) -> Engine:
    """Load a model folder into a runtime.

    Args:
        name: A value of :class:`EngineName`.
        folder: A model folder, already verified.
        device: As in :meth:`framing.Classifier.from_pretrained`.

    Raises:
        FramingError: The runtime is unknown, not installed, or does not know the
            device or the model's encoder.
    """
    try:
        engine = EngineName(name)
    except ValueError as error:
        known = ", ".join(engine.value for engine in EngineName)
        raise FramingError(f"unknown engine {name!r}; there are {known}") from error
    if engine is EngineName.TORCH:
        from framing.engines.torch import TorchEngine

        return TorchEngine(folder, device=device)
    try:
        from framing.engines.openvino import OpenVinoEngine
    except ImportError as error:
        raise FramingError(
            "the engine openvino is not installed: pip install 'framing[openvino]'"
        ) from error
    return OpenVinoEngine(folder, device=device)

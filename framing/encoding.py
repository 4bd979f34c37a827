"""From sentences to token ids and batches, by the model's own tokenizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

# Windows of a long sentence share this part of their tokens, so that a phrase
# cut at the end of one stands whole in the next.
_OVERLAP = 0.25


class SentenceEncoder:
    """Turns sentences into token ids; longer ones become overlapping windows."""

    def __init__(self, folder: Path, *, max_tokens: int) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens, stride=int(max_tokens * _OVERLAP))

    def windows(self, sentences: Sequence[str]) -> tuple[list[list[int]], list[int]]:
        """Encode sentences.

        Returns:
            Token ids per window, and per window the index of its sentence.
            Nothing is cut off: every token is in at least one window.
        """
        # A lone surrogate is no valid Unicode, and the tokenizer refuses it.
        clean = [s.encode("utf-8", "replace").decode("utf-8") for s in sentences]
        ids: list[list[int]] = []
        owners: list[int] = []
        for index, encoding in enumerate(self._tokenizer.encode_batch(clean)):
            for window in (encoding, *encoding.overflowing):
                ids.append(window.ids)
                owners.append(index)
        return ids, owners


def length_batches(lengths: Sequence[int], *, batch_tokens: int) -> Iterator[list[int]]:
    """Group items of like length so that little is spent on padding.

    Args:
        lengths: Length of each item in tokens.
        batch_tokens: Budget: longest length times batch size stays within it,
            except that a batch always has at least one item.

    Yields:
        Indices into ``lengths``, every index once.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i], reverse=True):
        if batch and lengths[batch[0]] * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def padded(
    rows: Sequence[Sequence[int]], *, pad: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pad rows of ids to one length; the second result is the attention mask, 1 for tokens."""
    import numpy as np

    lengths = np.array([len(row) for row in rows])
    mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)
    ids = np.full(mask.shape, pad, dtype=np.int64)
    ids[mask == 1] = [token for row in rows for token in row]
    return ids, mask

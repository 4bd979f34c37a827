"""Fit one model on one set of records with the Hugging Face Trainer."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from framing.decisions import DecisionRule, applicable, masked
from framing.encoding import SentenceEncoder, padded
from framing.engines.torch import cpu_has_bf16
from framing.labels.records import Record
from framing.labels.schema import Schema
from framing.modeling import FramingModel
from framing.quiet import quiet_transformers
from framing.training.backbone import find_backbone, start_of
from framing.training.cache import digest_of, fingerprint, settings_in_key
from framing.training.checkpoints import (
    TimedCheckpoints,
    is_done,
    keep_result,
    kept_result,
    last_checkpoint,
)
from framing.training.config import TrainConfig
from framing.training.data import (
    class_indices,
    encoded_dataset,
    label_shares,
    one_hot,
    texts_of,
)
from framing.training.evaluation import joint_f1
from framing.training.new_model import new_model
from framing.training.probe import probe_head
from framing.training.processes import is_main_process, process_count
from framing.training.progress import progress_callbacks

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True)
class Fitted:
    """A trained model, on the device it was trained on, and how it came about.

    Attributes:
        backbone: Folder of the encoder it started from.
        epochs: Epochs after which the kept weights were reached.
        history: The Trainer's log, one dict per entry.
    """

    model: FramingModel
    backbone: Path
    epochs: int
    history: tuple[dict[str, Any], ...]


def fit(
    records: Sequence[Record],
    schema: Schema,
    config: TrainConfig,
    *,
    tuning: Sequence[Record] = (),
    epochs: int | None = None,
    title: str | None = None,
    goals: NDArray[np.float32] | None = None,
    workspace: Path | None = None,
) -> Fitted:
    """Train a model.

    The learning rate always falls to zero over ``config.max_epochs``. Training
    ends early after ``epochs``, or when joint F1 on ``tuning`` has not risen for
    ``config.patience`` epochs, and then the best epoch's weights are kept.
    Sets the random seeds of Python, NumPy and torch: the same call on the same
    machine gives the same weights.

    Args:
        records: What to learn from, with text.
        schema: Topics and stances.
        config: Backbone and hyperparameters.
        tuning: Records of other documents that decide when to stop.
        epochs: Stop after this many instead.
        title: Shows a progress bar with this title on standard error.
        goals: Weighted targets, by default those of :func:`targets`.
        workspace: Keeps checkpoints and the result here: the same call goes on after a kill,
            and gives the weights that it would have given without.
    """
    set_seed(config.seed)
    backbone = find_backbone(config.backbone, sha256=config.backbone_sha256)
    with quiet_transformers():
        model = new_model(backbone, schema, config)
    encoder = SentenceEncoder(backbone, max_tokens=config.max_tokens)
    goals = targets(records, schema, config) if goals is None else goals
    tune = bool(tuning) and epochs is None
    plain = one_hot(class_indices(tuning, schema), len(schema.classes))
    callbacks: list[TrainerCallback] = []
    if epochs is not None:
        callbacks.append(_StopAfter(epochs))
    elif tune:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=config.patience))
    with _fit_folder(
        workspace,
        backbone=backbone,
        sides=[records, tuning],
        schema=schema,
        config=config,
        goals=goals,
        epochs=epochs,
    ) as folder:
        if is_done(folder):
            weights, history = kept_result(folder)
            model.load_state_dict(weights)
        else:
            dataset = encoded_dataset(texts_of(records), goals, encoder)
            if config.linear_probe:
                learned = np.array(dataset["labels"], dtype=np.float32)
                probe_head(model, list(dataset["input_ids"]), learned, schema)
            history = _run_trainer(
                Trainer(
                    model=model,
                    args=_arguments(config, folder, tune=tune, resumable=workspace is not None),
                    train_dataset=dataset,
                    eval_dataset=encoded_dataset(texts_of(tuning), plain, encoder)
                    if tuning
                    else None,
                    data_collator=_collator(int(model.encoder.config.pad_token_id or 0)),
                    compute_loss_func=_cross_entropy(schema),
                    compute_metrics=_joint_f1(schema),
                    optimizers=(_optimizer(model, config), None),
                    callbacks=callbacks,
                ),
                title=title,
                share=(epochs or config.max_epochs) / config.max_epochs,
                folder=folder if workspace is not None else None,
            )
    best = max(
        (entry for entry in history if "eval_joint_f1" in entry),
        key=lambda entry: float(entry["eval_joint_f1"]),
        default={"epoch": epochs or config.max_epochs},
    )
    return Fitted(model.eval(), backbone, round(best["epoch"]), history)


@contextmanager
def _fit_folder(
    workspace: Path | None,
    *,
    backbone: Path,
    sides: Sequence[Sequence[Record]],
    schema: Schema,
    config: TrainConfig,
    goals: NDArray[np.float32],
    epochs: int | None,
) -> Iterator[Path]:
    """A folder for checkpoints: the fit's own in the workspace, else a temporary one."""
    if workspace is None:
        with tempfile.TemporaryDirectory(prefix="framing-train-") as folder:
            yield Path(folder)
        return
    key = [
        settings_in_key(config, start=start_of(config.backbone, backbone).sha256),
        schema.model_dump(mode="json"),
        [fingerprint(side) for side in sides],
        hashlib.sha256(goals.tobytes()).hexdigest(),
        epochs,
    ]
    yield workspace / f"fit-{digest_of(key)}"


def _run_trainer(
    trainer: Trainer, *, title: str | None, share: float, folder: Path | None
) -> tuple[dict[str, Any], ...]:
    """Train, in a folder from its last checkpoint on, and return the log."""
    checkpoint = last_checkpoint(folder) if folder is not None else None
    with quiet_transformers(), progress_callbacks(title, share=share) as bars:
        trainer.remove_callback(PrinterCallback)
        if folder is not None:
            trainer.add_callback(TimedCheckpoints(checkpoint))
        for bar in bars:
            trainer.add_callback(bar)
        trainer.train(resume_from_checkpoint=checkpoint)
    history = tuple(trainer.state.log_history)
    if folder is not None and is_main_process():
        keep_result(folder, trainer.model.state_dict(), history)
    return history


def save_model(fitted: Fitted, folder: str | Path, *, rule: DecisionRule) -> None:
    """Write a self-contained model folder: fp16 weights, tokenizer, configuration."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in _TOKENIZER_FILES:
        if (fitted.backbone / name).is_file():
            shutil.copyfile(fitted.backbone / name, folder / name)
    fitted.model.config.decision_rule = rule.to_dict()
    with quiet_transformers():
        fitted.model.to("cpu", dtype=torch.float16).save_pretrained(folder)


def targets(records: Sequence[Record], schema: Schema, config: TrainConfig) -> NDArray[np.float32]:
    """What the model is to say of each record, times how much that matters.

    Shape (records, topics, classes): one at the label, or the annotators' shares where they
    were merged as a distribution, times the class weight, and times ``config.unsure_weight``
    where the annotator had serious doubts. Of that, ``config.label_smoothing`` goes in equal parts
    to all classes that apply to the topic (Szegedy et al. 2016).
    """
    doubts = [1.0 if record.sure else config.unsure_weight for record in records]
    weights = class_weights(records, schema, config) * np.reshape(doubts, (-1, 1, 1))
    weighted = label_shares(records, schema) * weights
    even = applicable(schema) / applicable(schema).sum(1, keepdims=True)
    spread = weighted.sum(-1, keepdims=True) * even
    share = config.label_smoothing
    result: NDArray[np.float32] = ((1 - share) * weighted + share * spread).astype(np.float32)
    return result


def class_weights(
    records: Sequence[Record], schema: Schema, config: TrainConfig
) -> NDArray[np.float64]:
    """Weights of shape (topics, classes): (1 / frequency) to a power, mean one per topic.

    The mean is over records, so that the size of the loss does not depend on
    the power. Of annotators' shares, each counts as so much of an example. A class without
    examples has weight zero.
    """
    counts = label_shares(records, schema).sum(0, dtype=np.float64)
    frequency = counts / len(records)
    inverse = np.divide(1.0, frequency, out=np.zeros_like(frequency), where=counts > 0)
    weights = inverse**config.class_weight_power * (counts > 0)
    result: NDArray[np.float64] = weights / (weights * frequency).sum(1, keepdims=True)
    return result


def _arguments(
    config: TrainConfig, folder: Path, *, tune: bool, resumable: bool
) -> TrainingArguments:
    on_gpu = torch.cuda.is_available()
    on_cpu = not on_gpu and not torch.backends.mps.is_available()
    bf16 = torch.cuda.is_bf16_supported() if on_gpu else on_cpu and cpu_has_bf16()
    return TrainingArguments(
        output_dir=str(folder.resolve()),
        num_train_epochs=config.max_epochs,
        per_device_train_batch_size=max(1, config.batch_size // _device_count()),
        per_device_eval_batch_size=4 * config.batch_size,
        # Else the Trainer, which expects a sum, multiplies our mean by the number of devices.
        average_tokens_across_devices=False,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup,
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        remove_unused_columns=False,
        label_names=["labels"],
        use_cpu=on_cpu,
        bf16=bf16,
        fp16=on_gpu and not bf16,
        dataloader_pin_memory=on_gpu,
        eval_strategy="epoch" if tune else "no",
        save_strategy="epoch" if tune or resumable else "no",
        save_only_model=not resumable,
        restore_callback_states_from_checkpoint=resumable,
        save_total_limit=2,
        load_best_model_at_end=tune,
        metric_for_best_model="joint_f1" if tune else None,
        greater_is_better=True if tune else None,
        logging_steps=50,
        report_to="none",
        disable_tqdm=True,
        seed=config.seed,
        data_seed=config.seed,
    )


def _device_count() -> int:
    """How many devices share a step's sentences: processes, or the GPUs of a single one."""
    return process_count() if process_count() > 1 else max(1, torch.cuda.device_count())


def _optimizer(model: FramingModel, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW; a faster head, and no decay of biases and normalisation weights."""
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            key = (name.startswith("head."), parameter.ndim > 1)
            groups.setdefault(key, []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": config.head_learning_rate if in_head else config.learning_rate,
                "weight_decay": config.weight_decay if decays else 0.0,
            }
            for (in_head, decays), parameters in groups.items()
        ],
        fused=True,  # else half of a step of few sentences, on a CPU with AMX
    )


def _collator(pad: int) -> Callable[[list[dict[str, Any]]], dict[str, torch.Tensor]]:
    def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        ids, mask = padded([row["input_ids"] for row in rows], pad=pad)
        return {
            "input_ids": torch.tensor(ids),
            "attention_mask": torch.tensor(mask),
            "labels": torch.tensor([row["labels"] for row in rows], dtype=torch.float32),
        }

    return collate


def _cross_entropy(schema: Schema) -> Callable[..., torch.Tensor]:
    """Mean over sentences of the topics' cross-entropies with the targets, summed.

    A class that does not apply to a topic has no part in its softmax, and so no gradient.
    """
    missing = torch.from_numpy(~applicable(schema))

    def loss(
        outputs: Any, labels: torch.Tensor, num_items_in_batch: int | None = None
    ) -> torch.Tensor:
        logits = outputs.logits.float()
        # The lowest number and not minus infinity, which times a target of zero is no number.
        lowest = torch.finfo(logits.dtype).min
        logits = logits.masked_fill(missing.to(logits.device), lowest)
        return -(labels * logits.log_softmax(-1)).sum((1, 2)).mean()

    return loss


def _joint_f1(schema: Schema) -> Callable[[Any], dict[str, float]]:
    def compute(prediction: Any) -> dict[str, float]:
        predicted = masked(prediction.predictions, schema).argmax(-1)
        return {"joint_f1": joint_f1(predicted, prediction.label_ids.argmax(-1))}

    return compute


class _StopAfter(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Ends training after a number of epochs, whatever the schedule's length."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        if round(state.epoch) >= self._epochs:
            control.should_training_stop = True
            control.should_save = False  # from a checkpoint, training would go on
        return control

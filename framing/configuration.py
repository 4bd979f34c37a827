"""The configuration that a model folder carries in ``config.json``."""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, PretrainedConfig


class FramingConfig(PretrainedConfig):  # type: ignore[misc, unused-ignore]
    """Encoder, schema and decision rule of a :class:`~framing.modeling.FramingModel`.

    Args:
        encoder: Configuration of the encoder, as ``AutoConfig`` writes it.
        label_schema: The schema, as :class:`framing.labels.schema.Schema` dumps it.
        max_tokens: Longest window the encoder is given, in tokens.
        decision_rule: A :class:`~framing.decisions.DecisionRule` as plain numbers; by
            default the plain softmax, tags from one half on.
    """

    model_type = "framing"

    def __init__(
        self,
        *,
        encoder: dict[str, Any] | None = None,
        label_schema: dict[str, Any] | None = None,
        max_tokens: int = 256,
        decision_rule: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.encoder = encoder or {}
        self.label_schema = label_schema or {}
        self.max_tokens = max_tokens
        self.decision_rule = decision_rule
        super().__init__(**kwargs)

    @property
    def head_shape(self) -> tuple[int, int]:
        """Number of topics, and of classes per topic (``absent`` included)."""
        return len(self.label_schema["topics"]), 1 + len(self.label_schema["stances"])

    def encoder_config(self) -> PretrainedConfig:
        """The encoder's own configuration object."""
        # The precision is that of the whole model, whatever the encoder was stored in.
        left_out = ("model_type", "dtype", "torch_dtype")
        fields = {k: v for k, v in self.encoder.items() if k not in left_out}
        return AutoConfig.for_model(self.encoder["model_type"], **fields)


AutoConfig.register(FramingConfig.model_type, FramingConfig, exist_ok=True)

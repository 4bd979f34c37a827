"""Encoders that have no graph of their own here, converted for OpenVINO from torch."""

from __future__ import annotations

from pathlib import Path

import openvino
import torch

from framing.modeling import load_model


class _Plain(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """The model with the inputs and the output of :func:`.bert_graph.build_model`."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self._model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        output = self._model(input_ids=input_ids.long(), attention_mask=attention_mask.long())
        logits: torch.Tensor = output.logits
        return logits


def plain_module(folder: Path) -> torch.nn.Module:
    """The model of a folder, as a function of two arrays."""
    return _Plain(load_model(folder)).eval()


def converted(folder: Path) -> openvino.Model:
    """The model of a folder as an OpenVINO graph."""
    example = {
        "input_ids": torch.ones((2, 8), dtype=torch.int32),
        "attention_mask": torch.ones((2, 8), dtype=torch.float32),
    }
    shapes = {name: openvino.PartialShape([-1, -1]) for name in example}
    with torch.inference_mode():
        graph: openvino.Model = openvino.convert_model(
            plain_module(folder), example_input=example, input=shapes
        )
    return graph

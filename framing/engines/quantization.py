"""Dense layers of an OpenVINO graph in eight bits, which many processors multiply faster.

Weights get one scale per output, inputs one range per layer (Jacob et al. 2018), from what
reaches the layer when the model reads labelled sentences of this package. Encoders have a few
channels that are far wider than all others: those are divided by a number that their weights
are multiplied by (SmoothQuant, Xiao et al. 2023), or the others would have few steps left.
Embeddings, attention, normalisation and the head stay in floats.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openvino import Core, Model, Type
from openvino import opset13 as ops

from framing.encoding import SentenceEncoder, length_batches, padded
from framing.labels.errors import FramingError
from framing.labels.records import packaged_path, read_records
from framing.labels.schema import load_schema
from framing.models.store import read_config

Floats = NDArray[np.float32]
Node = Any

_FILES = ("seeds", "reports")
_CALIBRATION = 300
_BATCH_TOKENS = 512
_STEPS = 255
_WEIGHT_STEPS = 127
_WIDE = 0.9  # channels above this quantile are scaled down to it


def quantize(graph: Model, folder: Path) -> None:
    """Compute a graph's dense layers in eight bits; takes a few seconds.

    Args:
        graph: Of :func:`framing.engines.openvino.build_graph`; is changed.
        folder: The model folder that the graph is from, for its tokenizer.

    Raises:
        FramingError: The graph has no dense layers that can be quantized.
    """
    layers = _dense_layers(graph)
    if not layers:
        raise FramingError(
            f"{folder}: its encoder has no dense layers to compute in int8; use another precision"
        )
    for products, extremes in zip(layers, _extremes(graph, folder), strict=True):
        _quantize_layer(products, *extremes)


def packaged_sentences(count: int) -> list[str]:
    """About ``count`` labelled sentences, spread over packaged files."""
    schema = load_schema()
    records = [r for name in _FILES for r in read_records(packaged_path(name), schema)]
    texts = [record.text for record in records if record.text]
    return texts[:: max(1, len(texts) // count)][:count]


def _dense_layers(graph: Model) -> list[list[Node]]:
    """Products of (sentences, tokens, channels) with constant weights, those of one input together.

    The head is left out: its input has no tokens.
    """
    layers: dict[tuple[str, int], list[Node]] = defaultdict(list)
    for node in graph.get_ordered_ops():
        if node.get_type_name() != "MatMul":
            continue
        states, weight = node.input_value(0), node.input_value(1).get_node()
        attributes = node.get_attributes()
        if (
            weight.get_type_name() == "Constant"
            and len(weight.shape) == 2
            and states.get_partial_shape().rank.get_length() == 3
            and (attributes["transpose_a"], attributes["transpose_b"]) == (False, True)
        ):
            layers[states.get_node().get_friendly_name(), states.get_index()].append(node)
    return list(layers.values())


def _extremes(graph: Model, folder: Path) -> list[tuple[Floats, Floats]]:
    """Per dense layer the least and the greatest value of each channel of its input."""
    watched = graph.clone()
    watched.add_outputs([products[0].input_value(0) for products in _dense_layers(watched)])
    compiled = Core().compile_model(watched, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = []
    for ids, mask in _batches(folder, packaged_sentences(_CALIBRATION)):
        results = compiled([ids.astype(np.int32), mask.astype(np.float32)])
        states = [results[place][mask == 1] for place in range(1, len(results))]
        found.append([(rows.min(0), rows.max(0)) for rows in states])
    return [
        (np.min([low for low, _ in layer], axis=0), np.max([high for _, high in layer], axis=0))
        for layer in zip(*found, strict=True)
    ]


def _batches(
    folder: Path, texts: Sequence[str]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    config = read_config(folder)
    ids, _ = SentenceEncoder(folder, max_tokens=config.max_tokens).windows(texts)
    for batch in length_batches([len(row) for row in ids], batch_tokens=_BATCH_TOKENS):
        yield padded([ids[i] for i in batch], pad=int(config.encoder.get("pad_token_id") or 0))


def _quantize_layer(products: Sequence[Node], low: Floats, high: Floats) -> None:
    """Put eight bits into products that share their input, of channels from low to high."""
    factors = _factors(np.maximum(-low, high))
    least, most = _range_with_zero(low / factors, high / factors)
    narrow = ops.multiply(products[0].input_value(0), ops.constant(1 / factors))
    states = ops.fake_quantize(narrow, least, most, least, most, _STEPS + 1)
    for product in products:
        weight = product.input_value(1).get_node().get_data() * factors
        product.input(0).replace_source_output(states.output(0))
        product.input(1).replace_source_output(_eight_bits(weight).output(0))


def _factors(width: Floats) -> Floats:
    """What to divide channels by: the widest become as wide as others, the rest stay."""
    used = width[width > 0]
    usual = np.quantile(used, _WIDE) if len(used) else 1
    factors: Floats = np.maximum(width / usual, 1).astype(np.float32)
    return factors


def _range_with_zero(low: Floats, high: Floats) -> tuple[np.float32, np.float32]:
    """A range of all values in which zero is one of the steps, so that it stays exact."""
    least, most = min(float(low.min()), 0.0), max(float(high.max()), 0.0)
    step = (most - least) / _STEPS or 1.0
    below = round(-least / step)
    return np.float32(-below * step), np.float32((_STEPS - below) * step)


def _eight_bits(weight: Floats) -> Node:
    """Weights of (outputs, channels) as int8 and a scale per output, undone in floats."""
    largest = np.abs(weight).max(1, keepdims=True)
    scale = np.where(largest > 0, largest / _WEIGHT_STEPS, 1).astype(np.float32)
    steps = np.round(weight / scale).astype(np.int8)
    return ops.multiply(ops.convert(ops.constant(steps), Type.f32), ops.constant(scale))

"""A BERT encoder with framing's head as an OpenVINO graph, straight from its weights.

Built with OpenVINO's own operators, so that neither torch nor a converter is needed.
Architecture: Devlin et al. 2019, with the weight names of ``transformers``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openvino import Model, Type
from openvino import opset13 as ops

Weights = Mapping[str, NDArray[Any]]
Node = Any
Attend = Callable[[Node, Node, Node], Node]
"""From query, key and value of (sentences, heads, tokens, size) to what is attended to."""

_ACTIVATIONS = {"gelu": "erf", "gelu_new": "tanh"}
# Added to the attention scores of padding: its weight is then zero in every precision.
_MASKED = np.float32(-10_000)
# Attention scores beyond are taken for this: a sum of its exponentials is still a float.
_LARGEST_SCORE = 80.0


def is_supported(encoder: Mapping[str, Any]) -> bool:
    """Whether an encoder's configuration is one that :func:`build_model` can build."""
    return (
        encoder.get("model_type") == "bert"
        and encoder.get("hidden_act") in _ACTIVATIONS
        and encoder.get("position_embedding_type", "absolute") == "absolute"
    )


def build_model(
    weights: Weights,
    encoder: Mapping[str, Any],
    head: tuple[int, int],
    *,
    fused_attention: bool = True,
) -> Model:
    """Build the graph.

    Args:
        weights: Arrays by the names that ``FramingModel`` saves them under.
        encoder: Configuration of the encoder, for which :func:`is_supported` is true.
        head: Number of topics and of classes.
        fused_attention: Attend by OpenVINO's one operator for it, or by operators of
            :func:`_attend_plainly`, which need the range of f32 or bf16.

    Returns:
        A model from ``input_ids`` (int32) and ``attention_mask`` (float32), both of shape
        (sentences, tokens), to ``logits`` of shape (sentences, topics, classes).
    """
    graph = _Graph(weights, encoder)
    ids = ops.parameter([-1, -1], Type.i32, name="input_ids")
    mask = ops.parameter([-1, -1], Type.f32, name="attention_mask")
    attend = (_attend if fused_attention else _attend_plainly)(ops.unsqueeze(mask, _ints(1, 2)))
    states = graph.embeddings(ids)
    for layer in range(encoder["num_hidden_layers"]):
        states = graph.layer(states, attend, f"encoder.encoder.layer.{layer}.")
    weighted = ops.multiply(states, ops.unsqueeze(mask, _ints(-1)))
    tokens = ops.maximum(ops.reduce_sum(mask, _ints(1), keep_dims=True), np.float32(1))
    mean = ops.divide(ops.reduce_sum(weighted, _ints(1), keep_dims=False), tokens)
    logits = ops.reshape(graph.linear(mean, "head"), _ints(-1, *head), special_zero=False)
    return Model([ops.result(logits, name="logits")], [ids, mask], "framing")


def _attend(mask: Node) -> Attend:
    bias = ops.multiply(ops.subtract(np.float32(1), mask), _MASKED)
    return lambda query, key, value: ops.scaled_dot_product_attention(
        query, key, value, bias, np.float32(1)
    )


def _attend_plainly(mask: Node) -> Attend:
    """The same without the search for each row's largest score, and normalised last.

    With AMX, whose products leave little else to wait for, sentences of 25 tokens are classified
    15 to 25 % faster so, long ones as fast; on other processors there is no difference.
    """

    def attend(query: Node, key: Node, value: Node) -> Node:
        scores = ops.matmul(query, key, transpose_a=False, transpose_b=True)
        shares = ops.exp(ops.clamp(scores, -_LARGEST_SCORE, _LARGEST_SCORE))
        shares = ops.multiply(shares, mask)
        total = ops.reduce_sum(shares, _ints(3), keep_dims=True)
        return ops.divide(ops.matmul(shares, value, transpose_a=False, transpose_b=False), total)

    return attend


class _Graph:
    """The parts of a BERT encoder, each from its weights."""

    def __init__(self, weights: Weights, config: Mapping[str, Any]) -> None:
        self._weights = weights
        self._heads = int(config["num_attention_heads"])
        self._size = int(config["hidden_size"])
        self._epsilon = float(config["layer_norm_eps"])
        self._activation = _ACTIVATIONS[config["hidden_act"]]

    def embeddings(self, ids: Node) -> Node:
        """Words, positions and the one kind of segment: (sentences, tokens, size)."""
        prefix = "encoder.embeddings."
        words = ops.gather(self._constant(prefix + "word_embeddings.weight"), ids, np.int64(0))
        positions = self._array(prefix + "position_embeddings.weight")
        segments = self._array(prefix + "token_type_embeddings.weight")
        length = ops.gather(ops.shape_of(ids), _ints(1), np.int64(0))
        used = ops.slice(
            ops.constant(positions + segments[0]), _ints(0), length, _ints(1), _ints(0)
        )
        return self._norm(ops.add(words, used), prefix + "LayerNorm")

    def layer(self, states: Node, attend: Attend, prefix: str) -> Node:
        """Self-attention and feed-forward, each with its residual and normalisation."""
        attended = self.linear(
            self._attention(states, attend, prefix), prefix + "attention.output.dense"
        )
        states = self._norm(ops.add(states, attended), prefix + "attention.output.LayerNorm")
        inner = ops.gelu(self.linear(states, prefix + "intermediate.dense"), self._activation)
        output = self.linear(inner, prefix + "output.dense")
        return self._norm(ops.add(states, output), prefix + "output.LayerNorm")

    def linear(self, states: Node, name: str) -> Node:
        """A dense layer by name."""
        return self._dense(states, self._array(name + ".weight"), self._array(name + ".bias"))

    def _attention(self, states: Node, attend: Attend, prefix: str) -> Node:
        size = self._size // self._heads
        # The scores' scale goes into the query, and one product for all three is faster.
        parts = [
            (f"{prefix}attention.self.{name}", np.float32(scale))
            for name, scale in (("query", size**-0.5), ("key", 1), ("value", 1))
        ]
        joined = self._dense(
            states,
            np.concatenate([self._array(part + ".weight") * scale for part, scale in parts]),
            np.concatenate([self._array(part + ".bias") * scale for part, scale in parts]),
        )
        shape = _ints(0, 0, 3, self._heads, size)
        heads = ops.transpose(ops.reshape(joined, shape, special_zero=True), _ints(2, 0, 3, 1, 4))
        query, key, value = (
            ops.squeeze(part, _ints(0)) for part in ops.split(heads, np.int64(0), 3).outputs()
        )
        mixed = ops.transpose(attend(query, key, value), _ints(0, 2, 1, 3))
        return ops.reshape(mixed, _ints(0, 0, self._size), special_zero=True)

    def _dense(self, states: Node, weight: NDArray[Any], bias: NDArray[Any]) -> Node:
        product = ops.matmul(states, ops.constant(weight), transpose_a=False, transpose_b=True)
        return ops.add(product, ops.constant(bias))

    def _norm(self, states: Node, name: str) -> Node:
        normal = ops.mvn(
            states,
            _ints(-1),
            normalize_variance=True,
            eps=self._epsilon,
            eps_mode="inside_sqrt",
        )
        scaled = ops.multiply(normal, self._constant(name + ".weight"))
        return ops.add(scaled, self._constant(name + ".bias"))

    def _constant(self, name: str) -> Node:
        return ops.constant(self._array(name))

    def _array(self, name: str) -> NDArray[Any]:
        return np.asarray(self._weights[name], dtype=np.float32)


def _ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)

"""Float .tflite files with choices, casts and computed shapes, as TensorFlow converts functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from float_runs import assert_close, run

from tinycomp.common.errors import ModelError
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ops._unary import UnaryOperator
from tinycomp.reference import oracle

tf = pytest.importorskip("tensorflow")
X = np.random.default_rng(0).normal(0, 2, (5, 4, 6)).astype(np.float32)
MATRIX = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)
INPUT = tf.TensorSpec((1, 4, 6))


def converted(function: Callable[[Any], Any], spec: Any = INPUT) -> bytes:
    """The .tflite of a function."""
    concrete = tf.function(function, input_signature=[spec]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
    data: bytes = converter.convert()
    return data


def selu(x: Any) -> Any:
    return tf.where(x > 0, x * 1.0507009873554805, 1.7580993408473766 * (tf.exp(x) - 1))


CHOICES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "selu": (selu, "function"),
    "elu": (lambda x: tf.where(x < 0, 0.3 * (tf.exp(x) - 1), x), "elu"),
    "leaky": (lambda x: tf.where(tf.greater_equal(x, 0), x, x * 0.125), "leaky_relu"),
    "relu": (lambda x: tf.where(x > 0, x, 0.0), "relu"),
    "swapped": (lambda x: tf.where(tf.logical_not(x > 0), 0.0, x), "relu"),
}


@pytest.mark.parametrize("name", CHOICES)
def test_activations_are_found(name: str) -> None:
    """Behind another layer, with one more layer that reads the activation's input."""
    function, operator = CHOICES[name]

    def model(x: Any) -> Any:
        y = tf.matmul(x, MATRIX)
        return function(y) + 0.25 * y

    data = converted(model)
    graph = parse_tflite(data, name)
    found = [node.op.name for node in graph.nodes if isinstance(node.op, UnaryOperator)]
    assert found == [operator]
    (expected,) = oracle.run_float(data, X).values()
    assert_close(run(graph, X), expected)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.where(x > 0, x * x, x),
        lambda x: tf.where(x[:, :1] > 0, x[:, :1], x[:, 1:2]),
        lambda x: tf.where(x > 0, x, tf.reduce_mean(x)),
        lambda x: tf.where(x > MATRIX[:4, :1], x, 0.0),
    ],
)
def test_other_choices_are_refused(function: Callable[[Any], Any]) -> None:
    with pytest.raises(ModelError, match=r"SELECT(_V2)?, .* is not supported"):
        parse_tflite(converted(function), "x")


def test_shapes_that_are_compared_and_filled_in() -> None:
    """A reshape whose zero keeps a size of the input."""

    def model(x: Any) -> Any:
        shape = tf.shape(x, out_type=tf.int64)
        wanted = tf.stack([shape[0] - shape[0], tf.constant(-1, tf.int64)])
        zeros = tf.where(tf.equal(wanted, 0))
        sizes = tf.gather(shape, tf.reshape(zeros, [-1]))
        kept = tf.raw_ops.SparseToDense(
            sparse_indices=zeros, output_shape=tf.constant([2], tf.int64), sparse_values=sizes,
            default_value=tf.constant(0, tf.int64),
        )  # fmt: skip
        return tf.matmul(tf.reshape(x, wanted + kept), tf.ones((24, 3)))

    data = converted(model, tf.TensorSpec((None, 4, 6)))
    graph = parse_tflite(data, "shapes")
    assert [node.op.name for node in graph.nodes] == ["reshape", "fully_connected"]
    expected = np.concatenate([oracle.run_output(data, x[None]) for x in X])
    assert_close(run(graph, X), expected)


@pytest.mark.parametrize("dtype", ["int32", "float64", "uint8"])
def test_casts_at_inputs_are_taken_off(dtype: str) -> None:
    x = np.arange(120).reshape(5, 4, 6).astype(np.float32)
    spec = tf.TensorSpec((1, 4, 6), dtype)
    data = converted(lambda x: tf.matmul(tf.cast(x, tf.float32), MATRIX), spec)
    graph = parse_tflite(data, "cast")
    assert [node.op.name for node in graph.nodes] == ["fully_connected"]
    (note,) = graph.notes
    assert note.startswith(f"The file takes {dtype} (input ")
    assert_close(run(graph, x), x @ MATRIX)

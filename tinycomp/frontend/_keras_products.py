"""ops.matmul in functional Keras models: products of two tensors, or with a constant matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ir.tensor import Array
from tinycomp.ops._keras import bias, refusal, weight
from tinycomp.ops.batch_matmul import BatchMatmul
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.transpose import Transpose


def product(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Of two tensors, or with a constant matrix, which is a dense layer.

    Raises:
        ModelError: the constants are no matrix.
    """
    args = layer.config["args"]
    place = next((at for at, each in enumerate(args) if each is not None), None)
    if place is None:
        return builder.add(BatchMatmul(), inputs, layer.name)
    matrix = np.asarray(args[place]["config"]["value"], np.float32)
    while matrix.ndim > 2 and matrix.shape[0] == 1:
        matrix = matrix[0]
    rank = len(builder.tensors[inputs[0]].shape)
    if matrix.ndim != 2 or (place == 0 and rank < 2):
        what = f"multiplies with constants of {matrix.shape}"
        raise refusal(layer, what, expected="Expected a matrix, and a tensor of its axes.")
    if place == 0:
        return _matrix_in_front(layer, inputs[0], matrix, builder)
    return builder.add(FullyConnected(), _operands(layer, inputs[0], matrix.T, builder), layer.name)


def _matrix_in_front(layer: KerasLayer, x: str, matrix: Array, builder: GraphBuilder) -> str:
    """Mixtures of rows, such as sums over the neighbours in a graph: the product is turned, so that
    rows are columns.
    """
    rank = len(builder.tensors[x].shape)
    turn = Transpose((*range(rank - 2), rank - 1, rank - 2))
    turned = builder.add(turn, [x], f"{layer.name}/turned")
    operands = _operands(layer, turned, matrix, builder)
    mixed = builder.add(FullyConnected(), operands, f"{layer.name}/mixed")
    return builder.add(turn, [mixed], layer.name)


def _operands(layer: KerasLayer, x: str, kernel: Array, builder: GraphBuilder) -> list[str]:
    """Of a dense layer without offsets; kernel: (outputs, inputs)."""
    return [x, weight(builder, layer, "kernel", kernel), bias(builder, layer, kernel.shape[0])]

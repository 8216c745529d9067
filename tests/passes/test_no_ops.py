"""Removal of int8 layers that change nothing, and folding of padding into convolutions."""

from __future__ import annotations

import numpy as np
import pytest
from conformance import extreme_inputs, parameters
from small_models import Layers

from tinycomp.ir.graph import Graph
from tinycomp.ir.operator import Operator
from tinycomp.ir.reduction import CONSTANT
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.pad import Pad
from tinycomp.ops.quantize import Quantize
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.passes._reduction import with_original
from tinycomp.passes.fold_padding import WIDEST, fold_padding
from tinycomp.passes.remove_identity import remove_identity
from tinycomp.passes.remove_no_ops import remove_no_ops
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.compare import simulator, verify

POINT = Window((1, 1))


def names(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def same(before: Graph, after: Graph) -> Graph:
    """The second graph; checks its record of what became of each tensor of the first."""
    inputs = extreme_inputs(np.random.default_rng(1), before.tensors["input"].shape)
    found = verify(after, write_tflite(before), inputs, [simulator(after)])
    assert found.equal, str(found.differences[0])
    return after


def without_no_ops(graph: Graph) -> Graph:
    return same(graph, remove_no_ops(with_original(graph)))


def behind_a_convolution(op: Operator, activation: Activation = Activation.NONE) -> Graph:
    """A convolution, the operator with equal quantization parameters, and another convolution."""
    layers = Layers((5, 4, 3))
    layers.conv(layers.tied(op, layers.conv("input", 4, POINT, activation)), 2, POINT)
    return layers.graph()


@pytest.mark.parametrize(
    ("op", "activation"),
    [
        (Quantize(), Activation.NONE),
        (LeakyRelu(1.0), Activation.NONE),
        (Relu(), Activation.RELU),
        (Relu(6.0), Activation.RELU6),
        (LeakyRelu(0.2), Activation.RELU),
        (MaxPool2D(POINT), Activation.NONE),
        (AveragePool2D(POINT, Activation.RELU), Activation.RELU),
    ],
)
def test_layers_that_change_no_possible_value_are_removed(
    op: Operator, activation: Activation
) -> None:
    assert names(without_no_ops(behind_a_convolution(op, activation))) == ["conv_2d", "conv_2d"]


@pytest.mark.parametrize(
    "op", [Relu(), LeakyRelu(0.2), MaxPool2D(POINT, Activation.RELU), MaxPool2D(Window((2, 2))),
           MaxPool2D(Window((1, 1), (2, 2)))],
)  # fmt: skip
def test_layers_that_change_some_value_stay(op: Operator) -> None:
    graph = behind_a_convolution(op)
    assert remove_no_ops(graph) is graph


def test_a_table_with_other_output_parameters_stays() -> None:
    """Its reader depends on these parameters, even if the integers are equal."""
    layers = Layers((5, 4, 3))
    x = layers.conv("input", 4, POINT)
    known = layers.quantization(x)
    near = parameters(known.scale * (1 + 2**-20), known.zero_point)
    layers.conv(layers.apply(Quantize(), x, near), 2, POINT)
    graph = layers.graph()
    assert remove_no_ops(graph) is graph


def test_the_input_of_a_no_op_can_become_the_model_s_output() -> None:
    layers = Layers((5, 4, 3))
    layers.tied(Quantize(), layers.conv("input", 4, POINT))
    smaller = without_no_ops(layers.graph())
    assert names(smaller) == ["conv_2d"]
    assert smaller.outputs == ("conv_2d",)


def test_consecutive_reshapes_become_one() -> None:
    layers = Layers((5, 4, 3))
    x = layers.conv("input", 4, POINT)
    for shape in ((20, 4), (2, 40), (1, 80), (80,)):
        x = layers.reshape(x, shape)
    layers.dense(x, 3)
    smaller = without_no_ops(layers.graph())
    assert names(smaller) == ["conv_2d", "reshape", "fully_connected"]
    assert smaller.nodes[1].op == Reshape((80,))


def test_a_reshape_with_another_reader_stays() -> None:
    layers = Layers((5, 4, 3))
    x = layers.reshape(layers.conv("input", 4, POINT), (20, 4))
    layers.add(layers.dense(x, 4), layers.dense(layers.reshape(x, (20, 4)), 4))
    assert names(without_no_ops(layers.graph())).count("reshape") == 2
    smaller = same(layers.graph(), remove_identity(with_original(layers.graph())))
    assert names(smaller).count("reshape") == 1


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_padding_is_folded_into_a_convolution(kind: str) -> None:
    layers = Layers((5, 4, 3))
    x = layers.conv("input", 4, POINT)
    x = layers.tied(Pad(((2, 0), (1, 3), (0, 0))), x)
    window = Window.make("same", layers.shape(x)[:2], (3, 3))
    if kind == "conv":
        layers.conv(x, 5, window)
    else:
        layers.depthwise(x, window)
    graph = layers.graph()
    smaller = same(graph, fold_padding(with_original(graph)))
    assert len(smaller.nodes) == 2
    assert smaller.reduction is not None
    reduction = smaller.reduction.tensors["pad"]
    assert reduction.tensor == "conv_2d"
    zero_point = layers.quantization("conv_2d").zero_point
    assert (reduction.constants[reduction.source == CONSTANT] == zero_point).all()
    assert (reduction.source >= 0).sum() == 5 * 4 * 4


@pytest.mark.parametrize(("cells", "folded"), [(WIDEST, True), (WIDEST + 1, False)])
def test_padding_too_large_for_a_kernel_stays(cells: int, folded: bool) -> None:
    layers = Layers((3, 3, 1))
    layers.conv(layers.tied(Pad(((cells, 0), (0, 0), (0, 0))), "input"), 2, POINT)
    smaller = fold_padding(layers.graph())
    assert names(smaller) == ["conv_2d"] if folded else ["pad", "conv_2d"]

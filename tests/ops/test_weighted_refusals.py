"""Errors of convolutions, dense layers, pooling, sums and softmax, with their messages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conformance import Case, CaseBuilder, cases_of, parameters

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Operands, Shape
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.softmax import OUTPUT, Softmax
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.simulate import simulate

THREE = Window((3, 3))


@pytest.mark.parametrize(
    ("op", "inputs", "text"),
    [
        (Conv2D(THREE), [(9,), (4, 3, 3, 9), (4,)], r"reads a tensor of shape \(9,\)\. Expected h"),
        (
            Conv2D(THREE),
            [(2, 9, 1), (4, 3, 3, 1), (4,)],
            r"window of 3x3, larger than .* 2x9\. Use",
        ),
        (
            Conv2D(THREE),
            [(9, 9, 4), (4, 3, 3, 2), (4,)],
            r"\(4, 3, 3, 2\) over an input of 4 channels",
        ),
        (
            Conv2D(THREE),
            [(9, 9, 4), (4, 3, 3, 4), (5,)],
            r"a bias of shape \(5,\)\. Expected weights \(out",
        ),
        (
            DepthwiseConv2D(THREE),
            [(9, 9, 4), (1, 3, 3, 8), (8,)],
            r"Expected weights \(1, height, width",
        ),
        (
            DepthwiseConv2D(THREE),
            [(9, 9, 4), (1, 2, 3, 4), (4,)],
            r"Expected weights of shape \(1, 3, 3, 4",
        ),
        (FullyConnected(), [(3, 4), (5, 12), (5,)], r"whose last axis has 12 values\. Flatten"),
        (AveragePool2D(Window((4, 1))), [(3, 3, 1)], r"An average pooling has a window of 4x1"),
        (MaxPool2D(Window((4, 1))), [(3, 3)], r"A max pooling reads a tensor of shape \(3, 3\)"),
        (Reshape((7,)), [(3, 2)], r"from \(3, 2\) to \(7,\) changes the number .* from 6 to 7"),
        (Add(), [(3, 4), (2, 4)], r"A sum got inputs of shapes .*Repeat the smaller input"),
        (Softmax(), [()], "A softmax reads a tensor of one value. Expected one axis"),
    ],
)
def test_shapes(op: Operator, inputs: list[Shape], text: str) -> None:
    with pytest.raises(ModelError, match=text):
        op.infer_shape(inputs)


def _case(operator: str, name: str) -> Case:
    return next(case for case in cases_of(operator) if case.name == name)


def _with_output(graph: Graph, scale: float, zero_point: int = 0) -> Graph:
    """The graph with other quantization parameters of its output."""
    name = graph.outputs[0]
    tensor = replace(graph.tensors[name], quantization=parameters(scale, zero_point))
    return replace(graph, tensors={**graph.tensors, name: tensor})


@pytest.mark.parametrize(
    ("case", "scale", "text"),
    [
        (
            _case("max_pool_2d", "2x2 stride 2"),
            0.2,
            r"'max_pool_2d' \(max_pool_2d\) has other quant",
        ),
        (
            _case("average_pool_2d", "1x4"),
            0.2,
            r"its input 'input'\. Expected scale 0\.05 and zero point -4",
        ),
        (_case("softmax", "shape (2,)"), 0.5, r"has scale 0\.5 and .* Expected 1/256 and -128"),
        (
            _case("add", "NONE"),
            1e-8,
            r"has the scale 1e-08 for inputs of .*Expected more than 2\^-19",
        ),
        (_case("conv_2d", "3x3 valid"), 1e-9, r"The sums of 'conv_2d' can reach .* than 32 bits"),
    ],
)
def test_parameters(case: Case, scale: float, text: str) -> None:
    graph = _with_output(case.graph, scale)
    with pytest.raises(ModelError, match=text):
        simulate(graph, case.inputs)
    operands = graph.operands(graph.nodes[-1])
    with pytest.raises(ModelError, match=text):
        graph.nodes[-1].op.kernel(operands)


def test_a_bias_beyond_32_bits() -> None:
    graph = _case("fully_connected", "extreme weights").graph
    bias = graph.constants["bias"]
    huge = replace(bias, values=np.full_like(bias.values, (1 << 31) - 1))
    with pytest.raises(
        ModelError, match=r"can reach .* than 32 bits\. Give the layer fewer inputs"
    ):
        simulate(
            replace(graph, constants={**graph.constants, "bias": huge}),
            np.zeros((1, 300), np.int8),
        )


def test_a_softmax_of_nothing() -> None:
    builder = CaseBuilder((4,), parameters(1e-9))
    builder.add(Softmax(), ["input"], OUTPUT)
    with pytest.raises(
        ModelError, match=r"reads values of scale 1e-09\. Expected more than 2\^-26 / beta"
    ):
        simulate(builder.graph(), np.zeros((1, 4), np.int8))


def test_poolings_are_exported_with_padding_that_has_a_name() -> None:
    builder = CaseBuilder((6, 6, 2), parameters(0.1))
    builder.add(MaxPool2D(Window((3, 3), padding=(2, 2, 0, 0))), ["input"], parameters(0.1))
    with pytest.raises(ModelError, match=r"pools with the padding \(2, 2, 0, 0\).*or pool without"):
        write_tflite(builder.graph())


def test_windows_that_do_not_fit_in_a_byte() -> None:
    builder = CaseBuilder((300, 1, 1), parameters(0.1))
    case = _case("conv_2d", "1 to 1 channels")
    weights, bias = (case.graph.constants[name] for name in ("weights", "bias"))
    tall = replace(weights, values=np.ones((1, 300, 1, 1), np.int8))
    builder.add(Conv2D(Window((300, 1))), ["input"], parameters(9.0), [tall, bias])
    graph = builder.graph()
    operands: Operands = graph.operands(graph.nodes[0])
    with pytest.raises(
        ModelError, match=r"A convolution has kernel height 300\. Expected at most 255"
    ):
        graph.nodes[0].op.kernel(operands)

"""Conformance cases: small int8 graphs with inputs that reach extremes."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters, Shape, Tensor
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window

CASES = Path(__file__).parent / "cases"
WEIGHTED = ("conv_2d", "depthwise_conv_2d", "fully_connected")


@dataclass(frozen=True, eq=False)
class Case:
    """One int8 graph with inputs (samples, *shape)."""

    name: str
    graph: Graph
    inputs: Array


def first_difference(found: dict[str, Array], expected: dict[str, Array]) -> str:
    """Tensor, position and both values of the first difference, or ""."""
    for name, values in expected.items():
        different = np.argwhere(found[name] != values)
        if len(different):
            at = tuple(different[0])
            return (
                f"{name}{list(map(int, at))}: {found[name][at]} instead of {values[at]}, "
                f"{len(different)} of {values.size} differ"
            )
    return ""


def cases_of(operator: str) -> list[Case]:
    """All cases of tests/ops/cases/<operator>.py, which defines cases()."""
    found: list[Case] = importlib.import_module(f"cases.{operator}").cases()
    return found


def parameters(scale: float, zero_point: int = 0) -> QuantizationParameters:
    """One scale (rounded to float32) and zero point for a whole tensor."""
    return QuantizationParameters((float(np.float32(scale)),), (zero_point,))


def channel_parameters(scales: Array, axis: int) -> QuantizationParameters:
    """One scale for each slice along an axis, symmetric."""
    rounded = tuple(float(scale) for scale in np.asarray(scales, np.float32))
    return QuantizationParameters(rounded, (0,) * len(rounded), axis)


def extreme_inputs(
    rng: np.random.Generator, shape: Shape, samples: int = 3, dtype: str = "int8"
) -> Array:
    """Random samples, then one with only extreme values, all smallest, all largest."""
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    free = rng.integers(low, high + 1, (samples, *shape))
    bang = rng.choice([low, high], (1, *shape))
    flat = [np.full((1, *shape), value) for value in (low, high)]
    return np.concatenate([free, bang, *flat]).astype(dtype)


class CaseBuilder:
    """Builds an int8 graph node by node; tensors are named after their operators."""

    def __init__(self, shape: Shape, source: QuantizationParameters, dtype: str = "int8") -> None:
        self.builder = GraphBuilder("case")
        self.quantization = {self.builder.input("input", shape): source}
        self.types = {"input": dtype}
        self.dtype = dtype

    def add(
        self,
        op: Operator,
        inputs: Sequence[str],
        output: QuantizationParameters,
        constants: Sequence[Constant] = (),
        name: str = "",
        dtype: str = "",
        behind: Sequence[str] = (),
    ) -> str:
        """Append a node, by default named after the operator; returns the name of its output.

        Args:
            behind: inputs after the constants.
        """
        names = [self.builder.constant(constant.name, constant.values) for constant in constants]
        for key, constant in zip(names, constants, strict=True):
            self.builder.constants[key] = Constant(key, constant.values, constant.quantization)
        result = self.builder.add(op, [*inputs, *names, *behind], name or op.name)
        self.quantization[result] = output
        self.types[result] = dtype or self.dtype
        return result

    def graph(self) -> Graph:
        """The graph, with the last node's output."""
        graph = self.builder.build([self.builder.nodes[-1].outputs[0]])
        tensors = {
            name: Tensor(name, tensor.shape, self.types[name], self.quantization[name])
            for name, tensor in graph.tensors.items()
        }
        return Graph(graph.name, graph.nodes, tensors, graph.constants, graph.inputs, graph.outputs)


def unary_case(
    name: str,
    op: Operator,
    shape: Shape,
    source: QuantizationParameters,
    output: QuantizationParameters,
    seed: int = 0,
) -> Case:
    """A case of an operator with one input and no constants."""
    builder = CaseBuilder(shape, source)
    builder.add(op, ["input"], output)
    return Case(name, builder.graph(), extreme_inputs(np.random.default_rng(seed), shape))


def weighted_constants(
    rng: np.random.Generator,
    shape: Shape,
    axis: int,
    source: QuantizationParameters,
    *,
    per_channel: bool = True,
    extreme: bool = False,
) -> tuple[Constant, Constant]:
    """Random weights, with one scale per slice along the axis or a single one, and a bias."""
    values = rng.integers(-127, 128, shape)
    if extreme:
        values = rng.choice([-127, 127], shape)
    channels = shape[axis] if per_channel else 1
    scales = np.exp(rng.uniform(-6, -3, channels)).astype(np.float32)
    weights = parameters(scales[0]) if channels == 1 else channel_parameters(scales, axis)
    products = np.float32(source.scale) * scales
    bias = parameters(products[0]) if channels == 1 else channel_parameters(products, 0)
    amounts = rng.integers(-20000, 20000, shape[axis]).astype(np.int32)
    return (
        Constant("weights", values.astype(np.int8), weights),
        Constant("bias", amounts, bias),
    )


def weighted_case(
    name: str,
    op: Operator,
    shape: Shape,
    weights: Shape,
    *,
    seed: int,
    zero_points: tuple[int, int] = (-3, 5),
    spread: float = 40.0,
    per_channel: bool = True,
    extreme: bool = False,
) -> Case:
    """A case of a weighted operator whose outputs deviate by about `spread` steps."""
    rng = np.random.default_rng(seed)
    source = parameters(float(rng.uniform(0.01, 0.3)), zero_points[0])
    axis = op.weight_axis
    assert axis is not None
    constants = weighted_constants(
        rng, weights, axis, source, per_channel=per_channel, extreme=extreme
    )
    length = int(np.prod(weights)) // weights[axis]
    known = constants[0].quantization
    assert known is not None
    typical = source.scale * float(np.median(known.scales)) * 74 * 73 * np.sqrt(length)
    builder = CaseBuilder(shape, source)
    builder.add(op, ["input"], parameters(typical / spread, zero_points[1]), constants)
    return Case(name, builder.graph(), extreme_inputs(rng, shape))


def windows(size: tuple[int, int]) -> list[tuple[str, Window]]:
    """Named windows for an input size: strides, dilations, asymmetric padding."""
    return [
        ("1x1", Window((1, 1))),
        ("1x1 stride 2", Window.make("same", size, (1, 1), (2, 2))),
        ("3x3 valid", Window((3, 3))),
        ("3x3 same", Window.make("same", size, (3, 3))),
        ("3x3 same stride 2", Window.make("same", size, (3, 3), (2, 2))),
        ("4x2 same stride 1x2", Window.make("same", size, (4, 2), (1, 2))),
        ("2x5 same stride 3x1", Window.make("same", size, (2, 5), (3, 1))),
        ("3x3 valid dilation 2", Window((3, 3), dilation=(2, 2))),
        ("3x3 same dilation 2x3", Window.make("same", size, (3, 3), (1, 1), (2, 3))),
        ("whole input", Window(size)),
        ("larger than the input", Window.make("same", size, (size[0] + 3, size[1] + 2))),
    ]


ACTIVATIONS = tuple(Activation)

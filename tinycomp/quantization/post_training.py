"""Float graph and ranges to integer graph, by TFLite's quantization specification.

Activations: int8, or int16 with a zero point of 0; one scale and zero point per tensor. Weights:
symmetric, -127..127, one scale per output channel. Biases: int32, or int64 beside int16, at input
scale x weight scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters
from tinycomp.quantization.affine import quantize_values
from tinycomp.quantization.masks import with_bounded_masks
from tinycomp.quantization.ranges import Range
from tinycomp.quantization.shared_scales import share
from tinycomp.quantization.small_factors import with_small_factors
from tinycomp.quantization.tables import table_parameters
from tinycomp.quantization.ties import (
    copied_from,
    fixed_parameters,
    hidden_names,
    output_range,
    separate_fixed,
    tied_groups,
    values_of,
)
from tinycomp.quantization.types import BYTES, Precision, with_types

BIAS_LIMIT = 1 << 30
"""The largest bias on int8; the other half of int32 is left for the sum of products."""


@dataclass(frozen=True)
class Limits:
    """What the arithmetic of a type allows."""

    bias: int
    """The largest bias: some bits are left for the sum of products."""
    bias_type: type
    """The type of biases."""
    headroom: float
    """The smallest output range, as a fraction of what the layer could reach. It keeps
    requantization from shifting a sum out of int32, and additions and ReLU limits valid in LiteRT.
    """
    factor: float
    """The largest factor from a sum of products to output steps. On int8, XNNPACK, LiteRT's
    default, accepts factors below 256; larger ones would only resolve steps that no sum has.
    """


LIMITS = {
    "int8": Limits(BIAS_LIMIT, np.int32, 2.0**-18, 200.0),
    "int16": Limits(1 << 38, np.int64, 2.0**-14, 50.0),
}
"""By type of activations."""
_ROUNDS = 8
"""The most iterations that widen ranges that depend on each other."""
_RESOLVED = 2.0**-16
"""The smallest range before softmax, sigmoid and tanh, whose outputs resolve 1/256 and whose slopes
are at most 1. LiteRT aborts on a softmax with a smaller scale."""
_OFF_GRID = 0.01
"""How far from its int8 step a trained weight may lie, by float32 rounding."""
_VANISHING = 2.0**-60
"""Ranges and weights below it count as zero: products of their scales would underflow float32."""

Parameters = dict[str, QuantizationParameters]


def quantize(
    graph: Graph,
    ranges: Mapping[str, Range],
    given: Mapping[str, QuantizationParameters] | None = None,
    scales: int | None = None,
    precision: Precision = BYTES,
) -> Graph:
    """The integer graph of a float graph.

    Args:
        graph: float, batch normalization folded.
        ranges: real bounds of every tensor that is not fixed, from calibrate.
        given: parameters of tensors that are fixed, whatever their ranges.
        scales: how many weight scales a layer may have (quantize/shared_scales.py); None for one a
            channel. Weights that were trained on int8 steps keep theirs.
        precision: bits of activations.

    Raises:
        ModelError: a float-only operator remains, a constant contains NaN or infinite values, or
            the graph is not a float graph.
    """
    _require_quantizable(graph)
    given = {**(given or {}), **table_parameters(graph)}
    ranges = {**ranges, **{name: Range.covered_by(each) for name, each in given.items()}}
    graph, ranges = with_bounded_masks(graph, ranges)
    graph = _with_carried(graph, ranges)
    typed = with_types(graph, ranges, precision)
    graph, types = typed.graph, dict(typed.types)
    fixed = fixed_parameters(graph, types) | given
    graph, ranges = separate_fixed(graph, typed.ranges, fixed)
    ranges = _covering(graph, ranges)
    types |= {name: types[copied_from(name)] for name in graph.tensors if name not in types}
    # What is fixed may be far wider than its values; what reads it has to bear the scale.
    whole = {name: Range.covered_by(each, types[name]) for name, each in fixed.items()}
    activations = _activation_parameters(
        graph, _settled(graph, {**ranges, **whole}, types), fixed, types
    )
    graph = _with_hidden_scales(graph, ranges, types, activations)
    nodes, constants = _quantize_weights(graph, activations, scales, types)
    for name in graph.constants.keys() & activations.keys():
        constant, parameters = graph.constants[name], activations[name]
        values = quantize_values(constant.values, parameters, types[name])
        constants[name] = replace(constant, values=values, quantization=parameters, grid=None)
    tensors = {
        name: replace(tensor, dtype=types[name], quantization=activations[name])
        for name, tensor in graph.tensors.items()
    }
    return replace(graph, nodes=nodes, tensors=tensors, constants=constants)


def _with_carried(graph: Graph, ranges: Mapping[str, Range]) -> Graph:
    """Operators over time that start from given rows know how large these are."""
    nodes = []
    for node in graph.nodes:
        place = node.op.carried_place(graph.operands(node))
        if place is not None:
            row = node.inputs[place]
            joined = graph.producer(row)
            if joined is not None and joined.op.name == "concatenation":
                row = joined.inputs[0]
            node = replace(node, op=node.op.carrying(ranges[row].magnitude))
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def _covering(graph: Graph, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """Outputs that have one scale with hidden values cover these."""
    found = dict(ranges)
    for node in graph.nodes:
        names, (output,) = hidden_names(node), node.outputs
        for each in output_range(graph, node).covers:
            found[output] = found[output].union(ranges.get(names[each], found[output]))
    return found


def _with_hidden_scales(
    graph: Graph,
    ranges: Mapping[str, Range],
    types: Mapping[str, str],
    activations: Mapping[str, QuantizationParameters],
) -> Graph:
    """Operators over time know the ranges of what they do not return, unless they were trained with
    scales.
    """
    nodes = []
    for node in graph.nodes:
        hidden = hidden_names(node)
        magnitudes = {
            each: ranges[name].magnitude for each, name in hidden.items() if name in ranges
        }
        if hidden:
            output = node.outputs[0]
            scale = activations[output].scale
            node = replace(node, op=node.op.quantized(magnitudes, types[output], scale))
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def _require_quantizable(graph: Graph) -> None:
    for tensor in graph.tensors.values():
        if tensor.dtype != "float32":
            raise ModelError(
                f"Tensor {tensor.name!r} of {graph.name!r} is {tensor.dtype}.",
                expected="Expected a float model.",
            )
    for node in graph.nodes:
        if node.op.float_only:
            raise ModelError(
                f"Layer {node.name!r} ({node.op.name}) has no int8 form.",
                expected="Expected it folded into a layer before quantization.",
                hint="Put it directly after a convolution or dense layer that nothing else reads.",
            )
    for constant in graph.constants.values():
        if not np.isfinite(constant.values).all():
            raise ModelError(
                f"The weights {constant.name!r} hold NaN or infinite values.",
                hint="The training diverged, or the file is damaged: export the model again.",
            )


def _settled(
    graph: Graph, ranges: Mapping[str, Range], types: Mapping[str, str]
) -> dict[str, Range]:
    """Ranges that are wide enough for all operators; tied tensors share one."""
    groups = tied_groups(graph)
    found = _united(_reachable(graph, ranges, types), groups)
    for _ in range(_ROUNDS):
        before, found = found, _united(_reachable(graph, found, types), groups)
        if before == found:
            break
    return found


def _united(ranges: Mapping[str, Range], groups: list[list[str]]) -> dict[str, Range]:
    """Each tensor with the union of the ranges of its group."""
    united = {}
    for group in groups:
        whole = ranges[group[0]]
        for name in group:
            whole = whole.union(ranges[name])
        united.update(dict.fromkeys(group, whole))
    return united


def _reachable(
    graph: Graph, ranges: Mapping[str, Range], types: Mapping[str, str]
) -> dict[str, Range]:
    """Ranges of tensors and of constants that are read, widened so that no factor overflows."""
    wide = {}
    for name in graph.inputs:
        wide[name] = _at_least(ranges[name], 0.0)
    for node in graph.nodes:
        for name in node.inputs:
            if name not in wide and name in graph.constants:
                values = graph.constants[name].values
                wide[name] = _at_least(Range.of(values.min(), values.max()), 0.0)
        rule = output_range(graph, node)
        if rule.fixed is not None:
            wide.update({name: wide[name].widened(_RESOLVED) for name in node.inputs})
        widest = max(wide[name].width for name in values_of(node) if name in wide)
        limits = LIMITS[types[node.outputs[0]]]
        smallest = max(
            _smallest_width(graph, node, wide, limits),
            limits.headroom * (rule.limit or 0.0),
            rule.least * widest,
            rule.width,
        )
        for name in node.outputs:
            wide[name] = _at_least(ranges[name].limited(rule.limit), smallest)
    return wide


def _smallest_width(graph: Graph, node: Node, ranges: Mapping[str, Range], limits: Limits) -> float:
    """The smallest width of the output's range at which requantization stays within int32 and
    within the limit of XNNPACK.
    """
    if node.op.weight_axis is None:
        return limits.headroom * max(ranges[name].width for name in values_of(node))
    constant, bias = graph.constants[node.inputs[1]], graph.constants[node.inputs[2]].values
    weights = constant.values
    sums = np.abs(_by_channel(weights, node.op.weight_axis)).sum(axis=1)
    reach = sums * ranges[node.inputs[0]].magnitude + np.abs(bias[: len(sums)])
    scale = _own_scales(constant, node.op.weight_axis).max()
    by_factor = ranges[node.inputs[0]].width * scale / limits.factor
    return float(max(limits.headroom * reach.max(initial=0.0), by_factor))


def _channel_limits(weights: Array, axis: int) -> Array:
    """The largest weight of each output channel. A channel of zeros can have any scale: it gets the
    largest of the others.
    """
    largest = np.abs(_by_channel(weights.astype(np.float64), axis)).max(axis=1)
    found: Array = np.where(largest > _VANISHING, largest, largest.max())
    return found if largest.max() > _VANISHING else np.ones_like(largest)


def _own_scales(constant: Constant, axis: int) -> Array:
    """The scale of every output channel, or one for all, that the weights themselves ask for.

    Raises:
        ModelError: weights that were trained on a grid have left it.
    """
    if constant.grid is None:
        return _channel_limits(constant.values, axis) / 127
    scales = np.array(constant.grid.scales, np.float64)
    steps = _by_channel(constant.values.astype(np.float64), axis) / scales[:, np.newaxis]
    if np.abs(steps - np.rint(steps)).max() > _OFF_GRID or np.abs(steps).max() > 127 + _OFF_GRID:
        raise ModelError(
            f"The weights {constant.name!r} were changed after they were trained on int8 steps.",
            hint="Change the model first, then train it.",
        )
    return scales


def _at_least(found: Range, width: float) -> Range:
    """The range, at least that wide; an empty range becomes 1 wide."""
    found = found.widened(width)
    return found if found.width > _VANISHING else found.widened(1.0)


def _activation_parameters(
    graph: Graph, ranges: Mapping[str, Range], fixed: Parameters, types: Mapping[str, str]
) -> Parameters:
    """Parameters of every tensor, and of every constant that is not a weight or bias."""
    found: Parameters = {}
    centred = {
        name for node in graph.nodes if output_range(graph, node).centred for name in node.outputs
    }
    for group in tied_groups(graph):
        given = [fixed[name] for name in group if name in fixed]
        own = ranges[group[0]].parameters_of(types[group[0]], not centred.isdisjoint(group))
        found.update(dict.fromkeys(group, given[0] if given else own))
    return found


def _quantize_weights(
    graph: Graph, activations: Parameters, most: int | None, types: Mapping[str, str]
) -> tuple[tuple[Node, ...], dict[str, Constant]]:
    """Nodes and int8 weights, int32 biases.

    Layers that share a bias but not the scale of their input each get a copy of the bias.
    """
    scales = _weight_scales(graph, activations, most, types)
    constants: dict[str, Constant] = {}
    nodes = []
    for node in graph.nodes:
        axis = node.op.weight_axis
        if axis is not None:
            source, weights, bias, *others = node.inputs
            constants[weights] = _weights(graph.constants[weights], scales[weights], axis)
            count = graph.constants[bias].values.size
            bias_scale = node.op.bias_scales(
                activations[source].scale, scales[weights], count, types[source]
            )
            bias = _add_bias(graph, bias, bias_scale, constants, LIMITS[types[source]])
            node = replace(node, inputs=(source, weights, bias, *others))
        nodes.append(node)
    return tuple(nodes), constants


def _weight_scales(
    graph: Graph, activations: Parameters, most: int | None, types: Mapping[str, str]
) -> dict[str, NDArray[np.float32]]:
    """The scale of each output channel, large enough for the biases of all layers sharing it; of
    each layer so many at most.
    """
    scales: dict[str, Array] = {}
    for node in graph.nodes:
        if node.op.weight_axis is None:
            continue
        source, weights, bias, *_ = node.inputs
        own = _group_scales(node, graph.constants[weights])
        biases = np.abs(graph.constants[bias].values)
        largest = activations[source].scale * LIMITS[types[source]].bias
        for_bias = biases[: len(own)] / largest if len(own) > 1 else biases.max() / largest
        scales[weights] = np.maximum(scales.get(weights, own), for_bias)
    for name, values in scales.items():
        if most is not None and graph.constants[name].grid is None:
            scales[name] = share(values, most)
    steps = {name: each.scale for name, each in activations.items()}
    scales = with_small_factors(graph, scales, steps, types)
    return {name: values.astype(np.float32) for name, values in scales.items()}


def _group_scales(node: Node, constant: Constant) -> Array:
    """The weights' own scales, as far as the operator takes one for each output channel.

    Raises:
        ModelError: the weights lie on a grid that it does not take.
    """
    own = _own_scales(constant, node.op.weight_axis or 0)
    found = node.op.weight_scales(own)
    if constant.grid is not None and not np.array_equal(found, own):
        raise ModelError(
            f"The weights {constant.name!r} lie on int8 steps of each output channel, but "
            f"{node.name!r} ({node.op.name}) has one scale for several channels.",
            hint="Set their grid to None: quantization then chooses the steps.",
        )
    return found


def _weights(constant: Constant, scales: NDArray[np.float32], axis: int) -> Constant:
    shape = [1] * constant.values.ndim
    shape[axis] = len(scales)
    steps = np.rint(constant.values.astype(np.float64) / scales.astype(np.float64).reshape(shape))
    return replace(
        constant,
        values=np.clip(steps, -127, 127).astype(np.int8),
        quantization=_symmetric(scales, axis, constant.shape[axis]),
        grid=None,
    )


def _add_bias(
    graph: Graph, bias: str, scales: NDArray[np.float32], constants: dict[str, Constant],
    limits: Limits,
) -> str:  # fmt: skip
    """Add the bias of a layer to the constants, once per set of scales; returns its name."""
    constant = graph.constants[bias]
    quantization = _symmetric(scales, 0, constant.values.size)
    name, count = bias, 1
    while (name in constants and constants[name].quantization != quantization) or (
        name != bias and (name in graph.constants or name in graph.tensors)
    ):
        name, count = f"{bias}_{count}", count + 1
    steps = np.rint(constant.values.astype(np.float64) / scales.astype(np.float64))
    values: Array = np.clip(steps, -limits.bias, limits.bias).astype(limits.bias_type)
    constants[name] = replace(constant, name=name, values=values, quantization=quantization)
    return name


def _symmetric(scales: NDArray[np.float32], axis: int, channels: int) -> QuantizationParameters:
    """Zero points are 0; a single scale may serve several channels."""
    along = axis if len(scales) == channels else None
    return QuantizationParameters(tuple(map(float, scales)), (0,) * len(scales), along)


def _by_channel(values: Array, axis: int) -> Array:
    """(channels, weights per channel)."""
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)

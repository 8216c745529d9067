"""Quantization with the parameters that a model file prescribes for its tensors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters
from tinycomp.ops.quantize import Quantize
from tinycomp.passes.remove_dead_nodes import remove_dead_nodes
from tinycomp.quantization.calibration import observe
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.ranges import Range
from tinycomp.quantization.ties import fixed_parameters, output_range, tied_groups

_OFF_STEP = 0.01
"""How far from its step a weight may lie, by float32 rounding."""
_LARGEST = 127
"""The largest step of a weight."""

Parameters = dict[str, QuantizationParameters]


def quantize_as_prescribed(graph: Graph, cleaned: Graph, x: Array | None) -> Graph:
    """The int8 graph with the scales of the file; other tensors are calibrated. Where the int8
    specification fixes a scale (softmax, sigmoid), it holds.

    Args:
        graph: float, as read, with `rounding`.
        cleaned: the same after clean_up.
        x: samples, for tensors that the file leaves open.

    Raises:
        DataError: there are such tensors, and no samples.
        ModelError: the graph can't be quantized.
    """
    fixed = fixed_parameters(cleaned)
    rounding = {name: each for name, each in _known(graph, cleaned).items() if name not in fixed}
    plain = cleaned
    cleaned, rounding = _requantized(cleaned, rounding)
    missing = open_tensors(cleaned, rounding)
    if missing and x is None:
        shown = ", ".join(map(repr, missing[:5])) + (" ..." if len(missing) > 5 else "")
        raise DataError(
            f"The model prescribes no scale for {len(missing)} of its tensors: {shown}.",
            expected="Expected samples to calibrate them on.",
            hint="Add --data samples.npz, or quantize all layers when you export the model.",
        )
    if x is None:
        ranges = dict.fromkeys(cleaned.tensors, Range(-1.0, 1.0))
    else:
        ranges = observe(plain, x).ranges("mse")
        ranges |= {name: Range.covered_by(each) for name, each in rounding.items()}
    constants = {name: _on_steps(each) for name, each in cleaned.constants.items()}
    return quantize(replace(cleaned, constants=constants), ranges, rounding)


def _requantized(graph: Graph, rounding: Parameters) -> tuple[Graph, Parameters]:
    """The graph with a requantization before operators that tie their output's scale to the
    input's (pooling, moves, concatenation), where the file has two.
    """
    known: dict[str, QuantizationParameters | None] = {n: rounding.get(n) for n in graph.inputs}
    found, tensors, nodes = dict(rounding), dict(graph.tensors), list[Node]()
    for node in graph.nodes:
        output, inputs = node.outputs[0], list(node.inputs)
        wanted = rounding.get(output)
        if not output_range(graph, node).tied:
            known[output] = wanted
            nodes.append(node)
            continue
        for place, name in enumerate(inputs):
            own = known.get(name)
            if wanted is None or own is None or own == wanted:
                continue
            copy = f"{output}/requantized{place}"
            tensors[copy] = replace(tensors[name], name=copy)
            nodes.append(Node(copy, Quantize(), (name,), (copy,)))
            found[copy], inputs[place] = wanted, copy
        known[output] = wanted or known.get(inputs[0])
        nodes.append(replace(node, inputs=tuple(inputs)))
    return replace(graph, nodes=tuple(nodes), tensors=tensors), found


def open_tensors(cleaned: Graph, rounding: Parameters) -> list[str]:
    """The tensors whose parameters neither the file nor the specification fixes."""
    fixed = {*rounding, *fixed_parameters(cleaned)}
    groups = [group for group in tied_groups(cleaned) if not fixed & {*group}]
    return [name for group in groups for name in group if name in cleaned.tensors]


def _known(graph: Graph, cleaned: Graph) -> dict[str, QuantizationParameters]:
    """The parameters of the cleaned graph's tensors: those of a layer that was fused into the one
    before it are that one's. Nodes that nobody reads any more (the sigmoid of a swish) say nothing.
    """
    before = {node.outputs[0]: node.inputs[0] for node in graph.nodes}
    found: dict[str, QuantizationParameters] = {}
    for name in remove_dead_nodes(graph).tensors:
        parameters = graph.rounding.get(name)
        here: str | None = name
        while here is not None and here not in cleaned.tensors:
            here = before.get(here)
        if parameters is not None and here is not None:
            found[here] = parameters
    return found


def _on_steps(constant: Constant) -> Constant:
    """The constant without its steps if a fold moved it off them."""
    if constant.grid is None:
        return constant
    scales = np.array(constant.grid.scales)
    axis = constant.values.ndim - 1 if constant.values.shape[0] == 1 else 0
    if len(scales) > 1 and constant.values.shape[axis] != len(scales):
        return replace(constant, grid=None)
    by_channel = np.moveaxis(constant.values.astype(np.float64), axis, -1) / scales
    moved = np.abs(by_channel - np.rint(by_channel)).max() > _OFF_STEP
    beyond = np.abs(by_channel).max() > _LARGEST + _OFF_STEP
    return replace(constant, grid=None) if moved or beyond else constant

"""Raises small weights of dense layers, for kernels that need factors below a half.

A factor is input scale * weight scale / output scale. It is a half and more where few inputs with
few bits of weights make up an output, as in the first layer of a network of four sensors.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters
from tinycomp.ops._quantized import parameters
from tinycomp.ops._weighted import LARGEST_WEIGHT, SUM_LIMIT, channel_scales, folded_bias
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.passes._rewrite import Edit


def raise_weights(graph: Graph) -> Graph:
    """The int8 graph with weights and biases of such layers times a power of two, where all fit.

    Exact, since a dense layer rounds once and such scales lose nothing. Convolutions round twice:
    they stay as they are.

    Raises:
        ModelError: a sum of the graph could leave 32 bits.
    """
    edit = Edit(graph)
    for node in graph.nodes:
        if isinstance(node.op, FullyConnected):
            _raise(edit, node)
    return edit.apply() if edit.changed else graph


def _raise(edit: Edit, node: Node) -> None:
    operands = edit.graph.operands(node)
    weights, bias = operands.constants
    if operands.output.dtype != "int8" or edit.uses.only_reader(weights.name) != node:
        return
    bits = int(np.frexp(2 * channel_scales(operands, len(weights.values)).max())[1])
    if bits <= 0 or not _fits(weights.values, bits, LARGEST_WEIGHT):
        return
    if weights.codebook is not None and not _fits(weights.codebook, bits, LARGEST_WEIGHT):
        return
    folded = np.abs(folded_bias(operands, weights.values).astype(np.int64))
    reach = folded + 128 * np.abs(weights.values.astype(np.int64)).sum(axis=1)
    if _fits(reach, bits, SUM_LIMIT) and _fits(bias.values, bits, SUM_LIMIT):
        names = [edit.swap_constant(node, _raised(each, bits)) for each in (weights, bias)]
        edit.replace(node, [replace(node, inputs=(node.inputs[0], *names))])


def _fits(values: Array, bits: int, largest: int) -> bool:
    return bool(np.abs(values.astype(np.int64)).max(initial=0) << bits <= largest)


def _raised(constant: Constant, bits: int) -> Constant:
    known = parameters(constant)
    scales = tuple(float(np.float32(scale) * np.float32(0.5) ** bits) for scale in known.scales)
    codebook = constant.codebook
    return replace(
        constant,
        values=constant.values << bits,
        quantization=QuantizationParameters(scales, known.zero_points, known.axis),
        codebook=None if codebook is None else codebook << bits,
    )

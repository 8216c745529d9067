"""Channels: slices of tensors along their last axis. Which ones can only be computed together, and
which ones a graph needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Operands, Tensor
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._quantized import parameters
from tinycomp.ops._reduction import Reduction
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.pad import Pad
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.resize_bilinear import ResizeBilinear
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.passes._bounds import Bounds

Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

_CHANNEL_BY_CHANNEL = AveragePool2D | BatchNormalization | MaxPool2D | ResizeBilinear
_WEIGHTED = Conv2D | DepthwiseConv2D | FullyConnected
_MOVING = Concatenation | Pad | Reshape | StridedSlice
_WORD = 4
"""Weights that kernels multiply together, at least; blocks of zeros are skipped in such words."""
_SCATTERED = 1.25
"""How many times more words with weights other than zero may be left without dead channels."""
_NARROWED = BinaryOperator | Reduction | UnaryOperator | _CHANNEL_BY_CHANNEL | _WEIGHTED | _MOVING


class Tie(NamedTuple):
    """Pairs of channels of an input and of the output that can only be removed together."""

    source: Indices
    """Channels of the input."""
    target: Indices
    """Channels of the output, in the same order."""


def channels(tensor: Tensor) -> int:
    """The length of the last axis."""
    return tensor.shape[-1] if tensor.shape else 1


def by_channel(tensor: Tensor, values: NDArray[np.int8]) -> NDArray[np.int8]:
    """Values in the tensor's shape as (positions, channels)."""
    return values.reshape(-1, channels(tensor))


def mixes(op: Operator) -> bool:
    """Whether each output channel is a sum over all input channels, depending on the weights."""
    return isinstance(op, Conv2D | FullyConnected)


def narrows(op: Operator) -> bool:
    """Whether the operator can be narrowed to fewer channels."""
    return isinstance(op, _NARROWED)


def narrowed(op: Operator, kept: Mask) -> Operator:
    """The operator narrowed to the kept output channels, if it has their number as an attribute."""
    match op:
        case Reshape(shape=shape):
            return Reshape((*shape[:-1], int(kept.sum())))
        case Pad(padding=(*others, (before, after))):
            ends = int(kept[:before].sum()), int(kept[len(kept) - after :].sum())
            return Pad((*others, ends))
        case StridedSlice(parts=(*others, _), dropped=dropped) if not kept.all():
            return StridedSlice((*others, (0, int(kept.sum()), 1)), dropped)
    return op


def ties(op: Operator, operands: Operands) -> tuple[Tie, ...]:
    """For each computed input, the channels that are tied to output channels.

    Unknown operators tie everything to everything.
    """
    output = operands.output
    count = channels(output)
    every = np.arange(count)
    sources = operands.activations
    match op:
        case DepthwiseConv2D(multiplier=multiplier):
            return (Tie(every // multiplier, every),)
        case Reshape():
            return (_reshaped(channels(sources[0]), count),)
        case Pad(padding=(*_, (before, _))):
            inner = np.arange(channels(sources[0]))
            return (Tie(inner, before + inner),)
        case Concatenation(axis=axis) if axis % len(output.shape) == len(output.shape) - 1:
            starts = np.cumsum([0, *map(channels, sources)])
            pairs = zip(sources, starts, strict=False)
            return tuple(
                Tie(np.arange(channels(source)), start + np.arange(channels(source)))
                for source, start in pairs
            )
        case StridedSlice() if _all_channels(op, sources[0]):
            return (Tie(every, every),)
        case BinaryOperator() | Concatenation():
            return tuple(_aligned(channels(source), count) for source in sources)
        case Reduction(axes=None):
            return (Tie(every, every),)
        case _ if isinstance(op, UnaryOperator | _CHANNEL_BY_CHANNEL):
            return (Tie(every, every),)
    return tuple(_everything(channels(source), count) for source in sources)


def _all_channels(op: StridedSlice, source: Tensor) -> bool:
    """Whether every channel of a slice's input is a channel of its output."""
    return len(source.shape) - 1 not in op.dropped and op.parts[-1] == (0, channels(source), 1)


def _reshaped(source: int, target: int) -> Tie:
    if target % source == 0:
        return Tie(np.arange(target) % source, np.arange(target))
    if source % target == 0:
        return Tie(np.arange(source), np.arange(source) % target)
    return _everything(source, target)


def _aligned(source: int, target: int) -> Tie:
    """The tie of an input with the output's channels, or of one broadcast value."""
    every = np.arange(target)
    return Tie(every, every) if source == target else _everything(source, target)


def _everything(source: int, target: int) -> Tie:
    """Ties all channels to the first of the other side, thus all to all."""
    nothing = np.zeros(source + target, np.int64)
    pairs = Tie(nothing.copy(), nothing)
    pairs.source[:source] = np.arange(source)
    pairs.target[source:] = np.arange(target)
    return pairs


def bundles(graph: Graph) -> dict[str, Indices]:
    """A number for each channel of each tensor, equal for channels connected by ties."""
    ends = np.cumsum([channels(tensor) for tensor in graph.tensors.values()])
    numbers = {
        name: np.arange(end - channels(tensor), end)
        for (name, tensor), end in zip(graph.tensors.items(), ends, strict=True)
    }
    while True:
        before = sum(int(each.sum()) for each in numbers.values())
        for node in graph.nodes:
            for source, output, tie in _tied(graph, node):
                least = np.minimum(numbers[source][tie.source], numbers[output][tie.target])
                np.minimum.at(numbers[source], tie.source, least)
                np.minimum.at(numbers[output], tie.target, least)
        if before == sum(int(each.sum()) for each in numbers.values()):
            return numbers


def _tied(graph: Graph, node: Node) -> list[tuple[str, str, Tie]]:
    """The ties of a node: input, output, channels."""
    if mixes(node.op):
        return []
    sources = [name for name in node.inputs if name in graph.tensors]
    found = zip(sources, ties(node.op, graph.operands(node)), strict=True)
    return [(name, node.outputs[0], tie) for name, tie in found]


def uniform(tensor: Tensor, known: Bounds) -> tuple[Mask, NDArray[np.int64]]:
    """Which channels are one constant at all positions, and its value (0 for the others)."""
    low, high = by_channel(tensor, known.low), by_channel(tensor, known.high)
    same: Mask = (low == high).all(axis=0) & (low == low[:1]).all(axis=0)
    return same, np.where(same, low[0].astype(np.int64), 0)


def needed_channels(graph: Graph, known: Mapping[str, Bounds]) -> dict[str, Mask]:
    """Which channels of each tensor must be computed for the model's outputs.

    Constants read by a layer need not be: they are folded into the bias. With padding this is only
    possible for zero, as the border is zeros. A computed tensor has at least one channel. Channels
    whose removal would scatter blocks of zeros among the weights that read them stay.
    """
    needed = {name: np.zeros(channels(tensor), bool) for name, tensor in graph.tensors.items()}
    for name in (*graph.inputs, *graph.outputs):
        needed[name][:] = True
    reads = {node.name: _reads(graph, node, known) for node in graph.nodes if mixes(node.op)}
    tied = {node.name: _tied(graph, node) for node in graph.nodes}
    while True:
        before = sum(int(mask.sum()) for mask in needed.values())
        for node in reversed(graph.nodes):
            if node.name in reads:
                used = reads[node.name][needed[node.outputs[0]]]
                needed[node.inputs[0]] |= used.any(axis=0)
            for source, output, tie in tied[node.name]:
                together = needed[source][tie.source] | needed[output][tie.target]
                needed[source][tie.source[together]] = True
                needed[output][tie.target[together]] = True
        same = before == sum(int(mask.sum()) for mask in needed.values())
        if same and not _keep_one(graph, needed) and not _keep_blocks(graph, needed):
            return needed


def _reads(graph: Graph, node: Node, known: Mapping[str, Bounds]) -> Mask:
    """(output channels, input channels): whether the output depends on the input."""
    operands = graph.operands(node)
    (source,) = operands.activations
    weights = operands.constants[0].values
    constant, value = uniform(source, known[source.name])
    if isinstance(node.op, Conv2D) and any(node.op.window.padding):
        constant = constant & (value == parameters(source).zero_point)
    reads: Mask = (weights != 0).any(axis=tuple(range(1, weights.ndim - 1))) & ~constant
    return reads


def _keep_one(graph: Graph, needed: Mapping[str, Mask]) -> bool:
    """Whether a needed layer had no input left, and thus got its first channel back."""
    for node in graph.nodes:
        sources = [needed[name] for name in node.inputs if name in needed]
        if needed[node.outputs[0]].any() and not any(source.any() for source in sources):
            sources[0][0] = True
            return True
    return False


def _keep_blocks(graph: Graph, needed: Mapping[str, Mask]) -> bool:
    """Whether channels were needed again for the blocks of zeros in a layer's weights: those that
    share a word with channels that stay.
    """
    found = False
    for node in graph.nodes:
        if not mixes(node.op):
            continue
        columns, weights = needed[node.inputs[0]], graph.constants[node.inputs[1]].values
        rows = weights[needed[node.outputs[0]]]
        words = -(-len(columns) // _WORD)
        shared = np.resize(columns, words * _WORD)
        shared[len(columns) :] = False
        whole = np.repeat(shared.reshape(words, _WORD).any(axis=1), _WORD)[: len(columns)]
        before = _words(rows[..., whole])
        blocks = 2 * before <= rows[..., whole].size / _WORD
        if blocks and _words(rows[..., columns]) > _SCATTERED * before:
            needed[node.inputs[0]][:] = whole
            found = True
    return found


def _words(weights: NDArray[np.int8]) -> int:
    """How many words of the rows of windows, or of dense layers, are not all zero."""
    length = math.prod(weights.shape[1:] if weights.ndim == 2 else weights.shape[2:])
    rows = weights.reshape(weights.size // max(1, length), length)
    filled = np.pad(rows, ((0, 0), (0, -length % _WORD)))
    words = filled.reshape(-1, _WORD)
    return int((words != 0).any(axis=1).sum())

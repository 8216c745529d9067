"""A model over a window of rows as one that takes a few new rows at a time and gives the output for
the window that ends there.

Rows are time. A layer that computes row y of its output from the same rows around row y of its
input, wherever the window begins, computes only the rows that are new; what it needs of the rows
before is kept from one inference to the next, in states. A layer that needs all rows (a mean over
time, a dense layer behind Flatten) reads them from such a state, and runs whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph, Node, State, Stream
from tinycomp.ir.names import free_name
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Constant, Shape, Tensor
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._pooling import Pooling
from tinycomp.ops._reduction import Reduction
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops._vectors import VectorOperator
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.pad import Pad
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.passes._upright import upright

_WINDOWS = (Conv2D, DepthwiseConv2D, Pooling)


@dataclass(frozen=True)
class Reach:
    """Rows [first, last) of an output need rows [first * stride - top, (last - 1) * stride - top +
    span) of the input.
    """

    stride: int = 1
    """Input rows from one output row to the next."""
    span: int = 1
    """Input rows of one output row."""
    top: int = 0
    """Rows of padding above; negative for rows that are left out."""

    def rows(self, first: int, last: int) -> tuple[int, int]:
        """The input rows; may begin before row 0."""
        return first * self.stride - self.top, (last - 1) * self.stride - self.top + self.span


@dataclass(frozen=True)
class _Rows:
    """A tensor of which only the new rows are computed."""

    count: int
    """Rows in a window."""
    new: int
    """Rows that each inference computes, the last ones of the window."""
    pace: int
    """Rows of the input from one of its rows to the next."""
    padded: int
    """The first rows of a window that are computed from padding."""
    culprit: str
    """The layer that pads; empty if none does."""


def stream(graph: Graph, hop: int) -> Graph:
    """The int8 graph with a hop of rows as its input, and states behind inputs and outputs.

    Args:
        graph: with one input, whose first axis is time, without states.
        hop: rows that each inference takes.

    Raises:
        ModelError: the hop does not fit the window or the layers' strides; a layer pads along
            time; no layer could be computed for the new rows alone.
    """
    source = graph.tensors[graph.inputs[0]] if len(graph.inputs) == 1 else None
    if graph.states or graph.parts or source is None:
        raise ModelError(
            f"'{graph.name}' {'keeps variables' if graph.states else 'has several inputs'}: it "
            "can't be streamed by --stream.",
            hint="Leave out --stream: a model with variables takes a stream piece by piece already."
            if graph.states
            else "Leave out --stream.",
        )
    window = source.shape[0] if len(source.shape) > 1 else 1
    if not 1 <= hop < window:
        raise ModelError(
            f"--stream {hop}: the window of '{graph.name}' has {window} rows (input "
            f"{'x'.join(map(str, source.shape))}).",
            expected=f"Expected 1 to {window - 1} rows."
            if window > 1
            else "Expected an input with rows.",
            hint="Give the number of new rows from one decision to the next.",
        )
    wide = next((each for each in graph.tensors.values() if each.dtype != "int8"), None)
    if wide is not None:
        raise ModelError(
            f"--stream {hop}: '{wide.name}' is {wide.dtype}.",
            expected="Expected int8 throughout: what is kept between inferences are bytes.",
            hint="Leave out --stream, or --activations 16.",
        )
    unbundled = _without_bundle(upright(graph))
    return _Streaming(unbundled, hop).graph(window)


def _without_bundle(graph: Graph) -> Graph:
    """The graph with its outputs one by one."""
    last = graph.producer(graph.outputs[0])
    if last is None or last.op.name != "bundle":
        return graph
    tensors = {name: each for name, each in graph.tensors.items() if name != graph.outputs[0]}
    return replace(graph, nodes=graph.nodes[:-1], tensors=tensors, outputs=last.inputs)


@dataclass
class _Streaming:
    """Builds the graph for one hop."""

    whole: Graph
    """The graph of a window."""
    hop: int
    """Rows of the input that each inference takes."""
    rows: dict[str, _Rows] = field(default_factory=dict)
    """Tensors of which only new rows are computed."""
    read: dict[str, int] = field(default_factory=dict)
    """The first row of each of them, before the new ones too, that a layer or the caller reads."""
    nodes: list[Node] = field(default_factory=list)
    """Of the graph so far."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    """Of the graph so far."""
    kept: dict[str, str] = field(default_factory=dict)
    """For each of them with a state: the tensor with the kept and the new rows."""
    states: list[State] = field(default_factory=list)
    """Rows that are kept, of each tensor that has some."""
    following: list[str] = field(default_factory=list)
    """The tensors with the states' next values."""

    def graph(self, window: int) -> Graph:
        whole = self.whole
        name = whole.inputs[0]
        self.rows[name] = _Rows(window, self.hop, 1, 0, "")
        for node in whole.nodes:
            self._classify(node)
        if len(self.rows) == 1:
            node = whole.nodes[0]
            raise ModelError(
                f"Layer '{node.name}' ({node.op.name}) of '{whole.name}' mixes all rows of the "
                "window: nothing of it can be computed row by row.",
                expected="Expected convolutions or poolings along time (the first axis) first.",
                hint="Leave out --stream.",
            )
        for node in whole.nodes:
            for source, first, _ in self._reads(node):
                self._need(source, first, node)
        for output in whole.outputs:
            if output in self.rows:
                self._need(output, 0, None)
        self.tensors[name] = self._cut(name)
        self._keep(name)
        for node in whole.nodes:
            self._append(node)
        outputs = tuple(self._all(output) for output in whole.outputs)
        states = tuple(self.states)
        built = replace(
            whole,
            nodes=tuple(self.nodes),
            tensors=self.tensors,
            inputs=(name, *(state.name for state in states)),
            outputs=(*outputs, *self.following),
            states=states,
            reduction=None,
            stream=Stream(window, self.hop),
        )
        used = {each for node in built.nodes for each in node.inputs}
        constants = {key: each for key, each in built.constants.items() if key in used}
        return replace(built, constants=constants)

    def _classify(self, node: Node) -> None:
        """Whether a node's output is computed row by row."""
        reach, output = self._reach(node), self.whole.tensors[node.outputs[0]]
        if reach is None:
            return
        source = next(self.rows[name] for name in node.inputs if name in self.rows)
        pace = source.pace * reach.stride
        if self.hop % pace:
            raise ModelError(
                f"--stream {self.hop}: layer '{node.name}' ({node.op.name}) takes every "
                f"{pace}th row of the window.",
                expected=f"Expected a multiple of {pace}.",
                hint=f"--stream {pace}" if pace < self.rows[self.whole.inputs[0]].count else "",
            )
        count = output.shape[0] if len(output.shape) > 1 else 1
        new = self.hop // pace
        if new >= count:
            return
        before = max(self.rows[name].padded for name in node.inputs if name in self.rows)
        padded = max(0, -(-(before + reach.top) // reach.stride)) if before + reach.top > 0 else 0
        culprit = source.culprit or (node.name if reach.top > 0 else "")
        self.rows[node.outputs[0]] = _Rows(count, new, pace, padded, culprit if padded else "")

    def _reach(self, node: Node) -> Reach | None:
        """Which rows of its inputs the rows of a node's output need; None if it needs all."""
        operands = self.whole.operands(node)
        known = [self.rows.get(tensor.name) for tensor in operands.activations]
        if not known or any(each is None for each in known):
            return None
        alike = {(each.count, each.pace) for each in known if each is not None}
        if len(alike) > 1:
            return None
        op, shapes = node.op, [tensor.shape for tensor in operands.activations]
        if isinstance(op, _WINDOWS):
            top, _, bottom, _ = op.window.padding
            self._refuse_padding(node, bottom)
            return Reach(op.window.stride[0], op.window.span[0], top)
        if isinstance(op, Pad) and len(op.padding) > 1:
            self._refuse_padding(node, op.padding[0][1])
            return Reach(1, 1, op.padding[0][0])
        if isinstance(op, StridedSlice):
            first, _, step = op.parts[0]
            return Reach(step, 1, -first) if step > 0 else None
        same = len(operands.output.shape) > 1 and operands.output.shape[0] == shapes[0][0]
        return Reach() if same and _row_by_row(op, operands.constants, shapes[0]) else None

    def _refuse_padding(self, node: Node, bottom: int) -> None:
        if bottom:
            raise ModelError(
                f"--stream: layer '{node.name}' ({node.op.name}) pads the end of the window with "
                f"{bottom} rows of zeros, so its last rows change when the window moves on.",
                expected='Expected convolutions and poolings with padding="valid" along time.',
                hint='Train the model with padding="valid", or causal padding if only the last '
                "rows of the window are used behind it.",
            )

    def _reads(self, node: Node) -> Iterator[tuple[str, int, int]]:
        """Rows [first, last) that a node reads of tensors computed row by row."""
        output = self.rows.get(node.outputs[0])
        reach = self._reach(node)
        for name in dict.fromkeys(node.inputs):
            source = self.rows.get(name)
            if source is None:
                continue
            if output is not None and reach is not None:
                first, last = reach.rows(output.count - output.new, output.count)
                fits = (source.count - first - reach.span) // reach.stride + 1 == output.new
                yield name, first, source.count if fits else last
            elif isinstance(node.op, StridedSlice) and reach is not None:
                yield name, *reach.rows(0, node.op.parts[0][1])
            else:
                yield name, 0, source.count

    def _need(self, name: str, first: int, reader: Node | None) -> None:
        """Note that a row is read; refuse one that the window computes from padding, where it
        decides about the output: a layer that computes rows passes that question on to its own
        readers, and may read rows from before the window.
        """
        self.read[name] = min(self.read.get(name, 1 << 30), first)
        padded = self.rows[name].padded
        if first < padded and (reader is None or reader.outputs[0] not in self.rows):
            user = f"layer '{reader.name}' ({reader.op.name})" if reader else "the model's output"
            raise ModelError(
                f"--stream: layer '{self.rows[name].culprit}' pads the start of the window with "
                f"zeros, and {user} uses rows that are computed from them: rows {first} to "
                f"{padded - 1} of '{name}'. In a stream, earlier rows are in their place.",
                expected='Expected convolutions and poolings with padding="valid" along '
                "time; or causal "
                "ones of which only later rows are used.",
                hint='Train the model with padding="valid" along time, or take the last step '
                "(x[:, -1]) of causal convolutions with a window as long as they look back.",
            )

    def _cut(self, name: str) -> Tensor:
        """A tensor's new rows."""
        tensor = self.whole.tensors[name]
        return replace(tensor, shape=(self.rows[name].new, *tensor.shape[1:]))

    def _free(self, name: str) -> str:
        return free_name(name, {*self.whole.tensors, *self.whole.constants, *self.tensors})

    def _keep(self, name: str) -> None:
        """Append what joins a tensor's kept rows and its new ones, and what is kept next."""
        rows = self.rows[name]
        count = rows.count - rows.new - self.read.get(name, rows.count)
        if count <= 0:
            return
        new, axes = self.tensors[name], self.tensors[name].shape[1:]
        past, joined, after = (self._free(f"{name}/{end}") for end in ("past", "rows", "next"))
        self.tensors[past] = replace(new, name=past, shape=(count, *axes))
        self.tensors[joined] = replace(new, name=joined, shape=(count + rows.new, *axes))
        self.tensors[after] = replace(new, name=after, shape=(count, *axes))
        self._node(Concatenation(0), (past, name), joined)
        self._node(_slice((count + rows.new, *axes), rows.new, count), (joined,), after)
        assert new.quantization is not None
        zero = np.full((count, *axes), new.quantization.zero_point, np.int8)
        self.states.append(State(past, zero))
        self.following.append(after)
        self.kept[name] = joined

    def _node(self, op: Operator, inputs: Sequence[str], output: str, name: str = "") -> None:
        taken = {node.name for node in (*self.whole.nodes, *self.nodes)}
        name = name or free_name(output, taken)
        self.nodes.append(Node(name, op, tuple(inputs), (output,)))

    def _rows_of(self, name: str, first: int, last: int) -> str:
        """A tensor with rows [first, last) of a window, the last of them new; appends a slice if
        it has to be made.
        """
        rows = self.rows[name]
        joined = self.kept.get(name, name)
        shape = self.tensors[joined].shape
        start = rows.count - shape[0]
        if (first, last) == (start, rows.count):
            return joined
        piece = self._free(f"{name}/{first}:{last}")
        self.tensors[piece] = replace(
            self.tensors[joined], name=piece, shape=(last - first, *shape[1:])
        )
        self._node(_slice(shape, first - start, last - first), (joined,), piece)
        return piece

    def _all(self, name: str) -> str:
        """A tensor with all rows of the window."""
        return self._rows_of(name, 0, self.rows[name].count) if name in self.rows else name

    def _append(self, node: Node) -> None:
        """Append a node, for the new rows or for all."""
        output = node.outputs[0]
        pieces = {name: self._rows_of(name, *span) for name, *span in self._reads(node)}
        inputs = tuple(pieces.get(name, name) for name in node.inputs)
        op, rows = node.op, self.rows.get(output)
        self.tensors[output] = self.whole.tensors[output] if rows is None else self._cut(output)
        if rows is not None or (pieces and isinstance(op, StridedSlice)):
            op = _for_rows(op, self.tensors[output].shape, self.tensors[inputs[0]].shape)
        self._node(op, inputs, output, node.name)
        if rows is not None:
            self._keep(output)


def _slice(shape: Shape, first: int, count: int) -> StridedSlice:
    """Rows of a tensor."""
    return StridedSlice(((first, count, 1), *((0, size, 1) for size in shape[1:])))


def _for_rows(op: Operator, output: Shape, source: Shape) -> Operator:
    """The operator for exactly the rows that it needs, without padding along them."""
    changed: Any = op
    if isinstance(op, _WINDOWS):
        _, left, _, right = op.window.padding
        made: Operator = replace(changed, window=replace(op.window, padding=(0, left, 0, right)))
        return made
    if isinstance(op, Pad):
        return Pad(((0, 0), *op.padding[1:]))
    if isinstance(op, StridedSlice):
        _, count, step = op.parts[0]
        count = 1 if 0 in op.dropped else output[0]
        return replace(op, parts=((0, count, step), *op.parts[1:]))
    return Reshape(output) if isinstance(op, Reshape) else op


def _row_by_row(op: Operator, constants: Sequence[Constant], source: Shape) -> bool:
    """Whether an operator computes each row from the same row alone, in the same way."""
    if isinstance(op, Reshape | UnaryOperator):
        return True
    if isinstance(op, FullyConnected | VectorOperator):
        return len(source) > 1
    if isinstance(op, BinaryOperator):
        return all(len(each.shape) < len(source) or each.shape[0] == 1 for each in constants)
    if isinstance(op, Concatenation):
        return op.axis % len(source) != 0
    return isinstance(op, Reduction) and 0 not in op.reduced(len(source))

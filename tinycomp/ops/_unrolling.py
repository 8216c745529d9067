"""Operators over time as a graph of other operators: a .tflite has no loop for them.

Every step reads its row of the input and the state of the step before. The parameters are the same
at every step, and are in the file once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import Operator, hidden_tensor
from tinycomp.ir.tensor import Array, Constant, Operands, QuantizationParameters, Tensor, Value
from tinycomp.ops._masking import Choice, Counts
from tinycomp.ops._recurrent import first_of, mask_of
from tinycomp.ops._registry import operators


class Unrolling:
    """Builds the graph of one node whose input is (steps, features), perhaps with a mask (steps, 1)
    and a first row, and whose output is the state after each step. All tensors between have one row
    and, unless said otherwise, the input's type.
    """

    def __init__(self, operands: Operands) -> None:
        self.source = operands.activations[0]
        self.mask, self.first = mask_of(operands), first_of(operands)
        self.dtype = self.source.dtype
        self.output = operands.output
        self.steps = self.source.shape[0]
        self.tensors = {each.name: each for each in operands.activations}
        self.constants: dict[str, Constant] = {}
        self.nodes: list[Node] = []
        self.states: list[Value] = []

    def constant(
        self, name: str, values: Array, quantization: QuantizationParameters | None = None
    ) -> Constant:
        """Add a constant; float values are stored as float32."""
        made = Constant(f"{self.output.name}/{name}", values, quantization)
        self.constants[made.name] = made
        return made

    def add(
        self,
        kind: str,
        inputs: Sequence[Value],
        name: str,
        step: int,
        quantization: QuantizationParameters | None = None,
        **attributes: Any,
    ) -> Tensor:
        """Append an operator of the IR.

        Args:
            kind: its name: "add".
            inputs: tensors and constants.
            name: what it computes; unique within a step.
            step: the number of the step.
            quantization: of its output; None: that of the first input.
            attributes: of the operator.
        """
        return self.apply(operators()[kind](**attributes), inputs, name, step, quantization)

    def apply(
        self,
        op: Operator,
        inputs: Sequence[Value],
        name: str,
        step: int,
        quantization: QuantizationParameters | None = None,
        dtype: str | None = None,
    ) -> Tensor:
        """Append an operator that is at hand; like `add`. dtype: of its output, if it is not that
        of states.
        """
        made = hidden_tensor(self.output.name, name, step)
        return self._append(op, inputs, made, quantization, dtype)

    def row(self, step: int) -> Tensor:
        """The input's row of a step."""
        parts = ((step, 1, 1), (0, self.source.shape[1], 1))
        return self.add("strided_slice", [self.source], "row", step, parts=parts)

    def columns(self, values: Tensor, first: int, count: int, name: str, step: int) -> Tensor:
        """Some of a row's values."""
        parts = ((0, 1, 1), (first, count, 1))
        return self.add("strided_slice", [values], name, step, parts=parts)

    def start(self, zeros: Value) -> Value:
        """The output's row before the first."""
        if self.first is None:
            return zeros
        flat = operators()["reshape"]((1, *self.first.shape))  # type: ignore[call-arg]
        return self.apply(flat, [self.first], "first", 0, dtype=self.first.dtype)

    def held(self, new: Tensor, old: Value, name: str, step: int) -> Tensor:
        """The next state where the step's mask is not zero, else the one before."""
        if self.mask is None:
            return new
        if self._counts not in self.tensors:
            self._append(Counts(), [self.mask], self._counts, None, "bool")
        parts = ((step, 1, 1), (0, 1, 1))
        row = operators()["strided_slice"](parts)  # type: ignore[call-arg]
        title = hidden_tensor(self.output.name, "counts", step)
        if title not in self.tensors:
            self._append(row, [self.tensors[self._counts]], title, None, "bool")
        inputs = [self.tensors[title], new, old]
        return self.apply(Choice(), inputs, name, step, new.quantization, new.dtype)

    @property
    def _counts(self) -> str:
        return f"{self.output.name}/counts"

    def graph(self) -> Graph:
        """The graph, with all states in `states`, in the order of the rows, as its output."""
        join = operators()["concatenation"](axis=0)  # type: ignore[call-arg]
        name, output = self.output.name, self.output
        self._append(join, self.states, name, output.quantization, output.dtype)
        read = tuple(each.name for each in (self.source, self.mask, self.first) if each)
        return Graph(name, tuple(self.nodes), self.tensors, self.constants, read, (name,))

    def _append(
        self,
        op: Operator,
        inputs: Sequence[Value],
        name: str,
        quantization: QuantizationParameters | None,
        dtype: str | None = None,
    ) -> Tensor:
        shape = op.infer_shape([value.shape for value in inputs])
        if quantization is None and dtype != "bool":
            quantization = inputs[0].quantization
        made = Tensor(name, shape, dtype or self.dtype, quantization)
        self.tensors[name] = made
        self.nodes.append(Node(name, op, tuple(value.name for value in inputs), (name,)))
        return made

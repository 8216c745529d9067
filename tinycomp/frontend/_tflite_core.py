"""The graph of a file's layers while it is built: what has been read and appended so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_file import TfliteFile, layer_name
from tinycomp.frontend._tflite_values import constant
from tinycomp.int16._registry import arithmetic
from tinycomp.ir.graph import Node
from tinycomp.ir.names import free_name
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Constant, Operands, Shape, Tensor, Value
from tinycomp.ops._registry import operators


@dataclass
class Core:
    """The graph so far, by the file's indices and by names."""

    file: TfliteFile
    """The file without conversions at its ends."""
    dtype: str = "int8"
    """The kind of its layers: "int8" (integers) or "float32"."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    """Computed tensors of the graph so far."""
    constants: dict[str, Constant] = field(default_factory=dict)
    """Constants of the graph so far."""
    nodes: list[Node] = field(default_factory=list)
    """Nodes of the graph so far."""
    shapes: dict[int, Shape] = field(default_factory=dict)
    """Full shapes of computed tensors, by index."""
    known: dict[int, Array] = field(default_factory=dict)
    """Values of shape arithmetic, by index of the tensor."""

    def value(self, index: int) -> Value:
        """A computed tensor or a constant of the file."""
        name = self.file.tensors[index].name
        if name in self.tensors:
            return self.tensors[name]
        if index in self.known:
            return Constant(name, self.known[index])
        if name not in self.constants:
            self.constants[name] = constant(self.file.tensors[index], self.dtype)
        return self.constants[name]

    def known_values(self, index: int) -> Array | None:
        """What is known at build time of a tensor."""
        return self.known.get(index, self.file.tensors[index].values)

    def full_shape(self, index: int) -> Shape | None:
        """The full shape of a tensor or a constant, if known."""
        values = self.file.tensors[index].values
        return self.shapes.get(index) if values is None else values.shape

    def check_shape(self, index: int, full: Shape) -> None:
        """The file's own shape agrees, where it leaves no size open."""
        table = self.file.tensors[index]
        same = len(full) == len(table.signature) and all(
            size in (-1, found) for size, found in zip(table.signature, full, strict=True)
        )
        if not same:
            raise ModelError(
                f"It has the output shape {table.signature} in the file.",
                expected=f"Expected {full}, which follows from its inputs.",
                hint="Export the model again with a fixed batch size of 1.",
            )

    def append(self, op: Operator, inputs: Sequence[Value], output: Tensor) -> None:
        """Append a node that computes a tensor."""
        if self.dtype != "float32":
            arithmetic(op, Operands(tuple(inputs), (output,)))
        name = free_name(layer_name(output.name), {node.name for node in self.nodes})
        self.nodes.append(Node(name, op, tuple(value.name for value in inputs), (output.name,)))
        self.tensors[output.name] = output

    def keep(self, constant: Constant) -> None:
        """Add a constant."""
        self.constants[constant.name] = constant

    def reshape(self, source: Tensor, name: str, shape: Shape) -> Tensor:
        """Append a reshape that the file does not have; its output."""
        flat = Tensor(self.free(name), shape, source.dtype, source.quantization)
        op = operators()["reshape"].from_tflite("RESHAPE", None, Operands((source,), (flat,)))
        self.append(op, (source,), flat)
        return flat

    def squeeze(self, source: Tensor, output: Tensor) -> None:
        """Append a reshape to a tensor of the file."""
        op = operators()["reshape"].from_tflite("RESHAPE", None, Operands((source,), (output,)))
        self.append(op, (source,), output)

    def free(self, name: str) -> str:
        """A name that no tensor of the file or of the graph has."""
        names = {tensor.name for tensor in self.file.tensors}
        return free_name(name, {*names, *self.tensors, *self.constants})

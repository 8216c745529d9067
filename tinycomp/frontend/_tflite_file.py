"""A .tflite's tables as plain data, decoded by _tflite_decode.

Nothing here knows what an operator means. Shapes and axes count the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinycomp.ir.tensor import Array, Shape

_LONGEST_NAME = 32


@dataclass(frozen=True, eq=False)
class FileTensor:
    """One tensor of the file.

    Attributes:
        name: made unique within the file.
        dtype: NumPy's name for the type ("int8"), or the schema's where NumPy has none ("int4").
        shape: as the file says; a size that the converter left open is 1.
        signature: the same with -1 where the converter left a size open.
        values: of a constant, in the tensor's shape; None for what is computed.
        scales, zero_points, axis: the quantization as the file has it; no scales: none.
        variable: whether it keeps its values from one inference to the next.
    """

    name: str
    dtype: str
    shape: Shape
    signature: Shape
    values: Array | None = None
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis: int = 0
    variable: bool = False

    @property
    def fixed(self) -> bool:
        """Whether no size is left open."""
        return all(size >= 0 for size in self.signature)


@dataclass(frozen=True, eq=False)
class FileOperator:
    """One operator of the file; inputs and outputs are indices of tensors, -1 where one is absent.

    Attributes:
        index: its place among the file's operators, from 0, as viewers of the format count.
        builtin: the schema's name ("CONV_2D").
        custom: the name of a custom operator.
        options: the schema's object, or None.
    """

    index: int
    builtin: str
    custom: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any = None


@dataclass(frozen=True, eq=False)
class Signature:
    """A named way to call the model: which tensors go in and come out."""

    key: str
    subgraph: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class TfliteFile:
    """The first subgraph of a file, and what else the file has."""

    name: str
    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraphs: tuple[str, ...] = ("main",)
    signatures: tuple[Signature, ...] = ()

    def layer(self, operator: FileOperator) -> str:
        """The short name of the layer that an operator computes."""
        return layer_name(self.tensors[operator.outputs[0]].name) if operator.outputs else ""

    def label(self, operator: FileOperator) -> str:
        """How messages call an operator: "operator 3 (CONV_2D, 'conv_2d')"."""
        name = f"custom {operator.custom!r}" if operator.custom else operator.builtin
        layer = f", {self.layer(operator)!r}" if operator.outputs else ""
        return f"operator {operator.index} ({name}{layer})"

    def names(self, indices: tuple[int, ...]) -> str:
        """Tensors as a list of quoted names."""
        return ", ".join(repr(self.tensors[index].name) for index in indices)


def layer_name(tensor: str) -> str:
    """A tensor's name, or the layer's in it: converters join all that an operator was made of."""
    if len(tensor) <= _LONGEST_NAME and ";" not in tensor:
        return tensor
    path = tensor.split(";")[0].split("/")
    return (path[-2] if len(path) > 1 else path[0]) or "tensor"

"""A .tflite's tables as plain data, decoded by _tflite_decode.

Nothing here knows what an operator means. Shapes and axes count the batch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinycomp.ir.tensor import Array, Shape

_LONGEST_NAME = 32


@dataclass(frozen=True, eq=False)
class FileTensor:
    """One tensor of the file."""

    name: str
    """Made unique within the file."""
    dtype: str
    """NumPy's name of the type ("int8"), or the schema's if NumPy has none ("int4")."""
    shape: Shape
    """As in the file; sizes that the converter left open are 1."""
    signature: Shape
    """The same with -1 for open sizes."""
    values: Array | None = None
    """Of a constant, in the tensor's shape; None for computed tensors."""
    scales: tuple[float, ...] = ()
    """One, or one per channel along `axis`; empty if not quantized."""
    zero_points: tuple[int, ...] = ()
    """As many as scales."""
    axis: int = 0
    """The axis of channels with their own scales."""
    variable: bool = False
    """Whether it keeps its values between inferences."""

    @property
    def fixed(self) -> bool:
        """Whether no size is left open."""
        return all(size >= 0 for size in self.signature)


@dataclass(frozen=True, eq=False)
class FileOperator:
    """One operator of the file."""

    index: int
    """Position among the file's operators, from 0, as shown by viewers."""
    builtin: str
    """Name in the schema ("CONV_2D")."""
    custom: str
    """Name of a custom operator, else empty."""
    inputs: tuple[int, ...]
    """Indices of tensors; -1: absent."""
    outputs: tuple[int, ...]
    """Indices of tensors."""
    options: Any = None
    """The schema's options object, or None."""
    intermediates: tuple[int, ...] = ()
    """Indices of tensors that describe what the operator computes inside."""


@dataclass(frozen=True, eq=False)
class Signature:
    """A named way to call the model: which tensors go in and come out."""

    key: str
    """Its name."""
    subgraph: int
    """Index of the subgraph that it calls."""
    inputs: tuple[int, ...]
    """Indices of tensors."""
    outputs: tuple[int, ...]
    """Indices of tensors."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What it calls them, by index."""


@dataclass(frozen=True, eq=False)
class TfliteFile:
    """The first subgraph of a file, and a summary of the others."""

    name: str
    """The file's name without suffix."""
    tensors: tuple[FileTensor, ...]
    """By index."""
    operators: tuple[FileOperator, ...]
    """In the order of execution."""
    inputs: tuple[int, ...]
    """Indices of tensors."""
    outputs: tuple[int, ...]
    """Indices of tensors."""
    subgraphs: tuple[str, ...] = ("main",)
    """Names of all subgraphs."""
    signatures: tuple[Signature, ...] = ()
    """All signatures."""
    started: Mapping[int, TfliteFile] = field(default_factory=dict)
    """Subgraphs that CALL_ONCE runs before the first inference, by their index."""
    loops: Mapping[int, TfliteFile] = field(default_factory=dict)
    """Subgraphs that WHILE runs, by their index."""

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


def without_unread(
    operators: Sequence[FileOperator], outputs: Sequence[int], candidates: Collection[int]
) -> list[FileOperator]:
    """The operators without those whose results nothing reads any more.

    Args:
        operators: in running order.
        outputs: the model's.
        candidates: identities (`id`) of the operators that may be left out.
    """
    kept = list(operators)
    while True:
        read = {*outputs, *(index for each in kept for index in each.inputs)}
        fewer = [each for each in kept if id(each) not in candidates or read & {*each.outputs}]
        if len(fewer) == len(kept):
            return kept
        kept = fewer

"""Recognizes look-ups of rows in a constant table (ops/embedding.py): GATHER or EMBEDDING_LOOKUP by
numbers that come from the model's input, cast to integers and moved at most.

Keras makes a negative number count from the end (LESS, ADD, SELECT); as no row has one here, the
number itself is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile, without_unread
from tinycomp.ir.names import free_name
from tinycomp.ir.operator import NUMBERS
from tinycomp.ir.tensor import QuantizationParameters
from tinycomp.ops._move import Move
from tinycomp.ops._registry import by_tflite_name

_TYPES = ("int32", "int64", "float32", "int16", "int8", "uint8")
"""Of an input that holds row numbers."""
_SELECTS = ("SELECT", "SELECT_V2")
_RESHAPES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")


class RowLookup(FileOperator):
    """A look-up of rows; its inputs are their numbers and the table."""


def find_lookups(file: TfliteFile, dtype: str) -> tuple[TfliteFile, tuple[str, ...]]:
    """The file with such look-ups as single operators, and notes on its inputs.

    Args:
        file: without conversions at its ends.
        dtype: of the numbers in the graph: "int16", or "float32" in a float file.
    """
    search = _Search(file, {index: each for each in file.operators for index in each.outputs})
    found = {id(each): lookup for each in file.operators if (lookup := search.lookup(each))}
    if not found:
        return file, ()
    operators = []
    for operator in file.operators:
        moved = search.moved.get(id(operator))
        operators.append(found.get(id(operator)) or moved or operator)
    kept = without_unread(operators, file.outputs, search.passed)
    tensors = tuple(
        _as_numbers(tensor, dtype) if index in search.numbers else tensor
        for index, tensor in enumerate(file.tensors)
    )
    notes = tuple(
        f"The input {tensor.name!r} holds numbers of rows ({tensor.dtype}); the library takes "
        "them as int16, as they are."
        for index, tensor in enumerate(file.tensors)
        if index in search.numbers and index in file.inputs and dtype == "int16" != tensor.dtype
    )
    file = replace(file, operators=tuple(kept), tensors=tensors)
    return (_of_one_type(file) if dtype == "int16" else file), notes


def _of_one_type(file: TfliteFile) -> TfliteFile:
    """The file with its int8 inputs as int16 of the same scale, then converted: a library takes
    inputs of one type.
    """
    inputs, tensors, conversions = list(file.inputs), list(file.tensors), list[FileOperator]()
    for place, index in enumerate(file.inputs):
        tensor = file.tensors[index]
        if tensor.dtype == "int8":
            inputs[place] = len(tensors)
            name = free_name(f"{tensor.name}/int16", {each.name for each in tensors})
            tensors.append(replace(tensor, name=name, dtype="int16", zero_points=(0,)))
            conversions.append(FileOperator(-1, "QUANTIZE", "", (inputs[place],), (index,)))
    operators = (*conversions, *file.operators)
    return replace(file, inputs=tuple(inputs), tensors=tuple(tensors), operators=operators)


def _as_numbers(tensor: FileTensor, dtype: str) -> FileTensor:
    if dtype == "float32":
        return replace(tensor, dtype=dtype, scales=(), zero_points=())
    return replace(tensor, dtype=dtype, scales=NUMBERS.scales, zero_points=NUMBERS.zero_points)


@dataclass
class _Search:
    """Follows row numbers back to the model's input."""

    file: TfliteFile
    """Without conversions at its ends."""
    writers: Mapping[int, FileOperator]
    """By the tensor that they write."""
    numbers: set[int] = field(default_factory=set)
    """Tensors that hold row numbers."""
    moved: dict[int, FileOperator] = field(default_factory=dict)
    """What moves numbers, with the numbers as its input; by the identity of the operator."""
    passed: set[int] = field(default_factory=set)
    """Identities of operators that don't change numbers."""

    def lookup(self, operator: FileOperator) -> RowLookup | None:
        """The look-up that an operator is; None for others."""
        if operator.builtin not in ("GATHER", "EMBEDDING_LOOKUP") or len(operator.inputs) != 2:
            return None
        table, numbers = operator.inputs
        if operator.builtin == "EMBEDDING_LOOKUP":
            table, numbers = numbers, table
        options = operator.options
        plain = not (getattr(options, "axis", 0) or getattr(options, "batchDims", 0))
        values = self.file.tensors[table].values
        if not plain or values is None or values.ndim != 2:
            return None
        source = self._source(numbers)
        if source is None:
            return None
        return RowLookup(operator.index, "GATHER", "", (source, table), operator.outputs, options)

    def _source(self, index: int) -> int | None:
        """The tensor of the same numbers that is the model's input, or is moved from it; None if
        they are computed.
        """
        if index in self.file.inputs:
            tensor = self.file.tensors[index]
            scale = QuantizationParameters(tensor.scales, tensor.zero_points)
            if tensor.dtype not in _TYPES or (tensor.scales and scale != NUMBERS):
                return None
            self.numbers.add(index)
            return index
        writer = self.writers.get(index)
        if writer is None or not writer.inputs or len(writer.outputs) != 1:
            return None
        same = self._unchanged(writer)
        if same is not None:
            self.passed.add(id(writer))
            return self._source(same)
        kind = by_tflite_name().get(writer.builtin)
        moves = writer.builtin in _RESHAPES or (kind is not None and issubclass(kind, Move))
        source = self._source(writer.inputs[0]) if moves else None
        if source is None:
            return None
        self.numbers.add(index)
        self.moved[id(writer)] = replace(writer, inputs=(source, *writer.inputs[1:]))
        return index

    def _unchanged(self, operator: FileOperator) -> int | None:
        """The input whose numbers an operator returns."""
        if operator.builtin == "CAST":
            return operator.inputs[0]
        if operator.builtin not in _SELECTS or len(operator.inputs) != 3:
            return None
        condition, changed = (self.writers.get(index) for index in operator.inputs[:2])
        if condition is None or changed is None:
            return None
        plain = operator.inputs[2]
        from_end = (condition.builtin, changed.builtin) == ("LESS", "ADD")
        if not from_end or plain != condition.inputs[0] or plain not in changed.inputs:
            return None
        self.passed |= {id(condition), id(changed)}
        return plain

"""Reads loops over time as recurrent layers: Keras's LSTM, GRU and SimpleRNN in float files.

Converters write them as WHILE, with a subgraph for one step. What does not compute exactly such a
layer, from states of zeros over all rows, stays a loop, and is refused as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.frontend._tflite_cells import Cell, find_cell
from tinycomp.frontend._tflite_decode import DAMAGE
from tinycomp.frontend._tflite_expressions import Count, Linear, NoLayerError, Slot, Stored
from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile, without_unread
from tinycomp.frontend._tflite_floats import as_float32
from tinycomp.frontend._tflite_turns import Turn
from tinycomp.frontend._tflite_unrolled import Layer, Unrolled
from tinycomp.ir.names import free_name
from tinycomp.ir.tensor import Array, Constant, Shape

_STACK = ("FlexTensorListStack", "TensorListStack")
_SWAPPED = [1, 0, 2]


def roll_loops(file: TfliteFile) -> TfliteFile:
    """A float file with one operator for each loop that is a recurrent layer."""
    for operator in file.operators:
        if operator.builtin == "WHILE" and operator.options is not None:
            try:
                file = _Loop(file, operator).replaced()
            except (NoLayerError, *DAMAGE):
                continue
    if all(each.builtin != "WHILE" for each in file.operators) and file.loops:
        file = replace(file, subgraphs=file.subgraphs[:1], loops={})
    return file


@dataclass
class _Loop:
    """One loop, and the file that is written."""

    file: TfliteFile
    """The file around it."""
    operator: FileOperator
    """The WHILE."""

    def __post_init__(self) -> None:
        self.tensors = list(self.file.tensors)
        self.before: list[FileOperator] = []
        self.writers = {index: each for each in self.file.operators for index in each.outputs}

    def replaced(self) -> TfliteFile:
        """The file with the layer.

        Raises:
            NoLayerError: the loop is none.
        """
        options, loops = self.operator.options, self.file.loops
        body = loops[int(options.bodySubgraphIndex)]
        condition = loops[int(options.condSubgraphIndex)]
        values = [
            Stored(number, 0, value)
            if isinstance(value, Linear) and len(body.tensors[slot].shape) == 3
            else value
            for number, (slot, value) in enumerate(
                zip(body.inputs, Turn(as_float32(body)[0]).outputs(), strict=True)
            )
        ]
        states = {each: value for each, value in enumerate(values) if isinstance(value, Linear)}
        if not 0 < len(states) < 3:
            raise NoLayerError("states")
        cell = find_cell(states)
        for number, value in enumerate(values):
            self._check_slot(number, value, states)
        source, backwards = self._source(cell.row.source)
        steps = self.tensors[source].shape[1]
        self._require_counter(cell.row.counter, values)
        if self._turns(condition, values) != steps:
            raise NoLayerError("turns")
        for number in states:
            self._require_zeros(self.operator.inputs[number])
        return self._written(cell, source, values, backwards=backwards)

    def _check_slot(self, number: int, value: Any, states: Mapping[int, Linear]) -> None:
        """What a turn hands to the next one: counters, lists of the states, or what it got."""
        if isinstance(value, Count):
            fine = value.slot == number and value.plus in (0, 1)
        elif isinstance(value, Stored):
            fine = value.slot == number and any(value.item is each for each in states.values())
        elif isinstance(value, Slot):
            fine = value.number == number
        else:
            fine = number in states
        if not fine:
            raise NoLayerError("exchange")

    def _turns(self, condition: TfliteFile, values: Sequence[Any]) -> int:
        """How often the loop runs, by comparisons with counters that start at 0."""
        kinds = {each.builtin for each in condition.operators}
        if not kinds <= {"LESS", "LOGICAL_AND"}:
            raise NoLayerError("condition")
        return min(
            self._limit(condition, each, values)
            for each in condition.operators
            if each.builtin == "LESS"
        )

    def _limit(self, condition: TfliteFile, least: FileOperator, values: Sequence[Any]) -> int:
        place = {index: number for number, index in enumerate(condition.inputs)}
        first, last = least.inputs
        self._require_counter(place[first], values)
        if last in place:
            return self._number(self.operator.inputs[place[last]])
        limit = condition.tensors[last].values
        if limit is None or limit.size != 1:
            raise NoLayerError("condition")
        return int(limit.ravel()[0])

    def _require_counter(self, slot: int, values: Sequence[Any]) -> None:
        if values[slot] != Count(slot, 1) or self._number(self.operator.inputs[slot]) != 0:
            raise NoLayerError("counter")

    def _number(self, index: int) -> int:
        """An integer that is known, or the length of a tensor."""
        values = self.tensors[index].values
        if values is not None and values.size == 1:
            return int(values.ravel()[0])
        writer = self.writers.get(index)
        if writer is not None and writer.builtin == "STRIDED_SLICE":
            shape = self.writers.get(writer.inputs[0])
            if shape is not None and shape.builtin == "SHAPE":
                begin = self._constant(writer.inputs[1])
                return self.tensors[shape.inputs[0]].shape[int(begin[0])]
        raise NoLayerError("number")

    def _constant(self, index: int) -> Array:
        values = self.tensors[index].values
        if values is None:
            raise NoLayerError("constant")
        return values.ravel()

    def _require_zeros(self, index: int) -> None:
        values, writer = self.tensors[index].values, self.writers.get(index)
        place = {"DEQUANTIZE": 0, "FILL": 1}.get(writer.builtin) if writer is not None else None
        if values is None and writer is not None and place is not None:
            values = self.tensors[writer.inputs[place]].values  # DEQUANTIZE: stored in float16
        zeros = writer is not None and writer.builtin == "ZEROS_LIKE"
        if not zeros and (values is None or values.any()):
            raise NoLayerError("initial state")

    def _source(self, slot: int) -> tuple[int, bool]:
        """The tensor (1, steps, features) whose rows the loop reads, and whether from its end."""
        index, backwards, swapped = self.operator.inputs[slot], False, False
        while (writer := self.writers.get(index)) is not None:
            if writer.builtin == "REVERSE_V2":
                if self._constant(writer.inputs[1]).tolist() != [1 if swapped else 0]:
                    raise NoLayerError("axis")
                backwards = not backwards
            elif writer.builtin in ("RESHAPE", "TRANSPOSE") and not swapped:
                swapped = self._is_swapped(writer)
                if not swapped:
                    break
            else:
                break
            index = writer.inputs[0]
        shape = self.tensors[index].shape
        if len(shape) != 3 or shape[0 if swapped else 1] != 1:
            raise NoLayerError("rows")
        if not swapped:
            source, shape = index, (1, shape[0], shape[2])
            index = self._new(f"{self.tensors[source].name}/rows", shape)
            inputs = (source, self._numbers("shape", shape))
            self.before.append(FileOperator(self.operator.index, "RESHAPE", "", inputs, (index,)))
        return index, backwards

    def _written(
        self, cell: Cell, source: int, values: Sequence[Any], *, backwards: bool
    ) -> TfliteFile:
        """The file with the layer in the place of the loop, and what reads its outputs."""
        steps, units = self.tensors[source].shape[1], len(cell.weights) // cell.op.gates
        label = self.tensors[self.operator.outputs[cell.state]].name
        rows = self._new(f"{label}/rows", (1, steps, units))
        constants = [
            Constant(f"{label}/{name}", each)
            for name, each in (("weights", cell.weights), ("biases", cell.bias))
        ]
        before = self.before
        if backwards:
            turned = self._new(f"{label}/backwards", self.tensors[source].shape)
            before.append(self._turned(source, turned))
            source = turned
        layer = Layer(cell.op, *constants)
        before.append(Unrolled(self.operator.index, "CONCATENATION", "", (source,), (rows,), layer))
        before.append(self._row(rows, self.operator.outputs[cell.state]))
        replaced: dict[int, FileOperator] = {}
        for index, whole in self._lists(cell, values):
            self._follow_list(index, rows, replaced, whole=whole)
        operators: list[FileOperator] = []
        for each in self.file.operators:
            operators += before if each is self.operator else ()
            if each is not self.operator or id(each) in replaced:
                operators.append(replaced.get(id(each), each))
        written = {index for each in operators for index in each.outputs}
        candidates = {id(each) for each in operators}
        kept = without_unread(operators, self.file.outputs, candidates)
        lost = {*self.operator.outputs} - written
        if lost & ({*self.file.outputs} | {i for each in kept for i in each.inputs}):
            raise NoLayerError("output")
        return replace(self.file, tensors=tuple(self.tensors), operators=tuple(kept))

    def _lists(self, cell: Cell, values: Sequence[Any]) -> Iterator[tuple[int, bool]]:
        """The loop's outputs that are lists of the layer's states: of all, or of the last alone."""
        for index, value in zip(self.operator.outputs, values, strict=True):
            if isinstance(value, Stored) and value.item is values[cell.state]:
                whole = value.place == Count(cell.row.counter)
                if not whole and value.place != 0:
                    raise NoLayerError("list")
                yield index, whole

    def _follow_list(
        self, index: int, rows: int, replaced: dict[int, FileOperator], *, whole: bool
    ) -> None:
        """Replace what reads a list of states by what reads the layer's rows."""
        _, steps, units = self.tensors[rows].shape
        if whole:
            self._resize(index, (steps, 1, units))
        if whole and self._is_looped(index):
            writer, numbers = self.writers[index], self._numbers("axes", _SWAPPED)
            swapped = FileOperator(writer.index, "TRANSPOSE", "", (rows, numbers), (index,))
            replaced[id(writer)] = swapped
        plain = False
        for reader in self._readers(index):
            if reader.custom in _STACK or self._is_needless(reader):
                self._follow_list(reader.outputs[0], rows, replaced, whole=whole)
            elif reader.builtin == "STRIDED_SLICE" and self._is_last(reader):
                replaced[id(reader)] = self._row(rows, reader.outputs[0], reader.index)
            elif whole and (reader.builtin == "RESHAPE" or self._is_swapped(reader)):
                if reader.builtin == "TRANSPOSE":
                    self._resize(reader.outputs[0], (1, steps, units))
                shape = self._numbers("shape", self.tensors[reader.outputs[0]].shape)
                replaced[id(reader)] = FileOperator(
                    reader.index, "RESHAPE", "", (rows, shape), reader.outputs
                )
            elif reader.builtin == "REVERSE_V2" and whole:
                turned = self._new(f"{self.tensors[rows].name}/back", self.tensors[rows].shape)
                replaced[id(reader)] = self._turned(rows, turned, reader.index)
                self._follow_list(reader.outputs[0], turned, replaced, whole=True)
            elif whole and index in self.operator.outputs and reader.builtin != "WHILE":
                plain = True
            elif reader.builtin not in ("SHAPE", "WHILE"):
                raise NoLayerError("reader")
        if plain and not self._is_looped(index):  # its memory is that of the rows
            shape = self._numbers("shape", (steps, 1, units))
            self.before.append(
                FileOperator(self.operator.index, "RESHAPE", "", (rows, shape), (index,))
            )

    def _resize(self, index: int, shape: Shape) -> None:
        """Give a tensor its shape where converters leave the number of steps open."""
        tensor = self.tensors[index]
        if len(tensor.shape) == len(shape) and not tensor.fixed:
            self.tensors[index] = replace(tensor, shape=shape, signature=shape)

    def _is_swapped(self, operator: FileOperator) -> bool:
        """Whether it swaps time and the batch, which is 1."""
        if operator.builtin not in ("RESHAPE", "TRANSPOSE"):
            return False
        before, after = (
            self.tensors[each[0]].shape for each in (operator.inputs, operator.outputs)
        )
        if operator.builtin == "TRANSPOSE":
            return bool(self._constant(operator.inputs[1]).tolist() == _SWAPPED)
        swapped: Shape = (*before[1::-1], *before[2:])
        return len(before) == 3 and 1 in before[:2] and bool(after == swapped)

    def _is_needless(self, reader: FileOperator) -> bool:
        """Whether it gives a tensor the shape that it has."""
        shape = self.writers.get(reader.inputs[-1])
        same = shape is not None and shape.builtin == "SHAPE" and shape.inputs == reader.inputs[:1]
        return reader.builtin == "RESHAPE" and same

    def _is_looped(self, index: int) -> bool:
        """Whether another loop reads a list."""
        return any(each.builtin == "WHILE" and index in each.inputs for each in self.file.operators)

    def _readers(self, index: int) -> list[FileOperator]:
        return [each for each in self.file.operators if index in each.inputs[:1]]

    def _is_last(self, reader: FileOperator) -> bool:
        begin, strides = (self._constant(reader.inputs[place]) for place in (1, 3))
        options = reader.options
        return bool(
            begin[0] == -1 and options.shrinkAxisMask == 1 and not options.newAxisMask
            and not options.ellipsisMask and options.beginMask & 6 == 6
            and options.endMask & 6 == 6 and np.all(strides == 1)
        )  # fmt: skip

    def _row(self, rows: int, output: int, index: int | None = None) -> FileOperator:
        """The last of some rows, as (1, units)."""
        return self._slice(rows, output, (0, -1, 0), (1, 1, 1), 5, 2, index)

    def _turned(self, rows: int, output: int, index: int | None = None) -> FileOperator:
        """All rows, from the last on."""
        return self._slice(rows, output, (0, 0, 0), (1, -1, 1), 7, 0, index)

    def _slice(
        self, rows: int, output: int, begin: tuple[int, ...], strides: tuple[int, ...],
        begin_mask: int, shrink: int, index: int | None,
    ) -> FileOperator:  # fmt: skip
        options = schema.StridedSliceOptionsT()
        options.beginMask, options.endMask, options.shrinkAxisMask = begin_mask, 7, shrink
        numbers = [self._numbers(*each) for each in (("begin", begin), ("end", (0, 0, 0)),
                                                     ("strides", strides))]  # fmt: skip
        place = self.operator.index if index is None else index
        inputs = (rows, *numbers)
        return FileOperator(place, "STRIDED_SLICE", "", inputs, (output,), options)

    def _new(self, name: str, shape: tuple[int, ...]) -> int:
        return self._add(FileTensor(name, "float32", shape, shape))

    def _numbers(self, name: str, values: Sequence[int]) -> int:
        shape = (len(values),)
        return self._add(FileTensor(name, "int32", shape, shape, np.array(values, np.int32)))

    def _add(self, tensor: FileTensor) -> int:
        name = free_name(tensor.name, {each.name for each in self.tensors})
        self.tensors.append(replace(tensor, name=name))
        return len(self.tensors) - 1

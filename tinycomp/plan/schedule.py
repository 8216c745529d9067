"""The order of work: which rows of which operation are computed when.

Operations run either over all of their rows at once, in the graph's order, or, in a streamed
stretch of the graph, depth first by rows: a row is computed when a later one needs it, once, and no
earlier. A step of an operation takes as many of the rows that are needed as make enough pixels,
since each costs a kernel call, in which weights are decoded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tinycomp.ir import Operands, Tensor
from tinycomp.ops._rows import rows
from tinycomp.plan.program import Program


@dataclass(frozen=True)
class Step:
    """Rows [first, last) of one operation: output rows, or input rows where the kernel counts
    those. Operation INPUT takes those rows of the model's input from the caller.
    """

    operation: int
    first: int
    last: int


INPUT = -1
"""In a schedule, the operation that takes the model's next input row."""


def schedule(
    program: Program, stretch: range, pixels: int = 1, push: bool = False
) -> tuple[Step, ...]:
    """All work in order.

    Args:
        program: the operations.
        stretch: the consecutive operations that are streamed; the others run whole.
        pixels: a streamed step takes as many rows as have so many pixels, where they are needed.
        push: the caller hands over the model's input row by row, too; the stretch begins with the
            first operation.
    """
    run = _Run(program, pixels, push)
    for index in range(len(program.operations)):
        if index in stretch:
            if index == stretch.start:
                run.stream(stretch)
        else:
            run.whole(index)
    return tuple(run.steps)


def total_rows(program: Program, index: int) -> int:
    """How many rows an operation counts."""
    return rows(_counted(program, index).shape)[0]


def _counted(program: Program, index: int) -> Tensor:
    """The tensor whose rows an operation counts."""
    operation = program.operations[index]
    operands = program.graph.operands(operation.node)
    by_input = operation.call is not None and operation.call.input_rows
    return operands.activations[0] if by_input else operands.output


def _rows_a_step(program: Program, index: int, pixels: int) -> int:
    """The rows of an operation that have at least so many pixels."""
    return -(-pixels // math.prod(_counted(program, index).shape[1:-1]))


@dataclass
class _Run:
    """A schedule in the making: how far each operation has come."""

    program: Program
    pixels: int
    push: bool
    steps: list[Step] = field(default_factory=list)
    done: dict[int, int] = field(default_factory=dict)
    operands: Sequence[Operands] = field(init=False)
    totals: Sequence[int] = field(init=False)
    most: Sequence[int] = field(init=False)
    producers: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        program, operations = self.program, self.program.operations
        self.operands = [program.graph.operands(op.node) for op in operations]
        self.totals = [total_rows(program, index) for index in range(len(operations))]
        self.most = [_rows_a_step(program, index, self.pixels) for index in range(len(operations))]
        self.producers = {op.node.outputs[0]: index for index, op in enumerate(operations)}

    def whole(self, index: int) -> None:
        """All rows of an operation that are not done yet."""
        self._append(index, self.totals[index])

    def stream(self, stretch: range) -> None:
        """The last operation step by step, with what it needs; then what nobody needed."""
        for index in reversed(stretch):
            self._advance(index, self.totals[index])
        if self.push:
            (name,) = self.program.graph.inputs
            self._take(rows(self.program.graph.tensors[name].shape)[0])

    def _take(self, last: int) -> None:
        """Input rows up to `last`."""
        while self.done.get(INPUT, 0) < last:
            self._append(INPUT, self.done.get(INPUT, 0) + 1)

    def _advance(self, index: int, target: int) -> None:
        """Rows of an operation up to `target`, each step after the rows that it is made of."""
        while (first := self.done.get(index, 0)) < target:
            last = min(first + self.most[index], target)
            for name, needed in needed_rows(self.program, self.operands[index], index, first, last):
                producer = self.producers.get(name)
                if producer is not None:
                    self._advance(producer, self._counted_rows(producer, needed))
                elif self.push:
                    self._take(needed)
            self._append(index, last)

    def _counted_rows(self, producer: int, needed: int) -> int:
        """What an operation has to count to so that output rows up to `needed` exist."""
        call = self.program.operations[producer].call
        return self.totals[producer] if call is not None and call.input_rows else needed

    def _append(self, index: int, last: int) -> None:
        self.steps.append(Step(index, self.done.get(index, 0), last))
        self.done[index] = last


def needed_rows(
    program: Program, operands: Operands, index: int, first: int, last: int
) -> list[tuple[str, int]]:
    """Each computed input of a step, and the row up to which (exclusive) it has to exist."""
    return [(name, high) for name, _, high in read_rows(program, operands, index, first, last)]


def read_rows(
    program: Program, operands: Operands, index: int, first: int, last: int
) -> list[tuple[str, int, int]]:
    """Each computed input of a step, and the rows [low, high) of it that the step reads."""
    op, tensors = program.operations[index].node.op, program.graph.tensors
    return [
        (value.name, *op.rows_needed(operands, position, first, last))
        for position, value in enumerate(operands.inputs)
        if value.name in tensors
    ]

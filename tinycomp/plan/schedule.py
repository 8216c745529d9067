"""The order of work: which rows of which operation are computed when.

Operations run either over all of their rows at once, in the graph's order, or, in a streamed
stretch of the graph, depth first by rows: a row is computed when a later one needs it, once, and no
earlier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tinycomp.ir import Operands
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


def schedule(program: Program, stretch: range, push: bool = False) -> tuple[Step, ...]:
    """All work in order.

    Args:
        program: the operations.
        stretch: the consecutive operations that are streamed; the others run whole.
        push: the caller hands over the model's input row by row, too; the stretch begins with the
            first operation.
    """
    run = _Run(program, push)
    for index in range(len(program.operations)):
        if index in stretch:
            if index == stretch.start:
                run.stream(stretch)
        else:
            run.whole(index)
    return tuple(run.steps)


def total_rows(program: Program, index: int) -> int:
    """How many rows an operation counts."""
    operation = program.operations[index]
    operands = program.graph.operands(operation.node)
    by_input = operation.call is not None and operation.call.input_rows
    return rows((operands.activations[0] if by_input else operands.output).shape)[0]


@dataclass
class _Run:
    """A schedule in the making: how far each operation has come."""

    program: Program
    push: bool
    steps: list[Step] = field(default_factory=list)
    done: dict[int, int] = field(default_factory=dict)
    operands: Sequence[Operands] = field(init=False)
    totals: Sequence[int] = field(init=False)
    producers: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        operations = self.program.operations
        self.operands = [self.program.graph.operands(op.node) for op in operations]
        self.totals = [total_rows(self.program, index) for index in range(len(operations))]
        self.producers = {op.node.outputs[0]: index for index, op in enumerate(operations)}

    def whole(self, index: int) -> None:
        """All rows of an operation that are not done yet."""
        self._append(index, self.totals[index])

    def stream(self, stretch: range) -> None:
        """The last operation row by row, with what it needs; then what nobody needed."""
        for index in reversed(stretch):
            while self.done.get(index, 0) < self.totals[index]:
                self._advance(index)
        if self.push:
            (name,) = self.program.graph.inputs
            self._take(rows(self.program.graph.tensors[name].shape)[0])

    def _take(self, last: int) -> None:
        """Input rows up to `last`."""
        while self.done.get(INPUT, 0) < last:
            self._append(INPUT, self.done.get(INPUT, 0) + 1)

    def _advance(self, index: int) -> None:
        """One more row of an operation, after the input rows that it is made of."""
        first = self.done.get(index, 0)
        for name, last in needed_rows(self.program, self.operands[index], index, first, first + 1):
            producer = self.producers.get(name)
            if producer is None:
                if self.push:
                    self._take(last)
                continue
            while self._available(producer) < last:
                self._advance(producer)
        self._append(index, first + 1)

    def _available(self, producer: int) -> int:
        """Output rows that exist: those done; all or none of a reduction's."""
        done, total = self.done.get(producer, 0), self.totals[producer]
        call = self.program.operations[producer].call
        if call is not None and call.input_rows:
            return rows(self.operands[producer].output.shape)[0] if done == total else 0
        return done

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

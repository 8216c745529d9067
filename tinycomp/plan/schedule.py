"""The schedule: which rows of which operation are computed when.

Operations run either over all their rows at once, in the graph's order, or, in a streamed stretch
of the graph, depth first by rows: a row is computed once, when a later one needs it. A step of an
operation computes enough of the needed rows to have a given number of pixels, since each step is a
kernel call, in which weights are decoded.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tinycomp.ops._rows import rows
from tinycomp.plan.program import Program, Reading


@dataclass(frozen=True)
class Step:
    """One kernel call, or one transfer of input rows from the caller."""

    operation: int
    """Index of the operation, or INPUT."""
    first: int
    """The first output row; the first input row if the kernel counts input rows."""
    last: int
    """The row after the last."""


@dataclass(frozen=True)
class Copy:
    """Moves rows of a carried tensor to where they wait, or back to their places in the ring."""

    tensor: str
    """Its name."""
    first: int
    """The first row."""
    last: int
    """The row after the last."""
    back: bool
    """False: to where they wait; True: back."""
    moved: int
    """Number of rows that are really copied; the others wait in place."""


INPUT = -1
"""Stands for the operation that takes the model's next input row."""


def schedule(
    program: Program, stretch: range, pixels: int = 1, push: bool = False
) -> tuple[Step, ...]:
    """All steps in order.

    Args:
        program: the operations.
        stretch: the consecutive operations that are streamed; the others run whole.
        pixels: a streamed step computes as many of the needed rows as have this many pixels.
        push: the model's input arrives row by row too; the stretch begins with the first operation.
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
    """The number of rows that an operation counts."""
    return rows(program.counted[index].shape)[0]


def rows_a_step(program: Program, index: int, pixels: int) -> int:
    """The rows of an operation that have at least `pixels` pixels, or all."""
    shape = program.counted[index].shape
    return min(-(-pixels // math.prod(shape[1:-1])), rows(shape)[0])


@dataclass
class _Run:
    """A schedule under construction."""

    program: Program
    """The kernel calls."""
    pixels: int
    """Pixels per streamed step, at least, if they are needed."""
    push: bool
    """Whether the model's input arrives row by row."""
    steps: list[Step] = field(default_factory=list)
    """The steps so far."""
    done: dict[int, int] = field(default_factory=dict)
    """Rows computed so far, by operation."""
    totals: Sequence[int] = field(init=False)
    """Number of rows of each operation."""
    most: Sequence[int] = field(init=False)
    """Maximum rows per step of each operation."""
    producers: Mapping[str, int] = field(init=False)
    """Index of the operation that computes a tensor."""
    reductions: Collection[int] = field(init=False)
    """Indices of the operations that count input rows."""

    def __post_init__(self) -> None:
        program, operations = self.program, self.program.operations
        self.totals = [total_rows(program, index) for index in range(len(operations))]
        self.most = [rows_a_step(program, index, self.pixels) for index in range(len(operations))]
        self.producers = {op.node.outputs[0]: index for index, op in enumerate(operations)}
        calls = [(index, op.call) for index, op in enumerate(operations)]
        self.reductions = {index for index, call in calls if call and call.input_rows}

    def whole(self, index: int) -> None:
        """Compute all remaining rows of an operation."""
        self._append(index, self.totals[index])

    def stream(self, stretch: range) -> None:
        """Compute the last operation step by step, with everything it needs; then rows that nothing
        needs.
        """
        for index in reversed(stretch):
            while self.done.get(index, 0) < self.totals[index]:
                self._step(index, self.totals[index])
        if self.push:
            (name,) = self.program.graph.inputs
            self._take(rows(self.program.graph.tensors[name].shape)[0])

    def _take(self, last: int) -> None:
        """Take input rows up to `last`."""
        while self.done.get(INPUT, 0) < last:
            self._append(INPUT, self.done.get(INPUT, 0) + 1)

    def _step(self, index: int, target: int) -> None:
        """Compute more rows of an operation, at most up to `target`, after the rows they need."""
        first = self.done.get(index, 0)
        last = min(first + self.most[index], target)
        reads = read_rows(self.program, index, first, last)
        least = {}
        if first == 0:
            least = {name: needed for name, _, needed in read_rows(self.program, index, 0, 1)}
        for name, _, needed in reads:
            producer = self.producers.get(name)
            if producer is not None:
                self._provide(producer, needed, least.get(name, needed))
            elif self.push:
                self._take(needed)
        while self._lacks(reads):
            last -= 1
            reads = read_rows(self.program, index, first, last)
        self._append(index, last)

    def _provide(self, producer: int, needed: int, least: int) -> None:
        """Compute rows of an operation up to `needed`, or to `least` if the rest does not fill a
        step.

        The first window overlaps the border, so it needs a different number of rows than later
        ones; starting with fewer aligns the steps of all operations from then on.
        """
        total = self.totals[producer]
        if producer in self.reductions:
            needed = least = total
        while (done := self.done.get(producer, 0)) < needed:
            full = needed - done >= self.most[producer] or needed == total
            if done >= least and not full:
                break
            self._step(producer, needed)

    def _lacks(self, reads: Sequence[Reading]) -> bool:
        """Whether rows that a step reads are missing; of a reduction there are all or none."""
        for name, _, needed in reads:
            producer = self.producers.get(name)
            if producer is not None:
                total = self.totals[producer] if producer in self.reductions else needed
                if self.done.get(producer, 0) < total:
                    return True
        return False

    def _append(self, index: int, last: int) -> None:
        self.steps.append(Step(index, self.done.get(index, 0), last))
        self.done[index] = last


def read_rows(program: Program, index: int, first: int, last: int) -> list[Reading]:
    """Each computed input of a step, and the rows [low, high) that the step reads of it. Drafts of
    one program have many steps in common, so the program keeps them.
    """
    key = index, first, last
    if key not in program.reads:
        node, tensors = program.operations[index].node, program.graph.tensors
        operands = program.graph.operands(node)
        program.reads[key] = [
            (value.name, *node.op.rows_needed(operands, position, first, last))
            for position, value in enumerate(operands.inputs)
            if value.name in tensors
        ]
    return program.reads[key]

"""The order of work: which rows of which node are computed when."""

from __future__ import annotations

from dataclasses import dataclass

from tinycomp.ops._rows import rows
from tinycomp.plan.program import Program


@dataclass(frozen=True)
class Step:
    """Rows [first, last) of one operation: output rows, or input rows where the kernel counts
    those.
    """

    operation: int
    first: int
    last: int


def whole_tensors(program: Program) -> tuple[Step, ...]:
    """Each operation once, over all of its rows, in the graph's order."""
    steps = []
    for index, operation in enumerate(program.operations):
        operands = program.graph.operands(operation.node)
        by_input = operation.call is not None and operation.call.input_rows
        counted = operands.activations[0] if by_input else operands.output
        steps.append(Step(index, 0, rows(counted.shape)[0]))
    return tuple(steps)

"""Which stretch of a model is streamed by rows: the one that makes the arena smallest."""

from __future__ import annotations

import sys
from itertools import product
from typing import Literal, get_args

from tinycomp.errors import ModelError
from tinycomp.ops._rows import rows
from tinycomp.plan.memory import Needs, Plan, needs, placed
from tinycomp.plan.program import Program
from tinycomp.plan.schedule import total_rows

Optimize = Literal["ram", "speed", "balanced"]
OPTIMIZE: tuple[Optimize, ...] = get_args(Optimize)

_CANDIDATES = 24
"""Ends of a stretch that are planned in full; those behind the smallest tensors."""
_PIXELS = (1, 8, 16, 24, 32, 64)
"""Sizes of a step that are planned."""
_SAVING = 0.1
"""Balanced: so much more than the smallest arena may be spent on fewer steps."""


def choose(
    program: Program,
    optimize: Optimize = "balanced",
    limit: int | None = None,
    push: bool = False,
) -> Plan:
    """The best plan.

    "ram" takes the smallest arena. "speed" takes the fewest steps, because each costs a call, and
    reads weights again. "balanced" takes the fewest that come near the smallest arena.

    Args:
        program: the operations.
        optimize: for what.
        limit: bytes that the arena may have; where no plan fits the smallest arena is taken.
        push: the input comes row by row.

    Raises:
        ModelError: it should, and is a single row, or is the output.
    """
    if push:
        require_pushable(program)
    candidates = _Candidates(program, push)
    if optimize == "speed" and (limit is None or candidates.whole.least <= limit):
        return placed(candidates.whole)
    smallest = candidates.smallest()
    allowed = smallest.arena
    if optimize == "balanced":
        allowed = max(allowed, min(round((1 + _SAVING) * allowed), limit or sys.maxsize))
    elif optimize == "speed" and limit is not None:
        allowed = max(allowed, limit)
    return candidates.fastest(allowed) or smallest


class _Candidates:
    """Plans by the end of the stretch and the pixels of a step, with rows carried."""

    def __init__(self, program: Program, push: bool) -> None:
        self.program, self.push = program, push
        first = range(1 if push else 0)
        self.whole = needs(program, first, 1, push=push)
        self.found: dict[tuple[int, int], Needs] = {
            (end, pixels): needs(program, range(end), pixels, 0, push)
            for end, pixels in [(first.stop, 1), *product(_ends(program), _PIXELS)]
        }

    def smallest(self) -> Plan:
        """The plan with the smallest arena."""
        best = placed(self.whole)
        for need in sorted(self.found.values(), key=lambda need: need.least):
            if need.least >= best.arena:
                break
            best = min(best, placed(need), key=lambda plan: plan.arena)
        return best

    def fastest(self, limit: int) -> Plan | None:
        """The one with the fewest steps within a limit."""
        fitting = [key for key, need in self.found.items() if need.least <= limit]
        relaxed = [
            needs(self.program, range(end), pixels, limit, self.push) for end, pixels in fitting
        ]
        both = [*relaxed, *(self.found[key] for key in fitting)]
        for need in sorted(both, key=lambda need: len(need.steps)):
            plan = placed(need)
            if plan.arena <= limit:
                return plan
        return None


def _ends(program: Program) -> list[int]:
    """Where a stretch that begins with the model may end: before tensors that are small, and not
    within a run of operations of a single row, which streaming does not change.
    """
    graph, found = program.graph, []
    for index, operation in enumerate(program.operations):
        if total_rows(program, index) > 1 or index == 0:
            found.append((graph.tensors[operation.node.outputs[0]].size, index + 1))
    return sorted(end for _, end in sorted(found)[:_CANDIDATES])


def require_pushable(program: Program) -> None:
    """Refuse to push an input that has no rows.

    Raises:
        ModelError: the input is a single row, or the output is the input.
    """
    graph = program.graph
    shape = graph.tensors[graph.inputs[0]].shape
    if not program.operations or rows(shape)[0] == 1:
        raise ModelError(
            f"The input of '{graph.name}' has the shape {shape}: it has no rows to push.",
            expected="Expected several rows (the first axis) and at least one layer.",
            hint="Leave out --push-input.",
        )

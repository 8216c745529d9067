"""Which stretch of a model is streamed by rows: the one that makes the arena smallest."""

from __future__ import annotations

from typing import Literal, get_args

from tinycomp.errors import ModelError
from tinycomp.ops._rows import rows
from tinycomp.plan.memory import least_arena
from tinycomp.plan.program import Program
from tinycomp.plan.schedule import total_rows

Optimize = Literal["ram", "speed", "balanced"]
OPTIMIZE: tuple[Optimize, ...] = get_args(Optimize)

_CANDIDATES = 24
"""Ends of a stretch that are planned in full; those behind the smallest tensors."""
_SAVING = 0.1
"""Balanced: a longer stretch has to save this share of the arena."""


def choose(program: Program, optimize: Optimize = "balanced", limit: int | None = None) -> range:
    """The operations to stream.

    "speed" streams nothing: weights are read once. "ram" takes the smallest arena. "balanced" takes
    the shortest stretch that comes near it, because each row of a streamed operation costs a call,
    and reads its weights again.

    Args:
        program: the operations.
        optimize: for what.
        limit: bytes that the arena may have: what does not fit gives way to the shortest stretch
            that does, and where none does to the smallest arena.
    """
    sizes = {0: least_arena(program, range(0))}
    if optimize == "speed" and (limit is None or sizes[0] <= limit):
        return range(0)
    sizes |= {end: least_arena(program, range(end)) for end in _ends(program)}
    smallest = min(sizes.values())
    most = {"speed": sizes[0], "balanced": (1 + _SAVING) * smallest, "ram": smallest}[optimize]
    most = most if limit is None else max(smallest, min(most, limit))
    return range(min(end for end, size in sizes.items() if size <= most))


def _ends(program: Program) -> list[int]:
    """Where a stretch that begins with the model may end: before tensors that are small, and not
    within a run of operations of a single row, which streaming does not change.
    """
    graph, found = program.graph, []
    for index, operation in enumerate(program.operations):
        if total_rows(program, index) > 1 or index == 0:
            found.append((graph.tensors[operation.node.outputs[0]].size, index + 1))
    return sorted(end for _, end in sorted(found)[:_CANDIDATES])


def require_pushable(program: Program, stretch: range) -> range:
    """The stretch, or at least the first operation, for an input that comes row by row.

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
    return stretch or range(1)

"""Choice of the plan: the streamed stretch, the rows per step and the carried rows, by the arena's
size and the predicted instructions.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count, islice
from typing import get_args

from tinycomp.common.errors import ModelError
from tinycomp.ops._rows import rows
from tinycomp.options.build import Optimize
from tinycomp.plan.costs import Costs
from tinycomp.plan.memory import Draft, Needs, Plan, placed
from tinycomp.plan.place import EFFORT, usage
from tinycomp.plan.program import Program
from tinycomp.plan.schedule import rows_a_step, total_rows

OPTIMIZE: tuple[Optimize, ...] = get_args(Optimize)

_ENDS, _FASTEST = 20, 8
"""Number of ends of the stretch to plan with steps of one row, those after the smallest tensors;
and the number of these to plan with longer steps, the fastest that fit.
"""
_PIXELS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64)
"""Step sizes in pixels to plan, as far as they fit."""
_SHARE, _SMALL = 0.2, 6656
"""Balanced: the arena may be larger than the smallest one by this factor for speed, or have this
many bytes, which leaves the rest of 8 KB for other uses.
"""
_NEAR = 0.008
"""Balanced: among plans that are slower than the fastest by at most this factor, RAM counts too."""
_SKETCHED = 4
"""Ends of the stretch that a sketch tries."""
QUICK = 2_000
"""Effort of a placement that is preliminary, or an estimate."""
_TRIES = 10
"""The number of the smallest and of the fastest results to place with full effort."""
_HOPE = 1.15
"""A quick placement that is larger than the best arena by more than this factor does not become
the best by more effort.
"""


def choose(
    program: Program,
    optimize: Optimize = "balanced",
    limit: int | None = None,
    push: bool = False,
    effort: int = EFFORT,
) -> Plan:
    """The best plan.

    "speed" takes the fewest predicted instructions, "ram" the smallest arena, "balanced" the fewest
    instructions with an arena that is only a little larger, as does "flash", which differs in how
    weights are stored.

    Args:
        program: the operations.
        optimize: the goal.
        limit: maximum bytes of the arena; if no plan fits, the smallest arena is taken.
        push: the input arrives row by row.
        effort: number of block placements before the best result is taken; for each of the plans
            that are compared.

    Raises:
        ModelError: push, but the input is a single row or is the output.
    """
    if push:
        _require_pushable(program)
    candidates = _Candidates(program, push, effort)
    allowed = sys.maxsize if limit is None else limit
    if optimize == "speed" and candidates.whole.least <= allowed:
        whole = placed(candidates.whole, effort)
        if whole.arena <= allowed:
            return whole
    smallest = candidates.smallest()
    if optimize == "ram":
        allowed = 0
    elif optimize in ("balanced", "flash"):
        allowed = min(allowed, max(_SMALL, int((1 + _SHARE) * smallest.arena)))
    near = _NEAR if optimize in ("balanced", "flash") else 0.0
    return candidates.fastest(max(allowed, smallest.arena), near) or smallest


def sketch(program: Program) -> int:
    """An arena, in bytes, that some plan needs: quickly placed, and not much above the smallest."""
    candidates = _Candidates(program, push=False, effort=QUICK)
    ends = sorted(_ends(program), key=lambda end: candidates.rest[end])[:_SKETCHED]
    drafts = [candidates.whole, *(candidates._draft(end, 1).within(0) for end in ends)]
    return min(placed(need, candidates.effort).arena for need in drafts)


class _Candidates:
    """Plans by the end of the stretch and the pixels of a step."""

    def __init__(self, program: Program, push: bool, effort: int) -> None:
        self.program, self.push, self.costs = program, push, Costs(program)
        self.effort = effort
        self.shortest = 1 if push else 0
        self.whole = self._draft(self.shortest, 1).within(None)
        self.rest = self._whole_from()
        self.rows: dict[int, Draft] = {}

    def smallest(self) -> Plan:
        """The plan with the smallest arena: steps of single rows, and all useful rows carried."""
        best = placed(self.whole, self.effort)
        for end in sorted(_ends(self.program), key=lambda end: self.rest[end]):
            if self.rest[end] >= best.arena:
                break
            self.rows[end] = self._draft(end, 1)
        found = [draft.within(limit) for draft in self.rows.values() for limit in (None, 0)]
        sketched = _sketched([need for need in found if need.least < best.arena])
        for arena, need in sketched[:_TRIES]:
            if need.least < best.arena and arena <= _HOPE * best.arena:
                best = min(best, placed(need, self.effort), key=lambda plan: plan.arena)
        return best

    def fastest(self, limit: int, near: float) -> Plan | None:
        """The plan with the fewest predicted instructions within a limit; among those within
        (1 + `near`) times that, the one with the smallest product of instructions and arena.
        """
        best, least, product = None, math.inf, math.inf
        for cost, need in islice(self._fitting(limit), _TRIES):
            if cost > (1 + near) * least:
                break
            if cost * need.least < product:
                plan = placed(need, self.effort)
                if plan.arena <= limit:
                    least = min(least, cost)
                    if cost * plan.arena < product:
                        best, product = plan, cost * plan.arena
        return best

    def _fitting(self, limit: int) -> Iterator[tuple[float, Needs]]:
        """All candidates that may fit into a limit, by their predicted instructions. A draft
        without copies is a lower bound, so what it needs is only computed when its turn comes.
        """
        queue: list[tuple[float, bool, int, Draft | Needs]] = []
        numbers = count()
        if self.whole.least <= limit:
            queue.append((self.costs.instructions(self.whole.steps), True, 0, self.whole))
        queue += [
            (self.costs.instructions(draft.steps), False, next(numbers), draft)
            for draft in self._fitting_drafts(limit)
        ]
        heapify(queue)
        while queue:
            cost, _, number, found = heappop(queue)
            if isinstance(found, Needs):
                yield cost, found
                continue
            for place, need in enumerate(_within(found, limit)):
                key = self.costs.instructions(need.steps), True, 2 * number + place + 1, need
                heappush(queue, key)

    def _fitting_drafts(self, limit: int) -> Iterator[Draft]:
        """Drafts that may fit into a limit: the fastest of those with steps of one row, with longer
        steps as far as they fit.
        """
        rows = [(e, draft) for e, draft in self.rows.items() if draft.within(0).least <= limit]
        rows.sort(key=lambda each: self.costs.instructions(each[1].steps))
        for end, draft in rows[:_FASTEST]:
            known: set[tuple[int, ...]] = set()
            for pixels in _PIXELS:
                steps = tuple(rows_a_step(self.program, index, pixels) for index in range(end))
                if steps in known:
                    continue
                known.add(steps)
                draft = draft if pixels == 1 else self._draft(end, pixels)
                if draft.most.least > limit and draft.within(0).least > limit:
                    break
                yield draft

    def _draft(self, end: int, pixels: int) -> Draft:
        return Draft(self.program, range(end), pixels, self.push)

    def _whole_from(self) -> list[int]:
        """Lower bound of the arena for operations that run whole after a stretch, by its end."""
        need = Draft(self.program, range(0)).within(None)
        used = usage([block for _, block in need.blocks], len(need.steps) + 1)
        return [int(used[end:].max()) for end in range(len(need.steps) + 1)]


def _sketched(found: Iterable[Needs]) -> list[tuple[int, Needs]]:
    """Quick placements, the smallest first, without those that can't be as small as another."""
    least, sketches = sys.maxsize, []
    for need in sorted(found, key=lambda need: need.least):
        if need.least < least:
            sketches.append((placed(need, QUICK).arena, need))
            least = min(least, sketches[-1][0])
    return sorted(sketches, key=lambda each: each[0])


def _within(draft: Draft, limit: int) -> Iterator[Needs]:
    """What a draft needs with few rows carried, and with many, which makes placement easier."""
    many, few = draft.within(0), draft.within(limit)
    yield many
    if len(few.carried) < len(many.carried):
        yield few


def _ends(program: Program) -> list[int]:
    """Possible ends of a stretch that starts with the first operation: before small tensors, and
    not inside a run of operations with a single row, which streaming does not change.
    """
    graph, found = program.graph, []
    for index, operation in enumerate(program.operations):
        if total_rows(program, index) > 1 or index == 0:
            found.append((graph.tensors[operation.node.outputs[0]].nbytes, index + 1))
    return sorted(end for _, end in sorted(found)[:_ENDS])


def _require_pushable(program: Program) -> None:
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

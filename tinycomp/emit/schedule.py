"""The table of streamed steps as numbers, and the moves of carried rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinycomp.emit.arrays import number_lines
from tinycomp.plan.memory import Plan
from tinycomp.plan.moves import Move, move
from tinycomp.plan.schedule import INPUT, Copy, Step


@dataclass(frozen=True)
class ScheduleText:
    """The table of steps: each entry is a case, shifted left by `bits`, plus the rows less one.

    The cases are the streamed nodes, the pushed input if there is one, then two per move: there
    and back.
    """

    type: str = "uint8_t"
    """C type of an entry."""
    read: str = "TC_READ_U8"
    """The macro that reads an entry."""
    bits: int = 0
    """Enough bits for the maximum of rows per step, less one."""
    input: int = 0
    """The entry that takes a pushed input row."""
    lines: tuple[str, ...] = ()
    """The entries, comma-separated; none if nothing is streamed."""


def schedule_text(plan: Plan, moves: Sequence[Move]) -> ScheduleText:
    """The streamed steps of a plan."""
    steps = plan.table
    if not steps:
        return ScheduleText()
    counts = [step.last - step.first for step in steps if isinstance(step, Step)]
    bits = (max(counts) - 1).bit_length()
    numbers = {found: number for number, found in enumerate(moves)}
    entries = []
    for step in steps:
        if not isinstance(step, Copy):
            entries.append((_case(plan, step) << bits) + step.last - step.first - 1)
        elif (found := move(plan, step)) is not None:
            entries.append((row_counters(plan) + 2 * numbers[found] + step.back) << bits)
    width = 8 if max(entries) <= 255 else 16
    return ScheduleText(
        f"uint{width}_t",
        f"TC_READ_U{width}",
        bits,
        len(plan.stretch) << bits,
        number_lines(entries),
    )


def row_counters(plan: Plan) -> int:
    """Number of cases that count rows: the streamed nodes, and the input if it is pushed."""
    return len(plan.stretch) + plan.pushed


def moves_of(plan: Plan) -> list[Move]:
    """All moves of rows, each once."""
    found = [move(plan, step) for step in plan.steps if isinstance(step, Copy)]
    return [*dict.fromkeys(each for each in found if each is not None)]


def _case(plan: Plan, step: Step) -> int:
    """Case numbers: the streamed nodes from 0, then the pushed input."""
    return len(plan.stretch) if step.operation == INPUT else step.operation - plan.stretch.start

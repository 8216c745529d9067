"""The order of streamed steps as numbers, and the moves of rows between them."""

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

    The cases: the streamed nodes, the pushed input if there is one, then for each move there and
    back.
    """

    type: str = "uint8_t"
    """Of an entry in C."""
    read: str = "TC_READ_U8"
    """The macro that reads an entry."""
    bits: int = 0
    """As many as hold one less than the most rows of a step."""
    input: int = 0
    """The entry of an input row that is pushed."""
    lines: tuple[str, ...] = ()
    """The entries, comma-separated; none where nothing is streamed."""


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
    """How many cases count rows: the streamed nodes, and the input if it is pushed."""
    return len(plan.stretch) + plan.pushed


def moves_of(plan: Plan) -> list[Move]:
    """All moves of rows, each once."""
    found = [move(plan, step) for step in plan.steps if isinstance(step, Copy)]
    return [*dict.fromkeys(each for each in found if each is not None)]


def _case(plan: Plan, step: Step) -> int:
    """The streamed nodes count from 0; the pushed input comes behind them."""
    return len(plan.stretch) if step.operation == INPUT else step.operation - plan.stretch.start

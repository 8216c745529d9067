"""Timings of the Cortex-M4 as its Technical Reference Manual (Arm 100166) publishes them, in table
3-1 and under "Load/store timings", for memory without wait states.

Instructions take one cycle unless listed here. Floating point is left out: inference has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinycomp.cycles.disassembly import Instruction


@dataclass(frozen=True)
class Cycles:
    """Cycles of an instruction, as far as Arm's table fixes them."""

    least: int
    """The fewest that the table allows."""
    likely: int
    """The value that the estimate uses."""
    most: int
    """The most that the table allows."""

    def __add__(self, other: Cycles) -> Cycles:
        return Cycles(self.least + other.least, self.likely + other.likely, self.most + other.most)

    def __mul__(self, count: int) -> Cycles:
        return Cycles(self.least * count, self.likely * count, self.most * count)


NONE = Cycles(0, 0, 0)
REFILL = Cycles(1, 2, 3)
"""Pipeline refill after a taken branch: 1 to 3 by the alignment and width of the target."""
DIVISION = Cycles(2, 7, 12)
"""It ends early for small quotients."""
FOLDED = Cycles(0, 0, 1)
"""IT after a 16-bit instruction may take no time."""
LITERAL = Cycles(0, 0, 1)
"""Added to a literal load: it may collide with an instruction fetch."""


def _exactly(cycles: int) -> Cycles:
    return Cycles(cycles, cycles, cycles)


def timed(instructions: Sequence[Instruction]) -> Iterator[Cycles]:
    """The cycles of each instruction of a basic block, without the refill after a taken branch.

    What ran before the block is not known, so its first instruction is not pipelined.
    """
    before: Instruction | None = None
    for instruction in instructions:
        yield _alone(instruction, before) + _stall(instruction, before)
        before = instruction


def _alone(instruction: Instruction, before: Instruction | None) -> Cycles:
    if instruction.kind in ("loads", "stores"):
        return _memory(instruction, before)
    if instruction.kind == "divides":
        return DIVISION
    if re.match(r"it[te]*$", instruction.mnemonic):
        return FOLDED if before is not None and before.size == 2 else _exactly(1)
    if re.match(r"tb[bh]", instruction.mnemonic):
        return _exactly(2)
    return _exactly(1)


def _memory(instruction: Instruction, before: Instruction | None) -> Cycles:
    """1 + N for N registers. A single load takes 2, or 1 after another load. A single store takes 1
    if its address is a register plus an immediate: the write buffer hides the rest.
    """
    if instruction.listed:
        return _exactly(1 + len(instruction.listed))
    registers = instruction.address_registers
    if instruction.kind == "stores" and len(registers) < 2:
        return _exactly(1)
    pipelined = (
        before is not None
        and before.kind == "loads"
        and not before.listed
        and not before.moves_base
        and not before.written & registers
    )
    literal = LITERAL if "pc" in registers else NONE
    return literal + _exactly(1 if pipelined and not instruction.moves_base else 2)


def _stall(instruction: Instruction, before: Instruction | None) -> Cycles:
    """One cycle if the address depends on the result of the previous instruction."""
    computed = before is not None and before.kind not in ("loads", "stores", "branches")
    if not computed or instruction.kind not in ("loads", "stores"):
        return NONE
    assert before is not None
    return _exactly(1 if before.written & instruction.address_registers else 0)

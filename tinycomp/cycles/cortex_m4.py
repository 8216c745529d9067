"""Timings of the Cortex-M4 as its Technical Reference Manual (Arm 100166) publishes them, in table
3-1 and under "Load/store timings", for memory without wait states.

Instructions take one cycle where nothing else is said here. Floating point is left out: an
inference has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinycomp.cycles.disassembly import Instruction


@dataclass(frozen=True)
class Cycles:
    """Of an instruction, as far as Arm's table fixes them."""

    least: int
    """The least that the table allows."""
    likely: int
    """What the estimate takes."""
    most: int
    """The most that the table allows."""

    def __add__(self, other: Cycles) -> Cycles:
        return Cycles(self.least + other.least, self.likely + other.likely, self.most + other.most)

    def __mul__(self, count: int) -> Cycles:
        return Cycles(self.least * count, self.likely * count, self.most * count)


NONE = Cycles(0, 0, 0)
REFILL = Cycles(1, 2, 3)
"""Of the pipeline, on top of a taken branch: 1 to 3 by the target's alignment and width."""
DIVISION = Cycles(2, 7, 12)
"""Ends early for small quotients."""
FOLDED = Cycles(0, 0, 1)
"""IT behind a 16-bit instruction may take no time."""
LITERAL = Cycles(0, 0, 1)
"""On top of a load from beside the code: it may meet an instruction fetch."""


def _exactly(cycles: int) -> Cycles:
    return Cycles(cycles, cycles, cycles)


def timed(instructions: Sequence[Instruction]) -> Iterator[Cycles]:
    """Each instruction's cycles in a run of them without a branch between; without the refill of a
    branch that is taken.

    What ran before the first is not known, so nothing is pipelined into it.
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
    """1 + N for N registers; a single load 2, or 1 behind another; a single store 1 where its
    address is a register and a number, for it is written while what follows runs.
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
    """One cycle where an address depends on what the instruction before has computed."""
    computed = before is not None and before.kind not in ("loads", "stores", "branches")
    if not computed or instruction.kind not in ("loads", "stores"):
        return NONE
    assert before is not None
    return _exactly(1 if before.written & instruction.address_registers else 0)

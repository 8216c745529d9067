"""Estimates the cycles of an inference on a real chip from the instructions that it executes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tinycomp.common.errors import BoardError, DeviceError
from tinycomp.cycles.cortex_m4 import NONE, REFILL, Cycles, timed
from tinycomp.cycles.disassembly import Instruction, Listing, disassemble
from tinycomp.device.trace import Block, trace
from tinycomp.ir.tensor import Array
from tinycomp.report.record import EstimateRecord
from tinycomp.target.boards import Board, Silicon

MIX = (
    "loads", "stores", "multiplies", "divides", "taken_branches", "other_branches", "others",
)  # fmt: skip
"""Kinds of instructions in an estimate."""
SLACK = 4
"""Instructions by which the counts of the plugin and the port may differ."""


def estimate(board: Board, program: Path, sample: Array) -> EstimateRecord:
    """Cycles of one inference on the chip of the board's [silicon] section.

    Args:
        board: with an emulator that counts instructions.
        program: the harness with a model, linked for the board.
        sample: one int8 input.

    Raises:
        BoardError: the board has no such table.
        ToolError: a compiler or objdump is missing or fails.
        DeviceError: the emulator fails, or its count differs from that of the board's clock.
    """
    silicon = require_silicon(board)
    found = trace(board, program, sample)
    listing = Listing.of(disassemble(board.compiler, program))
    blocks = [(block, listing.block(block)) for block in found.blocks]
    mix, cycles = count(blocks)
    total = sum(mix.values())
    if abs(total - found.instructions) > SLACK:
        raise DeviceError(
            f"The emulator ran {total:,} instructions, the board's clock counted "
            f"{found.instructions:,}.",
            hint="Without the same count there is nothing to estimate from: report this.",
        )
    constant_waits = silicon.flash_wait_states * found.constants
    waits = silicon.flash_wait_states * found.fetches + constant_waits
    return EstimateRecord(
        core=silicon.core,
        chip=silicon.title,
        clock=silicon.clock,
        cycles=cycles.likely + waits,
        least=cycles.least + waits,
        most=cycles.most + waits,
        flash_waits=waits,
        constant_waits=constant_waits,
        instructions=total,
        mix=mix,
        assumptions=_assumptions(silicon),
    )


def require_silicon(board: Board) -> Silicon:
    """The chip that cycles are estimated for.

    Raises:
        BoardError: the board has no [silicon] section.
    """
    if board.silicon is None:
        raise BoardError(
            f"There is nothing to estimate cycles for: {board.name} has no table [silicon].",
            expected="Expected its core's published timings, and the wait states of its flash.",
            hint="Without --estimate-cycles, milliseconds are given as a range. For a board with a "
            "Cortex-M4, add --board cortex-m4.",
        )
    return board.silicon


def count(
    blocks: Iterable[tuple[Block, tuple[Instruction, ...]]],
) -> tuple[dict[str, int], Cycles]:
    """How many instructions of each kind ran, and their cycles without wait states.

    Taken and untaken branches are counted apart; a return by a load counts as a load.
    """
    mix: Counter[str] = Counter()
    cycles = NONE
    for block, instructions in blocks:
        last = instructions[-1]
        taken = block.left if last.branches else 0
        cycles += REFILL * taken
        for instruction, each in zip(instructions, timed(instructions), strict=True):
            cycles += each * block.runs
            kind = "other_branches" if instruction.kind == "branches" else instruction.kind
            mix[kind] += block.runs
        if last.kind == "branches":
            mix.update(taken_branches=taken, other_branches=-taken)
    return {kind: mix[kind] for kind in MIX}, cycles


def _assumptions(silicon: Silicon) -> tuple[str, ...]:
    prefetch = ", and instructions are read ahead" if silicon.prefetch else ""
    return (
        "Arm's published timings of the Cortex-M4; RAM and buses without wait states.",
        f"A taken branch refills the pipeline in {REFILL.likely} cycles; {REFILL.least} to "
        f"{REFILL.most} make up the range.",
        f"Flash at {silicon.clock / 1e6:g} MHz: {silicon.flash_wait_states} wait states a read of "
        f"{silicon.flash_read} bytes; the last {silicon.code_lines} reads of instructions and "
        f"{silicon.data_lines} of constants are kept{prefetch}.",
        "Instructions that an IT block skips count as if they ran.",
        "No interrupt, no DMA, nothing else on the buses.",
    )

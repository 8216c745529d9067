"""Timings of the Cortex-M4: examples of Arm's manual, and each of its rules."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tinycomp.cycles.cortex_m4 import NONE, Cycles, timed
from tinycomp.cycles.disassembly import Instruction, disassemble
from tinycomp.target.boards import load_board

COMPILER = load_board("cortex-m4").compiler

pytestmark = pytest.mark.skipif(
    shutil.which(f"{COMPILER.prefix}as") is None, reason="no assembler for Arm is installed"
)


def assembled(text: str, folder: Path) -> tuple[Instruction, ...]:
    source, program = folder / "text.s", folder / "text.o"
    lines = [".syntax unified", ".cpu cortex-m4", ".thumb", *text.split(";"), ""]
    source.write_text("\n".join(lines))
    subprocess.run([f"{COMPILER.prefix}as", source, "-o", program], check=True)
    return disassemble(COMPILER, program)


def total(text: str, folder: Path) -> Cycles:
    return sum(timed(assembled(text, folder)), start=NONE)


@pytest.mark.parametrize(
    ("text", "cycles"),
    [
        # the manual's examples of pipelined loads
        ("ldr r0, [r1]; ldr r1, [r2]", 3),
        ("ldr r0, [r1, r2]; str r0, [r3, #20]", 3),
        ("ldr r0, [r1, r2]; str r1, [r3, r2]", 3),
        ("ldr r0, [r1, r5]; ldr r1, [r2]; ldr r2, [r3, #4]", 4),
        # loads that are not pipelined
        ("ldr r0, [r1]; ldr r2, [r0]", 4),
        ("ldr r0, [r1], #4; ldr r2, [r3]", 4),
        ("ldr r0, [r1, #4]!; ldr r2, [r3]", 4),
        ("ldr r0, [r1]; add r3, r4, r5; ldr r2, [r6]", 5),
        ("ldrd r0, r1, [r2]; ldr r3, [r2, #8]", 5),
        ("ldrsb r0, [r1]; ldrh r2, [r3]", 3),
        # several registers
        ("ldmia r0!, {r1, r2, r3, r4}", 5),
        ("stmia r0!, {r1, r2}", 3),
        ("push {r4, r5, lr}", 4),
        ("pop {r4, r5}", 3),
        ("strd r0, r1, [r2]", 3),
        # stores
        ("str r0, [r1, #4]; str r0, [r1, #8]", 2),
        ("strb r0, [r1, r2]", 2),
        # an address that was computed right before
        ("adds r0, #4; ldr r1, [r0]", 4),
        ("adds r0, #4; ldr r1, [r2]", 3),
        ("adds r0, #4; str r1, [r0]", 3),
        ("smull r0, r1, r2, r3; ldrb r4, [r1]", 4),
        ("cmp r0, #4; ldr r1, [r0]", 3),
        # all else
        ("mul r0, r1, r2; mla r0, r1, r2, r3; smlad r0, r1, r2, r3; smlal r0, r1, r2, r3", 4),
        ("sxtb16 r0, r1, ror #8; ssat r0, #8, r1; clz r2, r3; ubfx r0, r1, #2, #3", 4),
        ("bic r0, r1, r2; bfi r0, r1, #2, #3; bx lr", 3),
        ("tbb [pc, r0]", 2),
        ("cmp r0, #1; it lt; movlt r0, r1", 2),
    ],
)
def test_cycles(text: str, cycles: int, tmp_path: Path) -> None:
    assert total(text, tmp_path).likely == cycles


@pytest.mark.parametrize(
    ("text", "cycles"),
    [
        ("sdiv r0, r1, r2", Cycles(2, 7, 12)),
        ("ldr r0, [pc, #8]", Cycles(2, 2, 3)),
        ("adds r0, r1, r2; it lt; addlt r0, r1", Cycles(2, 2, 3)),
    ],
)
def test_timings_that_the_manual_leaves_open(text: str, cycles: Cycles, tmp_path: Path) -> None:
    assert total(text, tmp_path) == cycles


@pytest.mark.parametrize(
    ("text", "kind", "branches"),
    [
        ("ldrsb r0, [r1]", "loads", False),
        ("pop {r4, pc}", "loads", True),
        ("ldr pc, [r0]", "loads", True),
        ("push {r4, lr}", "stores", False),
        ("strexb r0, r1, [r2]", "stores", False),
        ("mls r0, r1, r2, r3", "multiplies", False),
        ("smuad r0, r1, r2", "multiplies", False),
        ("smlsd r0, r1, r2, r3", "multiplies", False),
        ("smmla r0, r1, r2, r3", "multiplies", False),
        ("umull r0, r1, r2, r3", "multiplies", False),
        ("smulbb r0, r1, r2", "multiplies", False),
        ("udiv r0, r1, r2", "divides", False),
        ("bics r0, r1", "others", False),
        ("bfc r0, #1, #2", "others", False),
        ("mov pc, r0", "others", True),
        ("movs r0, #1", "others", False),
        ("umaal r0, r1, r2, r3", "multiplies", False),
        ("usat r0, #8, r1", "others", False),
        ("bl .", "branches", True),
        ("blx r3", "branches", True),
        ("bx lr", "branches", True),
        ("beq .", "branches", True),
        ("cbnz r0, .+4", "branches", True),
        ("tbh [pc, r0, lsl #1]", "branches", True),
    ],
)
def test_kinds(text: str, kind: str, branches: bool, tmp_path: Path) -> None:
    (instruction,) = assembled(text, tmp_path)
    assert (instruction.kind, instruction.branches) == (kind, branches)


def test_sizes_and_addresses(tmp_path: Path) -> None:
    found = assembled("movs r0, #1; add.w r0, r1, r2; bx lr", tmp_path)
    assert [(each.address, each.size) for each in found] == [(0, 2), (2, 4), (6, 2)]

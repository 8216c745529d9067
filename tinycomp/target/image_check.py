"""Checks a program against the target board before flashing it."""

from __future__ import annotations

import re
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import ARMAttributesSection

from tinycomp.common.errors import BoardError
from tinycomp.target.boards import Board
from tinycomp.target.flash_tools._tool import FlashTool
from tinycomp.target.images import ELF_MAGIC, Segment, read_image, uf2_families

_MACHINES = {
    "EM_ARM": "Arm", "EM_RISCV": "RISC-V", "EM_XTENSA": "Xtensa", "EM_AVR": "AVR",
    "EM_X86_64": "x86-64", "EM_386": "x86", "EM_AARCH64": "AArch64",
}  # fmt: skip
_CORES = (
    ("cortex-m", "EM_ARM"), ("rv32", "EM_RISCV"), ("xtensa", "EM_XTENSA"), ("lx", "EM_XTENSA"),
    ("atmega", "EM_AVR"),
)  # fmt: skip
"""Prefixes of core names, and the machine in ELF files."""
_ARM_ARCHITECTURES = {
    "cortex-m0": (11, 12), "cortex-m0plus": (11, 12), "cortex-m3": (10, 11, 12),
    "cortex-m4": (10, 11, 12, 13), "cortex-m7": (10, 11, 12, 13),
    "cortex-m33": (10, 11, 12, 13, 16, 17), "cortex-m55": (10, 11, 12, 13, 16, 17, 21),
}  # fmt: skip
"""Values of Tag_CPU_arch supported by a core (Arm IHI 0045: 10 is v7, 11 v6-M, 12 v6S-M, 13 v7E-M,
16 and 17 v8-M, 21 v8.1-M).
"""
_AVR_ARCHITECTURES = {"atmega328p": 5, "atmega2560": 6, "atmega4809": 103}
"""AVR architectures in the flags of an ELF file (binutils, include/elf/avr.h)."""
_AVR_ARCHITECTURE = 0x7F


def check_image(board: Board, tool: FlashTool, firmware: Path) -> None:
    """Refuse a program for another board: for another core or chip, or at addresses outside the
    board's flash.

    Raises:
        BoardError: it is not for this board; names what was found and what was expected.
        ToolError: the file is damaged.
    """
    assert board.flash is not None
    segments = read_image(firmware, board.flash.address)
    data = firmware.read_bytes()
    elf = data[:4] == ELF_MAGIC
    problem = _wrong_core(board, firmware) if elf else tool.problem(data)
    if problem is None and board.flash.uf2_family and firmware.suffix == ".uf2":
        problem = _wrong_family(board.flash.uf2_family, firmware)
    if problem is None:
        problem = _outside(board, segments)
    if problem is not None:
        raise BoardError(
            f"'{firmware}' is not flashed on {board.name}: it {problem}.",
            hint=f"Build the model with --board {board.name}, or name another file with --image.",
        )


def _outside(board: Board, segments: tuple[Segment, ...]) -> str | None:
    assert board.flash is not None
    first, size = board.flash.address, board.memory.flash
    for segment in segments:
        if segment.address < first or segment.end > first + size:
            return (
                f"has bytes at 0x{segment.address:x} to 0x{segment.end - 1:x}, but the program's "
                f"flash is 0x{first:x} to 0x{first + size - 1:x}"
            )
    return None


def _wrong_family(wanted: int, firmware: Path) -> str | None:
    found = uf2_families(firmware)
    if found <= {wanted}:
        return None
    other = min(found - {wanted})
    return f"is for the UF2 family 0x{other:08x}, not 0x{wanted:08x}"


def _wrong_core(board: Board, firmware: Path) -> str | None:
    with firmware.open("rb") as stream:
        elf = ELFFile(stream)
        found = elf["e_machine"]
        wanted = next((machine for start, machine in _CORES if board.cpu.startswith(start)), found)
        if found != wanted or elf.elfclass != 32:
            name = _MACHINES.get(found, str(found))
            return f"is a program for {name} ({elf.elfclass} bits), and the core is {board.cpu}"
        if found == "EM_AVR":
            return _wrong_avr(board, elf["e_flags"] & _AVR_ARCHITECTURE)
        return _wrong_arm(board, elf) if found == "EM_ARM" else None


def _wrong_avr(board: Board, found: int) -> str | None:
    wanted = _AVR_ARCHITECTURES.get(board.cpu, found)
    if found == wanted:
        return None
    return f"is for the AVR architecture {found}, and the {board.cpu} has {wanted}"


def _wrong_arm(board: Board, elf: ELFFile) -> str | None:
    core = re.sub(r"[^a-z0-9-].*", "", board.cpu)
    section = elf.get_section_by_name(".ARM.attributes")
    allowed = _ARM_ARCHITECTURES.get(core)
    if allowed is None or not isinstance(section, ARMAttributesSection):
        return None
    found = [
        attribute.value
        for part in section.iter_subsections()
        for group in part.iter_subsubsections()
        for attribute in group.iter_attributes("TAG_CPU_ARCH")
    ]
    if not found or found[0] in allowed:
        return None
    return f"needs the Arm architecture with number {found[0]}, which the {board.cpu} does not have"

"""The instructions of a program as objdump shows them, and the kind of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from tinycomp.common.errors import ToolError
from tinycomp.device.trace import Block
from tinycomp.target.boards import Compiler
from tinycomp.target.toolchain import run_tool

Kind = Literal["loads", "stores", "multiplies", "divides", "branches", "others"]

_KINDS: tuple[tuple[Kind, str], ...] = (
    ("loads", r"ldr|ldm|pop"),
    ("stores", r"str|stm|push"),
    ("multiplies", r"mul|ml[as]|smu[las]|sml[as]|smm[lu]|um[alu]"),
    ("divides", r"[su]div"),
    ("branches", r"b(?!ic|fi|fc|kpt)|cbn?z|tb[bh]"),
)
"""Kind by the beginning of the mnemonic."""
_WRITES_NONE = r"cmp|cmn|tst|teq|it|nop"
_WRITES_TWO = r"[su]mull|[su]mlal|umaal|smlald|smlsld"
_DOUBLE = r"ldrd|strd"
_LINE = re.compile(r"^ *([0-9a-f]+):\t([0-9a-f ]+)\t(\S+)(?:\t([^@]*))?")
_REGISTER = re.compile(r"\b(r\d+|sl|fp|ip|sp|lr|pc)\b")


@dataclass(frozen=True)
class Instruction:
    """One instruction of an Arm program."""

    address: int
    """In the program's memory."""
    size: int
    """In bytes: 2 or 4."""
    mnemonic: str
    """"ldr", without a width suffix."""
    operands: str
    """As text: "r0, [r1, #4]"."""

    @cached_property
    def kind(self) -> Kind:
        """The kind of work."""
        found = (kind for kind, pattern in _KINDS if re.match(pattern, self.mnemonic))
        return next(found, "others")

    @property
    def branches(self) -> bool:
        """Whether the next instruction executed may be another than the following one."""
        return self.kind == "branches" or "pc" in self.written

    @cached_property
    def written(self) -> frozenset[str]:
        """Registers that it loads or computes; empty for comparisons, stores and branches."""
        if self.kind in ("stores", "branches") or re.match(_WRITES_NONE, self.mnemonic):
            return frozenset()
        if self.listed:
            return frozenset(self.listed)
        names = _REGISTER.findall(self.operands.split("[")[0])
        return frozenset(names[: 2 if re.match(_WRITES_TWO, self.mnemonic) else 1])

    @cached_property
    def address_registers(self) -> frozenset[str]:
        """Registers that form the address of a load or store."""
        inside = re.search(r"\[([^]]*)]", self.operands)
        return frozenset(_REGISTER.findall(inside[1])) if inside else frozenset()

    @cached_property
    def listed(self) -> tuple[str, ...]:
        """The registers that one instruction loads or stores; two for a double word."""
        if inside := re.search(r"{([^}]*)}", self.operands):
            return tuple(name.strip() for name in inside[1].split(","))
        double = re.match(_DOUBLE, self.mnemonic)
        return tuple(_REGISTER.findall(self.operands)[:2]) if double else ()

    @property
    def moves_base(self) -> bool:
        """Whether a single load or store also updates its address register."""
        return "]!" in self.operands or "], " in self.operands


def disassemble(compiler: Compiler, program: Path) -> tuple[Instruction, ...]:
    """All instructions of a program, by address.

    Raises:
        ToolError: objdump is missing or fails.
    """
    text = run_tool([f"{compiler.prefix}objdump", "-d", program], compiler.packages)
    found = [
        Instruction(
            int(line[1], 16), len(line[2].replace(" ", "")) // 2, line[3], (line[4] or "").strip()
        )
        for line in map(_LINE.match, text.splitlines())
        if line
    ]
    return tuple(sorted(found, key=lambda instruction: instruction.address))


@dataclass(frozen=True)
class Listing:
    """A program's instructions, found by address."""

    instructions: tuple[Instruction, ...]
    """In ascending order of addresses."""
    index: Mapping[int, int]
    """Position in `instructions` by address."""

    @classmethod
    def of(cls, instructions: Iterable[Instruction]) -> Listing:
        """Index instructions in ascending order of addresses."""
        ordered = tuple(instructions)
        return cls(ordered, {each.address: i for i, each in enumerate(ordered)})

    def block(self, block: Block) -> tuple[Instruction, ...]:
        """The instructions of a block.

        Raises:
            ToolError: the listing does not contain it: it belongs to another program.
        """
        first = self.index.get(block.start)
        found = () if first is None else self.instructions[first : first + block.length]
        if len(found) != block.length:
            raise ToolError(f"The program has no {block.length} instructions at {block.start:#x}.")
        return found

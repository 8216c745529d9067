"""Size and stack depth of a program, from GCC's ELF sections and call graphs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tinycomp.common.errors import ToolError

if TYPE_CHECKING:  # pyelftools is imported where a program is read: estimates read none
    from elftools.elf.sections import Section

EXTERNAL_STACK = 32
"""Assumed bytes of stack of a function outside the call graph (memcpy, compiler helpers), which
saves a few registers.
"""

_NOT_OURS = (".eh_frame", ".ARM.exidx", ".ARM.extab", ".note", ".init", ".fini")
"""Sections for unwinding, for the loader and for startup, which are not counted."""
_FAR = ".text.tc_far."
"""Sections of constants among the code (firmware/codecs/far_memory.h)."""
_INDIRECT = "__indirect_call"
_ASSEMBLY_STACK = "tc_stack_of_"
"""Prefix of symbols with the stack use of assembly in a function, in bytes
(firmware/kernels/assembly.h), which the compiler's figures don't include.
"""
_NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "([^"]*)"')
_EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
_BYTES = re.compile(r"(\d+) bytes \((\w+)")


@dataclass(frozen=True)
class Sizes:
    """Bytes by kind."""

    code: int
    """In flash."""
    constants: int
    """In flash."""
    data: int
    """In RAM, with initial values in flash."""
    bss: int
    """In RAM, zero at start."""
    far: int = 0
    """The part of the constants that may be anywhere in an AVR's memory."""

    @property
    def flash(self) -> int:
        """Total bytes stored in flash."""
        return self.code + self.constants + self.data

    @property
    def ram(self) -> int:
        """Total bytes of static RAM."""
        return self.data + self.bss


def section_sizes(elf: Path) -> Sizes:
    """The sizes of an object or a program, by section.

    Constants in AVR's program memory can only be told from code while they have their own
    sections: in objects and relocatable links, not in programs.

    Raises:
        ToolError: not an ELF file.
    """
    from elftools.elf.elffile import ELFFile

    totals = dict.fromkeys(("code", "constants", "data", "bss", "far"), 0)
    try:
        with elf.open("rb") as stream:
            for section in ELFFile(stream).iter_sections():
                kind = _kind(section)
                if kind is not None:
                    totals[kind] += section["sh_size"]
    except Exception as error:  # pyelftools raises many types for damaged files
        raise ToolError(f"{elf} can't be read as an ELF file: {error}.") from error
    totals["constants"] += totals["far"]
    return Sizes(**totals)


def _kind(section: Section) -> str | None:
    from elftools.elf.constants import SH_FLAGS

    name, flags = section.name, section["sh_flags"]
    if not flags & SH_FLAGS.SHF_ALLOC or name.startswith(_NOT_OURS):
        return None
    if name.startswith(".progmem.gcc"):  # jump tables
        return "code"
    if name.startswith(_FAR):
        return "far"
    if name.startswith((".rodata", ".progmem", ".data.rel.ro")):
        return "constants"
    if flags & SH_FLAGS.SHF_EXECINSTR:
        return "code"
    if section["sh_type"] == "SHT_NOBITS":
        return "bss"
    return "data" if flags & SH_FLAGS.SHF_WRITE else "constants"


@dataclass
class _CallGraph:
    frames: dict[str, int] = field(default_factory=dict)
    """Stack frame of each function, in bytes."""
    calls: dict[str, set[str]] = field(default_factory=dict)
    """Functions called by each function."""
    bounded: bool = True
    """Whether all frames have a static size."""


def assembly_stack(objects: Iterable[Path]) -> dict[str, int]:
    """Bytes of stack of functions that the compiler's figures don't include, by name."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    found = {}
    for path in objects:
        with path.open("rb") as stream:
            table = ELFFile(stream).get_section_by_name(".symtab")
            for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
                if symbol.name.startswith(_ASSEMBLY_STACK):
                    found[symbol.name.removeprefix(_ASSEMBLY_STACK)] = int(symbol["st_value"])
    return found


def deepest_stack(
    graphs: Iterable[Path], root: str, assembly: Mapping[str, int] | None = None
) -> int | None:
    """Maximum stack of a call of `root` in bytes, from GCC's .ci files (-fcallgraph-info=su) and
    the result of `assembly_stack`.

    A call through a pointer is assumed to reach any function that nothing calls by name. None if
    the depth is not bounded: recursion, or arrays of variable length.

    Raises:
        ToolError: no graph defines `root`.
    """
    graph = _CallGraph()
    for path in graphs:
        _read_graph(path, graph)
    if root not in graph.frames:
        raise ToolError(f"The compiler's call graphs do not hold {root}.")
    for title in graph.frames:
        function = title.rpartition(":")[2].partition(".")[0]  # without file name and clone suffix
        graph.frames[title] += (assembly or {}).get(function, 0)
    called = {target for targets in graph.calls.values() for target in targets}
    graph.calls[_INDIRECT] = graph.frames.keys() - called - {root}
    return _depth(root, graph.frames, graph.calls, ()) if graph.bounded else None


def _read_graph(path: Path, graph: _CallGraph) -> None:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if edge := _EDGE.match(line):
            graph.calls.setdefault(edge[1], set()).add(edge[2])
        elif (node := _NODE.match(line)) and (size := _BYTES.search(node[2])):
            graph.frames[node[1]] = int(size[1])
            graph.bounded &= size[2] != "dynamic" or "bounded" in node[2]


def _depth(
    function: str, frames: Mapping[str, int], calls: Mapping[str, set[str]], path: tuple[str, ...]
) -> int | None:
    if function in path:
        return None
    own = 0 if function == _INDIRECT else frames.get(function, EXTERNAL_STACK)
    depths = [
        _depth(target, frames, calls, (*path, function))
        for target in sorted(calls.get(function, ()))
    ]
    deepest = 0
    for depth in depths:
        if depth is None:
            return None
        deepest = max(deepest, depth)
    return own + deepest

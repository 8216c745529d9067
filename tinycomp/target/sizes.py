"""How large a program is and how deep its stack, read from what GCC leaves behind: ELF sections
and call graphs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section, SymbolTableSection

from tinycomp.common.errors import ToolError

EXTERNAL_STACK = 32
"""Bytes assumed for a function outside the call graph (memcpy, a compiler's helper): they keep a
few registers.
"""

_NOT_OURS = (".eh_frame", ".ARM.exidx", ".ARM.extab", ".note", ".init", ".fini")
"""Sections for unwinding, for the loader, and for starting a program."""
_INDIRECT = "__indirect_call"
_ASSEMBLY_STACK = "tc_stack_of_"
"""Symbols with which kernels say how many bytes of stack their assembly takes in a function
(firmware/kernels/assembly.h): the compiler's figures leave them out.
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

    @property
    def flash(self) -> int:
        """All that is stored in flash."""
        return self.code + self.constants + self.data

    @property
    def ram(self) -> int:
        """All that takes RAM before the first call."""
        return self.data + self.bss


def section_sizes(elf: Path) -> Sizes:
    """The sizes of an object or a program, by section.

    Constants in AVR's program memory are told from code only while their sections are their own:
    in objects and relocatable links, not in programs.

    Raises:
        ToolError: not an ELF file.
    """
    totals = dict.fromkeys(("code", "constants", "data", "bss"), 0)
    try:
        with elf.open("rb") as stream:
            for section in ELFFile(stream).iter_sections():
                kind = _kind(section)
                if kind is not None:
                    totals[kind] += section["sh_size"]
    except Exception as error:  # pyelftools raises many types on damaged files
        raise ToolError(f"{elf} can't be read as an ELF file: {error}.") from error
    return Sizes(**totals)


def _kind(section: Section) -> str | None:
    name, flags = section.name, section["sh_flags"]
    if not flags & SH_FLAGS.SHF_ALLOC or name.startswith(_NOT_OURS):
        return None
    if name.startswith(".progmem.gcc"):  # jump tables
        return "code"
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
    calls: dict[str, set[str]] = field(default_factory=dict)
    bounded: bool = True


def assembly_stack(objects: Iterable[Path]) -> dict[str, int]:
    """Bytes of stack that functions take beside what the compiler knows of, by their names."""
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
    """The most stack, in bytes, that a call of `root` can take, from GCC's .ci files
    (-fcallgraph-info=su) and from what `assembly_stack` found.

    A call through a pointer is taken to reach any function that nothing calls by name. None where
    the depth has no bound: recursion, or an array of variable length.

    Raises:
        ToolError: no graph defines `root`.
    """
    graph = _CallGraph()
    for path in graphs:
        _read_graph(path, graph)
    if root not in graph.frames:
        raise ToolError(f"The compiler's call graphs do not hold {root}.")
    for title in graph.frames:
        function = title.rpartition(":")[2].partition(".")[0]  # without its file and its clone
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

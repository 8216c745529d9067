"""The instructions of one inference, block by block, counted by a QEMU plugin.

The plugin (firmware/emulators/qemu_blocks.c) is compiled for this computer. It counts between two
readings of the port's clock, like `Device.run`, so both must give the same number of instructions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tinycomp.common import resources
from tinycomp.common.errors import ToolError
from tinycomp.device.emulator import emulate, qemu
from tinycomp.device.link import Link
from tinycomp.device.protocol import Device
from tinycomp.ir.tensor import Array
from tinycomp.target.boards import Board, Silicon, load_board
from tinycomp.target.toolchain import Dialect, Options, compile_objects, link

CLOCK = "tc_port_ticks"
"""The function of firmware/harness/port.h that `tc run` calls around an inference."""
PLUGIN = "qemu_blocks"


@dataclass(frozen=True)
class Block:
    """Consecutive instructions."""

    start: int
    """Address of the first."""
    length: int
    """Number of instructions."""
    runs: int
    """Number of executions."""
    left: int
    """Number of executions followed by a jump."""


@dataclass(frozen=True)
class Trace:
    """The execution of one inference."""

    blocks: tuple[Block, ...]
    """The instructions."""
    fetches: int
    """Flash reads for instructions that miss the chip's accelerator."""
    constants: int
    """Flash reads for data that miss the accelerator."""
    instructions: int
    """Count of the port's own clock."""


def trace(board: Board, program: Path, sample: Array) -> Trace:
    """Run one sample in the board's emulator, after a warm-up.

    Args:
        board: with QEMU as its emulator, and a table [silicon].
        program: the linked harness with a model; the plugin and its output are placed beside it.
        sample: one int8 input.

    Raises:
        ToolError: the plugin does not compile, or wrote nothing.
        DeviceError: the emulator ended: it may have been built without plugin support.
    """
    assert board.emulator is not None
    assert board.silicon is not None
    plugin, out = _plugin(program.parent), program.with_suffix(".trace")
    out.unlink(missing_ok=True)
    settings = _settings(board.silicon, program, out)
    emulator = qemu(board.emulator)
    command = (*emulator.command, "-plugin", f"file={_quoted(plugin)},{settings}")
    with (
        emulate(replace(emulator, command=command), program) as port,
        Link(port, baud=board.baud) as line,
    ):
        device = Device(line)
        device.load(sample)
        device.run()
        instructions = device.run()
    if not out.is_file():
        raise ToolError(f"{board.emulator.program} ended without the plugin's counts in {out}.")
    return _read(out.read_text(encoding="ascii"), instructions)


def _plugin(build: Path) -> Path:
    source = resources.firmware() / "emulators" / f"{PLUGIN}.c"
    compiler = load_board("host").compiler
    options = Options(flags=("-fPIC", "-fvisibility=hidden"), dialect=Dialect(c=("-std=gnu11",)))
    objects = compile_objects(compiler, [source], build, options)
    return link(compiler, objects, build / f"{PLUGIN}.so", ["-shared"])


def _settings(silicon: Silicon, program: Path, out: Path) -> str:
    marker, (first, end) = _address_of(CLOCK, program), _read_only(program)
    values = {
        "marker": marker,
        "flash": f"{first}-{end}",
        "line": silicon.flash_read,
        "code_lines": silicon.code_lines,
        "data_lines": silicon.data_lines,
        "prefetch": int(silicon.prefetch),
        "out": _quoted(out),
    }
    return ",".join(f"{key}={value}" for key, value in values.items())


def _quoted(path: Path) -> str:
    """Format of a plugin option in QEMU."""
    return str(path).replace(",", ",,")


def _address_of(function: str, program: Path) -> int:
    """Address of a function, without the Thumb bit."""
    found = None
    with program.open("rb") as stream:
        symbols = ELFFile(stream).get_section_by_name(".symtab")
        if isinstance(symbols, SymbolTableSection):
            found = symbols.get_symbol_by_name(function)
    if not found:
        raise ToolError(f"{program} has no function {function}.")
    return int(found[0]["st_value"]) & ~1


def _read_only(program: Path) -> tuple[int, int]:
    """Address range of code and constants: first, and after the last."""
    with program.open("rb") as stream:
        sections = [
            (section["sh_addr"], section["sh_addr"] + section["sh_size"])
            for section in ELFFile(stream).iter_sections()
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC
            and not section["sh_flags"] & SH_FLAGS.SHF_WRITE
        ]
    return min(first for first, _ in sections), max(end for _, end in sections)


def _read(text: str, instructions: int) -> Trace:
    blocks, totals = [], {"fetches": 0, "constants": 0}
    for line in text.splitlines():
        key, *numbers = line.split()
        if key == "block":
            blocks.append(Block(*map(int, numbers)))
        else:
            totals[key] = int(numbers[0])
    return Trace(tuple(blocks), totals["fetches"], totals["constants"], instructions)

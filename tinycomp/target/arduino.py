"""Builds an Arduino sketch with avr-gcc and Debian's package of the AVR core, without an IDE.

The flags are those of the core's platform.txt, so what builds here also builds in the Arduino IDE.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tinycomp.common.errors import OverflowingError, ToolError
from tinycomp.common.installing import install_hint
from tinycomp.target import toolchain
from tinycomp.target.boards import Board
from tinycomp.target.project_tables.arduino import Arduino
from tinycomp.target.sizes import section_sizes
from tinycomp.target.toolchain import Dialect, Options

CORE = Path("/usr/share/arduino/hardware/arduino/avr")
"""Location of Debian's arduino-core-avr."""

_IDE_VERSION = 10819
STACK = 320
"""Minimum bytes that a sketch leaves for its stack: 150 for an inference and interrupts, the rest
for its callers.
"""
_SOURCES = (".c", ".cpp", ".S")
_LTO = ("-flto", "-fuse-linker-plugin", "-lm")


def is_available(board: Board) -> bool:
    """Whether sketches for this board can be built here."""
    settings = _settings(board)
    has_pins = bool(settings.variant) and _variant(settings).is_dir()
    return toolchain.is_available(board.compiler) and has_pins


def build_sketch(board: Board, library: Path, sketch: Path, build: Path) -> Path:
    """Build a sketch with its library; return the program (ELF).

    Args:
        board: with project = "arduino".
        library: the library's folder, with src/.
        sketch: the sketch's folder, with <name>.ino; includes C and C++ files beside it and in
            src/.
        build: folder for objects and the program.

    Raises:
        OverflowingError: the sketch is too large, or leaves too little RAM for its stack.
        ToolError: compiler or core are missing, or the sketch does not compile or link.
    """
    if not CORE.is_dir():
        raise ToolError(
            f"The Arduino core for AVR is not installed in {CORE}.",
            hint=install_hint(board.compiler.packages),
        )
    options = _options(board, library / "src")
    objects = toolchain.compile_objects(
        board.compiler, [*_sources(sketch), *_sources(library)], build, options
    )
    core = _core(board, build / "core", options)
    program = build / f"{sketch.name}.elf"
    toolchain.link(board.compiler, [*objects, core], program, _LTO)
    used, ram = section_sizes(program).ram, board.memory.ram
    if used + STACK > ram:
        raise OverflowingError(
            f"The sketch '{sketch.name}' takes {used:,} of {ram:,} bytes of RAM; its stack needs "
            f"{STACK:,}."
        )
    return program


def _core(board: Board, build: Path, options: Options) -> Path:
    """The core as an archive, so that only the serial ports in use are linked."""
    # WString.cpp uses DECIMAL_DIG, which <float.h> of Debian's avr-gcc 5.4 hides from C++.
    quiet = replace(options, flags=(*options.flags, "-w", "-DDECIMAL_DIG=__DECIMAL_DIG__"))
    objects = toolchain.compile_objects(
        board.compiler, _sources(CORE / "cores" / "arduino"), build, quiet
    )
    return toolchain.archive(board.compiler, objects, build / "core.a")


def _sources(folder: Path) -> list[Path]:
    """Sources of the folder and its src/, and its sketch, in a fixed order."""
    found = [path for path in folder.glob("*") if path.suffix in (*_SOURCES, ".ino")]
    found += [path for path in (folder / "src").rglob("*") if path.suffix in _SOURCES]
    return sorted(found)


def _options(board: Board, library: Path) -> Options:
    settings = _settings(board)
    return Options(
        include=(library, CORE / "cores" / "arduino", _variant(settings)),
        flags=(
            "-flto", "-fno-fat-lto-objects",
            f"-DF_CPU={_clock(board)}L", f"-DARDUINO={_IDE_VERSION}",
            *([f"-DARDUINO_{settings.define}"] if settings.define else []), "-DARDUINO_ARCH_AVR",
            *_usb(board),
        ),
        dialect=Dialect(
            c=("-std=gnu11",),
            cpp=("-std=gnu++11", "-fpermissive", "-fno-exceptions", "-fno-threadsafe-statics"),
        ),
    )  # fmt: skip


def _usb(board: Board) -> list[str]:
    """The USB id that a chip with its own USB (ATmega32U4) reports; the core needs it."""
    if board.usb is None:
        return []
    vendor, product = board.usb.ids[0].split(":")
    return [f"-DUSB_VID=0x{vendor}", f"-DUSB_PID=0x{product}"]


def _variant(settings: Arduino) -> Path:
    """The core's folder for the pins of a board; Debian's core lacks those of other chips."""
    return CORE / "variants" / settings.variant


def _settings(board: Board) -> Arduino:
    if not isinstance(board.settings, Arduino):
        raise ToolError(f"Board {board.name} has no table [arduino]: there is no sketch to build.")
    return board.settings


def _clock(board: Board) -> int:
    if board.clock is None:
        raise ToolError(f"Board {board.name} has no key 'clock', which its sketch is compiled for.")
    return board.clock

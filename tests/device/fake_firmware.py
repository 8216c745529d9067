"""Builds the harness with the fake model, and exchanges raw bytes with it."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tinycomp.common import resources
from tinycomp.device import firmware_build
from tinycomp.device.emulator import emulate, qemu, run_native
from tinycomp.device.link import Link
from tinycomp.target import boards
from tinycomp.target.arduino import build_sketch
from tinycomp.target.ports import link_flags
from tinycomp.target.toolchain import SANITIZE, STRICT, Options, compile_objects, is_available, link

HASH = "0123456789abcdef" * 4
FAKE_MODEL = Path(__file__).parent / "fake_model.c"
EMULATED = "cortex-m4"
Build = Callable[..., Path]
"""Builds a program for a board."""
BOOT = "m-timestamp-mode-performance\r\nm-lap-us-T\r\nm-init-done\r\nm-ready\r\n"


def harness_sources() -> list[Path]:
    """The sources of the harness, except the host runner, which has no protocol."""
    folder = resources.firmware() / "harness"
    return [path for path in sorted(folder.glob("*.c")) if path.name != "host_runner.c"]


def port_sources(board: boards.Board) -> list[Path]:
    return [path for path in resources.port_files(board.port) if path.suffix == ".c"]


def build_fake(
    board_name: str, folder: Path, input_format: str = "INT8", results: str = "OUTPUT",
    keeps_input: str = "1",
) -> Path:  # fmt: skip
    """The harness, the board's port and the fake model; with sanitizers on this computer."""
    board = boards.load_board(board_name)
    if not is_available(board.compiler):
        pytest.skip(f"{board.compiler.prefix}gcc is not installed")
    if board.project == "arduino":
        return _build_sketch(board, folder, input_format)
    port = resources.port_folders(board.port)
    sanitize = SANITIZE if board.is_host else ()
    options = Options((resources.firmware() / "harness", *port), (*STRICT, *sanitize))
    sources = [*harness_sources(), *port_sources(board)]
    objects = compile_objects(board.compiler, sources, folder, options)
    defined = (
        f"-DFORMAT=TC_INPUT_{input_format}", f"-DRESULTS=TC_RESULTS_{results}",
        f"-DKEEPS_INPUT={keeps_input}",
    )  # fmt: skip
    chosen = replace(options, flags=(*options.flags, *defined))
    objects += compile_objects(board.compiler, [FAKE_MODEL], folder, chosen)
    flags = sanitize if board.is_host else link_flags(board.port, port)
    program = folder / f"fake-{board_name}-{input_format}-{results}-{keeps_input}"
    return link(board.compiler, objects, program, flags)


def _build_sketch(board: boards.Board, folder: Path, input_format: str) -> Path:
    """The same, as a sketch without a library."""
    sketch = folder / f"fake-{input_format}"
    headers = (resources.firmware() / "harness").glob("*.h")
    (sketch / "src").mkdir(parents=True)
    for path in (*harness_sources(), *headers, *resources.port_files(board.port)):
        if path.name != "main.c":
            shutil.copy(path, sketch / "src")
    model = f"#define FORMAT TC_INPUT_{input_format}\n{FAKE_MODEL.read_text()}"
    (sketch / "src" / "model.c").write_text(model)
    (sketch / f"{sketch.name}.ino").write_text(
        '#include "src/server.h"\nvoid setup() { tc_server_run(); }\nvoid loop() {}\n'
    )
    return build_sketch(board, folder / "no-library", sketch, folder / "build")


def talk(program: Path, commands: bytes) -> str:
    """The host program's replies after its boot lines, with times as T; it must exit with 0."""
    done = subprocess.run([program], input=commands, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    text = without_times(done.stdout.decode("ascii"))
    assert text.startswith(BOOT)
    return text.removeprefix(BOOT)


def talk_over(link_to_device: Link, commands: bytes) -> str:
    """The same over a serial line: reads the boot lines and one reply per command."""
    link_to_device.write(commands)
    lines: list[str] = []
    while lines.count("m-ready") < commands.count(b"%") + 1:
        line = link_to_device.read_line(time.monotonic() + 10)
        assert line is not None, lines
        lines.append(line)
    text = without_times("".join(f"{line}\r\n" for line in lines))
    assert text.startswith(BOOT)
    return text.removeprefix(BOOT)


def without_times(text: str) -> str:
    """Times differ from run to run."""
    return re.sub(r"m-lap-us-\d+", "m-lap-us-T", text)


def reply(*lines: str) -> str:
    """These lines and the end of the reply."""
    return "".join(f"{line}\r\n" for line in (*lines, "m-ready"))


@cache
def emulator() -> boards.Emulator:
    """The emulator of the board; skips the test if it is not installed."""
    board = boards.load_board(EMULATED)
    skip_without(board)
    assert board.emulator is not None
    return board.emulator


def started(board: str, program: Path) -> AbstractContextManager[str]:
    """The running program's port."""
    return emulate(qemu(emulator()), program) if board == EMULATED else run_native(program)


def skip_without(board: boards.Board) -> None:
    """Skip the test if the board's compiler or emulator is not installed."""
    if reason := firmware_build.missing(board):
        pytest.skip(f"{board.name}: {reason}")


def hex_commands(data: bytes, verb: str, size: int) -> bytes:
    """Data as commands of size bytes."""
    parts: Sequence[bytes] = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(f"{verb} {part.hex()}%".encode() for part in parts)

"""Programs that act as a device: an emulator or a process on this machine.

The program's standard input and output are the controlling side of a new pseudo-terminal in raw
mode; the path of the other side is a port like any other. It is kept open here, so that a client
can close and reopen the port.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from tinycomp.common import resources
from tinycomp.common.errors import DeviceError, ToolError
from tinycomp.common.installing import install_hint
from tinycomp.target import boards
from tinycomp.target.toolchain import Dialect, Options, compile_objects, link

SECONDS_TO_END = 2.0
NO_TERMINALS = "Emulated boards need one: use WSL, or a real board with --port."


@dataclass(frozen=True)
class Emulator:
    """The command of an emulator."""

    command: tuple[str, ...]
    """Program and arguments; `{firmware}` is replaced by the program's path. The first UART is on
    standard input and output, or on the descriptor `{line}`.
    """
    packages: tuple[str, ...]
    """Debian packages of the program, for error messages."""


@dataclass(frozen=True)
class Running:
    """A running program that acts as a device."""

    port: str
    """Path of the pseudo-terminal of its first UART."""
    process: subprocess.Popen[bytes]
    """The program."""

    def wait(self) -> None:
        """Wait until the program ends, which it does not by itself.

        Raises:
            DeviceError: it ended.
        """
        self.process.wait()
        raise DeviceError(f"Port {self.port} went away.")


def emulator_of(settings: boards.Emulator, build: Path, *, true_speed: bool = False) -> Emulator:
    """Return the emulator of a board's settings.

    Args:
        settings: table [emulator] of the board.
        build: a folder for compiling the front end, if the emulator is a library.
        true_speed: whether the board's clock runs in real time, instead of as fast as possible.

    Raises:
        ToolError: the front end does not compile: the library is not installed; the emulator
            can't run at true speed.
    """
    if front_end(settings):
        plain = simavr(settings, build)
        return _at_true_speed_simavr(plain) if true_speed else plain
    return _at_true_speed_qemu(settings) if true_speed else qemu(settings)


def _at_true_speed_simavr(emulator: Emulator) -> Emulator:
    return replace(emulator, command=(*emulator.command, "true"))


def _at_true_speed_qemu(settings: boards.Emulator) -> Emulator:
    """QEMU then prints to standard output when it falls behind, so the serial line is elsewhere."""
    if "-icount" not in settings.args or "-semihosting" in settings.args:
        raise ToolError(
            f"{settings.program} {settings.machine} runs at free speed only: its line is its "
            "standard output.",
            hint="Leave --speed out.",
        )
    count = settings.args.index("-icount") + 1
    args = [*settings.args]
    args[count] += ",align=on"
    emulator = qemu(settings.model_copy(update={"args": tuple(args)}))
    line = ("-add-fd", "fd={line},set=1", "-chardev", "serial,id=uart,path=/dev/fdset/1")
    at = emulator.command.index("-chardev")
    return replace(emulator, command=(*emulator.command[:at], *line, *emulator.command[at + 2 :]))


def front_end(settings: boards.Emulator) -> Path | None:
    """The source of the front end for an emulator library; None if the emulator is a program."""
    source = resources.firmware() / "emulators" / f"{settings.program}.c"
    return source if source.is_file() else None


def simavr(emulator: boards.Emulator, build: Path) -> Emulator:
    """Return a chip in simavr, its first UART on standard input and output."""
    source = front_end(emulator)
    assert source is not None
    compiler = boards.load_board("host").compiler.model_copy(update={"packages": emulator.packages})
    objects = compile_objects(
        compiler, [source], build, Options(dialect=Dialect(c=("-std=gnu11",)))
    )
    program = link(compiler, objects, build / emulator.program, [f"-l{emulator.program}"])
    return Emulator(
        (str(program), emulator.machine, *emulator.args, "{firmware}"), emulator.packages
    )


def qemu(emulator: boards.Emulator) -> Emulator:
    """Return a board in QEMU, its first UART on standard input and output, without a window."""
    cpu = ("-cpu", emulator.cpu) if emulator.cpu else ()
    command = (
        *(emulator.program, "-machine", emulator.machine, *cpu, *emulator.args),
        *("-display", "none", "-monitor", "none"),
        *("-chardev", "stdio,id=uart,signal=off", "-serial", "chardev:uart"),
        *("-kernel", "{firmware}"),
    )
    return Emulator(command, emulator.packages)


@contextmanager
def emulate(emulator: Emulator, firmware: Path) -> Iterator[str]:
    """Run firmware in an emulator during the context.

    Yields:
        The path of the pseudo-terminal that is the board's first UART.

    Raises:
        ToolError: the emulator is not installed.
        DeviceError: it ended by itself, and the context failed.
    """
    with start(emulator, firmware) as running:
        yield running.port


@contextmanager
def start(emulator: Emulator, firmware: Path) -> Iterator[Running]:
    """As `emulate`, with the process."""
    if shutil.which(emulator.command[0]) is None:
        raise ToolError(
            f"The emulator {emulator.command[0]} is not installed.",
            hint=install_hint(emulator.packages),
        )
    command = [part.replace("{firmware}", str(firmware)) for part in emulator.command]
    with _on_terminal(command) as running:
        yield running


@contextmanager
def run_native(program: Path) -> Iterator[str]:
    """Run firmware built for this machine (firmware/ports/host); yields like `emulate`."""
    with start_native(program) as running:
        yield running.port


@contextmanager
def start_native(program: Path) -> Iterator[Running]:
    """As `run_native`, with the process."""
    with _on_terminal([str(program.resolve())]) as running:
        yield running


@contextmanager
def _on_terminal(command: Sequence[str]) -> Iterator[Running]:
    control, line = _terminal()
    port = os.ttyname(line)  # now: the name is gone if the program ends at once
    with tempfile.TemporaryFile() as messages:
        try:
            process = _started([*_ends_with_us(), *command], control, messages)
        finally:
            os.close(control)
        try:
            yield Running(port, process)
        except DeviceError as error:
            raise _explained(error, process, messages.fileno(), command[0]) from error
        finally:
            _end(process)
            os.close(line)


def _started(command: Sequence[str], control: int, messages: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a program whose line is the controlling side of a pseudo-terminal."""
    words = [word.replace("{line}", str(control)) for word in command]
    if words == list(command):
        return subprocess.Popen(words, stdin=control, stdout=control, stderr=messages)
    return subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages, pass_fds=[control]
    )


def _ends_with_us() -> tuple[str, ...]:
    """Before a command: it ends when this process is killed (Linux, by util-linux's setpriv)."""
    return ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()


def _terminal() -> tuple[int, int]:
    """Both sides of a new pseudo-terminal in raw mode: the controlling side, and the line."""
    if not has_terminals():
        raise ToolError(f"This system has no pseudo-terminals. {NO_TERMINALS}")
    import tty  # imported here: Windows has no such module, and only emulation needs it

    control, line = os.openpty()
    tty.setraw(line)
    return control, line


def has_terminals() -> bool:
    """Whether this system has pseudo-terminals."""
    return sys.platform != "win32"


def _explained(
    error: DeviceError, process: subprocess.Popen[bytes], messages: int, name: str
) -> DeviceError:
    """Report that the program itself ended, instead of a silent device."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.2)
    if process.returncode is None:
        return error
    os.lseek(messages, 0, os.SEEK_SET)
    text = os.read(messages, 4000).decode(errors="replace").strip()
    return DeviceError(
        f"{name} ended with exit code {_code(process.returncode)}: {text or 'it said nothing'}.",
        hint=error.what,
    )


def _code(code: int) -> str:
    """An exit code, with the signal that a negative one stands for."""
    return str(code) if code >= 0 else f"{code} ({signal.strsignal(-code) or 'a signal'})"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

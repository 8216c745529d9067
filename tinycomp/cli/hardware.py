"""Commands for boards and their clients; they import heavy modules only when called."""

from __future__ import annotations

import json
import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tinycomp.cli.app import command, console, emit, shown, tell
from tinycomp.cli.options import (
    Baud,
    Built,
    ClassNames,
    Force,
    InputQuantization,
    LabelColumn,
    Labels,
    NoReset,
    Offset,
    OtherBoard,
    Port,
    Samples,
    Scale,
    StartupTimeout,
    XKey,
    YKey,
    serial_port,
    split,
)
from tinycomp.cli.terminal_progress import TerminalProgress
from tinycomp.options.data import DataOptions

if TYPE_CHECKING:
    from tinycomp.mlperf import RunnerFolder
    from tinycomp.target.boards import Board

FlashPort = Annotated[
    str | None,
    typer.Option(
        "--port",
        "-p",
        help="The board's serial port; the only one that may be the board by default.",
        show_default=False,
    ),
]
Tool = Annotated[
    str | None,
    typer.Option(
        "--tool",
        help="One of the board's flash tools; the first that is installed by default.",
        show_default=False,
    ),
]
Image = Annotated[
    Path | None,
    typer.Option(
        "--image",
        help="Flash this .elf, .hex, .bin or .uf2 instead of building the project.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the commands, and do nothing.")]


@command()
def ports() -> None:
    """List the serial ports, with the boards that they may be by their USB ids."""
    from tinycomp.device.ports import boards_of, found_ports
    from tinycomp.report.boards import port_table
    from tinycomp.target.boards import list_boards

    boards = list_boards()
    found = [(port, boards_of(port, boards)) for port in found_ports()]
    emit(
        lambda: [
            {
                "name": port.name,
                "usb_id": port.usb_id,
                "description": port.description,
                "boards": names,
            }
            for port, names in found
        ]
    )
    if not found:
        console.print("No serial ports: connect a board.")
        return
    rows = ((port.name, port.usb_id, port.description, names) for port, names in found)
    console.print(port_table(rows))


@command()
def flash(
    folder: Built,
    port: FlashPort = None,
    board: OtherBoard = None,
    tool: Tool = None,
    image: Image = None,
    dry_run: DryRun = False,
) -> None:
    """Build a folder's serial program with its project's own tools, and flash it."""
    from tinycomp import api

    name = api.flash(
        folder, port=port, board=board, tool=tool, image=image, dry_run=dry_run,
        show=_print_command if dry_run else _show_command, progress=TerminalProgress(),
    )  # fmt: skip
    if dry_run:
        return
    emit(lambda: {"folder": str(folder), "port": name})
    console.print(f"Flashed {folder}")
    where = f" --port {name}" if name else " --port <its serial port>"
    console.print(f"Next: tinycomp verify {folder}{where}")


@command()
def run(
    folder: Built,
    port: FlashPort = None,
    board: OtherBoard = None,
    tool: Tool = None,
    image: Image = None,
    samples: Samples = 8,
    startup_timeout: StartupTimeout = None,
    no_reset: NoReset = False,
    dry_run: DryRun = False,
) -> None:
    """Build and flash a folder, then verify and bench it on the board: latency in milliseconds."""
    from tinycomp import api
    from tinycomp.device.link import STARTUP_SECONDS
    from tinycomp.report import terminal
    from tinycomp.report.record import to_json

    if dry_run:
        api.flash(
            folder, port=port, board=board, tool=tool, image=image, dry_run=True,
            show=_print_command, progress=TerminalProgress(),
        )  # fmt: skip
        for command in _checks(folder, board, port, samples, startup_timeout, no_reset=no_reset):
            _print_command(command)
        return
    found, report = api.run(
        folder, port=port, board=board, tool=tool, image=image, samples=samples,
        startup_timeout=startup_timeout or STARTUP_SECONDS, reset=not no_reset,
        show=_show_command, progress=TerminalProgress(),
    )  # fmt: skip
    emit(
        lambda: {
            "verification": terminal.verification_content(found),
            "report": None if report is None else json.loads(to_json(report)),
        }
    )
    terminal.show_verification(console, found)
    if report is None:
        raise typer.Exit(1)
    terminal.show(console, report, verbose=shown.verbose)


def _checks(
    folder: Path, board: str | None, port: str | None, samples: int,
    startup_timeout: float | None, *, no_reset: bool,
) -> tuple[str, str]:  # fmt: skip
    """The commands for what `run` does after flashing."""
    where = [] if board is None else ["--board", board]
    where += ["--port", port or "PORT"]
    where += [] if startup_timeout is None else ["--startup-timeout", f"{startup_timeout:g}"]
    where += ["--no-reset"] if no_reset else []
    return (
        shlex.join(["tinycomp", "verify", str(folder), *where, "--samples", str(samples)]),
        shlex.join(["tinycomp", "bench", str(folder), *where]),
    )


@command()
def serve(
    folder: Built,
    board: OtherBoard = None,
    link: Annotated[
        Path | None,
        typer.Option(
            "--link", help="Keep the port at this name too (dut.tty).", show_default=False
        ),
    ] = None,
    speed: Annotated[
        Literal["free", "true"],
        typer.Option(
            "--speed", help="true: the board's clock runs as fast as yours; free: as it can."
        ),
    ] = "free",
) -> None:
    """Keep an emulated board running, for any client of its serial port; Ctrl-C ends it."""
    from tinycomp import hardware

    def ready(port: str, served: Board) -> None:
        emit(lambda: {"folder": str(folder), "board": served.name, "port": port})
        also = f", also {link}" if link else ""
        console.print(f"Serving {folder} on {served.name} at {port}{also}. Ctrl-C ends it.")

    signal.signal(signal.SIGTERM, _stop)
    try:
        hardware.serve(folder, board, link, speed == "true", TerminalProgress(), ready)
    except KeyboardInterrupt:
        console.print("Ended.")


def _stop(number: int, frame: object) -> None:
    """End as Ctrl-C does, so that links and emulators go too."""
    raise KeyboardInterrupt


@command()
def runner(
    folder: Built,
    data: Annotated[Path, typer.Option("--data", "-d", help="Samples with labels (docs/data.md).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    samples: Annotated[
        int | None,
        typer.Option(
            "--samples",
            min=1,
            help="At most this many, in turn of each class; all by default.",
            show_default=False,
        ),
    ] = None,
    input_quantization: InputQuantization = None,
    input_scale: Scale = 1.0,
    input_offset: Offset = 0.0,
    x_key: XKey = None,
    y_key: YKey = None,
    labels: Labels = None,
    label_column: LabelColumn = None,
    class_names: ClassNames = None,
    board: OtherBoard = None,
    port: Port = None,
    baud: Baud = None,
    startup_timeout: StartupTimeout = None,
    no_reset: NoReset = False,
    force: Force = False,
) -> None:
    """Write devices, tests and data for MLPerf Tiny's runner, and say how it is started."""
    from tinycomp import mlperf

    reading = DataOptions(
        x_key,
        y_key,
        input_scale,
        input_offset,
        labels=labels,
        label_column=label_column,
        class_names=split(class_names),
    )
    line = serial_port(port, baud, startup_timeout, no_reset)
    options = mlperf.RunnerOptions(
        data, output, reading, samples, input_quantization, board, line, force
    )
    written = mlperf.runner(folder, options, TerminalProgress())
    emit(
        lambda: {
            "output": str(output),
            "profile": written.benchmark.profile,
            "samples": written.samples,
        }
    )
    _print_runner(folder, output, written, board, port)


def _print_runner(
    folder: Path, output: Path, written: RunnerFolder, board: str | None, port: str | None
) -> None:
    """What was written, and the commands that come next."""
    text = f"Wrote {output}: {written.benchmark.profile}, {written.samples} samples"
    if written.repeated is not None:
        text += f"; performance: {written.repeated.runs} inferences of {written.seconds:.3g} s"
    console.print(text)
    if port is None:
        where = f" --board {board}" if board else ""
        console.print("Keep the emulated board running in another terminal:")
        _print_command(f"tinycomp serve {folder}{where} --link dut.tty --speed true")
    console.print("Then, with RUNNER for benchmark/runner of github.com/mlcommons/tiny:")
    for mode in ("a", "p") if written.repeated is not None else ("a",):
        _print_command(f"python {output}/start.py RUNNER --port {port or 'dut.tty'} --mode {mode}")


def _print_command(command: str) -> None:
    console.print(command, soft_wrap=True)


def _show_command(command: str) -> None:
    tell(f"$ {command}")

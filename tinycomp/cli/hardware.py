"""Commands for boards on a desk: ports, flashing; they import heavy modules only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinycomp.cli.app import app, console, errors
from tinycomp.cli.options import Built, NoReset, OtherBoard, Samples, StartupTimeout
from tinycomp.cli.terminal_progress import TerminalProgress

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


@app.command()
def ports() -> None:
    """List the serial ports, with the boards that they may be by their USB ids."""
    from tinycomp.device.ports import boards_of, found_ports
    from tinycomp.report.boards import port_table
    from tinycomp.target.boards import list_boards

    boards = list_boards()
    found = [(port, boards_of(port, boards)) for port in found_ports()]
    if not found:
        console.print("No serial ports: connect a board.")
        return
    rows = ((port.name, port.usb_id, port.description, names) for port, names in found)
    console.print(port_table(rows))


@app.command()
def flash(
    folder: Built,
    port: FlashPort = None,
    board: OtherBoard = None,
    tool: Tool = None,
    image: Image = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the commands, and do nothing.")
    ] = False,
) -> None:
    """Build a folder's serial program with its project's own tools, and flash it."""
    from tinycomp import pipeline
    from tinycomp.device.flashing import FlashOptions

    options = FlashOptions(port, tool, image, dry_run)
    if dry_run:
        pipeline.flash(folder, board, options, TerminalProgress(), _print_command)
        return
    name = pipeline.flash(folder, board, options, TerminalProgress(), _show_command)
    console.print(f"Flashed {folder}", markup=False)
    where = f" --port {name}" if name else " --port <its serial port>"
    console.print(f"Next: tinycomp verify {folder}{where}", markup=False)


@app.command()
def run(
    folder: Built,
    port: FlashPort = None,
    board: OtherBoard = None,
    tool: Tool = None,
    image: Image = None,
    samples: Samples = 8,
    startup_timeout: StartupTimeout = None,
    no_reset: NoReset = False,
) -> None:
    """Build and flash a folder, then verify and bench it on the board: latency in milliseconds."""
    from tinycomp import pipeline
    from tinycomp.device.flashing import FlashOptions
    from tinycomp.device.link import STARTUP_SECONDS, SerialPort
    from tinycomp.report import terminal

    options = FlashOptions(port, tool, image)
    line = SerialPort("", None, startup_timeout or STARTUP_SECONDS, reset=not no_reset)
    found, report = pipeline.flash_and_check(
        folder, board, options, samples, line, TerminalProgress(), _show_command
    )
    terminal.show_verification(console, found)
    if report is None:
        raise typer.Exit(1)
    terminal.show(console, report)


def _print_command(command: str) -> None:
    console.print(command, markup=False, soft_wrap=True)


def _show_command(command: str) -> None:
    errors.print(f"$ {command}", markup=False, soft_wrap=True)

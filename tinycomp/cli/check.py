"""Commands that run a model or a build; they import heavy modules only when called."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tinycomp.cli import stages
from tinycomp.cli.app import command, console, emit, shown
from tinycomp.cli.options import (
    Baud,
    Built,
    ClassNames,
    Data,
    Evaluate,
    ForceFile,
    LabelColumn,
    Labels,
    Model,
    NoReset,
    Offset,
    OtherBoard,
    Port,
    Samples,
    Scale,
    StartupTimeout,
    TaskName,
    XKey,
    YKey,
    serial_port,
    split,
)
from tinycomp.cli.project_file import ProjectCommand
from tinycomp.cli.terminal_progress import TerminalProgress
from tinycomp.options.build import BuildOptions
from tinycomp.options.data import DataOptions


@command(ProjectCommand)
def verify(
    folder: Built,
    board: OtherBoard = None,
    data: Data = None,
    samples: Samples = BuildOptions.samples,
    input_scale: Scale = DataOptions.scale,
    input_offset: Offset = DataOptions.offset,
    x_key: XKey = None,
    label_column: LabelColumn = None,
    port: Port = None,
    baud: Baud = None,
    startup_timeout: StartupTimeout = None,
    no_reset: NoReset = False,
) -> None:
    """Compare every byte of every tensor: LiteRT, simulator, C on the host and on the board."""
    from tinycomp import api
    from tinycomp.report import terminal

    found = api.verify(
        folder,
        board=board,
        data=data,
        samples=samples,
        input_scale=input_scale,
        input_offset=input_offset,
        x_key=x_key,
        label_column=label_column,
        port=serial_port(port, baud, startup_timeout, no_reset),
        progress=TerminalProgress(),
    )
    emit(lambda: terminal.verification_content(found))
    terminal.show_verification(console, found)
    if not found.equal:
        raise typer.Exit(1)


@command(ProjectCommand)
def bench(
    folder: Built,
    board: OtherBoard = None,
    port: Port = None,
    baud: Baud = None,
    startup_timeout: StartupTimeout = None,
    no_reset: NoReset = False,
    estimate_cycles: Annotated[
        bool,
        typer.Option(
            "--estimate-cycles",
            help="Estimate cycles on a real chip from the emulated instructions.",
        ),
    ] = False,
) -> None:
    """Measure one inference on a board, over serial: latency by layer, flash, RAM and stack."""
    from tinycomp import api
    from tinycomp.report import terminal
    from tinycomp.report.record import to_json

    report = api.bench(
        folder,
        board=board,
        port=serial_port(port, baud, startup_timeout, no_reset),
        estimate_cycles=estimate_cycles,
        progress=TerminalProgress(),
    )
    emit(lambda: to_json(report))
    terminal.show(console, report, verbose=shown.verbose)


@command()
def simulate(
    model: Model,
    data: Annotated[Path, typer.Option("--data", "-d", help="Samples (docs/data.md).")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the outputs to this .npz.")
    ] = None,
    input_scale: Scale = DataOptions.scale,
    input_offset: Offset = DataOptions.offset,
    x_key: XKey = None,
    y_key: YKey = None,
    labels: Labels = None,
    label_column: LabelColumn = None,
    class_names: ClassNames = None,
    evaluate: Evaluate = None,
    task: TaskName = None,
    force: ForceFile = False,
) -> None:
    """Run the NumPy reference simulator on data: accuracy, and the outputs on request."""
    from tinycomp import simulating

    options = DataOptions(
        x_key, y_key, input_scale, input_offset, test_samples=evaluate, task=task, labels=labels,
        label_column=label_column, class_names=split(class_names),
    )  # fmt: skip
    steps = [*stages.preparation(model, data, compressed=False), "Simulating"]
    found = simulating.simulate(model, data, options, output, force, TerminalProgress(steps))
    emit(lambda: asdict(found))
    console.print(found.text)

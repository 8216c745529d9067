"""Commands that build or convert a model; they import heavy modules only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tinycomp.cli import stages
from tinycomp.cli.app import command, console, emit, shown
from tinycomp.cli.options import (
    Activations,
    Bits,
    BoardName,
    Calibration,
    ClassNames,
    Data,
    Evaluate,
    Force,
    ForceFile,
    Goal,
    InputQuantization,
    LabelColumn,
    Labels,
    LibraryOnly,
    Model,
    Offset,
    Recipe,
    Samples,
    Scale,
    Sparsity,
    TaskName,
    XKey,
    YKey,
    origin_of,
    split,
)
from tinycomp.cli.project_file import ProjectCommand
from tinycomp.cli.terminal_progress import TerminalProgress
from tinycomp.cli.typed import command_line
from tinycomp.options.build import HOST, BuildOptions, PlanOptions, Preparation
from tinycomp.options.data import DataOptions

Folder = Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")]
Name = Annotated[
    str | None, typer.Option(help="Prefix of the C names; the file's name by default.")
]
NoVerify = Annotated[bool, typer.Option("--no-verify", help="Don't compare executions.")]
NoBench = Annotated[bool, typer.Option("--no-bench", help="Don't measure on the board.")]
Optimize = Annotated[
    Goal,
    typer.Option(help="What streaming by rows and the storage of weights optimize for."),
]
RamLimit = Annotated[
    int | None,
    typer.Option("--ram-limit", min=1, help="Bytes that the arena may have.", show_default=False),
]
PushInput = Annotated[bool, typer.Option("--push-input", help="Let the input come row by row.")]
Stream = Annotated[
    int | None,
    typer.Option(
        "--stream",
        min=1,
        metavar="ROWS",
        help="Take so many new rows of the window at a time, and compute only what is new "
        "(docs/streaming.md).",
        show_default=False,
    ),
]
Benchmark = Annotated[
    Literal["kws", "vww", "ic", "ad", "sww"] | None,
    typer.Option(
        "--benchmark",
        help="Which of MLPerf Tiny's benchmarks the firmware says it is; by its name if not given.",
        show_default=False,
    ),
]
Packages = Annotated[
    str | None,
    typer.Option(
        "--package",
        metavar="KIND,...",
        help="Also write packages of the library: arduino, cmake, cmsis-pack, esp-idf, "
        "platformio, zephyr (docs/packages.md).",
        show_default=False,
    ),
]
PackageUrl = Annotated[
    str | None,
    typer.Option(
        "--package-url", help="The packages' web page, for their manifests.", show_default=False
    ),
]


@command(ProjectCommand)
def build(
    model: Model,
    output: Folder,
    board: BoardName = HOST,
    data: Data = None,
    codebook_bits: Bits = None,
    sparsity: Sparsity = Preparation.sparsity,
    recipe: Recipe = None,
    calibration: Calibration = Preparation.calibration,
    input_quantization: InputQuantization = None,
    activations: Activations = "8",
    input_scale: Scale = DataOptions.scale,
    input_offset: Offset = DataOptions.offset,
    x_key: XKey = None,
    y_key: YKey = None,
    labels: Labels = None,
    label_column: LabelColumn = None,
    class_names: ClassNames = None,
    name: Name = None,
    samples: Samples = BuildOptions.samples,
    evaluate: Evaluate = None,
    task: TaskName = None,
    no_verify: NoVerify = not BuildOptions.verify,
    no_bench: NoBench = not BuildOptions.bench,
    optimize: Optimize = PlanOptions.optimize,
    ram_limit: RamLimit = None,
    push_input: PushInput = False,
    stream: Stream = None,
    benchmark: Benchmark = None,
    package: Packages = None,
    package_url: PackageUrl = None,
    force: Force = False,
    library_only: LibraryOnly = False,
) -> None:
    """Compress, quantize and emit a model; then evaluate, verify and bench what was emitted."""
    from tinycomp import api
    from tinycomp.report import terminal
    from tinycomp.report.record import to_json

    steps = stages.building(
        model, data, board, compressed=bool(codebook_bits or sparsity or recipe),
        verify=not no_verify, bench=not no_bench, streamed=stream is not None,
    )  # fmt: skip
    report = api.build(
        model,
        data,
        board=board,
        output=output,
        codebook_bits=codebook_bits,
        sparsity=sparsity,
        recipe=recipe,
        calibration=calibration,
        input_quantization=input_quantization,
        activations=int(activations),
        input_scale=input_scale,
        input_offset=input_offset,
        x_key=x_key,
        y_key=y_key,
        labels=labels,
        label_column=label_column,
        class_names=split(class_names),
        evaluate=evaluate,
        task=task,
        name=name,
        samples=samples,
        verify=not no_verify,
        bench=not no_bench,
        optimize=optimize,
        ram_limit=ram_limit,
        push_input=push_input,
        stream=stream,
        benchmark=benchmark,
        package=package or (),
        package_url=package_url,
        force=force,
        library_only=library_only,
        command=command_line(),
        progress=TerminalProgress(steps),
    ).report
    emit(lambda: to_json(report))
    origin = origin_of(output, report, model, data, board)
    terminal.show(console, report, origin, verbose=shown.verbose)
    console.print(f"Wrote {output}")


@command()
def quantize(
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .tflite file to write.")],
    data: Data = None,
    codebook_bits: Bits = None,
    sparsity: Sparsity = Preparation.sparsity,
    recipe: Recipe = None,
    calibration: Calibration = Preparation.calibration,
    input_quantization: InputQuantization = None,
    activations: Activations = "8",
    input_scale: Scale = DataOptions.scale,
    input_offset: Offset = DataOptions.offset,
    x_key: XKey = None,
    label_column: LabelColumn = None,
    force: ForceFile = False,
) -> None:
    """Write a model as a standard int8 .tflite, compressed on request."""
    from tinycomp import api

    steps = stages.preparation(model, data, compressed=bool(codebook_bits or sparsity or recipe))
    tflite = api.quantize(
        model,
        data,
        output=output,
        codebook_bits=codebook_bits,
        sparsity=sparsity,
        recipe=recipe,
        calibration=calibration,
        input_quantization=input_quantization,
        activations=int(activations),
        input_scale=input_scale,
        input_offset=input_offset,
        x_key=x_key,
        label_column=label_column,
        force=force,
        progress=TerminalProgress(steps),
    )
    emit(lambda: {"output": str(output), "bytes": len(tflite)})
    console.print(f"Wrote {output}: {len(tflite):,} bytes")

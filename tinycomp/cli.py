"""The command line: thin Typer commands over pipeline.py. Heavy imports happen inside commands, so
that help is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from tinycomp import __version__
from tinycomp.errors import TinycompError

if TYPE_CHECKING:
    from tinycomp.data import DataOptions
    from tinycomp.progress import Advance

app = typer.Typer(
    name="tinycomp",
    help="A trained Keras model goes in; firmware comes out: small, fast, and proven right.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Model = Annotated[
    Path, typer.Argument(help="A .keras, .h5 or int8 .tflite file.", show_default=False)
]
Built = Annotated[
    Path, typer.Argument(help="A folder that 'tinycomp build' wrote.", show_default=False)
]
BoardName = Annotated[
    str,
    typer.Option(
        "--board", "-b", help="A name from 'tinycomp boards', or the path of a board file."
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", "-d", help="Calibration and evaluation samples: an .npz (docs/data.md)."
    ),
]
Bits = Annotated[
    int | None,
    typer.Option(
        "--codebook-bits",
        min=1,
        max=8,
        help="At most 2^BITS distinct weights a codebook.",
        show_default=False,
    ),
]
Sparsity = Annotated[
    float,
    typer.Option("--sparsity", min=0.0, max=0.99, help="Share of weights to prune, by magnitude."),
]
Recipe = Annotated[
    Path | None,
    typer.Option("--recipe", help="Compression by layer: a TOML file (docs/recipes.md)."),
]
Calibration = Annotated[
    str | None,
    typer.Option("--calibration", help="How ranges are chosen: min-max, percentile or mse."),
]
Scale = Annotated[float, typer.Option("--input-scale", help="Model input = data * scale + offset.")]
Offset = Annotated[
    float, typer.Option("--input-offset", help="Model input = data * scale + offset.")
]
XKey = Annotated[str | None, typer.Option("--x-key", help="The array of inputs in the .npz.")]
YKey = Annotated[str | None, typer.Option("--y-key", help="The array of labels in the .npz.")]
OtherBoard = Annotated[
    str | None,
    typer.Option("--board", "-b", help="Another board than the build's.", show_default=False),
]
Samples = Annotated[int, typer.Option("--samples", min=1, help="Samples to verify on.")]
Evaluate = Annotated[
    int | None,
    typer.Option(
        "--evaluate",
        min=1,
        help="Evaluate on at most this many samples; all by default.",
        show_default=False,
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Replace what tinycomp wrote into an existing folder.")
]
ForceFile = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
Port = Annotated[
    str | None,
    typer.Option("--port", help="Serial port of a real board, already flashed with the build."),
]


class _Terminal:
    """Shows stages as progress bars, and notes as lines when they come."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    @contextmanager
    def stage(self, title: str, total: int = 0) -> Iterator[Advance]:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
        )
        with Bars(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bars:
            task = bars.add_task(title, total=total or None)
            yield lambda done: bars.update(task, advance=done)

    def note(self, text: str) -> None:
        self.notes.append(text)
        errors.print(f"Note: {text}", markup=False)


def _version(wanted: bool) -> None:
    if wanted:
        console.print(f"tinycomp {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    pass


@app.command()
def build(
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    board: BoardName = "host",
    data: Data = None,
    codebook_bits: Bits = None,
    sparsity: Sparsity = 0.0,
    recipe: Recipe = None,
    calibration: Calibration = None,
    input_scale: Scale = 1.0,
    input_offset: Offset = 0.0,
    x_key: XKey = None,
    y_key: YKey = None,
    name: Annotated[
        str | None, typer.Option(help="Prefix of the C names; the file's name by default.")
    ] = None,
    samples: Samples = 8,
    evaluate: Evaluate = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Don't compare executions.")
    ] = False,
    no_bench: Annotated[
        bool, typer.Option("--no-bench", help="Don't measure on the board.")
    ] = False,
    optimize: Annotated[
        Literal["ram", "speed", "balanced"],
        typer.Option(help="What streaming by rows and the storage of weights are chosen for."),
    ] = "balanced",
    ram_limit: Annotated[
        int | None,
        typer.Option(
            "--ram-limit", min=1, help="Bytes that the arena may have.", show_default=False
        ),
    ] = None,
    push_input: Annotated[
        bool, typer.Option("--push-input", help="Let the input come row by row.")
    ] = False,
    force: Force = False,
) -> None:
    """Compress, quantize and emit a model; then evaluate, verify and bench what was emitted."""
    from tinycomp import pipeline
    from tinycomp.prepare import Preparation
    from tinycomp.report import terminal

    options = _data_options(input_scale, input_offset, x_key, y_key, evaluate)
    wanted = Preparation(model, data, options, codebook_bits, sparsity, recipe, calibration, name)
    report = pipeline.build(
        pipeline.BuildOptions(
            wanted,
            board,
            output,
            samples,
            verify=not no_verify,
            bench=not no_bench,
            force=force,
            optimize=optimize,
            ram_limit=ram_limit,
            push_input=push_input,
        ),
        _Terminal(),
    )
    terminal.show(console, report)
    console.print(f"Wrote {output}", markup=False)


@app.command()
def quantize(
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .tflite file to write.")],
    data: Data = None,
    codebook_bits: Bits = None,
    sparsity: Sparsity = 0.0,
    recipe: Recipe = None,
    calibration: Calibration = None,
    input_scale: Scale = 1.0,
    input_offset: Offset = 0.0,
    x_key: XKey = None,
    force: ForceFile = False,
) -> None:
    """Write a model as a standard int8 .tflite, compressed on request."""
    from tinycomp import pipeline
    from tinycomp.prepare import Preparation

    options = _data_options(input_scale, input_offset, x_key, None, 1)
    wanted = Preparation(model, data, options, codebook_bits, sparsity, recipe, calibration)
    size = pipeline.quantize(wanted, output, force, _Terminal())
    console.print(f"Wrote {output}: {size:,} bytes", markup=False)


@app.command()
def verify(
    folder: Built,
    board: OtherBoard = None,
    data: Data = None,
    samples: Samples = 8,
    input_scale: Scale = 1.0,
    input_offset: Offset = 0.0,
    x_key: XKey = None,
    port: Port = None,
) -> None:
    """Run LiteRT, the simulator, C on the host and C on the board; compare every byte of every
    tensor.
    """
    from tinycomp import pipeline
    from tinycomp.report import terminal

    options = _data_options(input_scale, input_offset, x_key, None, None)
    found = pipeline.verify(folder, board, data, options, samples, port, _Terminal())
    terminal.show_verification(console, found)
    if not found.equal:
        raise typer.Exit(1)


@app.command()
def bench(
    folder: Built,
    board: OtherBoard = None,
    port: Port = None,
    estimate_cycles: Annotated[
        bool,
        typer.Option(
            "--estimate-cycles", help="Estimate cycles on a real chip from what the emulator runs."
        ),
    ] = False,
) -> None:
    """Measure one inference on a board, over serial: latency by layer, flash, RAM and stack."""
    from tinycomp import pipeline
    from tinycomp.report import terminal

    report = pipeline.bench(folder, board, port, _Terminal(), estimate_cycles)
    terminal.show(console, report)


@app.command()
def simulate(
    model: Model,
    data: Annotated[Path, typer.Option("--data", "-d", help="Samples: an .npz (docs/data.md).")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the outputs to this .npz.")
    ] = None,
    input_scale: Scale = 1.0,
    input_offset: Offset = 0.0,
    x_key: XKey = None,
    y_key: YKey = None,
    evaluate: Evaluate = None,
    force: ForceFile = False,
) -> None:
    """Run the NumPy reference simulator on data: accuracy, and the outputs on request."""
    from tinycomp import pipeline

    options = _data_options(input_scale, input_offset, x_key, y_key, evaluate)
    line = pipeline.simulate(model, data, options, output, force, _Terminal())
    console.print(line, markup=False)


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="A model file, or a folder of a build.")],
) -> None:
    """Show a model layer by layer, or the report of a build."""
    from tinycomp import pipeline
    from tinycomp.report import terminal
    from tinycomp.report.record import read_report

    if path.is_dir():
        terminal.show(console, read_report(path))
    else:
        summary = pipeline.inspect(path, _Terminal())
        console.print(terminal.layers(summary.layers, width=console.width))
        console.print(f"{summary.macs:,} multiply-accumulates, {summary.parameters:,} parameters")


@app.command()
def boards() -> None:
    """List the boards."""
    from tinycomp.boards import list_boards
    from tinycomp.report import terminal

    console.print(terminal.boards(list_boards()))


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")] = Path(
        "demo-out"
    ),
    force: Force = False,
) -> None:
    """Train a small model on handwritten digits, then do everything with it that tinycomp does."""
    from tinycomp import demo as demonstration
    from tinycomp.report import terminal

    terminal.show(console, demonstration.run(output, force, _Terminal()))
    console.print(f"Wrote {output}")


def _data_options(
    scale: float, offset: float, x_key: str | None, y_key: str | None, evaluate: int | None
) -> DataOptions:
    from tinycomp.data import DataOptions

    return DataOptions(x_key, y_key, scale, offset, test_samples=evaluate)


def main() -> None:
    """Run the command line; a mistake of the user's is one paragraph on stderr and exit code 2."""
    try:
        app(prog_name="tinycomp")
    except TinycompError as error:
        errors.print("[bold red]Error:[/bold red]", end=" ")
        errors.print(str(error), soft_wrap=True, markup=False)
        sys.exit(2)

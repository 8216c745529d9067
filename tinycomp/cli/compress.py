"""The compress command; it imports heavy modules only when called."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from tinycomp.cli.app import app, console, errors
from tinycomp.cli.options import (
    Evaluate,
    ForceFile,
    Offset,
    Scale,
    TaskName,
    XKey,
    YKey,
    data_options,
)
from tinycomp.cli.terminal_progress import TerminalProgress

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kKmM]?)[bB]?")
_UNITS = {"": 1, "k": 1000, "m": 1000_000}


def size(text: str) -> int:
    """Parse a size in bytes such as "12k", "7600" or "1.5M"; k is 1,000."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise typer.BadParameter(f"{text!r} is not a size. Expected bytes, such as 7600 or 12k.")
    return int(float(found[1]) * _UNITS[found[2].lower()])


@app.command()
def compress(
    model: Annotated[Path, typer.Argument(help="A float model: .keras or .h5.")],
    data: Annotated[
        Path,
        typer.Option("--data", "-d", help="Samples to train and test on: an .npz (docs/data.md)."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .tflite file to write.")],
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            help="balanced, fast, lossless or tiny, or a TOML file (docs/recipes.md).",
        ),
    ] = "balanced",
    target_bytes: Annotated[
        int | None,
        typer.Option(
            "--target-bytes",
            parser=size,
            metavar="BYTES",
            help="The most flash bytes of constants, such as 12k; sets the bits of the step rate.",
            show_default=False,
        ),
    ] = None,
    min_accuracy: Annotated[
        float | None,
        typer.Option(
            "--min-accuracy",
            min=0.0,
            max=1.0,
            help="The lowest accuracy on validation samples, such as 0.97.",
            show_default=False,
        ),
    ] = None,
    board: Annotated[
        str, typer.Option("--board", "-b", help="The board to measure sizes for.")
    ] = "cortex-m4",
    optimize: Annotated[
        Literal["ram", "speed", "balanced"],
        typer.Option(help="What builds are optimized for when sizes are measured."),
    ] = "ram",
    teacher: Annotated[
        Path | None,
        typer.Option(
            help="A float model whose outputs are imitated; the model itself by default.",
            show_default=False,
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="A folder for checkpoints after each epoch; an interrupted run resumes there.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Epochs of every training; as in the recipe by default."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Seed of all trainings; as in the recipe by default."),
    ] = None,
    input_scale: Scale = 1.0,
    input_offset: Offset = 0.0,
    x_key: XKey = None,
    y_key: YKey = None,
    evaluate: Evaluate = None,
    task: TaskName = None,
    force: ForceFile = False,
) -> None:
    """Compress a model with training, step by step, and write it as a standard int8 .tflite."""
    from tinycomp.proof.assembly import PlanOptions
    from tinycomp.recipes.compression import CompressOptions, compress_to
    from tinycomp.recipes.targets import Targets
    from tinycomp.report.numbers import show_metric
    from tinycomp.report.steps import StepRecord, step_line, steps_table

    options = CompressOptions(
        model,
        data,
        data_options(input_scale, input_offset, x_key, y_key, evaluate, task),
        recipe,
        board,
        PlanOptions(optimize),
        Targets(target_bytes, min_accuracy),
        teacher,
        checkpoint,
        epochs,
        seed,
    )

    def report(record: StepRecord) -> None:
        errors.print(step_line(record), markup=False)

    found = compress_to(options, output, force, TerminalProgress(), report)
    console.print(steps_table(found.steps, board))
    for name, score in (("float", found.real), ("compressed", found.small)):
        if score is not None:
            shown = show_metric(score.metric, score.value)
            console.print(f"{name}: {score.metric} {shown} on {score.samples} test samples")
    console.print(f"Wrote {output}: {len(found.prepared.tflite):,} bytes", markup=False)
    console.print(
        f"Build it with: tinycomp build {output} --board {board} --optimize {optimize} -o out",
        soft_wrap=True,
        markup=False,
    )

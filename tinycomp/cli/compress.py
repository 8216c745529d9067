"""The compress command; it imports heavy modules only when called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinycomp.cli.app import app, console, errors
from tinycomp.cli.options import (
    Evaluate,
    ForceFile,
    Goal,
    LabelColumn,
    Labels,
    Offset,
    Scale,
    TaskName,
    XKey,
    YKey,
    data_options,
)
from tinycomp.cli.targets import Float, MinAccuracy, TrainingData, size, work
from tinycomp.cli.terminal_progress import TerminalProgress

if TYPE_CHECKING:
    from tinycomp.options.compress import CompressOptions
    from tinycomp.recipes.compression import Compressed

Output = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="The int8 .tflite file to write, or the trained float .keras."
    ),
]
RecipeName = Annotated[
    str,
    typer.Option(
        "--recipe", help="balanced, fast, lossless or tiny, or a TOML file (docs/recipes.md)."
    ),
]
TargetBytes = Annotated[
    int | None,
    typer.Option(
        "--target-bytes",
        parser=size,
        metavar="BYTES",
        help="The most flash bytes of constants, such as 12k; sets the bits of the step rate.",
        show_default=False,
    ),
]
TargetFlash = Annotated[
    int | None,
    typer.Option(
        "--target-flash",
        parser=size,
        metavar="BYTES",
        help="Like --target-bytes, for the constants and the code of the library.",
        show_default=False,
    ),
]
TargetMacs = Annotated[
    int | None,
    typer.Option(
        "--target-macs",
        parser=work,
        metavar="COUNT",
        help="The most multiply-accumulates, such as 5M; sets macs of the last step that has it.",
        show_default=False,
    ),
]
BoardName = Annotated[str, typer.Option("--board", "-b", help="The board to measure sizes for.")]
Optimize = Annotated[
    Goal,
    typer.Option(help="What builds are optimized for when sizes are measured."),
]
Teacher = Annotated[
    Path | None,
    typer.Option(
        help="A float model whose outputs are imitated; the model itself by default.",
        show_default=False,
    ),
]
Checkpoints = Annotated[
    Path | None,
    typer.Option(
        help="A folder for checkpoints after each epoch; an interrupted run resumes there.",
        show_default=False,
    ),
]
Epochs = Annotated[
    int | None, typer.Option(min=1, help="Epochs of every training; as in the recipe by default.")
]
Seed = Annotated[
    int | None, typer.Option(min=0, help="Seed of all trainings; as in the recipe by default.")
]


@app.command()
def compress(
    model: Float,
    data: TrainingData,
    output: Output,
    recipe: RecipeName = "balanced",
    target_bytes: TargetBytes = None,
    target_flash: TargetFlash = None,
    target_macs: TargetMacs = None,
    min_accuracy: MinAccuracy = None,
    board: BoardName = "cortex-m4",
    optimize: Optimize = "flash",
    teacher: Teacher = None,
    checkpoint: Checkpoints = None,
    epochs: Epochs = None,
    seed: Seed = None,
    input_scale: Scale = 1.0,
    input_offset: Offset = 0.0,
    x_key: XKey = None,
    y_key: YKey = None,
    labels: Labels = None,
    label_column: LabelColumn = None,
    evaluate: Evaluate = None,
    task: TaskName = None,
    force: ForceFile = False,
) -> None:
    """Compress a model with training, step by step, and write it as a standard int8 .tflite."""
    from tinycomp.options.build import PlanOptions
    from tinycomp.options.compress import CompressOptions, Targets

    options = CompressOptions(
        model,
        data,
        data_options(input_scale, input_offset, x_key, y_key, evaluate, task, labels, label_column),
        recipe,
        board,
        PlanOptions(optimize),
        Targets(target_bytes, min_accuracy, target_flash, target_macs),
        teacher,
        checkpoint,
        epochs,
        seed,
    )
    _show(_run(options, output, force), options, output)


def _run(options: CompressOptions, output: Path, force: bool) -> Compressed:
    """Run the recipe, printing a line after each step."""
    from tinycomp.recipes.compression import compress_to
    from tinycomp.report.record import StepRecord
    from tinycomp.report.steps import step_line

    def report(record: StepRecord) -> None:
        errors.print(step_line(record), markup=False)

    return compress_to(options, output, force, TerminalProgress(), report)


def _show(found: Compressed, options: CompressOptions, output: Path) -> None:
    """Print the table, the scores, and what to do next."""
    from tinycomp.report.numbers import show_metric
    from tinycomp.report.steps import steps_table

    console.print(steps_table(found.steps, options.board))
    for name, score in (("float", found.real), ("compressed", found.small)):
        if score is not None:
            shown = show_metric(score.metric, score.value)
            console.print(f"{name}: {score.metric} {shown} on {score.samples} test samples")
    console.print(f"Wrote {output}: {output.stat().st_size:,} bytes", markup=False)
    data = f"--data {options.data} " if output.suffix == ".keras" else ""
    console.print(
        f"Build it with: tinycomp build {output} {data}--board {options.board} "
        f"--optimize {options.planning.optimize} -o out",
        soft_wrap=True,
        markup=False,
    )

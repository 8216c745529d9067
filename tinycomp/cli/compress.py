"""The compress command; it imports heavy modules only when called."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinycomp.cli.app import command, console, emit, tell
from tinycomp.cli.options import (
    ClassNames,
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
    split,
)
from tinycomp.cli.project_file import ProjectCommand
from tinycomp.cli.targets import Float, MinAccuracy, TrainingData, size, work
from tinycomp.cli.terminal_progress import TerminalProgress
from tinycomp.options.compress import SIZES_BOARD, SIZES_GOAL, CompressOptions
from tinycomp.options.data import DataOptions

if TYPE_CHECKING:
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


@command(ProjectCommand)
def compress(
    model: Float,
    data: TrainingData,
    output: Output,
    recipe: RecipeName = CompressOptions.recipe,
    target_bytes: TargetBytes = None,
    target_flash: TargetFlash = None,
    target_macs: TargetMacs = None,
    min_accuracy: MinAccuracy = None,
    board: BoardName = SIZES_BOARD,
    optimize: Optimize = SIZES_GOAL.optimize,
    teacher: Teacher = None,
    checkpoint: Checkpoints = None,
    epochs: Epochs = None,
    seed: Seed = None,
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
    """Compress a model with training, step by step, and write it as a standard int8 .tflite."""
    from tinycomp import api
    from tinycomp.report.record import StepRecord
    from tinycomp.report.steps import step_line

    def report(record: StepRecord) -> None:
        tell(step_line(record))

    found = api.compress(
        model,
        data,
        output=output,
        recipe=recipe,
        target_bytes=target_bytes,
        target_flash=target_flash,
        target_macs=target_macs,
        min_accuracy=min_accuracy,
        board=board,
        optimize=optimize,
        teacher=teacher,
        checkpoint=checkpoint,
        epochs=epochs,
        seed=seed,
        input_scale=input_scale,
        input_offset=input_offset,
        x_key=x_key,
        y_key=y_key,
        labels=labels,
        label_column=label_column,
        class_names=split(class_names),
        evaluate=evaluate,
        task=task,
        force=force,
        on_step=report,
        progress=TerminalProgress(),
    )
    again = f"--data {data} " if output.suffix == ".keras" else ""
    build = f"{output} {again}--board {board} --optimize {optimize}"
    emit(lambda: _content(found, output))
    _show(found, board, output, build)


def _content(found: Compressed, output: Path) -> dict[str, object]:
    """The result for JSON."""
    return {
        "output": str(output),
        "bytes": output.stat().st_size,
        "steps": [asdict(step) for step in found.steps],
        "float": None if found.real is None else asdict(found.real),
        "compressed": None if found.small is None else asdict(found.small),
        "other_outputs": [
            {"float": asdict(real), "compressed": asdict(small)}
            for real, small in found.scores[1:]
            if real is not None and small is not None
        ],
    }


def _show(found: Compressed, board: str, output: Path, build: str) -> None:
    """Print the table, the scores, and what to do next: the arguments of `tinycomp build`."""
    from tinycomp.report.numbers import show_metric
    from tinycomp.report.steps import steps_table

    console.print(steps_table(found.steps, board))
    for pair in found.scores:
        for name, score in zip(("float", "compressed"), pair, strict=True):
            if score is not None:
                of = f" of {score.output}" if score.output else ""
                shown = show_metric(score.metric, score.value)
                line = f"{name}: {score.metric}{of} {shown} on {score.samples} test samples"
                console.print(line)
    console.print(_written(found, output), soft_wrap=True)
    console.print(f"Build it with: tinycomp build {build} -o out", soft_wrap=True)


def _written(found: Compressed, output: Path) -> str:
    """What was written, and how its size compares with what a build takes."""
    written = f"Wrote {output}: {output.stat().st_size:,} bytes"
    if output.suffix != ".tflite":
        return written
    return (
        f"{written}, since a .tflite has a byte for each weight; a build stores its constants in "
        f"{found.steps[-1].constants:,}"
    )

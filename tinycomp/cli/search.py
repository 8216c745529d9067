"""The search command; it imports heavy modules only when called."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tinycomp.cli.app import command, console, emit, tell
from tinycomp.cli.options import (
    BoardName,
    ClassNames,
    Evaluate,
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
from tinycomp.cli.targets import Float, MinAccuracy, TrainingData, size
from tinycomp.cli.terminal_progress import TerminalProgress
from tinycomp.cli.typed import reading_options
from tinycomp.options.compress import SIZES_BOARD, SIZES_GOAL
from tinycomp.options.data import DataOptions
from tinycomp.options.search import Plan, SearchOptions, Task

if TYPE_CHECKING:
    from tinycomp.recipe_search.halving import Finished
    from tinycomp.recipe_search.results import Results

Folder = Annotated[
    Path,
    typer.Option("--output", "-o", help="A folder for the results; an interrupted search resumes."),
]
MaxFlash = Annotated[
    int | None,
    typer.Option(
        "--max-flash",
        parser=size,
        metavar="BYTES",
        help="The most flash of the library, code and constants, such as 24k.",
        show_default=False,
    ),
]
MaxRam = Annotated[
    int | None,
    typer.Option(
        "--max-ram",
        parser=size,
        metavar="BYTES",
        help="The most RAM of the library: arena, data, stack.",
        show_default=False,
    ),
]
MaxInstructions = Annotated[
    int | None,
    typer.Option(
        "--max-instructions",
        parser=size,
        metavar="COUNT",
        help="The most instructions per inference, such as 2M.",
        show_default=False,
    ),
]
Minimize = Annotated[str, typer.Option(help="Costs to minimize: some of flash, ram, instructions.")]
Techniques = Annotated[
    str,
    typer.Option(help="Techniques that candidates may use."),
]
Candidates = Annotated[
    int, typer.Option(min=1, help="Recipes to try; the best are trained for longer.")
]
Epochs = Annotated[
    int,
    typer.Option(min=1, help="Epochs of a complete training; most candidates get a ninth of them."),
]
Halving = Annotated[
    bool, typer.Option(help="Use successive halving; otherwise all epochs for all candidates.")
]
Validation = Annotated[
    float,
    typer.Option(min=0.01, max=0.9, help="Share of the training half to score candidates on."),
]
HoldOut = Annotated[
    Literal["random", "last"],
    typer.Option(
        help="How to choose these samples: random ones, or the last ones, for data in which "
        "the samples of one person or recording are adjacent."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of trainings and choices.")]
Jobs = Annotated[int, typer.Option(min=1, help="Candidates to train at the same time.")]
Storage = Annotated[
    str | None,
    typer.Option(
        help="URL of a shared database, such as postgresql+psycopg://user@host/name; a "
        "file in the output folder by default.",
        show_default=False,
    ),
]
Study = Annotated[str, typer.Option(help="Name of the study in the database.")]
Optimize = Annotated[
    Goal,
    typer.Option(help="What builds are optimized for when costs are measured."),
]

_COSTS = ",".join(Plan.costs)
_TECHNIQUES = ",".join(SearchOptions.techniques)


@command(ProjectCommand)
def search(
    model: Float,
    data: TrainingData,
    output: Folder,
    board: BoardName = SIZES_BOARD,
    max_flash: MaxFlash = None,
    max_ram: MaxRam = None,
    max_instructions: MaxInstructions = None,
    min_accuracy: MinAccuracy = None,
    minimize: Minimize = _COSTS,
    techniques: Techniques = _TECHNIQUES,
    candidates: Candidates = Plan.candidates,
    epochs: Epochs = Plan.epochs,
    halving: Halving = Plan.halving,
    validation: Validation = Task.validation,
    hold_out: HoldOut = Task.hold_out,
    seed: Seed = Plan.seed,
    jobs: Jobs = SearchOptions.jobs,
    storage: Storage = None,
    study: Study = SearchOptions.study,
    optimize: Optimize = SIZES_GOAL.optimize,
    input_scale: Scale = DataOptions.scale,
    input_offset: Offset = DataOptions.offset,
    x_key: XKey = None,
    y_key: YKey = None,
    labels: Labels = None,
    label_column: LabelColumn = None,
    class_names: ClassNames = None,
    evaluate: Evaluate = None,
    task: TaskName = None,
) -> None:
    """Search for recipes within limits of flash, RAM, instructions and accuracy."""
    from tinycomp import api

    found = api.search(
        model,
        data,
        output,
        board=board,
        max_flash=max_flash,
        max_ram=max_ram,
        max_instructions=max_instructions,
        min_accuracy=min_accuracy,
        minimize=split(minimize),
        techniques=split(techniques),
        candidates=candidates,
        epochs=epochs,
        halving=halving,
        validation=validation,
        hold_out=hold_out,
        seed=seed,
        jobs=jobs,
        storage=storage,
        study=study,
        optimize=optimize,
        input_scale=input_scale,
        input_offset=input_offset,
        x_key=x_key,
        y_key=y_key,
        labels=labels,
        label_column=label_column,
        class_names=split(class_names),
        evaluate=evaluate,
        task=task,
        on_candidate=_tell_outcome,
        progress=TerminalProgress(),
    )
    _show(found, shlex.join((str(model), "--data", str(data), *reading_options())), output)


def _tell_outcome(found: Finished) -> None:
    from tinycomp.recipe_search.outcome import outcome_line

    tell(f"{found.number}: {outcome_line(found.outcome)}, {found.outcome.epochs} epochs")


def _show(found: Results, searched: str, output: Path) -> None:
    """Print the front, and how its best recipe is used.

    Args:
        found: the results.
        searched: model and data, as the command line names them.
        output: the folder of the results.
    """
    from tinycomp.recipe_search.results import FRONT, PAGE, recipe_name
    from tinycomp.report.numbers import show_metric
    from tinycomp.report.search_page import front_table

    emit(
        lambda: {
            "output": str(output),
            "front": [{"recipe": recipe_name(c.number), **asdict(c.outcome)} for c in found.front],
        }
    )
    console.print(front_table(found.record))
    best = found.front[0]
    shown = show_metric(best.outcome.metric, best.outcome.score)
    console.print(f"Wrote {output / PAGE} and {output / FRONT}", soft_wrap=True)
    console.print(
        f"Reproduce the best ({shown}) with: tinycomp compress {searched} --recipe "
        f"{shlex.quote(str(output / recipe_name(best.number)))} -o small.tflite",
        soft_wrap=True,
    )

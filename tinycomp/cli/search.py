"""The search command; it imports heavy modules only when called."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from tinycomp.cli.app import command, console, emit, tell
from tinycomp.cli.options import (
    BoardName,
    Evaluate,
    Goal,
    LabelColumn,
    Labels,
    Offset,
    Scale,
    TaskName,
    XKey,
    YKey,
)
from tinycomp.cli.project_file import ProjectCommand
from tinycomp.cli.targets import Float, MinAccuracy, TrainingData, size
from tinycomp.cli.terminal_progress import TerminalProgress
from tinycomp.options.compress import SIZES_BOARD, SIZES_GOAL
from tinycomp.options.data import DataOptions
from tinycomp.options.search import Plan, SearchOptions, Task


@command(ProjectCommand)
def search(
    model: Float,
    data: TrainingData,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="A folder for the results; an interrupted search resumes."
        ),
    ],
    board: BoardName = SIZES_BOARD,
    max_flash: Annotated[
        int | None,
        typer.Option(
            "--max-flash",
            parser=size,
            metavar="BYTES",
            help="The most flash of the library, code and constants, such as 24k.",
            show_default=False,
        ),
    ] = None,
    max_ram: Annotated[
        int | None,
        typer.Option(
            "--max-ram",
            parser=size,
            metavar="BYTES",
            help="The most RAM of the library: arena, data, stack.",
            show_default=False,
        ),
    ] = None,
    max_instructions: Annotated[
        int | None,
        typer.Option(
            "--max-instructions",
            parser=size,
            metavar="COUNT",
            help="The most instructions per inference, such as 2M.",
            show_default=False,
        ),
    ] = None,
    min_accuracy: MinAccuracy = None,
    minimize: Annotated[
        str, typer.Option(help="Costs to minimize: some of flash, ram, instructions.")
    ] = ",".join(Plan.costs),
    techniques: Annotated[
        str,
        typer.Option(help="Techniques that candidates may use."),
    ] = ",".join(SearchOptions.techniques),
    candidates: Annotated[
        int, typer.Option(min=1, help="Recipes to try; the best are trained for longer.")
    ] = Plan.candidates,
    epochs: Annotated[
        int,
        typer.Option(
            min=1, help="Epochs of a complete training; most candidates get a ninth of them."
        ),
    ] = Plan.epochs,
    halving: Annotated[
        bool, typer.Option(help="Use successive halving; otherwise all epochs for all candidates.")
    ] = Plan.halving,
    validation: Annotated[
        float,
        typer.Option(min=0.01, max=0.9, help="Share of the training half to score candidates on."),
    ] = Task.validation,
    hold_out: Annotated[
        Literal["random", "last"],
        typer.Option(
            help="How to choose these samples: random ones, or the last ones, for data in which "
            "the samples of one person or recording are adjacent."
        ),
    ] = Task.hold_out,
    seed: Annotated[int, typer.Option(min=0, help="Seed of trainings and choices.")] = Plan.seed,
    jobs: Annotated[
        int, typer.Option(min=1, help="Candidates to train at the same time.")
    ] = SearchOptions.jobs,
    storage: Annotated[
        str | None,
        typer.Option(
            help="URL of a shared database, such as postgresql+psycopg://user@host/name; a "
            "file in the output folder by default.",
            show_default=False,
        ),
    ] = None,
    study: Annotated[
        str, typer.Option(help="Name of the study in the database.")
    ] = SearchOptions.study,
    optimize: Annotated[
        Goal,
        typer.Option(help="What builds are optimized for when costs are measured."),
    ] = SIZES_GOAL.optimize,
    input_scale: Scale = DataOptions.scale,
    input_offset: Offset = DataOptions.offset,
    x_key: XKey = None,
    y_key: YKey = None,
    labels: Labels = None,
    label_column: LabelColumn = None,
    evaluate: Evaluate = None,
    task: TaskName = None,
) -> None:
    """Search for recipes within limits of flash, RAM, instructions and accuracy."""
    from tinycomp import api
    from tinycomp.recipe_search.halving import Finished
    from tinycomp.recipe_search.outcome import outcome_line
    from tinycomp.recipe_search.results import FRONT, PAGE, recipe_name
    from tinycomp.report.numbers import show_metric
    from tinycomp.report.search_page import front_table

    def report(found: Finished) -> None:
        line = f"{found.number}: {outcome_line(found.outcome)}, {found.outcome.epochs} epochs"
        tell(line)

    found = api.search(
        model,
        data,
        output,
        board=board,
        max_flash=max_flash,
        max_ram=max_ram,
        max_instructions=max_instructions,
        min_accuracy=min_accuracy,
        minimize=minimize.split(","),
        techniques=techniques.split(","),
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
        evaluate=evaluate,
        task=task,
        on_candidate=report,
        progress=TerminalProgress(),
    )
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
        f"Reproduce the best ({shown}) with: tinycomp compress {model} --data {data} --recipe "
        f"{output / recipe_name(best.number)} -o small.tflite",
        soft_wrap=True,
    )

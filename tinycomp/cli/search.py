"""The search command; it imports heavy modules only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tinycomp.cli.app import app, console, errors
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
    data_options,
)
from tinycomp.cli.targets import Float, MinAccuracy, TrainingData, size
from tinycomp.cli.terminal_progress import TerminalProgress


@app.command()
def search(
    model: Float,
    data: TrainingData,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="A folder for the results; an interrupted search resumes."
        ),
    ],
    board: BoardName = "cortex-m4",
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
    ] = "flash,ram,instructions",
    techniques: Annotated[
        str,
        typer.Option(help="Techniques that candidates may use."),
    ] = "channels,low_rank,tucker,prune,int8,rate,share,codebooks,rounding",
    candidates: Annotated[
        int, typer.Option(min=1, help="Recipes to try; the best are trained for longer.")
    ] = 60,
    epochs: Annotated[
        int,
        typer.Option(
            min=1, help="Epochs of a complete training; most candidates get a ninth of them."
        ),
    ] = 27,
    halving: Annotated[
        bool, typer.Option(help="Use successive halving; otherwise all epochs for all candidates.")
    ] = True,
    validation: Annotated[
        float,
        typer.Option(min=0.01, max=0.9, help="Share of the training half to score candidates on."),
    ] = 0.2,
    hold_out: Annotated[
        Literal["random", "last"],
        typer.Option(
            help="How to choose these samples: random ones, or the last ones, for data in which "
            "the samples of one person or recording are adjacent."
        ),
    ] = "random",
    seed: Annotated[int, typer.Option(min=0, help="Seed of trainings and choices.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Candidates to train at the same time.")] = 1,
    storage: Annotated[
        str | None,
        typer.Option(
            help="URL of a shared database, such as postgresql+psycopg://user@host/name; a "
            "file in the output folder by default.",
            show_default=False,
        ),
    ] = None,
    study: Annotated[str, typer.Option(help="Name of the study in the database.")] = "tinycomp",
    optimize: Annotated[
        Goal,
        typer.Option(help="What builds are optimized for when costs are measured."),
    ] = "flash",
    input_scale: Scale = 1.0,
    input_offset: Offset = 0.0,
    x_key: XKey = None,
    y_key: YKey = None,
    labels: Labels = None,
    label_column: LabelColumn = None,
    evaluate: Evaluate = None,
    task: TaskName = None,
) -> None:
    """Search for recipes within limits of flash, RAM, instructions and accuracy."""
    from tinycomp.options.build import PlanOptions
    from tinycomp.options.search import Limits, Plan, SearchOptions, Task
    from tinycomp.report.numbers import show_metric
    from tinycomp.report.search_page import front_table
    from tinycomp.search.halving import Finished
    from tinycomp.search.outcome import outcome_line, require_costs
    from tinycomp.search.results import FRONT, PAGE, recipe_name
    from tinycomp.search.search import search as run
    from tinycomp.search.space import require_techniques

    wanted = SearchOptions(
        Task(
            model,
            data,
            board,
            data_options(
                input_scale, input_offset, x_key, y_key, evaluate, task, labels, label_column
            ),
            PlanOptions(optimize),
            validation,
            hold_out,
            seed,
        ),
        Plan(
            candidates,
            epochs,
            require_costs(minimize.split(",")),
            Limits(max_flash, max_ram, max_instructions, min_accuracy),
            seed,
            halving,
        ),
        output,
        require_techniques(techniques.split(",")),
        storage,
        study,
        jobs,
    )

    def report(found: Finished) -> None:
        line = f"{found.number}: {outcome_line(found.outcome)}, {found.outcome.epochs} epochs"
        errors.print(line, markup=False)

    found = run(wanted, TerminalProgress(), report)
    console.print(front_table(found.record))
    best = found.front[0]
    shown = show_metric(best.outcome.metric, best.outcome.score)
    console.print(f"Wrote {output / PAGE} and {output / FRONT}", soft_wrap=True, markup=False)
    console.print(
        f"Reproduce the best ({shown}) with: tinycomp compress {model} --data {data} --recipe "
        f"{output / recipe_name(best.number)} -o small.tflite",
        soft_wrap=True,
        markup=False,
    )

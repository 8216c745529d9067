"""Models are trained smaller."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from tinycomp.api._data import DATA_LIMIT, Data, data_file, data_options, optional_path
from tinycomp.api._log import Logged
from tinycomp.api._model import Model, model_file
from tinycomp.api._scratch import scratch_folder
from tinycomp.common.errors import DataError
from tinycomp.common.progress import Progress
from tinycomp.options import search as searching
from tinycomp.options.build import Optimize, PlanOptions
from tinycomp.options.compress import SIZES_BOARD, SIZES_GOAL, CompressOptions, Targets
from tinycomp.options.data import DataOptions, HoldOut, Task
from tinycomp.recipe_search.halving import Finished
from tinycomp.recipe_search.outcome import require_costs
from tinycomp.recipe_search.results import Results
from tinycomp.recipe_search.search import search as search_recipes
from tinycomp.recipe_search.space import require_techniques
from tinycomp.recipes import compression
from tinycomp.recipes.compression import Compressed
from tinycomp.report.record import StepRecord

File = str | os.PathLike[str]


def compress(
    model: Model,
    data: Data,
    *,
    output: File | None = None,
    recipe: File = CompressOptions.recipe,
    target_bytes: int | None = Targets.constants,
    target_flash: int | None = Targets.flash,
    target_macs: int | None = Targets.macs,
    min_accuracy: float | None = Targets.accuracy,
    board: File = SIZES_BOARD,
    optimize: Optimize = SIZES_GOAL.optimize,
    teacher: Model | None = None,
    checkpoint: File | None = CompressOptions.checkpoints,
    epochs: int | None = CompressOptions.epochs,
    seed: int | None = CompressOptions.seed,
    input_scale: float = DataOptions.scale,
    input_offset: float = DataOptions.offset,
    x_key: str | None = DataOptions.x_key,
    y_key: str | None = DataOptions.y_key,
    labels: File | None = DataOptions.labels,
    label_column: str | None = DataOptions.label_column,
    class_names: Sequence[str] = DataOptions.class_names,
    evaluate: int | None = DataOptions.test_samples,
    task: Task | None = DataOptions.task,
    force: bool = False,
    data_limit: int = DATA_LIMIT,
    on_step: Callable[[StepRecord], None] | None = None,
    progress: Progress | None = None,
) -> Compressed:
    """Compress a float model with training, step by step.

    Options are those of `tinycomp compress`, and are described there.

    Args:
        model: as in `build`, float.
        data: as in `build`, with labels and samples to train on.
        output: the int8 .tflite to write, or the trained float .keras; None: none.
        recipe: a recipe's name, or a TOML file.
        target_bytes: the most flash bytes of constants.
        target_flash: the most flash bytes of constants and code.
        target_macs: the most multiply-accumulates.
        min_accuracy: the lowest accuracy on validation samples, from 0 to 1.
        board: the board that sizes are measured for.
        optimize: what builds are optimized for when sizes are measured.
        teacher: a float model whose outputs are imitated; None: the model itself.
        checkpoint: a folder for checkpoints, from which an interrupted run resumes.
        epochs: epochs of every training; None: as in the recipe.
        seed: seed of all trainings; None: as in the recipe.
        input_scale: as in `build`.
        input_offset: as in `build`.
        x_key: as in `build`.
        y_key: as in `build`.
        labels: as in `build`.
        label_column: as in `build`.
        class_names: as in `build`.
        evaluate: as in `build`.
        task: as in `build`.
        force: whether an existing file may be replaced.
        data_limit: as in `build`.
        on_step: called with the record of each step.
        progress: as in `build`.

    Returns:
        The small model: `tflite` is its file, which `build` takes, as it takes this result itself.

    Raises:
        TinycompError: the model, data, recipe or a target can't be used; a target was not reached;
            the loss became NaN or infinite.
    """
    progress = progress or Logged()
    with scratch_folder() as scratch:
        options = CompressOptions(
            model_file(model, scratch),
            _required(data_file(data, scratch, data_limit, progress)),
            data_options(
                x_key,
                y_key,
                input_scale,
                input_offset,
                labels,
                label_column,
                class_names,
                evaluate,
                task,
            ),
            os.fspath(recipe),
            os.fspath(board),
            PlanOptions(optimize),
            Targets(target_bytes, min_accuracy, target_flash, target_macs),
            None if teacher is None else _teacher(teacher, scratch),
            optional_path(checkpoint),
            epochs,
            seed,
        )
        report = on_step or (lambda step: None)
        if output is None:
            return compression.compress(options, progress, report)
        return compression.compress_to(options, Path(output), force, progress, report)


def search(
    model: Model,
    data: Data,
    output: File,
    *,
    board: File = SIZES_BOARD,
    max_flash: int | None = searching.Limits.flash,
    max_ram: int | None = searching.Limits.ram,
    max_instructions: float | None = searching.Limits.instructions,
    min_accuracy: float | None = searching.Limits.accuracy,
    minimize: Sequence[str] = searching.Plan.costs,
    techniques: Sequence[str] = searching.SearchOptions.techniques,
    candidates: int = searching.Plan.candidates,
    epochs: int = searching.Plan.epochs,
    halving: bool = searching.Plan.halving,
    validation: float = searching.Task.validation,
    hold_out: HoldOut = searching.Task.hold_out,
    seed: int = searching.Task.seed,
    jobs: int = searching.SearchOptions.jobs,
    storage: str | None = searching.SearchOptions.storage,
    study: str = searching.SearchOptions.study,
    optimize: Optimize = SIZES_GOAL.optimize,
    input_scale: float = DataOptions.scale,
    input_offset: float = DataOptions.offset,
    x_key: str | None = DataOptions.x_key,
    y_key: str | None = DataOptions.y_key,
    labels: File | None = DataOptions.labels,
    label_column: str | None = DataOptions.label_column,
    class_names: Sequence[str] = DataOptions.class_names,
    evaluate: int | None = DataOptions.test_samples,
    task: Task | None = DataOptions.task,
    data_limit: int = DATA_LIMIT,
    on_candidate: Callable[[Finished], None] | None = None,
    progress: Progress | None = None,
) -> Results:
    """Search for recipes within limits of flash, RAM, instructions and accuracy.

    Options are those of `tinycomp search`, and are described there.

    Args:
        model: as in `build`, float.
        data: as in `build`, with labels and samples to train on.
        output: the folder for results; a search that was interrupted resumes there.
        board: the board that costs are measured for.
        max_flash: the most bytes of flash.
        max_ram: the most bytes of RAM.
        max_instructions: the most instructions of an inference.
        min_accuracy: the lowest accuracy on validation samples, from 0 to 1.
        minimize: costs to minimize: some of "flash", "ram", "instructions".
        techniques: techniques that candidates may use.
        candidates: recipes to try.
        epochs: epochs of a complete training.
        halving: whether most candidates get a part of these epochs only.
        validation: share of the training half that candidates are scored on.
        hold_out: how these samples are chosen: "random", or the "last" ones.
        seed: seed of trainings and choices.
        jobs: candidates to train at the same time, each in a process of its own.
        storage: the URL of a shared database; None: a file in the output folder.
        study: the name of the study in the database.
        optimize: what builds are optimized for when costs are measured.
        input_scale: as in `build`.
        input_offset: as in `build`.
        x_key: as in `build`.
        y_key: as in `build`.
        labels: as in `build`.
        label_column: as in `build`.
        class_names: as in `build`.
        evaluate: as in `build`.
        task: as in `build`.
        data_limit: as in `build`.
        on_candidate: called with each finished candidate.
        progress: as in `build`.

    Returns:
        The results; `front` are the best candidates, each with the text of its recipe.

    Raises:
        TinycompError: the model, the data or an option can't be used; a limit is impossible; or no
            candidate meets the limits.
    """
    progress = progress or Logged()
    with scratch_folder() as scratch:
        reading = data_options(
            x_key,
            y_key,
            input_scale,
            input_offset,
            labels,
            label_column,
            class_names,
            evaluate,
            task,
        )
        options = searching.SearchOptions(
            searching.Task(
                model_file(model, scratch),
                _required(data_file(data, scratch, data_limit, progress)),
                os.fspath(board),
                reading,
                PlanOptions(optimize),
                validation,
                hold_out,
                seed,
            ),
            searching.Plan(
                candidates,
                epochs,
                require_costs(minimize),
                searching.Limits(max_flash, max_ram, max_instructions, min_accuracy),
                seed,
                halving,
            ),
            Path(output),
            require_techniques(techniques),
            storage,
            study,
            jobs,
        )
        return search_recipes(options, progress, on_candidate or (lambda found: None))


def _required(data: Path | None) -> Path:
    """The data, without which there is no training.

    Raises:
        DataError: there are none.
    """
    if data is None:
        raise DataError(
            "The model is trained, and no data were given.",
            expected="Expected samples with labels.",
        )
    return data


def _teacher(teacher: Model, scratch: Path) -> Path:
    """The teacher in a folder of its own: it may have the model's name."""
    folder = scratch / "teacher"
    folder.mkdir()
    return model_file(teacher, folder)

"""Implements `tinycomp compress`: a float model, data and a recipe become a small int8 model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tinycomp.common.errors import DataError, TinycompError
from tinycomp.common.progress import Progress
from tinycomp.data.score import Score
from tinycomp.data.scored import notes_of
from tinycomp.emit.folder import refuse_existing_file
from tinycomp.frontend.formats import require_model
from tinycomp.frontend.keras import require_keras
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import Graph
from tinycomp.options.build import AUTO, PlanOptions, Preparation
from tinycomp.options.compress import CompressOptions
from tinycomp.prepare import Prepared, prepare
from tinycomp.proof.accuracy import evaluate_float, evaluate_int8
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up
from tinycomp.recipes.material import read_material
from tinycomp.recipes.measure import Meter, State
from tinycomp.recipes.output import KERAS_SUFFIX, content, require_writable, save
from tinycomp.recipes.reasons import why_not_smaller
from tinycomp.recipes.run import Runner
from tinycomp.recipes.steps import find_recipe, has_steps
from tinycomp.recipes.targets import run_to
from tinycomp.report.record import StepRecord
from tinycomp.report.steps import step_line
from tinycomp.target.boards import load_board


@dataclass(frozen=True, eq=False)
class Compressed:
    """The result of `compress`."""

    prepared: Prepared
    """The small int8 model; its data set has calibration samples and the test half."""
    graph: Graph
    """The same model in float, as the last step left it."""
    steps: tuple[StepRecord, ...]
    """The record of each step."""
    scores: tuple[tuple[Score | None, Score | None], ...]
    """For each output, the one that counts first: the score of the original float model on the test
    half, and that of the int8 model on the same samples, which no step has used. None if an output
    can't be scored.
    """

    @property
    def real(self) -> Score | None:
        """Score of the original float model, of the output that counts."""
        return self.scores[0][0]

    @property
    def small(self) -> Score | None:
        """Score of the int8 model, of the output that counts."""
        return self.scores[0][1]

    @property
    def tflite(self) -> bytes:
        """The small model as a standard int8 .tflite."""
        return self.prepared.tflite


def compress(
    options: CompressOptions, progress: Progress, report: Callable[[StepRecord], None]
) -> Compressed:
    """Run a recipe on a model, and score the result once on the test half.

    Args:
        options: model, data, recipe and targets.
        progress: shows the stages.
        report: called with the record of each step.

    Raises:
        TinycompError: the model, data, recipe or a target can't be used; a target was not reached;
            the loss became NaN or infinite.
    """
    recipe = find_recipe(options.recipe).with_training(options.epochs, options.seed)
    board = load_board(options.board)
    require_model(options.model)
    if recipe.trains:
        require_keras()
    material = read_material(
        options.model, options.data, options.data_options, options.teacher, progress
    )
    if options.name is not None:
        material = replace(material, graph=replace(material.graph, name=options.name))
    meter = Meter(material, *material.held(*recipe.split), board, options.planning)
    runner = Runner(material, meter, progress, options.checkpoints, report, recipe.values)
    position = run_to(runner, recipe, options.targets)
    goal = options.planning.optimize
    if note := why_not_smaller(runner.records[0], runner.records[-1], goal):
        progress.note(note)
    prepared = replace(
        meter.prepared(position.state),
        float_tflite=write_tflite(clean_up(material.graph)),
        dense=parse_tflite(meter.prepared(State(material.graph)).tflite, material.graph.name),
    )
    return Compressed(
        prepared, position.state.graph, tuple(runner.records), _test(prepared, progress)
    )


def prepare_by_recipe(
    wanted: Preparation, board: str, planning: PlanOptions, progress: Progress
) -> tuple[Prepared, tuple[StepRecord, ...]]:
    """Like prepare.prepare, but runs the steps of the recipe if it has any; with their records.

    Raises:
        TinycompError: see prepare and compress; or other options conflict with the steps.
    """
    if wanted.recipe is None or not has_steps(wanted.recipe):
        return prepare(wanted, progress), ()
    given = {
        "--codebook-bits": wanted.codebook_bits,
        "--sparsity": wanted.sparsity,
        "--input-quantization": wanted.input_quantization,
        "--calibration": None if wanted.calibration == AUTO else wanted.calibration,
    }
    for option, value in given.items():
        if value:
            raise TinycompError(
                f"{option} {value} can't be combined with the steps of recipe '{wanted.recipe}'.",
                hint="Omit it, or add a corresponding step to the recipe.",
            )
    if wanted.data is None:
        raise DataError(
            f"The recipe '{wanted.recipe}' trains the model, and --data was not given.",
            hint="Add --data samples.npz.",
        )
    options = CompressOptions(
        wanted.model, wanted.data, wanted.data_options, str(wanted.recipe), board, planning,
        name=wanted.name,
    )  # fmt: skip
    found = compress(options, progress, lambda record: progress.note(step_line(record)))
    return found.prepared, tuple(replace(step, seconds=None) for step in found.steps)


def _test(prepared: Prepared, progress: Progress) -> tuple[tuple[Score | None, Score | None], ...]:
    """The scores of the float model and of the int8 model, output by output."""
    data, scored = prepared.dataset, prepared.scored
    assert data is not None
    assert prepared.float_tflite is not None
    for note in notes_of(scored):
        progress.note(note)
    with progress.stage(f"Testing on {len(data.x_test)} samples"):
        real = evaluate_float(prepared.float_tflite, scored, data.x_test)
        small = evaluate_int8(prepared.graph, scored, data.x_test)
    return tuple(zip(real, small, strict=True))


def compress_to(
    options: CompressOptions,
    output: Path,
    force: bool,
    progress: Progress,
    report: Callable[[StepRecord], None],
) -> Compressed:
    """Run a recipe, and write the model as a standard int8 .tflite, or the trained float model as a
    .keras file.

    Raises:
        OutputError: the file can't be written; the model is then saved in the system's folder for
            temporary files, if possible.
        TinycompError: see compress.
    """
    require_writable(output, options.model)
    refuse_existing_file(output, force=force)
    found = compress(options, progress, report)
    save(output, content(output, found.prepared.tflite, found.graph), force)
    if output.suffix == KERAS_SUFFIX:
        progress.note(
            f"'{output}' is the trained float model: a build quantizes it again, so bytes and "
            "accuracy differ from the last step's. Write a .tflite to keep them."
        )
    return found

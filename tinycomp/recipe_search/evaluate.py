"""Trains and measures candidates."""

from __future__ import annotations

import hashlib
import shutil
import time
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from tinycomp.common.errors import DataError, OutputError, TinycompError, ToolError
from tinycomp.common.progress import Progress, Silent
from tinycomp.data.score import Score
from tinycomp.options.search import Task
from tinycomp.plan.costs import Costs
from tinycomp.plan.memory import Plan
from tinycomp.prepare import Prepared
from tinycomp.proof.accuracy import evaluate_int8
from tinycomp.recipe_search.outcome import Outcome
from tinycomp.recipe_search.preview import planned, quiet, runner_of, untrained
from tinycomp.recipes.material import Material, read_material
from tinycomp.recipes.measure import Meter, bits, weights_of
from tinycomp.recipes.run import Position, Runner
from tinycomp.recipes.steps import Recipe, parse
from tinycomp.target.boards import load_board
from tinycomp.target.fit import Footprint
from tinycomp.train.schedule import Schedule

LOOKED_AT = 256
"""The most samples for the sensitivity of layers, and for previews."""


class RefusedError(TinycompError):
    """A candidate is not possible with this model; the search continues without it."""


@dataclass(frozen=True, eq=False)
class Evaluator:
    """Trains and measures candidates of one task."""

    meter: Meter
    """Measures models; has the model and its data."""

    @staticmethod
    def read(task: Task, progress: Progress) -> Evaluator:
        """Read the model and its data, and run the teacher.

        Raises:
            TinycompError: the model or the data can't be used.
        """
        board = load_board(task.board)
        material = read_material(task.model, task.data, task.data_options, None, progress)
        trained, held = material.held(task.seed, task.validation, task.hold_out)
        if not len(held):
            raise DataError(
                f"'{task.data}' leaves no samples for validation: {len(material.dataset.x)} to "
                f"train on, of which {task.validation:.0%} are held out.",
                hint="Give more samples.",
            )
        return Evaluator(Meter(material, trained, held, board, task.planning))

    def training(self, task: Task) -> dict[str, float | int | str]:
        """The common options of all candidates under [training]. With little data the batch size is
        reduced, so that an epoch has about thirty steps.
        """
        batch = max(8, min(Schedule().batch, len(self.meter.trained) // 30))
        return {
            "validation": task.validation, "hold_out": task.hold_out, "seed": task.seed,
            "batch": batch,
        }  # fmt: skip

    @property
    def material(self) -> Material:
        """The model and its data."""
        return self.meter.material

    def untrained(self, recipe: str) -> Outcome:
        """The outcome of a recipe without trainings.

        Raises:
            RefusedError: it is not possible.
        """
        return self.run(recipe, None, Silent())[0]

    def preview(self, recipe: str) -> Outcome:
        """The figures of a recipe before training, by a few samples and without compiling: without
        code and stack.

        Raises:
            RefusedError: it is not possible.
        """
        begin, parsed = time.monotonic(), _parsed(recipe)
        meter = quiet(self.meter, LOOKED_AT)
        try:
            prepared = meter.prepared(untrained(runner_of(meter, parsed), parsed))
            found = planned(meter, prepared)
        except (OutputError, ToolError, DataError):
            raise
        except TinycompError as error:
            raise RefusedError(str(error)) from error
        return self._figures(prepared, *found, meter.score(prepared), None, 0, begin)

    def floor(self, recipe: str) -> Outcome:
        """A lower bound of the costs of a model with this structure: weights are not counted.

        Raises:
            RefusedError: the structure is not possible.
        """
        parsed = _parsed(recipe)
        state = self._position(parsed, None, Silent()).state
        found = self._outcome(self.meter.prepared(state), 0, time.monotonic())
        weights = found.constants - self.meter.size(state).floor
        return replace(found, flash=found.flash - weights, constants=found.constants - weights)

    def run(
        self, recipe: str, checkpoints: Path | None, progress: Progress
    ) -> tuple[Outcome, bytes]:
        """Train and measure a candidate.

        Args:
            recipe: the text of a recipe file.
            checkpoints: a folder for checkpoints of its trainings, from which an interrupted run
                resumes; removed at the end. None: no checkpoints.
            progress: shows the trainings.

        Returns:
            The outcome, and the .tflite.

        Raises:
            RefusedError: it is not possible with this model, or its loss became NaN or infinite.
            TinycompError: a tool is missing or failed, or the disk is full.
        """
        begin, parsed = time.monotonic(), _parsed(recipe)
        position = self._position(parsed, checkpoints, progress)
        prepared = self.meter.prepared(position.state)
        epochs = sum(step.schedule.epochs for step in parsed.steps if step.schedule)
        outcome = self._outcome(prepared, epochs, begin)
        if checkpoints is not None:
            shutil.rmtree(checkpoints, ignore_errors=True)
        return outcome, prepared.tflite

    def _position(self, recipe: Recipe, checkpoints: Path | None, progress: Progress) -> Position:
        """The model after all steps."""
        runner = Runner(
            self.material, self.meter, progress, checkpoints, compression=recipe.values,
            measures=False,
        )  # fmt: skip
        try:
            position = runner.start()
            for number, step in enumerate(recipe.steps, 1):
                position = runner.step(position, step, f"step-{number}")
        except (OutputError, ToolError, DataError):
            raise
        except TinycompError as error:
            raise RefusedError(str(error)) from error
        return position

    def _outcome(self, prepared: Prepared, epochs: int, begin: float) -> Outcome:
        data = prepared.dataset
        assert data is not None
        plan, need = self.meter.built(prepared)
        (test,) = evaluate_int8(prepared.graph, prepared.scored[:1], data.x_test)
        score = self.meter.score(prepared)
        return self._figures(prepared, plan, need, score, test, epochs, begin)

    def _figures(
        self, prepared: Prepared, plan: Plan, need: Footprint, score: Score | None,
        test: Score | None, epochs: int, begin: float,
    ) -> Outcome:  # fmt: skip
        """All figures; seconds since `begin`."""
        if score is None:
            raise RefusedError("Its outputs are not finite and can't be scored.")
        graph = prepared.graph
        return Outcome(
            score.metric,
            score.value,
            None if test is None else test.value,
            (need.code or 0) + need.constants,
            need.ram,
            Costs(plan.program).instructions(plan.steps),
            need.constants,
            graph.cost().macs,
            bits(weights_of(graph)),
            epochs,
            time.monotonic() - begin,
            hashlib.sha256(prepared.tflite).hexdigest(),
        )


def _parsed(recipe: str) -> Recipe:
    return parse(tomllib.loads(recipe), "The candidate")

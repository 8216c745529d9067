"""Runs the steps of a recipe in order, with a record after each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tinycomp.common.errors import OutputError
from tinycomp.common.progress import Progress
from tinycomp.quantization.tables import shared_tables
from tinycomp.recipes.material import Material
from tinycomp.recipes.measure import Meter, State
from tinycomp.recipes.reasons import why_more_bits
from tinycomp.recipes.steps import Step
from tinycomp.report.record import StepRecord
from tinycomp.techniques._technique import Technique
from tinycomp.techniques.recipe import Recipe as PostTraining
from tinycomp.train.constraint import Constraint
from tinycomp.train.loop import Epoch, train
from tinycomp.train.model import finish, trainable
from tinycomp.train.rate import Rate
from tinycomp.train.schedule import Schedule

Report = Callable[[StepRecord], None]
Watch = Callable[[Any, Epoch], None]
"""Called with the Keras model in training, after each epoch."""


@dataclass(frozen=True, eq=False)
class Position:
    """The result of the steps so far."""

    state: State
    """The model."""
    kept: tuple[Constraint, ...] = ()
    """Constraints that later trainings must respect."""


@dataclass(frozen=True, eq=False)
class Runner:
    """Runs the steps of a recipe on one model."""

    material: Material
    """The model and its data."""
    meter: Meter
    """Measures after each step."""
    progress: Progress
    """Shows the steps."""
    checkpoints: Path | None = None
    """A folder for checkpoints of trainings."""
    report: Report = lambda _: None
    """Called with the record of each step."""
    compression: Mapping[str, Any] = field(default_factory=dict)
    """The recipe, for reports."""
    records: list[StepRecord] = field(default_factory=list)
    """The records of all steps so far."""
    measures: bool = True
    """Whether to measure after each step, which compiles the library and takes seconds."""

    def start(self) -> Position:
        """The position before the first step."""
        if self.checkpoints is not None:
            try:
                self.checkpoints.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(
                    f"The folder '{self.checkpoints}' for checkpoints can't be created: "
                    f"{error.strerror}.",
                    hint="Name another one.",
                ) from error
        state = State(self.material.graph)
        self._record("int8 alone", state, time.monotonic())
        return Position(state)

    def step(
        self, position: Position, step: Step, file: str, watch: Watch | None = None
    ) -> Position:
        """The position after a step.

        Args:
            position: the position before the step.
            step: the step to run.
            file: the name of its checkpoint.
            watch: called after each epoch of its training.

        Raises:
            DivergedError: the loss became NaN or infinite.
            TinycompError: the step is not possible with this model.
        """
        begin = time.monotonic()
        after = self._changed(position, step, file, watch)
        after = replace(after, state=replace(after.state, compression=self.compression))
        self._record(step.name, after.state, begin)
        if isinstance(step.technique, Rate) and watch is None and self.measures:
            note = why_more_bits(step.technique.bits, self.records[-1])
            if note is not None:
                self.progress.note(note)
        return after

    def _changed(self, position: Position, step: Step, file: str, watch: Watch | None) -> Position:
        state, technique = position.state, step.technique
        if isinstance(technique, PostTraining):
            return replace(position, state=replace(state, post=technique))
        if isinstance(technique, Technique):
            with self.progress.stage(f"Applying {step.name}"):
                graph = technique.apply(state.graph, self.material.samples(self.meter.trained))
            for note in graph.notes[len(state.graph.notes) :]:
                self.progress.note(note)
            if technique.stage == "grid":
                return replace(position, state=State(graph, state.rounding, state.post))
            changed = replace(position, state=State(graph), kept=())
            return self._train(changed, (), step.schedule, file) if step.schedule else changed
        assert step.schedule is not None
        constraints = (*position.kept, technique)
        trained = self._train(position, constraints, step.schedule, file, watch)
        kept = technique.kept()
        if kept is None or kept in position.kept:
            return trained
        return replace(trained, kept=(*position.kept, kept))

    def _train(
        self, position: Position, constraints: tuple[Constraint, ...], schedule: Schedule,
        file: str, watch: Watch | None = None,
    ) -> Position:  # fmt: skip
        """Train under constraints. Activations are rounded if a constraint has a grid."""
        material, rounded = self.material, any(each.stage == "grid" for each in constraints)
        calibration = material.calibration(self.meter.trained).x if rounded else None
        graph, logits = position.state.graph, material.logits
        place = material.counts.shape.place
        features = place if schedule.features else None
        sums = place if schedule.sums else None
        supervision = material.supervision(schedule, graph)
        if schedule.normalize and rounded:
            self.progress.note("normalize = true has no effect on trainings of quantized values.")
        model = trainable(
            graph, constraints, calibration, logits=logits, features=features, sums=sums,
            normalization=material.calibration(self.meter.trained).x
            if schedule.normalize and not rounded
            else None,
        )  # fmt: skip
        for name in shared_tables(model.tinycomp.graph):
            self.progress.note(
                f"The table {name!r} is not trained: values of other layers share its scale."
            )
        teacher = None
        if schedule.augment:
            teacher = trainable(material.teacher, logits=logits, features=features, sums=sums)
        checkpoint = None if self.checkpoints is None else self.checkpoints / f"{file}.npz"

        def after_epoch(epoch: Epoch) -> None:
            self._show(epoch)
            if watch is not None:
                watch(model, epoch)

        train(
            model, material.dataset.x, supervision, schedule, self.progress, checkpoint,
            after_epoch, teacher,
        )  # fmt: skip
        rounding = model.tinycomp.rounding
        return replace(position, state=State(finish(model), rounding, position.state.post))

    def _show(self, epoch: Epoch) -> None:
        shown = [f"loss {epoch.loss:.4f}"]
        if epoch.bits is not None:
            shown.append(f"{epoch.bits:.2f} bits")
        for output, value in zip(self.material.outputs, epoch.by_output, strict=False):
            if value is not None:
                name = f"{output.shape.name} " if output.shape.name else ""
                agreement = f"R2 {value:.3f}" if output.kind == "values" else f"{value:.2%}"
                shown.append(f"validation {name}{agreement}")
        self.progress.status(", ".join(shown))

    def _record(self, name: str, state: State, begin: float) -> None:
        if not self.measures:
            return
        seconds = time.monotonic() - begin
        with self.progress.stage(f"Measuring after {name}"):
            record = self.meter.record(name, state, seconds)
        self.records.append(record)
        self.report(record)

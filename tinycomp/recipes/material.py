"""The input of a recipe: the model, its data, and the outputs of the teacher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinycomp.common.errors import DataError, ModelError, TinycompError
from tinycomp.common.progress import Progress
from tinycomp.data.class_names import fit_class_names
from tinycomp.data.dataset import DataFile, Dataset, open_data
from tinycomp.data.scored import Scored, notes_of, scored_outputs
from tinycomp.data.targets import Targets
from tinycomp.data.task import ModelShape, model_shapes
from tinycomp.data.values import spread
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.options.data import DataOptions, HoldOut
from tinycomp.prepare import load_samples
from tinycomp.reading import clean_up, is_float, read_model
from tinycomp.techniques._technique import Samples
from tinycomp.train.losses import Kind, Supervision, balanced
from tinycomp.train.schedule import Schedule, split
from tinycomp.train.teacher import hidden, kind_of, supervision, teacher_outputs

CALIBRATION = 500
"""The most samples used for activation ranges."""
HELD_OUT = 5
"""If the data has no test half, one in HELD_OUT samples is used for testing."""
VALIDATION = 2000
"""The most validation samples that are scored after a step."""


@dataclass(frozen=True, eq=False)
class Output:
    """An output of the model, and what training compares it with."""

    shape: ModelShape
    """Its shape, name and place."""
    targets: Targets
    """Its labels in the training half; without a task if there are none."""
    kind: Kind
    """How it is compared with targets, see Supervision.kind."""
    teacher: Array
    """The teacher's on the training half."""


@dataclass(frozen=True, eq=False)
class Material:
    """A float model, its data and its teacher."""

    graph: Graph
    """The float model as it was read."""
    dataset: Dataset
    """`x`, `y`: the whole training half, without samples that have no usable label."""
    outputs: tuple[Output, ...]
    """All outputs of the model, in its order."""
    teacher: Graph
    """The float model whose outputs are imitated."""

    @property
    def counts(self) -> Output:
        """The output that counts: the first with labels."""
        return next(each for each in self.outputs if each.targets.task is not None)

    @property
    def logits(self) -> tuple[bool, ...]:
        """For each output, whether it is trained without its softmax or sigmoid."""
        return tuple(each.kind != "values" for each in self.outputs)

    def supervision(self, schedule: Schedule, student: Graph) -> list[Supervision]:
        """Soft targets and labels of the training half, for each output, and of hidden features and
        sums of residual blocks if they are imitated.

        Args:
            schedule: has the weights of the losses.
            student: the model in training.

        Raises:
            ModelError: student and teacher have different numbers of hidden features.
            TinycompError: there are weights for outputs that the model does not have.
        """
        weights = self._weights(schedule)
        found = [
            balanced(supervision(each.kind, each.teacher, each.targets), weight)
            for each, weight in zip(self.outputs, weights, strict=True)
        ]
        place, x = self.counts.shape.place, self.dataset.x
        return [*found, *hidden(self.teacher, clean_up(student), x, place, schedule)]

    def _weights(self, schedule: Schedule) -> list[float]:
        names = [each.shape.name for each in self.outputs]
        unknown = [name for name in schedule.loss_weights if name not in names]
        if unknown and len(names) == 1:
            raise TinycompError(
                f"loss_weights names '{unknown[0]}', and the model has one output.",
                hint="Omit loss_weights.",
            )
        if unknown:
            raise TinycompError(
                f"loss_weights: the model has no output '{unknown[0]}'.",
                expected=f"Expected names of {', '.join(names)}.",
            )
        weights = [float(schedule.loss_weights.get(name, 1.0)) for name in names]
        if not any(weights):
            raise TinycompError(
                "loss_weights are 0 for all outputs: nothing is trained.",
                expected="Expected a weight above 0 for one of them.",
            )
        return weights

    def calibration(self, trained: Array) -> Dataset:
        """The data set with calibration samples from these rows."""
        return self.dataset.with_calibration(trained[spread(len(trained), CALIBRATION)])

    def held(
        self, seed: int, share: float, hold_out: HoldOut = "random"
    ) -> tuple[Array, Array]:  # fmt: skip
        """The training rows, and at most VALIDATION held-out rows."""
        trained, held = split(len(self.dataset.x), share, seed, hold_out)
        return trained, held[spread(len(held), VALIDATION)]

    def samples(self, rows: Array) -> Samples:
        """Samples for techniques that use data, with the labels of outputs that have one for each
        sample.
        """
        found = [(each.shape, targets_of(each.targets, rows)) for each in self.outputs]
        known = {
            shape.name: each.values
            for shape, each in found
            if each.task is not None and len(each.kept) == len(rows)
        }
        return Samples(self.dataset.x[rows], known if len(found) > 1 else found[0][1].values)


def targets_of(targets: Targets, rows: Array) -> Targets:
    """The targets of some rows: of those that have any, with their places among these rows."""
    if targets.task is None:
        return targets
    each = len(targets.values) // max(1, len(targets.kept))
    at = np.searchsorted(targets.kept, rows)
    kept = np.flatnonzero(np.append(targets.kept, -1)[at] == rows)
    indices = (at[kept, np.newaxis] * each + np.arange(each)).ravel()
    return Targets(targets.task, targets.values[indices], kept)


def read_material(
    model: Path, data: Path, options: DataOptions, teacher: Path | None, progress: Progress
) -> Material:
    """Read a float model and its data, and run the teacher.

    Args:
        model: a float model.
        data: samples with a training half (docs/data.md).
        options: how to read it.
        teacher: the model whose outputs are imitated; None: the model itself.
        progress: shows the stages.

    Raises:
        ModelError: a model can't be read or is not float, or the teacher's shapes differ.
        DataError: the data does not fit the model, or has no usable labels.
    """
    file = open_data(data, replace(options, calibration_samples=None))
    with progress.stage(f"Reading {model.name}"):
        graph = _float_model(model)
    graph = replace(graph, name=model.stem)
    for note in graph.notes:
        progress.note(note)
    dataset = _whole(graph, file, progress)
    shapes = model_shapes(graph)
    scored = scored_outputs(shapes, dataset, options.task, "calibration")
    _require_labels(scored)
    task = scored[0].targets.task if scored[0].shape.place == 0 else None
    graph = replace(graph, class_names=fit_class_names(dataset, shapes[0], task, progress))
    scored = tuple(sorted(scored, key=lambda each: each.shape.place))
    rows = _labelled(scored, progress, len(dataset.x))
    dataset = dataset.with_calibration(rows)
    teacher_graph = graph if teacher is None else _teacher(teacher, graph, progress)
    cleaned = clean_up(graph)
    kinds = [kind_of(each.shape, each.targets, cleaned) for each in scored]
    logits = [kind != "values" for kind in kinds]
    with progress.stage(f"Running the teacher on {len(dataset.x)} samples"):
        said = teacher_outputs(teacher_graph, dataset.x, logits)
    outputs = tuple(
        Output(each.shape, targets_of(each.targets, rows), kind, own)
        for each, kind, own in zip(scored, kinds, said, strict=True)
    )
    return Material(graph, dataset, outputs, teacher_graph)


def _require_labels(scored: Sequence[Scored]) -> None:
    """Check that an output can be trained.

    Raises:
        DataError: no output has usable labels.
    """
    if scored[0].targets.task is None:
        raise DataError(
            "The training half has no usable labels. " + " ".join(notes_of(scored)),
            expected="Expected labels that fit the model's outputs (docs/data.md).",
        )


def _labelled(scored: Sequence[Scored], progress: Progress, count: int) -> Array:
    """The samples with a label for some output. Notes say what is missing."""
    known = [each for each in scored if each.targets.task is not None]
    rows: Array = np.unique(np.concatenate([each.targets.kept for each in known]))
    if len(rows) < count:
        progress.note(
            f"{count - len(rows)} samples without a usable label are not used for training."
        )
    if len(scored) > 1:
        without = [repr(each.shape.name) for each in scored if each.targets.task is None]
        if without:
            progress.note(
                f"Without labels, {' and '.join(without)} are trained to stay as in the float "
                "model."
            )
        for each in known:
            if lost := len(rows) - len(each.targets.kept):
                progress.note(
                    f"{lost} samples have no label for {each.shape.name!r}: there it is trained to "
                    "stay as in the float model."
                )
    return rows


def _whole(graph: Graph, data: DataFile, progress: Progress) -> Dataset:
    """All samples; if the data has no test half, one is split off."""
    found = load_samples(data, graph, progress)
    if found.halves == "test":
        raise DataError(
            f"'{data.path}' has only a test half, and nothing to train on.",
            expected="Expected x_train and y_train, or x and y.",
        )
    if found.halves == "two":
        return found
    rows = np.arange(len(found.x))
    test = rows % HELD_OUT == HELD_OUT - 1
    if not test.any():
        raise DataError(
            f"'{data.path}' holds {len(rows)} samples.", expected=f"Expected at least {HELD_OUT}."
        )
    progress.note(
        f"One in {HELD_OUT} samples is reserved for testing: {test.sum()} of {len(rows)}."
    )
    return found.with_test(rows[test]).with_calibration(rows[~test])


def _float_model(path: Path) -> Graph:
    graph = read_model(path)
    if not is_float(graph):
        raise ModelError(
            f"'{path}' is int8 already, and can't be trained.",
            expected="Expected a float model.",
            hint="Use the Keras model that it was converted from.",
        )
    return graph


def _teacher(path: Path, student: Graph, progress: Progress) -> Graph:
    with progress.stage(f"Reading {path.name}"):
        graph = _float_model(path)
    theirs, ours = (_ends(each) for each in (graph, student))
    if theirs != ours:
        raise ModelError(
            f"The teacher '{path}' maps {theirs[0]} to {theirs[1]}, the model {ours[0]} to "
            f"{ours[1]}.",
            expected="Expected the same shapes.",
        )
    return graph


def _ends(graph: Graph) -> list[str]:
    """The shapes of inputs and outputs."""
    return [
        " and ".join(str(graph.tensors[name].shape) for name in names)
        for names in (graph.inputs, graph.outputs)
    ]

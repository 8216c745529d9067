"""The input of a recipe: the model, its data, and the outputs of the teacher."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinycomp.common.errors import DataError, ModelError
from tinycomp.common.progress import Progress
from tinycomp.data.class_names import fit_class_names
from tinycomp.data.dataset import DataFile, Dataset, open_data
from tinycomp.data.scored import notes_of, scored_outputs
from tinycomp.data.targets import Targets
from tinycomp.data.task import ModelShape, model_shapes
from tinycomp.data.values import spread
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.options.data import DataOptions, HoldOut
from tinycomp.passes._logits import up_to
from tinycomp.prepare import load_samples
from tinycomp.reading import clean_up, is_float, read_model
from tinycomp.techniques._technique import Samples
from tinycomp.train.losses import Supervision
from tinycomp.train.model import features_of
from tinycomp.train.schedule import split
from tinycomp.train.teacher import Kind, kind_of, supervision, teacher_features, teacher_outputs

CALIBRATION = 500
"""The most samples used for activation ranges."""
HELD_OUT = 5
"""If the data has no test half, one in HELD_OUT samples is used for testing."""
VALIDATION = 2000
"""The most validation samples that are scored after a step."""


@dataclass(frozen=True, eq=False)
class Material:
    """A float model, its data and its teacher."""

    graph: Graph
    """The float model as it was read."""
    dataset: Dataset
    """`x`, `y`: the whole training half, without samples that have no usable label."""
    targets: Targets
    """Targets of the training half, of the output that counts."""
    shape: ModelShape
    """The shapes of the model's input and of that output."""
    kind: Kind
    """How outputs are compared with targets, see Supervision.kind."""
    teacher_outputs: Array
    """The teacher's outputs on the training half."""
    teacher: Graph
    """The float model whose outputs are imitated: up to the output that counts."""

    def supervision(self, student: Graph | None = None) -> Supervision:
        """Soft targets and labels of the training half.

        Args:
            student: the model whose hidden features are to imitate the teacher's; None: imitate
                outputs only.

        Raises:
            ModelError: student and teacher have different numbers of hidden features.
        """
        found = supervision(self.kind, self.teacher_outputs, self.targets)
        if student is None:
            return found
        features, cleaned = teacher_features(self.teacher, self.dataset.x), clean_up(student)
        own = cleaned.tensors[features_of(cleaned)].size
        if features.shape[1] != own:
            raise ModelError(
                f"The teacher has {features.shape[1]} hidden features, the model {own}.",
                hint="Set features = 0: hidden features can't be imitated with other channels.",
            )
        return found.with_features(features)

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
        """Samples for techniques that use data."""
        return Samples(self.dataset.x[rows], targets_of(self.targets, rows).values)


def targets_of(targets: Targets, rows: Array) -> Targets:
    """The targets of some rows."""
    each = len(targets.values) // max(1, len(targets.kept))
    indices = (rows[:, np.newaxis] * each + np.arange(each)).ravel()
    return Targets(targets.task, targets.values[indices], np.arange(len(rows)))


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
    targets, shape = scored[0].targets, scored[0].shape
    task = targets.task if shape.place == 0 else None
    graph = replace(graph, class_names=fit_class_names(dataset, shapes[0], task, progress))
    kind = kind_of(shape, targets, clean_up(_only(graph, shape)), notes_of(scored))
    if len(targets.kept) < len(dataset.x):
        left = len(dataset.x) - len(targets.kept)
        progress.note(f"{left} samples without a usable label are not used for training.")
    dataset = dataset.with_calibration(targets.kept)
    teacher_graph = _only(graph if teacher is None else _teacher(teacher, graph, progress), shape)
    with progress.stage(f"Running the teacher on {len(dataset.x)} samples"):
        outputs = teacher_outputs(teacher_graph, dataset.x, kind)
    return Material(graph, dataset, targets, shape, kind, outputs, teacher_graph)


def _only(graph: Graph, output: ModelShape) -> Graph:
    """The graph without its other outputs."""
    return graph if output.outputs == 1 else up_to(graph, graph.outputs[output.place])


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
    shapes = [
        (each.tensors[each.inputs[0]].shape, each.tensors[each.outputs[0]].shape)
        for each in (graph, student)
    ]
    if shapes[0] != shapes[1]:
        raise ModelError(
            f"The teacher '{path}' maps {shapes[0][0]} to {shapes[0][1]}, the model {shapes[1][0]} "
            f"to {shapes[1][1]}.",
            expected="Expected the same shapes.",
        )
    return graph

"""Runs the float model (the teacher) to get the soft targets of a training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.data.targets import Targets
from tinycomp.data.task import ModelShape
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.passes._logits import logits_of, up_to
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up
from tinycomp.reference.oracle import float_batches, run_float
from tinycomp.techniques._outputs import float_outputs
from tinycomp.train.hidden import averaged, features_of, sums_of
from tinycomp.train.losses import Kind, Supervision
from tinycomp.train.schedule import Schedule

_OF_ENDINGS: dict[str, Kind] = {"softmax": "classes", "sigmoid": "marks"}
"""Kinds of outputs without labels."""


def teacher_outputs(graph: Graph, x: Array, logits: Sequence[bool] | bool) -> list[Array]:
    """Each output, (samples, *output shape), float32.

    Args:
        graph: a float model.
        x: real inputs.
        logits: whether to leave out a final softmax or sigmoid, of all or of each output.
    """
    return float_outputs(clean_up(graph), x, logits)


def teacher_features(graph: Graph, x: Array, place: int = 0) -> Array:
    """Inputs of the last layer with weights before an output, (samples, n), float32.

    Raises:
        ModelError: the model has no such layer.
    """
    cleaned = clean_up(graph)
    cut = up_to(cleaned, features_of(cleaned, place))
    (found,) = run_float(write_tflite(cut), x).values()
    return found.reshape(len(x), -1)


def teacher_sums(graph: Graph, x: Array, place: int = 0) -> list[Array]:
    """The sums of residual blocks before an output, averaged over areas, (samples, n), float32.

    Raises:
        ModelError: the model has none.
    """
    cleaned = clean_up(graph)
    cut = up_to(cleaned, *sums_of(cleaned, place))
    batches = [
        [averaged(values, np.reshape, np.mean) for values in batch.values()]
        for batch in float_batches(write_tflite(cut), x, "outputs")
    ]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def hidden(
    teacher: Graph, student: Graph, x: Array, place: int, schedule: Schedule
) -> list[Supervision]:
    """Targets of hidden features and sums of residual blocks before an output, if the schedule says
    that they are imitated.

    Args:
        teacher: a float model.
        student: the model in training, cleaned up.
        x: real inputs of all training samples.
        place: the output.
        schedule: has the weights.

    Raises:
        ModelError: a model has none, or the two have different channels.
    """
    found = []
    if schedule.features:
        features = teacher_features(teacher, x, place)
        own = student.tensors[features_of(student, place)].size
        _require_same([features.shape[1]], [own], "hidden features", "features")
        found.append(Supervision.features(features, schedule.features))
    if schedule.sums:
        theirs, ours = (_channels(each, place) for each in (clean_up(teacher), student))
        _require_same(theirs, ours, "sums of residual blocks", "sums")
        sums = teacher_sums(teacher, x, place)
        found += [Supervision.features(each, schedule.sums / len(sums)) for each in sums]
    return found


def _channels(graph: Graph, place: int) -> list[int]:
    """Of each sum."""
    return [graph.tensors[name].shape[-1] for name in sums_of(graph, place)]


def _require_same(theirs: list[int], ours: list[int], what: str, option: str) -> None:
    if theirs != ours:
        counts = [" and ".join(map(str, each)) for each in (theirs, ours)]
        raise ModelError(
            f"The teacher has {counts[0]} channels in its {what}, the model {counts[1]}.",
            hint=f"Set {option} = 0: {what} can't be imitated with other channels.",
        )


def kind_of(shape: ModelShape, targets: Targets, graph: Graph) -> Kind:
    """How an output is compared with targets, see Supervision.kind.

    Args:
        shape: of the output.
        targets: its labels; without any its last operation decides.
        graph: the float model, cleaned up.
    """
    if targets.task is None:
        found = _OF_ENDINGS.get(shape.by_class.ending, "values")
    elif targets.task == "classification":
        return "classes"
    else:
        found = "marks" if targets.task in ("binary", "multilabel") else "values"
    stripped = logits_of(graph, shape.place) != graph.outputs[shape.place]
    return found if stripped or shape.ending == "other" else "values"


def supervision(kind: Kind, outputs: Array, targets: Targets) -> Supervision:
    """The training targets of an output. Samples without a label get the teacher's prediction.

    Args:
        kind: see Supervision.kind.
        outputs: the teacher's, of all samples.
        targets: labels of some of these samples, or of none.
    """
    make = {
        "classes": Supervision.classes,
        "marks": Supervision.marks,
        "values": Supervision.values,
    }[kind]
    if targets.task is None:
        return make(outputs, None)
    known = targets.values.reshape(len(targets.kept), -1).astype(np.float64)
    missing = np.nan if kind == "values" else -1.0
    labels = np.full((len(outputs), known.shape[1]), missing)
    labels[targets.kept] = known
    return make(outputs, labels)

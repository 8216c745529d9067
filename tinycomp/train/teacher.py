"""Runs the float model (the teacher) to get the soft targets of a training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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

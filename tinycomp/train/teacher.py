"""What the float model says: the soft targets of a training."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from tinycomp.common.errors import DataError
from tinycomp.data.targets import Targets
from tinycomp.data.task import ModelShape
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.passes.remove_dead_nodes import remove_dead_nodes
from tinycomp.prepare import clean_up
from tinycomp.quantize.export import write_tflite
from tinycomp.reference.oracle import run_float
from tinycomp.train.losses import Supervision
from tinycomp.train.model import features_of, logits_of

Kind = Literal["classes", "marks", "values"]


def teacher_outputs(graph: Graph, x: Array, kind: Kind) -> Array:
    """Logits of classes and marks, or values, (samples, *output shape), float32.

    Args:
        graph: a float model.
        x: real inputs.
        kind: as of a Supervision.
    """
    cleaned = clean_up(graph)
    if kind != "values":
        cleaned = remove_dead_nodes(replace(cleaned, outputs=(logits_of(cleaned),)))
    (outputs,) = run_float(write_tflite(cleaned), x).values()
    return outputs


def teacher_features(graph: Graph, x: Array) -> Array:
    """What the last layer with weights reads, (samples, n), float32.

    Raises:
        ModelError: there are no such features.
    """
    cleaned = clean_up(graph)
    cut = remove_dead_nodes(replace(cleaned, outputs=(features_of(cleaned),)))
    (found,) = run_float(write_tflite(cut), x).values()
    return found.reshape(len(x), -1)


def kind_of(shape: ModelShape, targets: Targets, graph: Graph) -> Kind:
    """How outputs of a task are compared.

    Raises:
        DataError: there is nothing to compare them with.
    """
    if targets.task is None:
        raise DataError(
            "The training half can't be learned from. " + " ".join(targets.notes),
            expected="Expected labels that fit the model's outputs (docs/data.md).",
        )
    stripped = shape.ending == "other" or logits_of(graph) != graph.outputs[0]
    if targets.task == "classification":
        return "classes"
    return "marks" if targets.task in ("binary", "multilabel") and stripped else "values"


def supervision(kind: Kind, outputs: Array, targets: Targets | None) -> Supervision:
    """Soft targets and labels of the same samples; labels None: the float model's own choice."""
    labels = None if targets is None else targets.values
    return {
        "classes": Supervision.classes,
        "marks": Supervision.marks,
        "values": Supervision.values,
    }[kind](outputs, labels)

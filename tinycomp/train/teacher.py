"""Runs the float model (the teacher) to get the soft targets of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tinycomp.common.errors import DataError
from tinycomp.data.targets import Targets
from tinycomp.data.task import ModelShape
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.passes._logits import logits_of, up_to
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up
from tinycomp.reference.oracle import run_float
from tinycomp.train.losses import Supervision
from tinycomp.train.model import features_of

Kind = Literal["classes", "marks", "values"]


def teacher_outputs(graph: Graph, x: Array, kind: Kind) -> Array:
    """Logits for classes and marks, otherwise output values: (samples, *output shape), float32.

    Args:
        graph: a float model.
        x: real inputs.
        kind: see Supervision.kind.
    """
    cleaned = clean_up(graph)
    if kind != "values":
        cleaned = up_to(cleaned, logits_of(cleaned))
    (outputs,) = run_float(write_tflite(cleaned), x).values()
    return outputs


def teacher_features(graph: Graph, x: Array) -> Array:
    """Inputs of the last layer with weights, (samples, n), float32.

    Raises:
        ModelError: the model has no such layer.
    """
    cleaned = clean_up(graph)
    cut = up_to(cleaned, features_of(cleaned))
    (found,) = run_float(write_tflite(cut), x).values()
    return found.reshape(len(x), -1)


def kind_of(shape: ModelShape, targets: Targets, graph: Graph, notes: Sequence[str]) -> Kind:
    """How outputs are compared with targets, see Supervision.kind.

    Args:
        shape: of the output.
        targets: its labels.
        graph: the float model with this output alone.
        notes: how labels were read.

    Raises:
        DataError: the labels do not fit the model's outputs.
    """
    if targets.task is None:
        raise DataError(
            "The training half has no usable labels. " + " ".join(notes),
            expected="Expected labels that fit the model's outputs (docs/data.md).",
        )
    stripped = shape.ending == "other" or logits_of(graph) != graph.outputs[0]
    if targets.task == "classification":
        return "classes"
    return "marks" if targets.task in ("binary", "multilabel") and stripped else "values"


def supervision(kind: Kind, outputs: Array, targets: Targets | None) -> Supervision:
    """The training targets from teacher outputs and labels; without labels the teacher's
    predictions are used.
    """
    labels = None if targets is None else targets.values
    return {
        "classes": Supervision.classes,
        "marks": Supervision.marks,
        "values": Supervision.values,
    }[kind](outputs, labels)

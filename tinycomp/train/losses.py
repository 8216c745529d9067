"""Training targets, the float model's outputs and labels, and the losses that compare with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from tinycomp.ir.tensor import Array

Kind = Literal["classes", "marks", "values"]


@dataclass(frozen=True, eq=False)
class Supervision:
    """Targets of every training sample, for one output."""

    kind: Kind
    """"classes": outputs are logits of exclusive classes. "marks": each output is an independent
    logit (binary or multilabel). "values": outputs are compared directly (regression).
    """
    rows: Array
    """(samples, ..., 2 n) float32: n outputs of the float model, then n label values (one-hot
    classes, 0 and 1, or real values).
    """
    labelled: bool = True
    """Whether there are labels; without any the float model's outputs alone are imitated."""
    weight: float = 1.0
    """Weight of its loss."""

    @classmethod
    def classes(cls, teacher: Array, labels: Array | None) -> Supervision:
        """From the float model's logits (samples, ..., classes) and class indices (samples, ...).
        Negative indices, or none at all, stand for the class that the float model predicts.
        """
        found = teacher.argmax(axis=-1)
        if labels is not None:
            given = labels.reshape(found.shape)
            found = np.where(given >= 0, given, found)
        shares = np.eye(teacher.shape[-1], dtype=np.float32)[found.astype(np.int64)]
        return cls("classes", _joined(teacher, shares), labels is not None)

    @classmethod
    def marks(cls, teacher: Array, labels: Array | None) -> Supervision:
        """From the float model's logits, and labels 0 and 1 of the same shape. Negative labels, or
        none at all, stand for the float model's predictions.
        """
        wanted = teacher > 0
        if labels is not None:
            given = labels.reshape(teacher.shape)
            wanted = np.where(given >= 0, given, wanted)
        return cls("marks", _joined(teacher, wanted), labels is not None)

    @classmethod
    def values(cls, teacher: Array, labels: Array | None) -> Supervision:
        """From the float model's outputs, and labels of the same shape. NaN, or no labels at all,
        stand for the float model's outputs.
        """
        wanted = teacher
        if labels is not None:
            given = labels.reshape(teacher.shape)
            wanted = np.where(np.isnan(given), teacher, given)
        return cls("values", _joined(teacher, wanted), labels is not None)

    @classmethod
    def features(cls, features: Array, weight: float) -> Supervision:
        """The float model's hidden features (samples, n), to be imitated: the squared error,
        normalized by their mean square (A. Romero et al., "FitNets", ICLR 2015).
        """
        return replace(cls.values(features, None), weight=weight / _mean_square(features))

    def parts(self, rows: Array) -> tuple[Array, Array]:
        """Of some rows: the float model's outputs, and those of the labels."""
        said, labels = np.split(rows, 2, axis=-1)
        return said, labels

    def agreement(self, outputs: Array, rows: Array) -> float:
        """The accuracy over classes or marks, or R2 over all values: 1 if all are right."""
        _, wanted = self.parts(self.rows[rows])
        if self.kind == "classes":
            return float(np.mean(outputs.argmax(-1) == wanted.argmax(-1)))
        if self.kind == "marks":
            return float(np.mean((outputs > 0) == (wanted > 0.5)))
        return 1 - float(np.mean((outputs - wanted) ** 2)) / _variance(wanted)


def _joined(teacher: Array, labels: Array) -> Array:
    return np.concatenate([teacher, labels], -1).astype(np.float32)


def _mean_square(values: Array) -> float:
    return float(np.mean(values.astype(np.float64) ** 2)) or 1.0


def _variance(values: Array) -> float:
    """The mean square of each value's distance from its mean over the samples."""
    wide = values.astype(np.float64)
    return _mean_square(wide - wide.mean(axis=0))


def balanced(targets: Supervision, weight: float) -> Supervision:
    """The targets of an output with this weight of its loss. Squared errors are divided by the
    variance of the labels, which makes them free of units and comparable with cross entropies and
    penalties.
    """
    _, labels = targets.parts(targets.rows)
    unit = _variance(labels) if targets.kind == "values" else 1.0
    return replace(targets, weight=weight / unit)


def loss(kind: Kind, temperature: float, imitation: float) -> Callable[[Any, Any], Any]:
    """The loss of an output as a function of (rows of a Supervision, values of the output).

    For classes: temperature^2 times the cross entropy with the float model's softened
    probabilities, and the cross entropy with the labels (Hinton et al., "Distilling the knowledge
    in a neural network", 2015). For marks: the same with binary cross entropy. For values: squared
    errors.
    """
    from keras import ops

    def entropy(shares: Any, logits: Any) -> Any:
        return -ops.mean(ops.sum(shares * ops.log_softmax(logits, axis=-1), axis=-1))

    def of_classes(rows: Any, outputs: Any) -> Any:
        teacher, labels = ops.split(rows, 2, axis=-1)
        soft = ops.softmax(teacher / temperature, axis=-1)
        imitated = temperature**2 * entropy(soft, outputs / temperature)
        return imitation * imitated + (1 - imitation) * entropy(labels, outputs)

    def of_marks(rows: Any, outputs: Any) -> Any:
        teacher, labels = ops.split(rows, 2, axis=-1)
        soft = ops.sigmoid(teacher / temperature)
        found = ops.binary_crossentropy(soft, outputs / temperature, from_logits=True)
        imitated = temperature**2 * ops.mean(found)
        labelled = ops.mean(ops.binary_crossentropy(labels, outputs, from_logits=True))
        return imitation * imitated + (1 - imitation) * labelled

    def of_values(rows: Any, outputs: Any) -> Any:
        teacher, labels = ops.split(rows, 2, axis=-1)
        errors = imitation * ops.square(outputs - teacher)
        return ops.mean(errors + (1 - imitation) * ops.square(outputs - labels))

    return {"classes": of_classes, "marks": of_marks, "values": of_values}[kind]

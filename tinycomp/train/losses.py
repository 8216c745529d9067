"""What outputs under training are compared with: the float model's outputs, and labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from tinycomp.ir.tensor import Array

Kind = Literal["classes", "marks", "values"]


@dataclass(frozen=True, eq=False)
class Supervision:
    """Targets of every training sample."""

    kind: Kind
    """"classes": outputs are logits of exclusive classes. "marks": each is a logit of its own.
    "values": they are compared as they are.
    """
    rows: Array
    """(samples, ..., 2 n) float32: n outputs of the float model, then n of the labels: shares of
    classes, 0 and 1, or values. Then the float model's hidden features, if they are imitated.
    """
    hidden: int = 0
    """How many hidden features there are."""
    unit: float = 1.0
    """Their root mean square."""

    def with_features(self, features: Array) -> Supervision:
        """And of the float model's hidden features (samples, n); outputs then have theirs behind
        them.
        """
        unit = float(np.sqrt(np.mean(features.astype(np.float64) ** 2))) or 1.0
        rows = np.concatenate([self.rows, features.astype(np.float32)], -1)
        return replace(self, rows=rows, hidden=features.shape[-1], unit=unit)

    @classmethod
    def classes(cls, teacher: Array, labels: Array | None) -> Supervision:
        """Of the float model's logits (samples, ..., classes), and class indices (samples, ...);
        without labels the float model's own choice is taken.
        """
        chosen = teacher.argmax(axis=-1) if labels is None else labels.reshape(teacher.shape[:-1])
        shares = np.eye(teacher.shape[-1], dtype=np.float32)[chosen.astype(np.int64)]
        return cls("classes", np.concatenate([teacher, shares], -1).astype(np.float32))

    @classmethod
    def marks(cls, teacher: Array, labels: Array | None) -> Supervision:
        """Of the float model's logits, and labels 0 and 1 of the same shape."""
        wanted = teacher > 0 if labels is None else labels.reshape(teacher.shape)
        return cls("marks", np.concatenate([teacher, wanted], -1).astype(np.float32))

    @classmethod
    def values(cls, teacher: Array, labels: Array | None) -> Supervision:
        """Of the float model's outputs, and labels of the same shape, if there are any."""
        wanted = teacher if labels is None else labels.reshape(teacher.shape)
        return cls("values", np.concatenate([teacher, wanted], -1).astype(np.float32))

    def agreement(self, outputs: Array, rows: Array) -> float:
        """How good outputs are: the share of right classes or marks, or the negated mean squared
        error.
        """
        count = outputs.shape[-1] - self.hidden
        wanted, outputs = self.rows[rows][..., count : 2 * count], outputs[..., :count]
        if self.kind == "classes":
            return float(np.mean(outputs.argmax(-1) == wanted.argmax(-1)))
        if self.kind == "marks":
            return float(np.mean((outputs > 0) == (wanted > 0.5)))
        return -float(np.mean((outputs - wanted) ** 2))


def with_features(
    of_outputs: Callable[[Any, Any], Any], hidden: int, unit: float, weight: float
) -> Callable[[Any, Any], Any]:
    """A loss with the squared error of hidden features added, in units of theirs (A. Romero et al.,
    "FitNets", ICLR 2015).

    Args:
        of_outputs: the loss of the rows and outputs in front of them.
        hidden: how many features there are.
        unit: their root mean square.
        weight: of their error.
    """
    from keras import ops

    def found(rows: Any, outputs: Any) -> Any:
        errors = ops.square((outputs[..., -hidden:] - rows[..., -hidden:]) / unit)
        return of_outputs(rows[..., :-hidden], outputs[..., :-hidden]) + weight * ops.mean(errors)

    return found


def loss(kind: Kind, temperature: float, imitation: float) -> Callable[[Any, Any], Any]:
    """The loss of (rows of a Supervision, outputs).

    For classes: temperature^2 times the cross entropy to the float model's softened shares, and
    the cross entropy to the labels (Hinton et al., "Distilling the knowledge in a neural network",
    2015). For marks: the same, of two classes each. For values: squared errors.
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
        told = ops.mean(ops.binary_crossentropy(labels, outputs, from_logits=True))
        return imitation * imitated + (1 - imitation) * told

    def of_values(rows: Any, outputs: Any) -> Any:
        teacher, labels = ops.split(rows, 2, axis=-1)
        errors = imitation * ops.square(outputs - teacher)
        return ops.mean(errors + (1 - imitation) * ops.square(outputs - labels))

    return {"classes": of_classes, "marks": of_marks, "values": of_values}[kind]

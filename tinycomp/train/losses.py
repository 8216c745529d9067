"""What outputs under training are compared with: the float model's outputs, and labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
    classes, 0 and 1, or values.
    """

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
        wanted = self.rows[rows][..., outputs.shape[-1] :]
        if self.kind == "classes":
            return float(np.mean(outputs.argmax(-1) == wanted.argmax(-1)))
        if self.kind == "marks":
            return float(np.mean((outputs > 0) == (wanted > 0.5)))
        return -float(np.mean((outputs - wanted) ** 2))


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

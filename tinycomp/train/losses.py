"""What outputs under training are compared with: the float model's outputs, and labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tinycomp.ir.tensor import Array

Kind = Literal["classes", "values"]


@dataclass(frozen=True, eq=False)
class Supervision:
    """Targets of every training sample."""

    kind: Kind
    """"classes": outputs are logits of exclusive classes. "values": they are compared as they are.
    """
    rows: Array
    """(samples, ..., 2 n) float32: n outputs of the float model, then n of the labels: shares of
    classes, or values.
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
    def values(cls, teacher: Array, labels: Array | None) -> Supervision:
        """Of the float model's outputs, and labels of the same shape, if there are any."""
        wanted = teacher if labels is None else labels.reshape(teacher.shape)
        return cls("values", np.concatenate([teacher, wanted], -1).astype(np.float32))

    def agreement(self, outputs: Array, rows: Array) -> float:
        """How good outputs are: the share of right classes, or the negated mean squared error."""
        wanted = self.rows[rows][..., outputs.shape[-1] :]
        if self.kind == "classes":
            return float(np.mean(outputs.argmax(-1) == wanted.argmax(-1)))
        return -float(np.mean((outputs - wanted) ** 2))


def loss(kind: Kind, temperature: float, imitation: float) -> Callable[[Any, Any], Any]:
    """The loss of (rows of a Supervision, outputs).

    For classes: temperature^2 times the cross entropy to the float model's softened shares, and
    the cross entropy to the labels (Hinton et al., "Distilling the knowledge in a neural network",
    2015). For values: squared errors.
    """
    from keras import ops

    def entropy(shares: Any, logits: Any) -> Any:
        return -ops.mean(ops.sum(shares * ops.log_softmax(logits, axis=-1), axis=-1))

    def of_classes(rows: Any, outputs: Any) -> Any:
        teacher, labels = ops.split(rows, 2, axis=-1)
        soft = ops.softmax(teacher / temperature, axis=-1)
        imitated = temperature**2 * entropy(soft, outputs / temperature)
        return imitation * imitated + (1 - imitation) * entropy(labels, outputs)

    def of_values(rows: Any, outputs: Any) -> Any:
        teacher, labels = ops.split(rows, 2, axis=-1)
        errors = imitation * ops.square(outputs - teacher)
        return ops.mean(errors + (1 - imitation) * ops.square(outputs - labels))

    return of_classes if kind == "classes" else of_values

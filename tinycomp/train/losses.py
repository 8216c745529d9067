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
    """Targets of every training sample."""

    kind: Kind
    """"classes": outputs are logits of exclusive classes. "marks": each output is an independent
    logit (binary or multilabel). "values": outputs are compared directly (regression).
    """
    rows: Array
    """(samples, ..., 2 n) float32: n outputs of the float model, then n label values (one-hot
    classes, 0 and 1, or real values). Then the float model's hidden features, if imitated.
    """
    hidden: int = 0
    """Number of hidden features."""
    unit: float = 1.0
    """Root mean square of the hidden features."""

    def with_features(self, features: Array) -> Supervision:
        """Add the float model's hidden features (samples, n) as targets; the model's outputs must
        then be followed by its own features.
        """
        unit = float(np.sqrt(np.mean(features.astype(np.float64) ** 2))) or 1.0
        rows = np.concatenate([self.rows, features.astype(np.float32)], -1)
        return replace(self, rows=rows, hidden=features.shape[-1], unit=unit)

    @classmethod
    def classes(cls, teacher: Array, labels: Array | None) -> Supervision:
        """From the float model's logits (samples, ..., classes) and class indices (samples, ...).
        Without labels the classes that the float model predicts are used.
        """
        chosen = teacher.argmax(axis=-1) if labels is None else labels.reshape(teacher.shape[:-1])
        shares = np.eye(teacher.shape[-1], dtype=np.float32)[chosen.astype(np.int64)]
        return cls("classes", np.concatenate([teacher, shares], -1).astype(np.float32))

    @classmethod
    def marks(cls, teacher: Array, labels: Array | None) -> Supervision:
        """From the float model's logits, and labels 0 and 1 of the same shape. Without labels the
        float model's predictions are used.
        """
        wanted = teacher > 0 if labels is None else labels.reshape(teacher.shape)
        return cls("marks", np.concatenate([teacher, wanted], -1).astype(np.float32))

    @classmethod
    def values(cls, teacher: Array, labels: Array | None) -> Supervision:
        """From the float model's outputs, and labels of the same shape, if there are any."""
        wanted = teacher if labels is None else labels.reshape(teacher.shape)
        return cls("values", np.concatenate([teacher, wanted], -1).astype(np.float32))

    def parts(self, rows: Array) -> tuple[Array, Array, Array]:
        """Of some rows: the float model's outputs, those of the labels, hidden features."""
        count = (rows.shape[-1] - self.hidden) // 2
        said, labels, hidden = np.split(rows, [count, 2 * count], axis=-1)
        return said, labels, hidden

    def agreement(self, outputs: Array, rows: Array) -> float:
        """The accuracy over classes or marks, or the negative mean squared error."""
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
    """A loss plus the squared error of hidden features, normalized by their rms (A. Romero et al.,
    "FitNets", ICLR 2015).

    Args:
        of_outputs: the loss of the outputs without features.
        hidden: number of features.
        unit: their root mean square.
        weight: weight of their error in the loss.
    """
    from keras import ops

    def found(rows: Any, outputs: Any) -> Any:
        errors = ops.square((outputs[..., -hidden:] - rows[..., -hidden:]) / unit)
        return of_outputs(rows[..., :-hidden], outputs[..., :-hidden]) + weight * ops.mean(errors)

    return found


def loss(kind: Kind, temperature: float, imitation: float) -> Callable[[Any, Any], Any]:
    """The loss as a function of (rows of a Supervision, outputs).

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

"""Metrics for classification and regression, in NumPy; None where a metric is not defined."""

from __future__ import annotations

import numpy as np

from tinycomp.ir.tensor import Array


def roc_auc(positive: Array, scores: Array) -> float | None:
    """The area under the receiver operating characteristic: the share of pairs (positive,
    negative) in which the positive sample scores higher; a tie counts half. None if all samples are
    positive or all negative.

    Computed from the ranks of the positive samples (Hanley and McNeil, 1982).

    Args:
        positive: bool (samples).
        scores: real numbers (samples).
    """
    positives = int(np.count_nonzero(positive))
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    wins = float(ranks[positive].sum()) - positives * (positives + 1) / 2
    return wins / (positives * negatives)


def macro_roc_auc(classes: Array, probabilities: Array) -> float | None:
    """The mean area of each class against all others, over the classes that occur.

    Args:
        classes: the true class indices (samples).
        probabilities: (samples, classes).
    """
    areas = [roc_auc(classes == each, probabilities[:, each]) for each in np.unique(classes)]
    known = [area for area in areas if area is not None]
    return float(np.mean(known)) if known else None


def confusion_matrix(classes: Array, found: Array, count: int) -> Array:
    """How often class i was classified as class j: (count, count), true classes by row."""
    return np.bincount(classes * count + found, minlength=count * count).reshape(count, count)


def f1_score(positive: Array, found: Array) -> float | None:
    """The harmonic mean of precision and recall of one label, from bools (samples). None if the
    label neither occurs nor is predicted.
    """
    marked = np.count_nonzero(positive) + np.count_nonzero(found)
    return 2 * float(np.count_nonzero(positive & found)) / float(marked) if marked else None


def r2_score(targets: Array, outputs: Array) -> float | None:
    """The coefficient of determination: 1 - squared error / squared distance of the targets from
    their mean. None for targets that are all the same.
    """
    if (targets == targets[0]).all():
        return None
    spread = float(np.sum((targets - targets.mean()) ** 2))
    return 1 - float(np.sum((targets - outputs) ** 2)) / spread


def softmax(logits: Array) -> Array:
    """The softmax of each row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares

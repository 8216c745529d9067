"""Weight sharing: one codebook per layer with trained entries.

Weights keep their codebook index, and each entry is the mean of its weights (S. Han et al., "Deep
compression", ICLR 2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.ir.tensor import Array
from tinycomp.techniques._kmeans import cluster
from tinycomp.train.constraint import Constraint, Fixed, Initial, Kernel

_POINTS = 512
"""Resolution of the initial clustering: steps from zero to the largest weight."""
_LAST = 127
_SMALLEST = 1e-12


@dataclass(frozen=True)
class Share(Constraint):
    """At most 2^bits distinct weights in a layer, including zero, on one int8 grid."""

    name: ClassVar[str] = "share"
    stage: ClassVar[Literal["zeros", "grid"]] = "grid"

    bits: int = 4
    """1 to 7."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: `bits` is out of range.
        """
        if not 1 <= self.bits <= 7:
            raise TinycompError(
                f"Codebooks of {self.bits} bits are not possible.", expected="Expected 1 to 7."
            )

    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """index: the codebook entry of each weight. Entry 0 is zero and stays zero."""
        unit = max(np.abs(kernel).max(), _SMALLEST) / _POINTS
        steps = np.rint(kernel / unit).astype(np.int64)
        points, inverse, counts = np.unique(steps, return_inverse=True, return_counts=True)
        if 0 not in points:  # so that there is an entry for zero
            points, counts = np.append(points, 0), np.append(counts, 0)
            order = np.argsort(points)
            position = np.argsort(order)
            points, counts, inverse = points[order], counts[order], position[inverse]
        centres = cluster(points, counts.astype(np.float64), 2**self.bits, True).centres
        values = [0, *(each for each in np.unique(centres) if each != 0)]
        entry = {int(value): number for number, value in enumerate(values)}
        table = np.array([entry[int(each)] for each in centres], np.float32)
        return {"index": Initial(table[inverse.reshape(kernel.shape)])}

    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """Each weight replaced by the mean of its entry, which gets their mean gradient."""
        from keras import ops

        flat = ops.reshape(kernel, (-1,))
        index = ops.reshape(ops.cast(ops.convert_to_tensor(state["index"]), "int32"), (-1,))
        count = 2**self.bits
        sums = ops.segment_sum(flat, index, num_segments=count)
        sizes = ops.segment_sum(ops.ones_like(flat), index, num_segments=count)
        means = sums / ops.maximum(sizes, 1.0)
        means = means * ops.cast(ops.arange(count) > 0, means.dtype)
        step = ops.stop_gradient(ops.maximum(ops.max(ops.abs(means)) / _LAST, _SMALLEST))
        means = means + ops.stop_gradient(step * ops.round(means / step) - means)
        return ops.reshape(ops.take(means, index), kernel.shape)

    def finish(self, fixed: Fixed, state: Mapping[str, Array], axis: int) -> Fixed:
        """Each weight replaced by the mean of its entry, in float64."""
        index = state["index"].astype(np.int64).ravel()
        count = 2**self.bits
        sums = np.bincount(index, fixed.kernel.ravel(), count)
        means = sums / np.maximum(np.bincount(index, minlength=count), 1)
        means[0] = 0.0
        step = max(float(np.abs(means).max()) / _LAST, _SMALLEST)
        rounded = step * np.rint(means / step)
        return fixed.on(rounded[index].reshape(fixed.kernel.shape), np.asarray(step))

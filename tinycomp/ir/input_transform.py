"""The scale and offset per feature that a library applies to raw input values, before it quantizes
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array


@dataclass(frozen=True)
class InputTransform:
    """normalized = (raw - center) * factor, each step in float32.

    Element i of an input belongs to feature i modulo the number of features.
    """

    centers: tuple[float, ...]
    """One per feature; float32 values, in the unit of the raw values."""
    factors: tuple[float, ...]
    """One per feature; float32 values, finite and not zero."""
    integers: bool = False
    """Whether raw values are integers that fit int16; the library then accepts int16 as well."""

    @property
    def described(self) -> str:
        """The transform as a sentence, for users of the .tflite alone."""
        centers, factors = (
            ", ".join(str(np.float32(value)) for value in values)
            for values in (self.centers, self.factors)
        )
        return (
            f"The .tflite takes (raw - center) * factor of each of {len(self.centers)} features: "
            f"centers {centers}; factors {factors}."
        )

    def normalize(self, raw: Array) -> NDArray[np.float32]:
        """The real values of the model's first int8 tensor, (samples, *shape), float32."""
        return self._apply(raw, np.asarray(self.factors, np.float32))

    def steps(self, raw: Array, scale: float) -> NDArray[np.float32]:
        """The same in steps of that scale, not yet rounded, computed as the library does.

        A subtraction followed by a multiplication can't be contracted into a fused multiply-add,
        so C compilers and NumPy agree on every bit.
        """
        return self._apply(raw, self.gains(scale))

    def gains(self, scale: float) -> NDArray[np.float32]:
        """factors / scale, rounded once."""
        gains: NDArray[np.float32] = (np.asarray(self.factors, np.float64) / scale).astype(
            np.float32
        )
        return gains

    def _apply(self, raw: Array, factors: NDArray[np.float32]) -> NDArray[np.float32]:
        values = np.asarray(raw, np.float32).reshape(-1, len(self.centers))
        with np.errstate(over="ignore", invalid="ignore"):
            applied: NDArray[np.float32] = (values - np.asarray(self.centers, np.float32)) * factors
        return applied.reshape(np.shape(raw))

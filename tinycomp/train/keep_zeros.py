"""Weights that are zero before a training stay zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tinycomp.ir.tensor import Array
from tinycomp.train.constraint import Constraint, Fixed, Initial, Kernel


@dataclass(frozen=True)
class KeepZeros(Constraint):
    """Keeps pruned weights at zero. On its own it is fine-tuning of a pruned model."""

    name: ClassVar[str] = "keep_zeros"
    stage: ClassVar[Literal["zeros", "grid"]] = "zeros"

    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """mask: 1 where a weight is not zero."""
        return {"mask": Initial((kernel != 0).astype(np.float32))}

    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """The masked kernel; zeros get no gradient."""
        return kernel * state["mask"]

    def finish(self, fixed: Fixed, state: Mapping[str, Array], axis: int) -> Fixed:
        """The masked kernel."""
        return fixed.on(fixed.kernel * state["mask"], None)

    def kept(self) -> Constraint:
        """Itself."""
        return self

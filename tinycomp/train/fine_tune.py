"""Fine-tuning without an additional constraint, to recover accuracy after earlier steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from tinycomp.ir.tensor import Array
from tinycomp.train.constraint import Constraint, Fixed, Initial, Kernel


@dataclass(frozen=True)
class FineTune(Constraint):
    """Trains all weights; constraints that earlier steps keep (zeros) still apply."""

    name: ClassVar[str] = "fine_tune"
    stage: ClassVar[Literal["zeros", "grid"]] = "zeros"

    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """No state."""
        return {}

    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """The kernel unchanged."""
        return kernel

    def finish(self, fixed: Fixed, state: Mapping[str, Array], axis: int) -> Fixed:
        """The kernel unchanged."""
        return fixed

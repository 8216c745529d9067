"""Training without a constraint of its own: it makes up for what the steps before have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from tinycomp.ir.tensor import Array
from tinycomp.train.constraint import Constraint, Fixed, Initial, Kernel


@dataclass(frozen=True)
class FineTune(Constraint):
    """Every weight is free; zeros and whatever else earlier steps want kept stay."""

    name: ClassVar[str] = "fine_tune"
    stage: ClassVar[Literal["zeros", "grid"]] = "zeros"

    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """None."""
        return {}

    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """The kernel."""
        return kernel

    def finish(self, fixed: Fixed, state: Mapping[str, Array], axis: int) -> Fixed:
        """The kernel."""
        return fixed

"""ELU: as a table in the file, as LiteRT's reference kernels have no int8 ELU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, TfliteOperator
from tinycomp.ir.tensor import Array
from tinycomp.ops._function import RealFunction, leaky, link


@dataclass(frozen=True)
class Elu(RealFunction):
    """x where positive, else alpha * (e^x - 1) (Clevert et al., 2016)."""

    name: ClassVar[str] = "elu"
    tflite_names: ClassVar[tuple[str, ...]] = ("ELU",)
    keras_names: ClassVar[tuple[str, ...]] = ("ELU",)

    alpha: float = 1.0
    """The limit for very negative inputs, negated."""

    def real(self, x: Array) -> Array:
        """The definition; e^x only where x is negative."""
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def float_chain(self) -> tuple[TfliteOperator, ...]:
        """ELU has alpha = 1; negative outputs are scaled afterwards."""
        return (link("ELU"),) if self.alpha == 1 else (link("ELU"), leaky(self.alpha))

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Its alpha."""
        return builder.add(cls(float(layer.config.get("alpha", 1.0))), inputs, layer.name)

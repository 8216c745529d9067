"""How a graph follows from the larger one that it was reduced to, element by element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tinycomp.ir.graph import Graph

CONSTANT, UNREAD = -1, -2
"""In TensorReduction.source: the same for every input; read by nothing, so not computed."""


@dataclass(frozen=True, eq=False)
class TensorReduction:
    """How one tensor of a graph follows from the graph that it was reduced to.

    tensor: the one there that holds what is still computed of it; None where nothing is.
    source, in this tensor's shape: which element of that one each element is (counted through all
    axes), or CONSTANT, or UNREAD. constants, in the same shape: what the CONSTANT ones are.
    """

    tensor: str | None
    source: NDArray[np.int32]
    constants: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Reduction:
    """What a graph was reduced from without changing a value, and where its tensors are now."""

    graph: Graph
    tensors: Mapping[str, TensorReduction]

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
    """Where the elements of one original tensor are in the reduced graph."""

    tensor: str | None
    """The tensor there that holds what is still computed of it; None where nothing is."""
    source: NDArray[np.int32]
    """In the original's shape: the flat index into that tensor, or CONSTANT, or UNREAD."""
    constants: NDArray[np.int8]
    """In the original's shape: the values of the CONSTANT elements."""


@dataclass(frozen=True, eq=False)
class Reduction:
    """What a graph was reduced from without changing a value, and where its tensors are now."""

    graph: Graph
    """The original."""
    tensors: Mapping[str, TensorReduction]
    """By the name of the original's tensor."""


def original(graph: Graph) -> Graph:
    """What a graph was before it was reduced."""
    return graph if graph.reduction is None else graph.reduction.graph

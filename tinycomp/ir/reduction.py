"""Maps each element of an original graph's tensors to the smaller graph that it was reduced to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array

if TYPE_CHECKING:
    from tinycomp.ir.graph import Graph

CONSTANT, UNREAD = -1, -2
"""Values of TensorReduction.source: the same for every input; unread, so not computed."""


@dataclass(frozen=True, eq=False)
class TensorReduction:
    """Where the elements of one original tensor are in the reduced graph."""

    tensor: str | None
    """The tensor of the reduced graph that holds what is still computed; None if nothing is."""
    source: NDArray[np.int32]
    """In the shape of the original: the flat index into that tensor, or CONSTANT, or UNREAD."""
    constants: Array
    """In the shape of the original: the values of the CONSTANT elements."""


@dataclass(frozen=True, eq=False)
class Reduction:
    """The graph before an exact reduction, and where its tensors are now."""

    graph: Graph
    """The original graph."""
    tensors: Mapping[str, TensorReduction]
    """By the name of the original tensor."""


def original(graph: Graph) -> Graph:
    """The graph before it was reduced; the graph itself if it was not."""
    return graph if graph.reduction is None else graph.reduction.graph

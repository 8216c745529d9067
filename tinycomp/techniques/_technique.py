"""The interface of compression techniques: a dataclass of options with apply(graph) -> Graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of the training half, for techniques that use data."""

    x: Array
    """Real inputs (samples, *input shape), float32."""
    targets: Array | Mapping[str, Array] | None = None
    """Class indices (samples) or real values (samples, *output shape); of several outputs by their
    names, of those that have any. None: no labels.
    """


Stage = Literal["float", "grid", "int8"]
""""float": before quantization; may change the structure. "grid": before quantization; chooses the
values of weights (Constant.grid), which quantization keeps. "int8": after quantization.
"""


class Technique(ABC):
    """Each subclass is a frozen dataclass in its own module; its fields are its options.

    Techniques of the stages "float" and "grid" are recipe steps by their name. They get the float
    graph as it was read, batch normalization included, or after training.
    """

    name: ClassVar[str]
    """Name of the module, such as "prune"."""
    stage: ClassVar[Stage]
    """When it is applied."""

    @abstractmethod
    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The compressed graph.

        Args:
            graph: float or int8, according to the technique's stage.
            samples: real data, if available; recipes pass samples of the training half.

        Raises:
            TinycompError: the options don't fit this graph, or need samples.
        """

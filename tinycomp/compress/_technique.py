"""The contract of a compression technique: a dataclass of options with apply(graph) -> Graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array


@dataclass(frozen=True, eq=False)
class Samples:
    """Some of the training half, for techniques that look at data."""

    x: Array
    """Real inputs (samples, *input shape), float32."""
    targets: Array | None = None
    """Class indices (samples), or real numbers (samples, *output shape); None: there are none."""


class Technique(ABC):
    """Each subclass is a frozen dataclass in its own module; its fields are its options.

    Those of the stage "float" are steps of recipes under their name, and may change the structure:
    they get the float graph as it was read, batch normalization included, or as training left it.
    """

    name: ClassVar[str]
    """The module's name, "prune"."""
    stage: ClassVar[Literal["float", "int8"]]
    """Whether it is applied before or after quantization."""

    @abstractmethod
    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The compressed graph.

        Args:
            graph: of the technique's stage.
            samples: to look at; recipes give them, None otherwise.

        Raises:
            TinycompError: the options don't fit this graph, or need samples.
        """

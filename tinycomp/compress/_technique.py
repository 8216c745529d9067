"""The contract of a compression technique: a dataclass of options with apply(graph) -> Graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from tinycomp.ir.graph import Graph


class Technique(ABC):
    """Each subclass is a frozen dataclass in its own module; its fields are its options."""

    name: ClassVar[str]
    """The module's name, "prune"."""
    stage: ClassVar[Literal["float", "int8"]]
    """Whether it is applied before or after quantization."""

    @abstractmethod
    def apply(self, graph: Graph) -> Graph:
        """The compressed graph."""

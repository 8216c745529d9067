"""Compression techniques, one per module. They change weights or structure, not storage.

Each is a dataclass of options with apply(graph, samples) -> Graph; those here take the float graph.
"""

from tinycomp.techniques._technique import Samples
from tinycomp.techniques.channels import Channels
from tinycomp.techniques.cp import Cp
from tinycomp.techniques.equalize import Equalize
from tinycomp.techniques.low_rank import LowRank
from tinycomp.techniques.rounding import Rounding
from tinycomp.techniques.tucker import Tucker
from tinycomp.techniques.width import Width

__all__ = [
    "Channels",
    "Cp",
    "Equalize",
    "LowRank",
    "Rounding",
    "Samples",
    "Tucker",
    "Width",
]

"""Compression techniques, one per module. They change weights or structure, not storage.

Each is a dataclass of options with apply(graph, samples) -> Graph; those here take the float graph.
Called, the package is tinycomp.api.compress.
"""

from tinycomp.common.called import make_callable
from tinycomp.compress._technique import Samples
from tinycomp.compress.channels import Channels
from tinycomp.compress.cp import Cp
from tinycomp.compress.equalize import Equalize
from tinycomp.compress.low_rank import LowRank
from tinycomp.compress.rounding import Rounding
from tinycomp.compress.tucker import Tucker
from tinycomp.compress.width import Width

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

make_callable(__name__)

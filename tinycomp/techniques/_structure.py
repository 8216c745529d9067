"""Base class of techniques that change the structure of the float graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from tinycomp.ir.graph import Graph
from tinycomp.passes._channels import Mask
from tinycomp.techniques._recalibration import recalibrated
from tinycomp.techniques._technique import Samples, Stage, Technique


@dataclass(frozen=True)
class Structure(Technique):
    """A technique that makes the float graph smaller."""

    stage: ClassVar[Stage] = "float"

    recalibrate: bool = field(default=True, kw_only=True)
    """Whether to restore the mean and standard deviation of channels, if there are samples (after
    B. Li et al., "EagleEye", ECCV 2020).
    """
    reconstruct: bool = field(default=True, kw_only=True)
    """Whether to compute the weights of convolutions and dense layers anew instead, by least
    squares, if there are samples (after Y. He et al., "Channel pruning for accelerating very deep
    neural networks", ICCV 2017). Needs `recalibrate`.
    """

    def recalibrated(
        self,
        smaller: Graph,
        before: Graph,
        samples: Samples | None,
        kept: Mapping[str, Mask] | None = None,
    ) -> Graph:
        """The smaller graph, recalibrated if enabled; see _recalibration.recalibrated."""
        if not self.recalibrate:
            return smaller
        return recalibrated(smaller, before, samples, kept, self.reconstruct)

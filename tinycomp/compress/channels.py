"""Channel pruning: whole channels and neurons leave the model, so that it gets smaller and faster
without any codec.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.compress._budget import least_share, require_share
from tinycomp.compress._channel_groups import ChannelGroups, Group, channel_groups
from tinycomp.compress._channel_scores import Criterion, Scores, scores, work
from tinycomp.compress._layers import with_notes
from tinycomp.compress._structure import Structure
from tinycomp.compress._technique import Samples
from tinycomp.ir.graph import Graph
from tinycomp.passes._channels import Mask

CRITERIA = ("l1", "l2", "batch_norm", "taylor")


@dataclass(frozen=True)
class Channels(Structure):
    """Takes out the channels that matter least, with everything that is tied to them: residual
    sums, depthwise layers, concatenations, flattened positions. What is left keeps its
    weights, but for a factor and a bias a channel where it is recalibrated.

    The model's input and output keep their channels. What a layer read of a removed channel is
    zero from then on: train afterwards.
    """

    name: ClassVar[str] = "channels"

    fraction: float = 0.5
    """The share of the channels to take out; not used where `macs` is given."""
    macs: float | None = None
    """The share of the model's multiply-accumulates that may stay: as few channels go as that
    takes.
    """
    criterion: Criterion = "l1"
    """"l1" and "l2": the sum of the absolute values, or squares, of a channel's weights (H. Li et
    al., "Pruning filters for efficient ConvNets", ICLR 2017), with batch normalization folded.
    "batch_norm": the size of batch normalization's factor (Z. Liu et al., "Learning efficient
    convolutional networks through network slimming", ICCV 2017), measured on data as the deviation
    that it causes. "taylor": how much the loss changes to first order (P. Molchanov et al.,
    "Importance estimation for neural network pruning", CVPR 2019); looks at data.
    """
    ranking: Literal["layer", "global"] = "layer"
    """"layer" takes the same share of each group of tied layers. "global" ranks all together; where
    `macs` is given, by the score for each multiply-accumulate that goes with a channel.
    """
    most: float = 0.9
    """The largest share of a group that a global ranking or a target may take."""
    multiple: int = 1
    """Channels that are left come in multiples of this, rounded up; kernels compute four at a time.
    """
    by_layer: Mapping[str, float] = field(default_factory=dict)
    """Shares of single layers by names or patterns of names, with those tied to them."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is not possible.
        """
        for what, share in (("fraction", self.fraction), ("most", self.most),
                            *self.by_layer.items()):  # fmt: skip
            if not 0 <= share < 1:
                raise TinycompError(
                    f"{what} = {share} of all channels can't be taken out.",
                    expected="Expected 0 <= share < 1.",
                )
        require_share(self.macs)
        if self.criterion not in CRITERIA or self.multiple < 1:
            raise TinycompError(
                f"Channels by '{self.criterion}' in multiples of {self.multiple} are not possible.",
                expected=f"Expected one of {', '.join(CRITERIA)} and 1 or more.",
            )

    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The graph with fewer channels. Equal scores: the later channel goes.

        Raises:
            TinycompError: no channels can be taken out, a name matches none, `macs` can't be
                reached, or the criterion needs samples.
        """
        found = channel_groups(graph)
        given = found.by_group(self.by_layer)
        if not found.groups:
            raise TinycompError(
                f"No channels of '{graph.name}' can be taken out: all are tied to its input or "
                "output.",
                hint="Leave this step out.",
            )
        ranked = scores(found, self.criterion, samples)
        if self.ranking == "global" and self.macs is not None:
            ranked = ranked / work(found)

        def kept(share: float) -> Mask:
            return found.best(ranked, self._counts(found, ranked, given, share))

        share = self.fraction
        if self.macs is not None:
            share = least_share(
                graph, lambda taken: found.narrow(kept(taken)), self.macs, self.most,
                "of the channels",
            )  # fmt: skip
        unknown = [g.name for g in found.groups if _unknown(ranked, g)]
        left = kept(share)
        pruned = found.narrow(left)
        pruned = self.recalibrated(pruned, graph, samples, found.by_tensor(left))
        return with_notes(pruned, [self._unknown_note(unknown)] if unknown else [])

    def _unknown_note(self, names: Sequence[str]) -> str:
        return (
            f"Channels of {'; '.join(names)} stay: no batch normalization says what they matter. "
            "Name them in by_layer, or take another criterion."
        )

    def _counts(
        self, found: ChannelGroups, ranked: Scores, given: Sequence[float | None], share: float
    ) -> list[int]:
        """How many channels each group keeps where that share of all of them goes."""
        floors = [np.ceil(len(group.bundles) * (1 - self.most)) for group in found.groups]
        free = [ranked[g.bundles] for g, own in zip(found.groups, given, strict=True)
                if own is None and not _unknown(ranked, g)]  # fmt: skip
        threshold = np.sort(np.concatenate([*free, []]))[int(share * sum(map(len, free))) :]
        counts = []
        for group, own, floor in zip(found.groups, given, floors, strict=True):
            size = len(group.bundles)
            if own is None and _unknown(ranked, group):
                left = size
            elif own is not None:
                left = size - round(own * size)
            elif self.ranking == "layer":
                left = size - round(share * size)
            else:
                left = max(int(np.sum(ranked[group.bundles] >= threshold[0])), int(floor))
            rounded = -(-max(left, 1) // self.multiple) * self.multiple
            counts.append(min(rounded, size))
        return counts


def _unknown(ranked: Scores, group: Group) -> bool:
    """Whether the criterion says nothing about a group."""
    return bool(np.isinf(ranked[group.bundles]).any())

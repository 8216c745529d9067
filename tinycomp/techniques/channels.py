"""Channel pruning: removes whole channels and neurons, which makes a model smaller and faster
without any codec.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.passes._channels import Mask, narrows
from tinycomp.techniques._budget import least_share, require_share
from tinycomp.techniques._channel_groups import ChannelGroups, Group, channel_groups
from tinycomp.techniques._channel_scores import Criterion, Scores, scores, work
from tinycomp.techniques._layers import with_notes
from tinycomp.techniques._structure import Structure
from tinycomp.techniques._technique import Samples

CRITERIA = ("l1", "l2", "batch_norm", "taylor")


@dataclass(frozen=True)
class Channels(Structure):
    """Removes the least important channels together with all channels coupled to them by residual
    sums, depthwise layers, concatenations and flattening. The other weights are kept, except for
    a scale and a bias per channel if recalibration is on.

    The channels of the model's input and output are kept. Removed channels count as zero, so train
    afterwards.
    """

    name: ClassVar[str] = "channels"

    fraction: float = 0.5
    """The share of channels to remove; ignored if `macs` is given."""
    macs: float | None = None
    """The share of the model's multiply-accumulates to keep at most; as few channels as possible
    are removed.
    """
    criterion: Criterion = "l1"
    """"l1" and "l2": sum of absolute or squared weights of a channel (H. Li et al., "Pruning
    filters for efficient ConvNets", ICLR 2017), with batch normalization folded. "batch_norm": the
    magnitude of gamma (Z. Liu et al., "Learning efficient convolutional networks through network
    slimming", ICCV 2017), measured on data as the standard deviation of the output. "taylor": the
    first-order change of the loss on data (P. Molchanov et al., "Importance estimation for neural
    network pruning", CVPR 2019).
    """
    ranking: Literal["layer", "global"] = "layer"
    """"layer" removes the same share of each group of coupled layers. "global" ranks all channels
    together; if `macs` is given, by score per multiply-accumulate saved.
    """
    most: float = 0.9
    """The largest share of a group that a global ranking or `macs` may remove."""
    multiple: int = 1
    """Round the number of remaining channels up to a multiple of this; kernels compute four at a
    time.
    """
    by_layer: Mapping[str, float] = field(default_factory=dict)
    """Shares for individual layers and those coupled to them, by layer name or pattern."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is out of range.
        """
        for what, share in (("fraction", self.fraction), ("most", self.most),
                            *self.by_layer.items()):  # fmt: skip
            if not 0 <= share < 1:
                raise TinycompError(
                    f"{what} = {share} is not a share of channels that can be removed.",
                    expected="Expected 0 <= share < 1.",
                )
        require_share(self.macs)
        if self.criterion not in CRITERIA or self.multiple < 1:
            raise TinycompError(
                f"criterion = '{self.criterion}' with multiple = {self.multiple} is not possible.",
                expected=f"Expected one of {', '.join(CRITERIA)}, and multiple >= 1.",
            )

    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The graph with fewer channels. Among equal scores later channels are removed first.

        Raises:
            TinycompError: no channels can be removed, a pattern matches no layer, `macs` can't be
                reached, or the criterion needs samples.
        """
        found = channel_groups(graph)
        given = found.by_group(self.by_layer)
        if not found.groups:
            others = sorted({node.op.name for node in graph.nodes if not narrows(node.op)})
            listed = f" ({', '.join(others)})" if others else ""
            raise TinycompError(
                f"No channels of '{graph.name}' can be removed: all are coupled to its input or "
                f"output, or to operators that keep all of theirs{listed}.",
                hint="Omit this step.",
            )
        ranked = scores(found, self.criterion, samples)
        if self.ranking == "global" and self.macs is not None:
            ranked = ranked / work(found)

        def kept(share: float) -> Mask:
            return found.best(ranked, self._counts(found, ranked, given, share))

        share, unknown = self.fraction, [g.name for g in found.groups if _unknown(ranked, g)]
        if self.macs is not None:
            note = self._unknown_note(unknown) if unknown else ""
            # In a global ranking `most` limits each group, not all of them together.
            times = 1 / self.most if self.ranking == "global" and self.most else 1.0
            share = times * least_share(
                graph, lambda taken: found.narrow(kept(times * taken)), self.macs, self.most,
                "of the channels", note,
            )  # fmt: skip
        left = kept(share)
        pruned = found.narrow(left)
        pruned = self.recalibrated(pruned, graph, samples, found.by_tensor(left))
        return with_notes(pruned, [self._unknown_note(unknown)] if unknown else [])

    def _unknown_note(self, names: Sequence[str]) -> str:
        return (
            f"Channels of {'; '.join(names)} are kept, because they have no batch normalization "
            "to rank them by. Name them in by_layer, or use another criterion."
        )

    def _counts(
        self, found: ChannelGroups, ranked: Scores, given: Sequence[float | None], share: float
    ) -> list[int]:
        """The number of channels that each group keeps if that share of all is removed."""
        floors = [np.ceil(len(group.bundles) * (1 - self.most)) for group in found.groups]
        free = [ranked[g.bundles] for g, own in zip(found.groups, given, strict=True)
                if own is None and not _unknown(ranked, g)]  # fmt: skip
        ordered = np.sort(np.concatenate([*free, []]))
        threshold = ordered[min(int(share * len(ordered)), max(len(ordered) - 1, 0)) :]
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
    """Whether the criterion has no score for a group."""
    return bool(np.isinf(ranked[group.bundles]).any())

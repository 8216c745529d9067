"""Width scaling: a narrower model of the same architecture, as a student for distillation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Constant
from tinycomp.techniques._channel_groups import channel_groups
from tinycomp.techniques._channel_scores import norms
from tinycomp.techniques._layers import folded, with_constants
from tinycomp.techniques._structure import Structure
from tinycomp.techniques._technique import Samples


@dataclass(frozen=True)
class Width(Structure):
    """Keeps the same share of channels in each layer (the width multiplier of A. G. Howard et al.,
    "MobileNets", 2017), except for the model's input and output.
    """

    name: ClassVar[str] = "width"

    factor: float = 0.5
    """The share of channels that each layer keeps."""
    multiple: int = 4
    """Channel counts are rounded to the nearest multiple of this, at least one; kernels compute
    four at a time.
    """
    weights: Literal["kept", "new"] = "kept"
    """"kept": the weights of the channels with the largest norms. "new": random initialization (K.
    He et al., "Delving deep into rectifiers", ICCV 2015), to train from scratch; batch
    normalization is folded.
    """
    seed: int = 0
    """Seed of new weights."""
    by_layer: Mapping[str, float] = field(default_factory=dict)
    """Factors for individual layers and those coupled to them, by layer name or pattern."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is out of range.
        """
        for what, share in (("factor", self.factor), *self.by_layer.items()):
            if not 0 < share <= 1:
                raise TinycompError(
                    f"{what} = {share:g} is not a width factor.",
                    expected="Expected 0 < factor <= 1; 0.5 keeps half of the channels.",
                )
        if self.multiple < 1 or self.weights not in ("kept", "new"):
            raise TinycompError(
                f"multiple = {self.multiple} with weights = '{self.weights}' is not possible.",
                expected="Expected multiple >= 1, and weights kept or new.",
            )

    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The narrower graph.

        Raises:
            TinycompError: no layer can be narrowed, or a pattern matches none that can.
        """
        found = channel_groups(graph)
        given = found.by_group(self.by_layer)
        if not found.groups:
            raise TinycompError(
                f"No layer of '{graph.name}' can be narrowed: all channels are coupled to its "
                "input or output.",
                hint="Omit this step.",
            )
        counts = []
        for group, own in zip(found.groups, given, strict=True):
            size = len(group.bundles)
            wanted = size * (self.factor if own is None else own) / self.multiple
            counts.append(min(max(1, round(wanted)) * self.multiple, size))
        kept = found.best(norms(found, 2), counts)
        narrower = found.narrow(kept)
        if self.weights == "new":
            return self._drawn(narrower)
        return self.recalibrated(narrower, graph, samples, found.by_tensor(kept))

    def _drawn(self, graph: Graph) -> Graph:
        """The graph with new weights and zero biases; batch normalization that can't be folded is
        kept.
        """
        graph = folded(graph)
        rng = np.random.default_rng(self.seed)
        drawn: dict[str, Constant] = {}
        for node in graph.nodes:
            axis = node.op.weight_axis
            if axis is None or node.inputs[1] in drawn:
                continue
            weights, bias = (graph.constants[name] for name in node.inputs[1:])
            inputs = weights.values.size / weights.shape[axis]
            values = rng.normal(0, np.sqrt(2 / inputs), weights.shape).astype(np.float32)
            drawn[weights.name] = replace(weights, values=values, grid=None)
            drawn[bias.name] = replace(bias, values=np.zeros_like(bias.values), grid=None)
        return with_constants(graph, drawn.values())

"""Channels in front (data_format="channels_first"): such tensors lie with their channels behind, as
all kernels read them, and values move only where a layer needs Keras's own order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tinycomp.frontend._channels_note import channels_note
from tinycomp.frontend._keras_objects import Config
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ops.transpose import Transpose

FIRST, LAST = "channels_first", "channels_last"
_ELEMENTWISE = frozenset(
    {
        "Absolute", "Activation", "Add", "Average", "Clip", "ELU", "Identity", "LeakyReLU",
        "Maximum", "Minimum", "Multiply", "Negative", "ReLU", "Sqrt", "Square", "Subtract",
        "TrueDivide",
    }
)  # fmt: skip
"""Layers and functions that compute every value alone, wherever it lies."""
_WHOLE_VECTORS = ("log_softmax", "softmax")
"""Activations along an axis."""
_OF_CHANNELS = ("BatchNormalization", "Concatenate", "GroupNormalization", "LayerNormalization")
"""Layers with an axis."""


@dataclass
class Layouts:
    """Which tensors lie otherwise than Keras has them, while a model is read."""

    builder: GraphBuilder
    """Receives transpositions."""
    behind: set[str] = field(default_factory=set)
    """Tensors with channels behind that Keras has in front."""
    moved: dict[str, str] = field(default_factory=dict)
    """Transposed tensors, by the tensors that they were made of."""

    def arranged(self, entry: Config, inputs: Sequence[str]) -> tuple[Config, list[str], bool]:
        """A layer as it computes on tensors in memory; its inputs, arranged as it takes them; and
        whether its outputs have their channels behind.
        """
        config, ranks = entry["config"], {len(self._shape(name)) for name in inputs}
        if config.get("data_format") == FIRST and min(ranks, default=0) > 1:
            return _with(entry, data_format=LAST), [self.back(name) for name in inputs], True
        here = any(name in self.behind for name in inputs)
        if len(ranks) == 1 and (here or entry["class_name"] == "BatchNormalization"):
            (rank,) = ranks
            changed = _on_channels_behind(entry, rank, here)
            if changed is not None:
                return changed, [self.back(name) for name in inputs], True
        return entry, [self.front(name) for name in inputs], False

    def mark(self, outputs: Sequence[str], whole: bool) -> None:
        """Note outputs with channels behind; vectors lie in one way only.

        Args:
            outputs: a layer's.
            whole: False for a Flatten, whose rows are vectors.
        """
        self.behind.update(name for name in outputs if whole and len(self._shape(name)) > 1)

    def back(self, name: str) -> str:
        """The tensor with its channels behind."""
        if name in self.behind or len(self._shape(name)) < 2:
            return name
        rank = len(self._shape(name))
        return self._transposed(name, (*range(1, rank), 0), LAST)

    def front(self, name: str) -> str:
        """The tensor as Keras has it."""
        if name not in self.behind:
            return name
        rank = len(self._shape(name))
        return self._transposed(name, (rank - 1, *range(rank - 1)), FIRST)

    def _transposed(self, name: str, order: tuple[int, ...], layout: str) -> str:
        if name not in self.moved:
            self.moved[name] = self.builder.add(Transpose(order), [name], f"{name}/{layout}")
        return self.moved[name]

    def _shape(self, name: str) -> tuple[int, ...]:
        tensor = self.builder.tensors.get(name)
        return () if tensor is None else tensor.shape


def _on_channels_behind(entry: Config, rank: int, here: bool) -> Config | None:
    """A layer on tensors whose channels lie behind; None if it needs Keras's order.

    Args:
        entry: the layer.
        rank: axes of its inputs, without the batch.
        here: whether an input has its channels behind already.
    """
    name, config = entry["class_name"], entry["config"]
    if name in _OF_CHANNELS:
        axis = config.get("axis")
        if not isinstance(axis, int) or rank < 2:
            return None
        place = axis % (rank + 1)
        if name != "Concatenate":
            return _with(entry, axis=-1) if place == 1 else None
        return _with(entry, axis=rank if place == 1 else place - 1)
    given = config.get("activation")
    plain = name != "Activation" or (isinstance(given, str) and given not in _WHOLE_VECTORS)
    return entry if here and plain and name in _ELEMENTWISE and _scalars(entry) else None


def _scalars(entry: Mapping[str, Any]) -> bool:
    """Whether a function joins its tensors with numbers alone, no arrays."""
    if not str(entry.get("module")).startswith("keras.src.ops"):
        return True
    args = [arg for call in entry["inbound_nodes"] for arg in call["args"]]
    tensors = [arg for arg in args if isinstance(arg, Mapping)]
    return all(arg.get("class_name") == "__keras_tensor__" for arg in tensors)


def _with(entry: Config, **options: Any) -> Config:
    return {**entry, "config": {**entry["config"], **options}}


def without_front_input(graph: Graph) -> Graph:
    """The graph with its input's channels behind, if nothing reads them in front; a note says so.
    The graph itself otherwise, and with several inputs.
    """
    source = graph.inputs[0]
    readers = graph.consumers(source)
    rank = len(graph.tensors[source].shape)
    turn = Transpose((*range(1, rank), 0))
    if len(graph.inputs) > 1 or not readers or any(node.op != turn for node in readers):
        return graph
    own = graph.tensors[source]
    turned = replace(own, shape=turn.infer_shape([own.shape]))
    gone = {node.outputs[0]: source for node in readers}
    if gone.keys() & {*graph.outputs}:
        return graph
    nodes = tuple(
        replace(node, inputs=tuple(gone.get(name, name) for name in node.inputs))
        for node in graph.nodes
        if node not in readers
    )
    tensors = {name: value for name, value in graph.tensors.items() if name not in gone}
    return replace(
        graph,
        nodes=nodes,
        tensors={**tensors, source: turned},
        notes=(*graph.notes, channels_note("takes", "Input", source, own.shape, turned.shape)),
        channels_first=True,
    )

"""What a model is for, as far as its shapes and last layers show, output by output."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Shape
from tinycomp.ops._arg_extreme import ArgExtreme

NOT_SCORED = "Not scored:"
"""How notes begin that say why outputs are not compared with labels."""

Ending = Literal["softmax", "sigmoid", "other"]

_ENDINGS: dict[str, Ending] = {
    "softmax": "softmax",
    "logistic": "sigmoid",
    "hard_sigmoid": "sigmoid",
    "hard_sigmoid_keras_2": "sigmoid",
}
_UNCHANGED = ("reshape", "quantize")
"""Operators that do not change the meaning of an output."""


@dataclass(frozen=True)
class ModelShape:
    """The input and one output of a model, as far as scoring needs them."""

    input_shape: Shape
    """Without the batch axis."""
    output_shape: Shape
    """Without the batch axis."""
    ending: Ending = "other"
    """The last operation that gives outputs their meaning."""
    outputs: int = 1
    """How many outputs the model has."""
    place: int = 0
    """Which of them this is, from 0."""
    name: str = ""
    """Its name, if there are several."""
    places: int = 0
    """For an output that names a class (ARG_MAX): of how many; 0 for all others."""

    @property
    def by_class(self) -> ModelShape:
        """The same with a share for each class, for an output that names one; else unchanged."""
        if not self.places:
            return self
        shape = (*self.output_shape, self.places)
        return replace(self, output_shape=shape, ending="softmax", places=0)

    @property
    def axes(self) -> Shape:
        """The output shape without axes of length 1."""
        return without_ones(self.output_shape)

    @property
    def classes(self) -> int:
        """The number of classes of a classifier with this shape: the length of the last axis."""
        return self.axes[-1] if self.axes else 1

    @property
    def threshold(self) -> float:
        """The smallest output that means yes: 0.5 for a probability, 0 for a logit."""
        return 0.0 if self.ending == "other" else 0.5

    @property
    def reconstructs(self) -> bool:
        """Whether outputs can reconstruct inputs: the same shape, and not probabilities."""
        same = self.axes == without_ones(self.input_shape)
        return same and bool(self.axes) and self.ending != "softmax"


def model_shape(graph: Graph) -> ModelShape:
    """The shapes of a graph's input and first output, and its last operation."""
    return model_shapes(graph)[0]


def model_shapes(graph: Graph) -> tuple[ModelShape, ...]:
    """The same for each output in order, without states."""
    shape = graph.tensors[graph.inputs[0]].shape
    if len(graph.sources) > 1:
        shape = graph.sample_shape
    names = graph.outputs[: len(graph.outputs) - len(graph.states)]
    several = len(names) > 1
    return tuple(
        ModelShape(
            shape, graph.tensors[name].shape, _ending(graph, name), len(names), place,
            graph.label(name) if several else "", _places(graph, name),
        )
        for place, name in enumerate(names)
    )  # fmt: skip


def without_ones(shape: Shape) -> Shape:
    """A shape without its axes of length 1."""
    return tuple(n for n in shape if n != 1)


def _places(graph: Graph, tensor: str) -> int:
    node = graph.producer(tensor)
    if node is None:
        return 0
    if isinstance(node.op, ArgExtreme):
        shape = graph.tensors[node.inputs[0]].shape
        (axis,) = node.op.reduced(len(shape))
        return shape[axis]
    return _places(graph, node.inputs[0]) if node.op.name in _UNCHANGED else 0


def _ending(graph: Graph, tensor: str) -> Ending:
    node = graph.producer(tensor)
    if node is None:
        return "other"
    if node.op.name in _UNCHANGED:
        return _ending(graph, node.inputs[0])
    if node.op.name == "concatenation":
        parts = {_ending(graph, name) for name in node.inputs}
        return "sigmoid" if parts == {"sigmoid"} else "other"
    return _ENDINGS.get(node.op.name, "other")

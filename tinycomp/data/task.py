"""What a model is for, as far as its shapes and its last layers tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Shape

Task = Literal["classification", "binary", "multilabel", "regression", "reconstruction"]
"""classification: one class of many, by the highest output. binary: one of two, by one output.
multilabel: each output says yes or no. regression: outputs are numbers. reconstruction: outputs are
the inputs again (an autoencoder).
"""

Ending = Literal["softmax", "sigmoid", "other"]

_ENDINGS: dict[str, Ending] = {
    "softmax": "softmax",
    "logistic": "sigmoid",
    "hard_sigmoid": "sigmoid",
}
_UNCHANGED = ("reshape", "quantize")
"""Operators after which outputs mean what they meant before."""


@dataclass(frozen=True)
class ModelShape:
    """What is known of a model's outputs. ending: the last operation that gives them a meaning."""

    input_shape: Shape
    output_shape: Shape
    ending: Ending = "other"

    @property
    def axes(self) -> Shape:
        """The output's axes but for those of length 1."""
        return without_ones(self.output_shape)

    @property
    def classes(self) -> int:
        """How many classes a classifier of this shape tells apart: the length of the last axis."""
        return self.axes[-1] if self.axes else 1

    @property
    def threshold(self) -> float:
        """From which value on an output says yes: half for a probability, 0 for a logit."""
        return 0.0 if self.ending == "other" else 0.5

    @property
    def reconstructs(self) -> bool:
        """Whether the outputs can be the inputs again: the same shape, not probabilities."""
        same = self.axes == without_ones(self.input_shape)
        return same and bool(self.axes) and self.ending != "softmax"


def model_shape(graph: Graph) -> ModelShape:
    """The shapes of a graph, and the operation that it ends in."""
    source, target = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    return ModelShape(source.shape, target.shape, _ending(graph, target.name))


def without_ones(shape: Shape) -> Shape:
    """A shape without its axes of length 1."""
    return tuple(n for n in shape if n != 1)


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

"""Makes the nodes by which a node of another operator set is written in ONNX's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_ONNXRUNTIMES = ("channels_last", "opset")
"""Attributes of onnxruntime's operators that ONNX's lack."""


@dataclass(frozen=True)
class Writer:
    """Makes the nodes that stand for one node."""

    onnx: Any
    """The package."""
    proto: Any
    """The node of the file."""

    @property
    def output(self) -> str:
        """Its first output."""
        return str(self.proto.output[0])

    def given(self, place: int) -> str:
        """An input; "" if it is left out."""
        return str(self.proto.input[place]) if place < len(self.proto.input) else ""

    def named(self, part: str) -> str:
        """A value between the nodes."""
        return f"{self.output}/{part}"

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> Any:
        """A node; the one that computes the output has the name of the file's."""
        name = self.proto.name if output == self.output else output
        inputs = without_last(inputs)
        return self.onnx.helper.make_node(kind, inputs, [output], name=name, **attributes)

    def same(self, kind: str, inputs: Sequence[str], output: str) -> Any:
        """A node with the attributes of the file's, but those that only onnxruntime knows."""
        node = self.node(kind, inputs, output)
        node.name = self.proto.name
        node.attribute.extend(
            each for each in self.proto.attribute if each.name not in _ONNXRUNTIMES
        )
        return node

    def real(self, part: str, places: tuple[int, int, int], axis: int = 0) -> tuple[Any, str]:
        """The real values of an input with its scale and zero point, and their name."""
        inputs, output = [self.given(place) for place in places], self.named(part)
        return self.node("DequantizeLinear", inputs, output, axis=axis), output

    def stored(self, source: str, scale: int, zero: int) -> Any:
        """The output, of these real values."""
        inputs = [source, self.given(scale), self.given(zero)]
        return self.node("QuantizeLinear", inputs, self.output)

    def sums(self, place: int, scales: Sequence[int]) -> tuple[list[Any], str]:
        """The real values of an int32 bias, whose steps are products of scales; "" if there is
        none.
        """
        if not self.given(place):
            return [], ""
        steps, output = self.named("steps"), self.named("bias")
        product = self.node("Mul", [self.given(each) for each in scales], steps)
        real = self.node("DequantizeLinear", [self.given(place), steps], output, axis=0)
        return [product, real], output

    def attribute(self, name: str, default: Any) -> Any:
        """Of the file's node."""
        for each in self.proto.attribute:
            if each.name == name:
                return self.onnx.helper.get_attribute_value(each)
        return default

    def text(self, name: str, default: str) -> str:
        """An attribute of the file's node that is text."""
        return bytes(self.attribute(name, default.encode())).decode("utf-8", "replace")

    def constant(self, output: str, value: Any) -> Any:
        """A node that holds a number."""
        return self.node("Constant", [], output, value=self.onnx.numpy_helper.from_array(value))


def without_last(names: Sequence[str]) -> list[str]:
    """Without those that are left out at the end."""
    count = next((n for n in range(len(names), 0, -1) if names[n - 1]), 0)
    return list(names[:count])

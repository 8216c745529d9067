"""Whole numbers at an ONNX model's inputs: numbers of rows that a Gather looks up in a table."""

from __future__ import annotations

from collections.abc import Iterator

from tinycomp.common.errors import ModelError
from tinycomp.frontend._onnx_file import OnnxModel, OnnxNode

_INTEGERS = ("int32", "int64")
_MOVES = {
    "Concat", "Flatten", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose",
    "Unsqueeze",
}  # fmt: skip
_REAL, _WHOLE = (1, 10, 11, 16), (6, 7)
"""Targets of a Cast: float types; int32 and int64."""


def misread_numbers(model: OnnxModel) -> Iterator[ModelError]:
    """Refuse nodes that compute with whole numbers of an input."""
    for each in model.inputs:
        for node in _computing(model, each.name, each.dtype in _INTEGERS, False):
            yield _refusal(each.name, node)


def _computing(model: OnnxModel, name: str, whole: bool, cut: bool) -> Iterator[OnnxNode]:
    """The nodes that compute with a tensor's whole numbers.

    Args:
        model: of both.
        name: the tensor.
        whole: whether its values are whole numbers.
        cut: whether real values were cast to them: they are not the input's any more.
    """
    for node in model.readers(name):
        target = int(node.attributes.get("to", 1)) if node.kind == "Cast" else 0
        looked_up = node.kind == "Gather" and node.inputs[0] != name
        if looked_up or (target in _REAL and not cut):
            continue
        if target in _WHOLE:
            yield from _computing(model, node.outputs[0], True, cut or not whole)
        elif node.kind in _MOVES:
            yield from _computing(model, node.outputs[0], whole, cut)
        elif whole:
            yield node


def _refusal(name: str, node: OnnxNode) -> ModelError:
    return ModelError(
        f"The input {name!r} holds whole numbers, and {node.label} computes with them.",
        expected="Expected numbers of rows that a Gather looks up in a table.",
        hint="Export the model with a real input, or compute this before the model.",
    )

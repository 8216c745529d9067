"""Brings an ONNX model to the form that is read: operators of today's opsets, nodes in running
order, no local functions.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tinycomp.common.errors import ModelError

FIRST_OPSET = 7
"""The first opset with today's broadcasting."""
_CONVERTED = 11
"""To which earlier ones are converted."""
OWN_DOMAINS = ("", "ai.onnx")
"""Names of ONNX's own operators."""


def as_of_today(onnx: Any, model: Any, path: Path) -> tuple[Any, int, str]:
    """The model, converted if its operators are older; their version; and a note of it.

    Raises:
        ModelError: an older model that can't be converted.
    """
    given = [each.version for each in model.opset_import if each.domain in OWN_DOMAINS]
    if not given:  # nothing but operators of other sets
        return model, int(onnx.defs.onnx_opset_version()), ""
    if given[0] >= FIRST_OPSET:
        return model, int(given[0]), ""
    try:
        _require_usual_axes(model)
        converted = onnx.version_converter.convert_version(model, _CONVERTED)
    except Exception as error:  # the C++ code raises RuntimeError and others
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path} has operators of opset {given[0]}, and can't be converted: {reason}",
            expected=f"Expected opset {FIRST_OPSET} or later.",
            hint="Export the model again with a later opset.",
        ) from error
    return converted, _CONVERTED, f"Operators of opset {given[0]} were converted to {_CONVERTED}."


def _require_usual_axes(model: Any) -> None:
    """Refuse an early sum or product that names the axis of its shorter tensor, as the onnx package
    converts it to another shape.
    """
    for node in model.graph.node:
        if {"axis", "broadcast"} <= {each.name for each in node.attribute}:
            name = node.name or node.output[0]
            raise ValueError(f"{name!r} ({node.op_type}) names the axis of its shorter tensor.")


def without_functions(model: Any, path: Path) -> Any:
    """The model with its local functions written out."""
    if not model.functions:
        return model
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # the C++ code raises RuntimeError and others
        raise ModelError(f"The functions in {path} can't be written out: {error}.") from error


def in_running_order(nodes: Iterable[Any]) -> list[Any]:
    """Each node behind those that it reads; as the file has them otherwise."""
    waiting, found = list(nodes), list[Any]()
    computed = {name for node in waiting for name in node.output if name}
    while waiting:
        later = []
        for node in waiting:
            if computed.isdisjoint(node.input):
                found.append(node)
                computed.difference_update(node.output)
            else:
                later.append(node)
        if len(later) == len(waiting):  # a circle, whose nodes stay unread
            return [*found, *later]
        waiting = later
    return found

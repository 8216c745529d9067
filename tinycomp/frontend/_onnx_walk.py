"""Walks the nodes of an ONNX model: those of constants are computed, others added to the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinycomp.common.blockers import Blockers
from tinycomp.common.errors import ModelError
from tinycomp.frontend._onnx_call import Call, Value
from tinycomp.frontend._onnx_file import OnnxModel, OnnxNode, as_float32, import_onnx
from tinycomp.frontend._onnx_operators import OPERATORS
from tinycomp.frontend._onnx_quantized import dequantized, quantized
from tinycomp.frontend._onnx_views import View, Weaver
from tinycomp.ir.tensor import Array

_CONTROL = ("If", "Loop", "Scan")
_SAME_STEPS = ("Identity", "Squeeze", "Transpose", "Unsqueeze")
"""Operators that keep the steps of weights."""
_LARGEST_FOLDED = 1 << 26
"""Values of a constant that is computed while reading."""


@dataclass
class OnnxWalk:
    """Reads the nodes in order."""

    model: OnnxModel
    """As in the file."""
    weaver: Weaver
    """Receives the nodes of the graph."""
    blockers: Blockers
    """Receives what can't be built."""
    values: dict[str, Value] = field(default_factory=dict)
    """Constants, and the tensors computed so far."""
    grids: dict[str, Array] = field(default_factory=dict)
    """Scales of constants that lie on int8 steps."""
    uneven: list[str] = field(default_factory=list)
    """Constants of 8 bits whose steps are not symmetric around zero."""
    refused: dict[str, list[OnnxNode]] = field(default_factory=dict)
    """Nodes of operators that are not supported, by operator."""

    def run(self) -> None:
        """Read all nodes; what follows a refused one is only checked for its operator."""
        self.values.update(self.model.constants)
        for node in self.model.nodes:
            reads = [name for name in node.inputs if name]
            if self._known(node, reads):
                with self.blockers.collected():
                    self._fold(node)
            elif node.domain or node.kind not in OPERATORS:
                if not (node.kind in ("Shape", "Size") and not node.domain):
                    self.refused.setdefault(f"{node.domain}.{node.kind}", []).append(node)
            elif all(name in self.values for name in reads):
                with self.blockers.collected():
                    self._read(node)
        for nodes in self.refused.values():
            self.blockers.add(_unsupported(nodes))

    def _known(self, node: OnnxNode, reads: Sequence[str]) -> bool:
        """Whether all outputs are constants: shapes are fixed, so they are known too."""
        if node.kind in _CONTROL or node.domain:
            return False
        if node.kind in ("Shape", "Size"):
            return reads[0] in self.values
        if node.kind in ("RandomNormal", "RandomUniform"):
            return False
        return all(isinstance(self.values.get(name), np.ndarray) for name in reads)

    def _read(self, node: OnnxNode) -> None:
        inputs = tuple(self.values[name] if name else None for name in node.inputs)
        name = self.weaver.builder.unique(node.name)
        call = Call(node, inputs, self.weaver, self.model.opset, name, self.grids)
        found = OPERATORS[node.kind](call)
        outputs = [found] if isinstance(found, View) else list(found)
        self.values.update(
            {each: value for each, value in zip(node.outputs, outputs, strict=False) if each}
        )

    def _fold(self, node: OnnxNode) -> None:
        first = self.values[node.inputs[0]] if node.inputs and node.inputs[0] else None
        if node.kind in ("Shape", "Size") and first is not None:
            sizes = np.array(first.shape, np.int64)
            ends = slice(node.attributes.get("start", 0), node.attributes.get("end"))
            self.values[node.outputs[0]] = (
                sizes[ends] if node.kind == "Shape" else np.array(sizes.prod())
            )
            return
        if node.kind == "DequantizeLinear":
            stored = np.asarray(self.values[node.inputs[0]])
            real, scales = dequantized(node, self.values)
            self.values[node.outputs[0]] = real
            if scales is not None:
                self.grids[node.outputs[0]] = scales
            elif stored.dtype.itemsize == 1 and stored.ndim > 1:
                self.uneven.append(node.outputs[0])
            return
        if node.kind == "QuantizeLinear":
            self.values[node.outputs[0]] = quantized(node, self.values)
            return
        if node.kind in _SAME_STEPS and node.inputs[0] in self.grids:
            self.grids[node.outputs[0]] = self.grids[node.inputs[0]]
        for name, value in zip(node.outputs, self._computed(node), strict=False):
            if name:
                self.values[name] = as_float32(np.asarray(value))

    def _computed(self, node: OnnxNode) -> Sequence[Array]:
        """A node of constants alone, by the onnx package.

        Raises:
            ModelError: it can't compute it.
        """
        onnx = import_onnx()
        feeds = {name: self.values[name] for name in node.inputs if name}
        try:
            return _evaluated(onnx, node, feeds, self.model.opset)
        except Exception as error:  # its operators raise several types
            reason = " ".join(str(error).split())[:200]
            raise ModelError(
                f"{node.label} reads constants alone, and can't be computed: {reason}.",
                hint="Simplify the model before: onnxsim model.onnx simple.onnx.",
            ) from error


def _evaluated(onnx: Any, node: OnnxNode, feeds: dict[str, Value], opset: int) -> list[Array]:
    from onnx.reference import ReferenceEvaluator

    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    sizes = sum(np.size(value) for value in feeds.values() if isinstance(value, np.ndarray))
    if sizes > _LARGEST_FOLDED:
        raise ValueError(f"{sizes:,} values")
    info = onnx.helper.make_empty_tensor_value_info
    names = [name for name in node.outputs if name]
    graph = onnx.helper.make_graph([proto], "constants", [info(n) for n in feeds],
                                   [info(n) for n in names])  # fmt: skip
    versions = [onnx.helper.make_opsetid("", opset)]
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=8)
    found = dict(zip(names, ReferenceEvaluator(model).run(names, feeds), strict=True))
    return [np.asarray(found[name]) if name else np.zeros(0) for name in node.outputs]


def _unsupported(nodes: Sequence[OnnxNode]) -> ModelError:
    """One refusal for all nodes of an operator."""
    shown = ", ".join(node.label for node in nodes[:8])
    if len(nodes) > 8:
        shown += f" and {len(nodes) - 8} more"
    is_, kind, domain = ("is" if len(nodes) == 1 else "are"), nodes[0].kind, nodes[0].domain
    if domain.startswith("ai.onnx.ml"):
        return ModelError(
            f"{shown} {is_} of ONNX-ML: trees, support vectors and other classic models.",
            expected="Expected neural networks.",
            hint="Of a pipeline, convert the network alone, and prepare its inputs outside.",
        )
    if domain and kind.startswith(("QLinear", "QGemm")):
        return ModelError(
            f"{shown} {is_} of onnxruntime's own quantized operators.",
            expected="Expected QuantizeLinear and DequantizeLinear around float operators.",
            hint="Quantize with quant_format=QuantFormat.QDQ.",
        )
    if "brevitas" in domain or "qonnx" in domain:
        return ModelError(
            f"{shown} {is_} of QONNX, the operators of Brevitas and QKeras for any number of bits.",
            expected="Expected QuantizeLinear and DequantizeLinear.",
            hint="Export with brevitas.export.export_onnx_qcdq, in 8 bits.",
        )
    if domain:
        return ModelError(
            f"{shown} {is_} of the operator set {domain!r}, not of ONNX's own.",
            hint="Export without custom or fused operators (onnxruntime's optimizations).",
        )
    if kind in _CONTROL:
        return ModelError(
            f"{shown} {is_} control flow, which is not supported.",
            hint="Export the model with a fixed input, so that branches and loops are unrolled.",
        )
    if not import_onnx().defs.has(kind):
        return ModelError(
            f"{shown} {is_} not of ONNX's own operators, though the file says so.",
            hint="Export the model before the tool that wrote them changes it.",
        )
    return ModelError(f"{shown} {is_} not supported.", hint=_INSTEAD.get(kind, "Use other layers."))


_INSTEAD = {
    "ArgMax": "Save the model without it, and compare the outputs in the firmware.",
    "TopK": "Save the model without it, and sort the outputs in the firmware.",
    **dict.fromkeys(
        ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"),
        "Quantize with QuantizeLinear and DequantizeLinear around float operators: "
        "quant_format=QuantFormat.QDQ.",
    ),
    "NonMaxSuppression": "Save the model without it, and filter the boxes in the firmware.",
}

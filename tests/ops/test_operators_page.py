"""docs/operators.md says what the registries say; `pytest --update-golden` writes it anew."""

from __future__ import annotations

from pathlib import Path

import int16_cases
from conformance import Case, cases_of
from golden_files import GOLDEN, Golden
from host_cases import call_of

from tinycomp.frontend._keras_activations import ACTIVATIONS
from tinycomp.frontend._keras_operations import OPERATIONS
from tinycomp.frontend._keras_options import LAYERS
from tinycomp.frontend._onnx_classic import CLASSIC_OPERATORS
from tinycomp.frontend._onnx_integers import INTEGER_OPERATORS
from tinycomp.frontend._onnx_operators import OPERATORS as ONNX
from tinycomp.frontend._tflite_folding import SHAPE_ARITHMETIC
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._registry import instruction_set
from tinycomp.ops._registry import by_tflite_name, operators

PAGE = Path("../../docs/operators.md")
CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
SETS = ("scalar", "armv7e_m", "armv8_1m_mve", "lx6", "avr")
"""Instruction sets, from the least on."""


def _calls(operator: str) -> list[tuple[KernelCall, Operands]]:
    """How the portable kernels compute an operator's conformance cases."""
    nodes = [
        (node, case.graph.operands(node))
        for case in cases_of(operator)
        for node in case.graph.nodes
        if node.op.name == operator
    ]
    found = ((node.op.kernel(operands), operands) for node, operands in nodes)
    return [(call, operands) for call, operands in found if call is not None]


def _sets(kind: type[Operator], calls: list[tuple[KernelCall, Operands]]) -> list[str]:
    """The instruction sets that have kernels of their own for some of these."""
    return [name for name in SETS if any(_replaces(name, kind, *each) for each in calls)]


def _replaces(name: str, kind: type[Operator], call: KernelCall, operands: Operands) -> bool:
    """Whether an instruction set replaces a kernel; by its name only where weights are encoded."""
    instructions = instruction_set(name)
    if call.kernel not in instructions.kernels:
        return False
    return kind.weight_axis is not None or instructions.adapt(call, operands, None) is not call


def _operators() -> list[str]:
    lines = [
        "| operator | .tflite | kernel | also for | on int16 |",
        "| --- | --- | --- | --- | --- |",
    ]
    wide = int16_cases.cases()
    for name, kind in operators().items():
        if kind.float_only or kind.emitted_only:
            continue
        builtins = sorted(key for key, value in by_tflite_name().items() if value is kind)
        calls = _calls(name)
        kernels = sorted({call.kernel for call, _ in calls})
        cells = (
            name, ", ".join(builtins), ", ".join(kernels) or "none", ", ".join(_sets(kind, calls)),
            _on_int16(name, wide.get(name, [])),
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _on_int16(name: str, cases: list[Case]) -> str:
    """The kernels that compute its cases on 16-bit activations; empty if there are none."""
    nodes = [(case.graph, node) for case in cases for node in case.graph.nodes]
    calls = [call_of(graph, node) for graph, node in nodes if node.op.name == name]
    return ", ".join(sorted({call.kernel for call in calls if call} or ({"none"} if calls else ())))


def _page() -> str:
    layers = ["| layer | options |", "| --- | --- |"]
    layers += [f"| {name} | {', '.join(keys)} |" for name, keys in LAYERS.items()]
    return "\n".join(
        [
            "# Operators",
            "",
            "What is read from model files. `tests/ops/test_operators_page.py` makes this page of "
            "the registries.",
            "",
            "## Operators of .tflite files",
            "",
            "Each one computes in every byte what LiteRT's reference kernel computes "
            "([numerics.md](numerics.md)). The portable kernel is in `firmware/kernels`. "
            '"Also for" are the sets of instructions with own kernels. The last column has the '
            "kernels on 16-bit activations (16x8); an operator without one is on int8 only.",
            "",
            *_operators(),
            "",
            f"{', '.join(CONVERSIONS)} at the ends of a model change its input's or output's type. "
            "Evaluated at build time, where their inputs are known then: "
            f"{', '.join(sorted(SHAPE_ARITHMETIC))}.",
            "",
            "## Keras layers",
            "",
            "With the options that change the inference; all others may have any value.",
            "",
            *layers,
            "",
            f"Functions of keras.ops, or operators on tensors: {', '.join(sorted(OPERATIONS))}.",
            "",
            f"Activations: {', '.join(sorted(ACTIVATIONS))}.",
            "",
            "## ONNX operators",
            "",
            "Of computed tensors; those of constants alone may be any ([models.md](models.md)).",
            "",
            f"{', '.join(sorted(ONNX))}.",
            "",
            "Integer operators of ONNX and onnxruntime, read as float ones between quantizations: "
            f"{', '.join(sorted(INTEGER_OPERATORS))}.",
            "",
            f"Operators of ONNX-ML (scikit-learn): {', '.join(sorted(CLASSIC_OPERATORS))}.",
            "",
        ]
    )


def test_the_page_is_up_to_date(golden: Golden) -> None:
    found = _page()
    assert (GOLDEN / PAGE).resolve().parent == Path(__file__).resolve().parents[2] / "docs"
    assert golden.text(str(PAGE), found) == found, "run pytest --update-golden"

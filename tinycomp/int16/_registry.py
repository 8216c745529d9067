"""Finds the arithmetic of a node by the types of its tensors."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import tinycomp.int16
from tinycomp.common.errors import ModelError
from tinycomp.int16._form import Form, sources
from tinycomp.ir.operator import Arithmetic, Operator
from tinycomp.ir.tensor import Operands, QuantizationParameters


@cache
def forms() -> dict[str, tuple[type[Form], ...]]:
    """All forms on 16-bit activations, by operator."""
    found: dict[str, tuple[type[Form], ...]] = {}
    for module in pkgutil.iter_modules(tinycomp.int16.__path__):
        if module.name.startswith("_"):
            continue
        name = f"tinycomp.int16.{module.name}"
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Form) and value.__module__ == name:
                for operator in value.operators:
                    found[operator] = (*found.get(operator, ()), value)
    return dict(sorted(found.items()))


def arithmetic(op: Operator, operands: Operands) -> Arithmetic:
    """What computes a node: the operator itself on int8, or its form for the tensors' types.

    Raises:
        ModelError: it has no form for these types.
    """
    apart = (*op.row_numbers, op.carried_place(operands))
    values = tuple(each for at, each in enumerate(operands.inputs) if at not in apart)
    inputs, output = sources(Operands(values, operands.outputs)), operands.output.dtype
    types = {*inputs, output}
    wide = op.wide_output and {*inputs} == {"int8"} and output == "int16"
    if types == {"int8"} or wide or (op.moves and len(types) == 1):
        return op
    for form in () if op.bytes_only else forms().get(op.name, ()):
        if any({*inputs} == {source} and output == target for source, target in form.types):
            return form(op)
    raise ModelError(
        f"{operands.output.name!r} ({op.name}) reads {' and '.join(dict.fromkeys(inputs))} and "
        f"returns {output}: it has no such form.",
        expected=f"Expected int8, or one of these on int16: {', '.join(on_int16())}.",
        hint="Quantize this layer to 8-bit activations, or use another one.",
    )


def fixed_on_int16(op: Operator) -> QuantizationParameters | None:
    """The parameters that the specification prescribes for the operator's output on int16."""
    return next((form.fixed for form in forms().get(op.name, ()) if form.fixed), None)


def has_int16(op: Operator) -> bool:
    """Whether an operator computes on int16."""
    return op.name in on_int16() and not op.bytes_only


@cache
def on_int16() -> tuple[str, ...]:
    """Names of all operators that compute on int16."""
    from tinycomp.ops._registry import operators

    moving = [name for name, kind in operators().items() if kind.moves and not kind.emitted_only]
    return tuple(sorted({*forms(), *moving}))

"""Sums and differences with a constant: scales, zero points, activations, shapes, either side."""

from __future__ import annotations

import numpy as np
from conformance import ACTIVATIONS, Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Constant, QuantizationParameters, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.quantize import Quantize

SHAPE = (4, 5, 6)
SOURCE, OTHER, OUTPUT = parameters(0.05, -1), parameters(0.02, -9), parameters(0.06, 5)


def cases() -> list[Case]:
    return [_scales(), _activations(), _shapes(), _ties(), _vectors()]


def _add(
    builder: CaseBuilder,
    name: str,
    *,
    shape: Shape = (6,),
    other: QuantizationParameters = OTHER,
    output: QuantizationParameters = OUTPUT,
    activation: Activation = Activation.NONE,
    source: str = "input",
) -> str:
    """Sum and difference with a random constant, on either side; returns the name of the last."""
    rng = np.random.default_rng(len(builder.builder.nodes))
    values = rng.integers(-128, 128, shape)
    values.flat[:2] = (-128, 127)[: values.size]
    key = builder.builder.constant(f"constant of {name}", values.astype(np.int8))
    builder.builder.constants[key] = Constant(key, values.astype(np.int8), other)
    for subtract in (False, True):
        op = AddConstant(subtract, activation)
        for inputs in ((source, key), (key, source)):
            text = f"{name}, {'-' if subtract else '+'}, {inputs.index(key)}"
            result = builder.add(op, inputs, output, name=text)
    return result


def _case(name: str, builder: CaseBuilder, shape: Shape = SHAPE) -> Case:
    return Case(name, builder.graph(), extreme_inputs(np.random.default_rng(1), shape))


def _scales() -> Case:
    builder = CaseBuilder(SHAPE, SOURCE)
    for scales in ((0.1, 0.2), (0.013, 0.07), (0.3, 0.001), (1e-5, 0.05), (0.7, 30.0)):
        for zeros in ((-9, 5), (-128, -128), (127, -128), (-128, 127)):
            other, output = map(parameters, scales, zeros)
            _add(builder, f"{scales}, {zeros}", other=other, output=output)
    return _case("scales and zero points", builder)


def _activations() -> Case:
    builder = CaseBuilder(SHAPE, SOURCE)
    for activation in ACTIVATIONS:
        _add(builder, activation.name, activation=activation)
    return _case("activations", builder)


def _shapes() -> Case:
    """Constants of full shape, per row, per channel, with leading axes of 1, scalar; in place."""
    builder = CaseBuilder(SHAPE, SOURCE)
    for shape in (SHAPE, (5, 6), (6,), (1, 1, 6), (1, 1, 1, 6), (1,)):
        last = _add(builder, str(shape), shape=shape)
    _add(builder, "in place", source=last)
    return _case("shapes", builder)


def _ties() -> Case:
    """Equal and halved scales: sums halfway between two output values."""
    builder = CaseBuilder(SHAPE, parameters(0.5, 3))
    for number, (scale, output) in enumerate(((0.5, 1.0), (0.25, 0.5), (1.0, 2.0), (0.5, 4.0))):
        _add(builder, f"ties {number}", other=parameters(scale, 4), output=parameters(output, 0))
    return _case("ties", builder)


def _vectors() -> Case:
    builder = CaseBuilder((20,), SOURCE)
    moved = builder.add(Quantize(), ["input"], parameters(0.07, 11))
    _add(builder, "vector", shape=(20,), source=moved)
    return _case("vectors", builder, (20,))

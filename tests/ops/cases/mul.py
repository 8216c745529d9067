"""Products: scales, zero points, activations, saturation; broadcast operands, and constants."""

from __future__ import annotations

import numpy as np
from conformance import ACTIVATIONS, Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Constant, Shape
from tinycomp.ops._window import Window
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.quantize import Quantize

SHAPE = (4, 5, 6)
SOURCE = parameters(0.05, -1)
OTHER = parameters(0.02, -9)
OUTPUT = parameters(0.1, 5)


def cases() -> list[Case]:
    return [_scales(), _activations(), _repeated(), _constants(), _vectors(), _one_value()]


def _case(name: str, builder: CaseBuilder, shape: Shape = SHAPE) -> Case:
    return Case(name, builder.graph(), extreme_inputs(np.random.default_rng(1), shape))


def _scales() -> Case:
    """Scales and zero points of both operands and the output."""
    builder = CaseBuilder(SHAPE, SOURCE)
    for scales in ((0.1, 0.1, 0.3), (0.05, 0.02, 0.001), (0.07, 0.3, 2.0), (2.0, 0.5, 0.7)):
        for zeros in ((3, -9, 5), (-128, -128, -128), (127, 127, -128), (-128, 127, 127)):
            first, second, output = map(parameters, scales, zeros)
            operands = [builder.add(Quantize(), ["input"], operand) for operand in (first, second)]
            builder.add(Mul(), operands, output, name=f"{scales}, {zeros}")
    return _case("scales and zero points", builder)


def _activations() -> Case:
    builder = CaseBuilder(SHAPE, SOURCE)
    other = builder.add(Quantize(), ["input"], OTHER)
    for activation in ACTIVATIONS:
        for name, output in (("wide", parameters(0.07, -20)), ("narrow", parameters(0.004, -30))):
            text = f"{activation.name}, {name}"
            builder.add(Mul(activation), ["input", other], output, name=text)
    return _case("activations", builder)


def _repeated() -> Case:
    """A broadcast operand on either side; a tensor with itself; the last one in place."""
    builder = CaseBuilder(SHAPE, SOURCE)
    row = builder.add(MaxPool2D(Window((SHAPE[0], 1))), ["input"], SOURCE)
    for name, narrow in (
        ("row", builder.add(Quantize(), [row], OTHER)),
        ("channels", builder.add(Mean(keep_dims=True), ["input"], OTHER)),
        ("one axis", builder.add(Mean(), ["input"], OTHER)),
        ("itself", "input"),
    ):
        builder.add(Mul(), ["input", narrow], OUTPUT, name=f"{name}, second")
        product = builder.add(Mul(), [narrow, "input"], OUTPUT, name=f"{name}, first")
    builder.add(Quantize(), [builder.add(Mul(), [product, row], OUTPUT)], SOURCE)
    return _case("repeated operands", builder)


def _constants() -> Case:
    rng = np.random.default_rng(0)
    builder = CaseBuilder(SHAPE, SOURCE)
    for shape in (SHAPE, (5, 6), (6,), (1, 1, 6), (1,)):
        values = rng.integers(-128, 128, shape).astype(np.int8)
        name = builder.builder.constant(f"factors {shape}", values)
        builder.builder.constants[name] = Constant(name, values, OTHER)
        builder.add(Mul(), ["input", name], OUTPUT, name=f"{shape}, second")
        product = builder.add(Mul(), [name, "input"], OUTPUT, name=f"{shape}, first")
    builder.add(Quantize(), [builder.add(Mul(), [name, product], OUTPUT)], SOURCE)
    return _case("constants", builder)


def _vectors() -> Case:
    builder = CaseBuilder((20,), SOURCE)
    builder.add(Mul(), ["input", builder.add(Quantize(), ["input"], OTHER)], OUTPUT)
    return _case("vectors", builder, (20,))


def _one_value() -> Case:
    shape = (4, 5, 1)
    builder = CaseBuilder(shape, SOURCE)
    value = builder.add(Mean(), ["input"], OTHER)
    builder.add(Mul(), ["input", value], OUTPUT, name="second")
    builder.add(Mul(), [value, "input"], OUTPUT, name="first")
    return _case("one value", builder, shape)

"""Activations, and other functions of one value, without an int8 operator of LiteRT's, by their
names in Keras.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array
from tinycomp.ops._function import Definition, RealFunction, leaky, link
from tinycomp.ops._mathematics import MATHEMATICS

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""Klambauer et al., Self-Normalizing Neural Networks, 2017."""
_SMALLEST = 1e-37
"""Keeps a float32 sigmoid above zero, where its logarithm is taken; -log of it is 85."""


def _softplus(x: Array) -> Array:
    return np.logaddexp(0, x)


def _sigmoid(x: Array) -> Array:
    return np.exp(-np.logaddexp(0, -x))


_LOG_SIGMOID = (link("LOGISTIC"), link("MAXIMUM", _SMALLEST), link("LOG"))
"""Valid down to -85; below that the result is the minimum with x."""
_SOFTPLUS = (link("NEG"), *_LOG_SIGMOID, link("NEG"), link("MAXIMUM", again=True))

ACTIVATIONS: Mapping[str, Definition] = {
    "hard_shrink": Definition(
        lambda x: np.where(np.abs(x) > 0.5, x, 0),
        (link("ABS"), link("ADD", -0.5), link("RELU"), link("SIGN"), link("MUL", again=True)),
    ),
    "hard_sigmoid": Definition(
        lambda x: np.clip(x + 3, 0, 6) / 6, (link("ADD", 3), link("RELU6"), link("MUL", 1 / 6))
    ),
    "hard_sigmoid_keras_2": Definition(
        lambda x: np.clip(0.2 * x + 0.5, 0, 1),
        (link("MUL", 0.2), link("ADD", 0.5), link("MAXIMUM", 0), link("MINIMUM", 1)),
    ),
    "hard_tanh": Definition(lambda x: np.clip(x, -1, 1), (link("RELU_N1_TO_1"),)),
    "linear": Definition(lambda x: x, (link("MUL", 1.0),)),
    "log_sigmoid": Definition(
        lambda x: -_softplus(-x), (*_LOG_SIGMOID, link("MINIMUM", again=True))
    ),
    "mish": Definition(
        lambda x: x * np.tanh(_softplus(x)), (*_SOFTPLUS, link("TANH"), link("MUL", again=True))
    ),
    "selu": Definition(
        lambda x: _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))),
        (link("ELU"), leaky(_SELU_ALPHA), link("MUL", _SELU_SCALE)),
    ),
    "silu": Definition(lambda x: x * _sigmoid(x), (link("LOGISTIC"), link("MUL", again=True))),
    "soft_shrink": Definition(
        lambda x: x - np.clip(x, -0.5, 0.5),
        (link("MAXIMUM", -0.5), link("MINIMUM", 0.5), link("NEG"), link("ADD", again=True)),
    ),
    "softplus": Definition(_softplus, _SOFTPLUS),
    "softsign": Definition(
        lambda x: x / (1 + np.abs(x)),
        (link("ABS"), link("ADD", 1), link("RSQRT"), link("SQUARE"), link("MUL", again=True)),
    ),
    "sparse_plus": Definition(
        lambda x: np.maximum((np.clip(x, -1, 1) + 1) ** 2 / 4, x),
        (
            link("MAXIMUM", -1),
            link("MINIMUM", 1),
            link("ADD", 1),
            link("SQUARE"),
            link("MUL", 0.25),
            link("MAXIMUM", again=True),
        ),
    ),
    "sparse_sigmoid": Definition(
        lambda x: (np.clip(x, -1, 1) + 1) / 2,
        (link("MAXIMUM", -1), link("MINIMUM", 1), link("ADD", 1), link("MUL", 0.5)),
    ),
    "squareplus": Definition(
        lambda x: (x + np.sqrt(x * x + 4)) / 2,
        (
            link("SQUARE"),
            link("ADD", 4),
            link("SQRT"),
            link("ADD", again=True),
            link("MUL", 0.5),
        ),
    ),
    "tanh_shrink": Definition(
        lambda x: x - np.tanh(x), (link("TANH"), link("NEG"), link("ADD", again=True))
    ),
}
"""By the name of keras.activations, with the constants that Keras takes where none are given. The
hard sigmoid of Keras 2 had another slope.
"""
DEFINITIONS: Mapping[str, Definition] = {**ACTIVATIONS, **MATHEMATICS}
"""All of them."""


@dataclass(frozen=True)
class Function(RealFunction):
    """One of DEFINITIONS."""

    name: ClassVar[str] = "function"

    kind: str
    """Its name there."""

    def real(self, x: Array) -> Array:
        """As defined."""
        return DEFINITIONS[self.kind].real(x)

    def float_chain(self) -> tuple[TfliteOperator, ...]:
        """As defined."""
        return DEFINITIONS[self.kind].chain

"""Recognizes activations that a float file has as a choice between two results for each value:
SELECT by a comparison of a tensor with a number, where both results are functions of that tensor.

What the operators compute together is compared with the functions that the library has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinycomp.frontend._tflite_file import FileOperator, TfliteFile, without_unread
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array
from tinycomp.ops.elu import Elu
from tinycomp.ops.function import DEFINITIONS, Function
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.relu import Relu

_SELECTS = ("SELECT", "SELECT_V2")
_COMPARISONS: Mapping[str, Callable[..., Array]] = {
    "EQUAL": np.equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "NOT_EQUAL": np.not_equal,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **_COMPARISONS,
    "ABS": np.abs,
    "ADD": np.add,
    "DIV": np.divide,
    "ELU": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "EXP": np.exp,
    "LOG": np.log,
    "LOGICAL_AND": np.logical_and,
    "LOGICAL_NOT": np.logical_not,
    "LOGICAL_OR": np.logical_or,
    "LOGISTIC": lambda x: np.exp(-np.logaddexp(0, -x)),
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "MUL": np.multiply,
    "NEG": np.negative,
    "RELU": lambda x: np.maximum(x, 0),
    "RELU6": lambda x: np.clip(x, 0, 6),
    "SELECT": np.where,
    "SELECT_V2": np.where,
    "SQRT": np.sqrt,
    "SQUARE": np.square,
    "SUB": np.subtract,
    "TANH": np.tanh,
}
"""What each operator computes of every value."""

_POINTS = np.linspace(-9, 9, 1441)
"""Where functions are compared; zero and the ends of clipped ranges are among them."""
_NEAR = 1e-5
"""The largest relative and absolute difference: constants in the file have 24 bits."""


class Activated(FileOperator):
    """A function of one tensor, read like a RELU; its options are the operator."""


def find_activations(file: TfliteFile) -> TfliteFile:
    """A float file with single operators in place of such choices."""
    search = _Search(file, {index: each for each in file.operators for index in each.outputs})
    found = {id(each): made for each in file.operators if (made := search.activation(each))}
    if not found:
        return file
    operators = [found.get(id(each), each) for each in file.operators]
    return replace(file, operators=tuple(without_unread(operators, file.outputs, search.parts)))


class _OtherError(Exception):
    """The operators compute something else than a known function of the tensor."""


@dataclass
class _Search:
    """Follows choices back to the tensor that they compare."""

    file: TfliteFile
    """In float32."""
    writers: Mapping[int, FileOperator]
    """By the tensor that they write."""

    def __post_init__(self) -> None:
        self.parts: set[int] = set()
        """Identities of operators that a found function replaces."""

    def activation(self, operator: FileOperator) -> Activated | None:
        """The function that ends with a choice; None for other operators."""
        if operator.builtin not in _SELECTS or len(operator.inputs) != 3:
            return None
        for source in self._compared(operator.inputs[0]):
            parts: set[int] = set()
            try:
                with np.errstate(all="ignore"):
                    values = self._values(operator.outputs[0], source, parts)
            except _OtherError:
                continue
            known = known_function(values)
            if known is not None:
                self.parts |= parts
                return Activated(operator.index, "RELU", "", (source,), operator.outputs, known)
        return None

    def _compared(self, condition: int) -> Iterator[int]:
        """The tensors that the condition compares with numbers."""
        writer = self.writers.get(condition)
        if writer is None:
            return
        for index in writer.inputs:
            if writer.builtin.startswith("LOGICAL"):
                yield from self._compared(index)
            elif writer.builtin in _COMPARISONS and self.file.tensors[index].values is None:
                yield index

    def _values(self, index: int, source: int, parts: set[int]) -> Array:
        """A tensor's values where the source has those of _POINTS.

        Raises:
            _OtherError: it depends on other tensors, or on more than one value of this one.
        """
        if index == source:
            return _POINTS
        tensor, writer = self.file.tensors[index], self.writers.get(index)
        if tensor.values is not None:
            if tensor.values.size != 1:
                raise _OtherError
            return np.asarray(tensor.values.ravel()[0], np.float64)
        function = None if writer is None else _FUNCTIONS.get(writer.builtin)
        if writer is None or function is None or min(writer.inputs) < 0:
            raise _OtherError
        if getattr(writer.options, "fusedActivationFunction", 0):
            raise _OtherError
        parts.add(id(writer))
        found = function(*(self._values(each, source, parts) for each in writer.inputs))
        return np.asarray(found)


def known_function(values: Array) -> Operator | None:
    """The operator that computes these values of _POINTS; None if the library has none."""
    at = int(np.argmin(np.abs(_POINTS + 1)))
    slope, share = -float(values[at]), float(values[at] / np.expm1(-1))
    candidates: list[tuple[Operator, Callable[[Array], Array]]] = [
        (Relu(), lambda x: np.maximum(x, 0)),
        (LeakyRelu(slope), lambda x: np.where(x > 0, x, slope * x)),
        (Elu(share), lambda x: np.where(x > 0, x, share * np.expm1(np.minimum(x, 0)))),
        *((Function(kind), known.real) for kind, known in DEFINITIONS.items()),
    ]
    with np.errstate(all="ignore"):
        for op, real in candidates:
            if np.allclose(real(_POINTS), values, rtol=_NEAR, atol=_NEAR):
                return op
    return None

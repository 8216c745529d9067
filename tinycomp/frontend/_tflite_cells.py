"""Which recurrent layer one turn of a loop computes: its weights are read from the expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tinycomp.frontend._tflite_expressions import (
    Applied,
    Atom,
    Linear,
    NoLayerError,
    Product,
    Row,
    Slot,
    is_identity,
)
from tinycomp.frontend._tflite_unrolled import activation_of_builtin
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array
from tinycomp.ops._recurrent import Recurrent
from tinycomp.ops.function import Function
from tinycomp.ops.gru import Gru
from tinycomp.ops.lstm import Lstm
from tinycomp.ops.lstm_steps import LstmSteps
from tinycomp.ops.simple_rnn import SimpleRnn

_LINEAR = "none"
"""An activation that changes nothing."""


@dataclass(frozen=True, eq=False)
class Cell:
    """A recurrent layer."""

    op: Recurrent
    """The operator."""
    weights: Array
    """Of the input and of the state, side by side."""
    bias: Array
    """As the operator has them."""
    row: Row
    """What it reads."""
    state: int
    """The loop's input with the state that is the layer's output."""


def find_cell(states: dict[int, Linear]) -> Cell:
    """The layer whose states are these after a turn.

    Args:
        states: by the loop's input with the state before it.

    Raises:
        NoLayerError: there is none.
    """
    if len(states) == 2:
        return _lstm(states)
    ((slot, after),) = states.items()
    total = after.atom
    if isinstance(total, Applied):
        found = _Gates(slot)
        found.add(total.of)
        return found.cell(SimpleRnn(activation=_activation(total.builtin, "TANH")))
    return _gru(slot, after)


def _activation(builtin: str, default: str) -> Operator | None:
    """An activation as recurrent layers have it: None for the default."""
    if builtin == default:
        return None
    if builtin == _LINEAR:
        return Function("linear")
    return activation_of_builtin(builtin)


class _Gates:
    """The rows of the layer's matrix, gate by gate."""

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.row: Row | None = None
        self.inputs: list[Array] = []
        self.states: list[Array] = []
        self.biases: list[Array] = []

    def add(self, sums: Linear, state: Linear | None = None) -> None:
        """A gate's sums; `state`: what is added to them of the state, where it stands elsewhere."""
        units = sums.size
        inputs, states = None, np.zeros((units, units), np.float32)
        for atom, matrix in (*sums.parts.items(), *(state.parts.items() if state else ())):
            if isinstance(atom, Row) and (self.row is None or _same_row(self.row, atom)):
                self.row, inputs = atom, matrix
            elif isinstance(atom, Slot) and atom.number == self.slot:
                states = matrix
            else:
                raise NoLayerError("gate")
        if inputs is None or states.shape != (units, units):
            raise NoLayerError("gate")
        self.inputs.append(inputs)
        self.states.append(states)
        self.biases.append(sums.offset)

    def cell(self, op: Recurrent, *more: Array) -> Cell:
        """The layer of these gates; `more`: further biases."""
        assert self.row is not None
        weights = np.concatenate([np.concatenate(each) for each in (self.inputs, self.states)], 1)
        bias = np.concatenate([*self.biases, *more])
        if weights.shape[0] != op.gates * self.biases[0].size:
            raise NoLayerError("units")
        types = weights.astype(np.float32), bias.astype(np.float32)
        return Cell(op, *types, self.row, self.slot)


def _same_row(first: Row, second: Row) -> bool:
    return (first.source, first.counter) == (second.source, second.counter)


def _lstm(states: dict[int, Linear]) -> Cell:
    """state = output * activation(cell), cell = forget * cell + input * activation(new)."""
    for slot, after in states.items():
        (other,) = states.keys() - {slot}
        shown = after.atom
        if not isinstance(shown, Product) or states[other].atom is not None:
            continue
        leaving, curved = _pair(shown, partial(_is_of, vector=states[other]))
        kept, added = _two_products(states[other], other)
        forget, _ = _pair(kept, partial(_is_slot, slot=other))
        activation, gate = _builtin(curved), _builtin(forget)
        entering, new = added.factors
        if _builtin(entering) != gate:
            entering, new = new, entering
        found = _Gates(slot)
        for each, builtin in ((entering, gate), (forget, gate), (new, activation), (leaving, gate)):
            found.add(_of(each, builtin))
        if (activation, gate) == ("TANH", "LOGISTIC"):
            return found.cell(Lstm())
        kinds = _activation(activation, "TANH"), _activation(gate, "LOGISTIC")
        return found.cell(LstmSteps(*kinds))
    raise NoLayerError("LSTM")


def _gru(slot: int, after: Linear) -> Cell:
    """state = update * state + (1 - update) * activation(candidate)."""
    kept, added = _two_products(after, slot)
    update, _ = _pair(kept, partial(_is_slot, slot=slot))
    new, _ = _pair(added, partial(_is_rest, whole=update))
    activation, gate = _builtin(new), _builtin(update)
    candidate = _of(new, activation)
    (product,) = [each for each in candidate.parts if isinstance(each, Product)]
    back = candidate.parts[product]
    plain = Linear({a: m for a, m in candidate.parts.items() if a is not product}, candidate.offset)
    state, reset = _pair(product, lambda each: isinstance(each.atom, Applied))
    found = _Gates(slot)
    found.add(_of(update, gate))
    found.add(_of(reset, gate))
    kinds = _activation(activation, "TANH"), _activation(gate, "LOGISTIC")
    op = Gru(activation=kinds[0], recurrent_activation=kinds[1])
    if _is_slot(state, slot):
        (atom,) = state.parts
        found.add(plain, Linear({atom: back}, np.zeros(len(back), np.float32)))
        return found.cell(replace(op, reset_after=False))
    if not is_identity(back):
        raise NoLayerError("reset")
    found.add(plain, state)
    return found.cell(op, state.offset)


def _two_products(total: Linear, slot: int) -> tuple[Product, Product]:
    """The product with a state, and the other one."""
    atoms = [each for each in total.parts if isinstance(each, Product)]
    plain = not total.offset.any() and all(map(is_identity, total.parts.values()))
    if len(atoms) != 2 or len(total.parts) != 2 or not plain:
        raise NoLayerError("sum")
    first, second = atoms
    if any(_is_slot(each, slot) for each in first.factors):
        return first, second
    return second, first


def _pair(product: Product, is_second: Callable[[Linear], bool]) -> tuple[Linear, Linear]:
    """The factors, that for which a test holds as the second one."""
    first, second = product.factors
    if is_second(second):
        return first, second
    if is_second(first):
        return second, first
    raise NoLayerError("product")


def _builtin(vector: Linear) -> str:
    """The function that gives a vector."""
    atom = vector.atom
    return atom.builtin if isinstance(atom, Applied) else _LINEAR


def _of(vector: Linear, builtin: str) -> Linear:
    """What a function is applied to."""
    atom = vector.atom
    if builtin == _LINEAR:
        return vector
    if not isinstance(atom, Applied) or atom.builtin != builtin:
        raise NoLayerError(builtin)
    return atom.of


def _is_of(each: Linear, vector: Linear) -> bool:
    """Whether it is a function of a vector."""
    return isinstance(each.atom, Applied) and each.atom.of is vector


def _is_slot(vector: Linear, slot: int) -> bool:
    atom = vector.atom
    return isinstance(atom, Slot) and atom.number == slot


def _is_rest(rest: Linear, whole: Linear) -> bool:
    """Whether it is 1 - whole."""
    atom: Atom | None = whole.atom
    if atom is None or list(rest.parts) != [atom] or not np.all(rest.offset == 1):
        return False
    return is_identity(-rest.parts[atom])

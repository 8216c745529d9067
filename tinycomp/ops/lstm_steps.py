"""LSTMs that UNIDIRECTIONAL_SEQUENCE_LSTM does not compute: several operators at every step.

Gates: input, forget, cell, output, as in Keras. Gates, candidates and states are int8, the cell
state is int16. The sums of the gates have one scale, those of the candidate another; all scales are
chosen over all steps. With `cell_rows` every row of the output is the state and the cell state,
both on int16 with the scale of the cell state; a layer can start from such a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.ir.fixed_point import Multiplier, quantize_multiplier, requantize
from tinycomp.ir.graph import Graph
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters
from tinycomp.ops._differentiable import rounded
from tinycomp.ops._lstm_unrolling import STEPS, WIDE, unrolled
from tinycomp.ops._recurrent import (
    Recurrent,
    first_of,
    first_row,
    float_products,
    holder,
    over_time,
    sizes,
    start_fields,
)
from tinycomp.ops._recurrent_int8 import activation_of, curve, lookup, row_fields
from tinycomp.ops._recurrent_steps import (
    SHARE,
    STATE,
    TYPES,
    DenseRows,
    symmetric,
)
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops._weighted import weights_and_bias

_TANH_ENDS = 4.0
"""From here on tanh is 1 within a tenth of a step: what it reads needs no wider range."""
_LEAST_CELL = 2.0**-8
"""The least magnitude of a cell state, as a fraction of what may be added to it."""

_LEAST_WIDTH = 2.0**-4
"""Of the range of cell states that are returned: states are converted to their scale, to which
LiteRT has 15 bits at most.
"""


class Scales(NamedTuple):
    """Of the values between the sums and the state; zero points are 0."""

    gates: float
    """Sums of the gates."""
    candidate: float
    """Sums of the candidate."""
    fresh: float
    """The candidate after its activation."""
    cell: float
    """The cell state on int16."""
    shown: float
    """The cell state on int8, as its activation reads it."""
    state: float
    """The output."""


@dataclass(frozen=True)
class LstmSteps(Recurrent):
    """cell = forget * cell + input * activation(candidate); state = output * activation(cell)."""

    name: ClassVar[str] = "lstm_steps"
    hidden: ClassVar[tuple[str, ...]] = (
        "gate_share", "gate_back", "gates", "share", "back", "candidate", "candidate_value", "kept",
        "added", "cell", "shown", "state",
    )  # fmt: skip
    repacked: ClassVar[bool] = True
    phrase: ClassVar[str] = "An LSTM"
    gates: ClassVar[int] = 4

    activation: Operator | None = None
    """Of the candidate and of the cell state; None: tanh."""
    recurrent_activation: Operator | None = None
    """Of the gates, with values from 0 to 1; None: sigmoid."""
    scales: Scales | None = None
    """Of an integer graph, or of one that was trained for int8."""
    cell_rows: bool = False
    """Whether rows of the output are the state and the cell state."""
    reach: float = 1.0
    """The largest magnitude of states with which it starts, if that is more than tanh returns."""

    @property
    def wide_output(self) -> bool:
        """The cell state needs int16."""
        return self.cell_rows

    def width(self, units: int) -> int:
        """State, and perhaps cell state."""
        return 2 * units if self.cell_rows else units

    def output_range(self, operands: Operands) -> OutputRange:
        """Fixed: that of tanh; of other activations centred, wide enough for the cell's. That of
        cell states is centred too.
        """
        if self.cell_rows:
            covered = ("kept", "added", "cell")
            return OutputRange(centred=True, covers=covered, width=_LEAST_WIDTH)
        if self.activation is not None:
            return OutputRange(centred=True, covers=("shown",))
        return OutputRange(fixed=STATE)

    def carrying(self, magnitude: float) -> Operator:
        """States that start beyond those of tanh have a scale that covers them."""
        return replace(self, reach=max(1.0, magnitude))

    def quantized(
        self, magnitudes: Mapping[str, float], dtype: str = "int8", output: float = 1.0
    ) -> Operator:
        """One scale for a sum and its parts; the cell state's covers what it is the sum of."""
        if self.scales is not None:
            return self
        narrow, tanh = TYPES["int8"].sum_scale, self.activation is None
        fresh = STATE.scale if tanh else narrow(magnitudes, "candidate_value")
        most = max(magnitudes[each] for each in ("kept", "added", "cell"))
        most = max(most, fresh * 128 * _LEAST_CELL)
        if self.cell_rows:
            most = max(most, output * WIDE.highest)
        read = min(most, _TANH_ENDS) if tanh else most
        of_tanh = STATE.scale if self.reach <= 1 else narrow({"": self.reach}, "")
        other = narrow(magnitudes, "shown", "state") if self.cell_rows else output
        scales = Scales(
            gates=narrow(magnitudes, "gate_share", "gate_back", "gates"),
            candidate=narrow(magnitudes, "share", "back", "candidate"),
            fresh=fresh,
            cell=output if self.cell_rows else WIDE.sum_scale({"cell": most}, "cell"),
            shown=narrow({"cell": read}, "cell"),
            state=of_tanh if tanh else other,
        )
        return replace(self, scales=scales)

    def unquantized(self) -> Operator:
        """Without scales."""
        return replace(self, scales=None)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Row by row, for all samples at once."""
        plan, (_, _, units) = _Plan.of(self, operands), sizes(operands)
        rows, scales = plan.rows, plan.scales
        gate = curve(self.gate, symmetric(scales.gates), SHARE)
        fresh = curve(self.curve, symmetric(scales.candidate), symmetric(scales.fresh))
        show = curve(self.curve, symmetric(scales.shown), self.state)
        shares, held = rows.of_input(inputs[0]), holder(operands, inputs)
        start = first_row(operands, inputs)
        cell: Array = np.zeros((len(start), units), np.int16)
        state = start.astype(np.int8)
        if self.cell_rows:
            state = rows.kind.saturate(requantize(start[:, :units], *plan.narrowed))
            cell = start[:, units:]
        states = []
        for step in range(inputs[0].shape[1]):
            sums = rows.kind.added(shares[:, step], rows.of_state(state, slice(None)))
            enter, forget, candidate, leave = np.split(sums, 4, axis=1)
            kept = WIDE.times_share(_widened(gate(forget)), cell)
            product = _widened(gate(enter)).astype(np.int64) * fresh(candidate) * STEPS
            added = WIDE.saturate(requantize(product, *plan.added))
            cell = held(step, WIDE.added(kept, added), cell)
            shown = show(rows.kind.saturate(requantize(cell, *plan.shown)))
            state = held(step, rows.kind.times_share(gate(leave), shown), state)
            row = state
            if self.cell_rows:
                wide = WIDE.saturate(requantize(state, *plan.widened))
                row = np.concatenate([wide, cell], axis=1)
            states.append(row)
        return np.stack(states, axis=1)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined; with scales every int8 value is rounded."""
        from keras import ops

        known = self.scales
        gates, candidates, fresh, read, of_state = (
            symmetric(getattr(known, name)) if known else None
            for name in ("gates", "candidate", "fresh", "shown", "state")
        )
        share_of, gate, curved = SHARE if known else None, self.gate, self.curve
        products, recurrent = float_products(operands, inputs)
        _, _, units = sizes(operands)
        limits = (gates, gates, candidates, gates)

        def parts(sums: Any) -> list[Any]:
            split = ops.split(sums, 4, axis=-1)
            return [rounded(part, limit) for part, limit in zip(split, limits, strict=True)]

        shares = ops.concatenate(parts(products), axis=-1)

        def step(share: Any, states: Sequence[Any]) -> list[Any]:
            state, cell = states
            back = ops.concatenate(parts(ops.matmul(state, recurrent)), axis=-1)
            enter, forget, candidate, leave = parts(share + back)
            entering, forgetting, leaving = (
                rounded(gate.differentiable(operands, [x]), share_of)
                for x in (enter, forget, leave)
            )
            new = rounded(curved.differentiable(operands, [candidate]), fresh)
            cell = forgetting * cell + entering * new
            shown = rounded(curved.differentiable(operands, [rounded(cell, read)]), of_state)
            return [rounded(leaving * shown, of_state), cell]

        return over_time(step, shares, 2, units, inputs, self.width(units))

    def kernel(self, operands: Operands) -> KernelCall:
        """Cell state, gates and state are in scratch, then a block of weights."""
        plan, (_, features, units) = _Plan.of(self, operands), sizes(operands)
        codebook, scales = weights_and_bias(operands)[0].codebook, plan.scales
        widened, narrowed = (
            each if self.cell_rows else Multiplier(0, 0) for each in (plan.widened, plan.narrowed)
        )
        return KernelCall(
            "lstm_steps",
            {
                "inputs": features,
                "units": units,
                **row_fields(plan.rows, codebook, np.arange(4 * units)),
                "gate": lookup(self.gate, symmetric(scales.gates), SHARE),
                "fresh": lookup(self.curve, symmetric(scales.candidate), symmetric(scales.fresh)),
                "show": lookup(self.curve, symmetric(scales.shown), self.state),
                "added_multiplier": plan.added.multiplier,
                "shown_multiplier": plan.shown.multiplier,
                "added_shift": plan.added.shift,
                "shown_shift": plan.shown.shift,
                **start_fields(operands),
                "cell_rows": int(self.cell_rows),
                "widened_shift": widened.shift,
                "narrowed_shift": narrowed.shift,
                "widened_multiplier": widened.multiplier,
                "narrowed_multiplier": narrowed.multiplier,
            },
            scratch=-(-7 * units // 4) * 4,
            keeps_scratch=True,
        )

    def expansion(self, operands: Operands) -> Graph:
        """Step by step."""
        return unrolled(self, operands)

    @property
    def state(self) -> QuantizationParameters:
        """The quantization of states."""
        return STATE if self.scales is None else symmetric(self.scales.state)

    @property
    def gate(self) -> UnaryOperator:
        """The gates' activation."""
        return activation_of(self.recurrent_activation, "logistic")

    @property
    def curve(self) -> UnaryOperator:
        """The activation of candidate and cell."""
        return activation_of(self.activation, "tanh")


@dataclass(frozen=True, eq=False)
class _Plan:
    """The numbers of an integer graph."""

    rows: DenseRows
    """What its weights compute."""
    scales: Scales
    """Of what is between."""
    added: Multiplier
    """From the product of input gate and candidate to the cell state."""
    shown: Multiplier
    """From the cell state on int16 to that on int8."""
    widened: Multiplier
    """From the state on int8 to the scale of the cell state."""
    narrowed: Multiplier
    """From the scale of the cell state to the state on int8."""

    @classmethod
    def of(cls, op: LstmSteps, operands: Operands) -> _Plan:
        """Scales are products and quotients of float32, as in LiteRT.

        Raises:
            ModelError: it has no scales, or starts from rows that it does not return.
        """
        if first_of(operands) and not op.cell_rows:
            raise ModelError(
                f"{operands.output.name!r} (LSTM) starts from states without a cell state.",
                expected="Expected both in one row.",
            )
        if op.scales is None:
            raise ModelError(
                f"{operands.output.name!r} (LSTM) has no scales of its sums.",
                hint="Quantize the model first.",
            )
        scales, (_, _, units) = op.scales, sizes(operands)
        of_rows = [scales.gates, scales.gates, scales.candidate, scales.gates]
        rows = DenseRows.of(operands, np.repeat(of_rows, units), op.state)
        fresh = np.float32(scales.fresh / STEPS)
        added = float(np.float32(WIDE.share.scale) * fresh / np.float32(scales.cell))
        shown = quantize_multiplier(
            float(np.float32(scales.cell)) / float(np.float32(scales.shown))
        )
        widened, narrowed = (
            quantize_multiplier(float(np.float32(one)) / float(np.float32(other)))
            for one, other in ((scales.state, scales.cell), (scales.cell, scales.state))
        )
        return cls(rows, scales, quantize_multiplier(added), shown, widened, narrowed)


def _widened(shares: Array) -> NDArray[np.int16]:
    """What sigmoid returns, as QUANTIZE converts it to int16."""
    step = round(SHARE.scale / WIDE.share.scale)
    return ((shares.astype(np.int64) - SHARE.zero_point) * step).astype(np.int16)

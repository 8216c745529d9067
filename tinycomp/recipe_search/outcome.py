"""The measured figures of a candidate, and limits for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from tinycomp.common.errors import TinycompError
from tinycomp.data.score import ABSOLUTE_ERROR, SQUARED_ERROR
from tinycomp.options.search import COSTS
from tinycomp.report.numbers import show_metric


@dataclass(frozen=True)
class Outcome:
    """Figures of a candidate, quantized to int8 and built."""

    metric: str
    """The metric of the score: "top-1", "accuracy", "mean squared error"."""
    score: float
    """Score on validation samples."""
    test: float | None
    """Score on the test half, which is not used for any choice; None if it can't be scored."""
    flash: int
    """Flash bytes of the library: constants, and code if the board's compiler is installed."""
    ram: int
    """RAM bytes of the library: arena, data, and stack if known."""
    instructions: float
    """Instructions per inference, predicted by the planner."""
    constants: int
    """Bytes of weights, tables, biases and multipliers."""
    macs: int
    """Multiply-accumulates of an inference."""
    bits: float
    """Average bits per weight, by entropy."""
    epochs: int
    """Epochs of all steps together."""
    seconds: float
    """Duration of training and measuring."""
    sha256: str
    """SHA-256 of the .tflite."""

    @property
    def quality(self) -> float:
        """The score, negated if lower is better."""
        return -self.score if falls(self.metric) else self.score

    def cost(self, name: str) -> float:
        """One of COSTS."""
        return float(getattr(self, name))

    def values(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @staticmethod
    def of(values: Mapping[str, Any]) -> Outcome:
        """The inverse of `values`."""
        return Outcome(**{each.name: values[each.name] for each in fields(Outcome)})


def require_costs(names: Sequence[str]) -> tuple[str, ...]:
    """Costs by name, in the order of COSTS.

    Raises:
        TinycompError: one is not known.
    """
    unknown = [name for name in names if name not in COSTS]
    if unknown:
        raise TinycompError(
            f"'{unknown[0]}' can't be minimized.", expected=f"Expected some of {', '.join(COSTS)}."
        )
    return tuple(name for name in COSTS if name in names)


def falls(metric: str) -> bool:
    """Whether lower values of a metric are better."""
    return metric in (SQUARED_ERROR, ABSOLUTE_ERROR)


def outcome_line(found: Outcome) -> str:
    """A short description."""
    return (
        f"{show_metric(found.metric, found.score)}, {found.flash:,} bytes of flash, {found.ram:,} "
        f"of RAM, {found.instructions:,.0f} instructions"
    )

"""What a candidate came to, and the limits that it has to keep to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from tinycomp.common.errors import TinycompError
from tinycomp.data.score import ABSOLUTE_ERROR, SQUARED_ERROR
from tinycomp.report.numbers import show_metric

COSTS = ("flash", "ram", "instructions")
"""Figures that a search makes small."""
_EASIER = 2.0
"""Errors that are allowed a candidate after a training of the next shorter length, times those
after one of full length.
"""


@dataclass(frozen=True)
class Outcome:
    """A candidate in int8, as it would be built."""

    metric: str
    """What the score is: "top-1", "accuracy", "mean squared error"."""
    score: float
    """On validation samples."""
    test: float | None
    """On the test half, which nothing is chosen by; None where it is not scored."""
    flash: int
    """Bytes of the library: code, where the board's compiler is at hand, and constants."""
    ram: int
    """Bytes of the library: arena, data, and stack where that is known."""
    instructions: float
    """Of an inference, as the planner predicts them."""
    constants: int
    """Bytes of weights, tables, biases and multipliers."""
    macs: int
    """Multiply-accumulates of an inference."""
    bits: float
    """Of a weight on average, by entropy."""
    epochs: int
    """Trained in all steps together."""
    seconds: float
    """Of training and measuring."""
    sha256: str
    """Of the .tflite."""

    @property
    def quality(self) -> float:
        """The score with a sign that makes more better."""
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
            f"'{unknown[0]}' can't be made small.", expected=f"Expected some of {', '.join(COSTS)}."
        )
    return tuple(name for name in COSTS if name in names)


def falls(metric: str) -> bool:
    """Whether less of a metric is better."""
    return metric in (SQUARED_ERROR, ABSOLUTE_ERROR)


@dataclass(frozen=True)
class Limits:
    """What a candidate has to keep to; None: there is no limit."""

    flash: int | None = None
    """The most bytes of the library: code and constants."""
    ram: int | None = None
    """The most bytes of the library: arena, data and stack."""
    instructions: float | None = None
    """The most instructions of an inference."""
    accuracy: float | None = None
    """The least score on validation samples, a share."""

    def excess(self, found: Outcome, shorter: int = 0) -> dict[str, float]:
        """By how much each limit is missed, as a share of it; 0 or less where it is kept.

        Args:
            found: a candidate.
            shorter: by how many lengths of training it was trained less than in full. Each doubles
                the errors that are allowed: training mends some.
        """
        missed = {
            name: found.cost(name) / getattr(self, name) - 1
            for name in COSTS
            if getattr(self, name) is not None
        }
        if self.accuracy is not None:
            allowed = max(1 - self.accuracy, 1e-3) * _EASIER**shorter
            missed["accuracy"] = (1 - found.score) / allowed - 1
        return missed

    def missed(self, found: Outcome, shorter: int = 0) -> float:
        """By how much limits are missed, all together."""
        return sum(max(0.0, each) for each in self.excess(found, shorter).values())

    def kept(self, found: Outcome) -> bool:
        """Whether a candidate keeps to all limits."""
        if self.accuracy is not None and found.score < self.accuracy:
            return False
        limits = ((found.cost(name), getattr(self, name)) for name in COSTS)
        return all(limit is None or value <= limit for value, limit in limits)

    def describe(self) -> str:
        """In words; empty without limits."""
        units = {"flash": "bytes of flash", "ram": "bytes of RAM", "instructions": "instructions"}
        said = [
            f"{getattr(self, name):,.0f} {units[name]} at most"
            for name in COSTS
            if getattr(self, name) is not None
        ]
        if self.accuracy is not None:
            said.append(f"an accuracy of {self.accuracy:.2%} at least")
        return ", ".join(said)


def outcome_line(found: Outcome) -> str:
    """In a few words."""
    return (
        f"{show_metric(found.metric, found.score)}, {found.flash:,} bytes of flash, {found.ram:,} "
        f"of RAM, {found.instructions:,.0f} instructions"
    )

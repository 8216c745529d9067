"""The options of `tinycomp search`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tinycomp.options.amounts import require_amounts
from tinycomp.options.build import PlanOptions
from tinycomp.options.compress import SIZES_BOARD, SIZES_GOAL
from tinycomp.options.data import DataOptions, HoldOut

COSTS = ("flash", "ram", "instructions")
"""Figures that a search can minimize."""
STRUCTURES = ("channels", "low_rank", "tucker")
"""Structure techniques; a candidate has at most one."""
ZEROS = "prune"
VALUES = ("int8", "rate", "share", "codebooks", "rounding")
"""Quantization methods: "codebooks" is int8 training followed by codebooks with bits by
sensitivity; "rounding" rounds to such bits without training.
"""
TECHNIQUES = (*STRUCTURES, ZEROS, *VALUES)
"""All techniques that a search can use."""
_EASIER = 2.0
"""Factor of the allowed errors for each stage of training that is missing.
"""


class _Figures(Protocol):
    """Of a candidate."""

    @property
    def score(self) -> float:
        """On validation samples."""

    def cost(self, name: str) -> float:
        """One of COSTS."""


@dataclass(frozen=True)
class Limits:
    """Limits for candidates; None: no limit."""

    flash: int | None = None
    """The most bytes of the library: code and constants."""
    ram: int | None = None
    """The most bytes of the library: arena, data and stack."""
    instructions: float | None = None
    """The most instructions of an inference."""
    accuracy: float | None = None
    """The lowest score on validation samples, from 0 to 1."""

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            TinycompError: one is out of range.
        """
        given = {"flash": self.flash, "ram": self.ram, "instructions": self.instructions}
        require_amounts(self.accuracy, {f"--max-{name}": each for name, each in given.items()})

    def excess(self, found: _Figures, shorter: int = 0) -> dict[str, float]:
        """The relative excess over each limit; 0 or less if the limit is met.

        Args:
            found: a candidate.
            shorter: number of missing stages of training. Each doubles the allowed errors, because
                training reduces them.
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

    def missed(self, found: _Figures, shorter: int = 0) -> float:
        """The sum of the excesses over all limits."""
        return sum(max(0.0, each) for each in self.excess(found, shorter).values())

    def kept(self, found: _Figures) -> bool:
        """Whether a candidate meets all limits."""
        if self.accuracy is not None and found.score < self.accuracy:
            return False
        limits = ((found.cost(name), getattr(self, name)) for name in COSTS)
        return all(limit is None or value <= limit for value, limit in limits)

    def describe(self) -> str:
        """The limits as text; empty without limits."""
        units = {"flash": "bytes of flash", "ram": "bytes of RAM", "instructions": "instructions"}
        parts = [
            f"at most {getattr(self, name):,.0f} {units[name]}"
            for name in COSTS
            if getattr(self, name) is not None
        ]
        if self.accuracy is not None:
            parts.append(f"an accuracy of at least {self.accuracy:.2%}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Task:
    """A model, its data and a board."""

    model: Path
    """A float model."""
    data: Path
    """An .npz with a training half."""
    board: str = SIZES_BOARD
    """The board to build for."""
    data_options: DataOptions = field(default_factory=DataOptions)
    """How to read the data."""
    planning: PlanOptions = SIZES_GOAL
    """Options of the plan."""
    validation: float = 0.2
    """Share of the training half that candidates are scored on."""
    hold_out: HoldOut = "random"
    """How these samples are chosen."""
    seed: int = 0
    """Seed of all trainings."""


@dataclass(frozen=True)
class Plan:
    """Extent and goals of a search."""

    candidates: int = 60
    """Number of candidates in the first stage."""
    epochs: int = 27
    """Epochs of the last stage."""
    costs: tuple[str, ...] = COSTS
    """Costs to minimize in addition to the error."""
    limits: Limits = field(default_factory=Limits)
    """Limits for candidates."""
    seed: int = 0
    """Seed of the choices."""
    halving: bool = True
    """Whether to use successive halving."""
    learns: bool = True
    """Whether to choose candidates by earlier ones; otherwise at random."""


@dataclass(frozen=True)
class SearchOptions:
    """The options of `tinycomp search`."""

    task: Task
    """The model, its data and its board."""
    plan: Plan
    """Extent and goals of the search."""
    output: Path
    """The folder for results."""
    techniques: tuple[str, ...] = TECHNIQUES
    """Techniques that candidates may use."""
    storage: str | None = None
    """The URL of a database; None: a file in the output folder."""
    study: str = "tinycomp"
    """The name of the study."""
    jobs: int = 1
    """Number of parallel worker processes."""
    beat: int = 5
    """Interval of heartbeats in seconds."""
    grace: int = 30
    """Seconds without a heartbeat after which a candidate is reassigned."""

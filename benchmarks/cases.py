"""The cases to measure: the table cases.toml, and the folder of reference models beside the
checkout.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tinycomp.options.build import Optimize

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent / "shared"
PUBLISHED = "published_silicon_cycles"


@dataclass(frozen=True)
class Limit:
    """Limits of a case; None: no limit. `of_dense` and `of_peer` are relative to a latency."""

    latency: int | None = None
    """Latency of one inference, in the board's unit."""
    flash: int | None = None
    """Bytes of code and constants."""
    ram: int | None = None
    """Bytes of arena, scratch and stack."""
    of_dense: float | None = None
    """Latency relative to the same model without codebooks."""
    of_peer: float | None = None
    """Latency relative to the peer's."""


@dataclass(frozen=True)
class Target:
    """A board of the table."""

    board: str
    """The name of the board."""
    models: Sequence[str]
    """Models measured with all codebook_bits, without codebooks, and for all goals of optimize."""
    peer: str | None = None
    """The tool to compare with."""
    codebook_bits: Sequence[int] = ()
    """Bits of the codebooks to measure."""
    optimize: Sequence[Optimize] = ("balanced",)
    """Optimization goals to measure."""
    goals: dict[Optimize, Sequence[str]] = field(default_factory=dict)
    """Further goals, with the models to measure for each, with all codebook_bits and without."""
    plain_models: Sequence[str] = ()
    """Models measured only for balanced and without codebooks."""
    of_peer: float | None = None
    """Default limit of the latency relative to the peer's."""
    limits: dict[str, Limit] = field(default_factory=dict)
    """Limits by name of the case."""

    @property
    def cases(self) -> list[Case]:
        """All cases, in display order."""
        every = [
            Case(self.board, model, bits, optimize)
            for model in self.models
            for optimize in (*self.optimize, *(g for g, of in self.goals.items() if model in of))
            for bits in (None, *self.codebook_bits)
        ]
        return [*every, *(Case(self.board, model) for model in self.plain_models)]

    def limit(self, name: str) -> Limit:
        """The limits of a case, by its name."""
        return self.limits.get(name, Limit(of_peer=self.of_peer))


@dataclass(frozen=True)
class Case:
    """A model on a board, for an optimization goal, with codebooks of `bits` bits or without."""

    board: str
    """The name of the board."""
    model: str
    """The name of the model."""
    bits: int | None = None
    """Bits of the codebooks; None: no codebooks."""
    optimize: Optimize = "balanced"
    """The optimization goal."""

    @property
    def name(self) -> str:
        """The name in results.json."""
        compressed = [] if self.bits is None else [f"{self.bits}-bit"]
        optimize = [] if self.optimize == "balanced" else [self.optimize]
        return " ".join([self.model, *compressed, *optimize])


def without_codebooks(name: str) -> str:
    """The name of the same case without codebooks."""
    return re.sub(r" \d-bit", "", name)


def model_path(model: str, shared: Path) -> Path:
    """The int8 file of a model."""
    file: str = {**_table()["models"], **_table()["plain_models"]}[model]
    return shared / "models" / file


@cache
def targets() -> tuple[Target, ...]:
    """All boards of the table, in its order."""
    table = _table()
    return tuple(_target(name, entry, table["models"]) for name, entry in table["boards"].items())


def _target(name: str, entry: dict[str, Any], models: dict[str, str]) -> Target:
    limits = {case: Limit(**limit) for case, limit in entry.get("limits", {}).items()}
    return Target(name, **{"models": list(models), **entry, "limits": limits})


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((HERE / "cases.toml").read_text(encoding="utf-8"))


@cache
def peers(shared: Path) -> dict[str, Any]:
    """Other tools' figures by board, tool and model; empty if the file is missing."""
    path = shared / "design" / "peers.json"
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return figures


def published_cycles(model: str, shared: Path) -> tuple[int, str] | None:
    """The lowest published figure for the chip of board cortex-m4, and its publisher."""
    rows = [chip.get(model, {}) for chip in peers(shared).get(PUBLISHED, {}).values()]
    return min(((cycles, tool) for row in rows for tool, cycles in row.items()), default=None)

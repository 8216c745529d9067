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

from tinycomp.plan.streaming import Optimize

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent / "shared"
PUBLISHED = "published_silicon_cycles"


@dataclass(frozen=True)
class Limit:
    """Limits of a case; None: no limit. Shares are of a latency."""

    latency: int | None = None
    flash: int | None = None
    ram: int | None = None
    of_dense: float | None = None
    of_peer: float | None = None


@dataclass(frozen=True)
class Target:
    """A board of the table. models: measured with all codebook_bits, without codebooks, and for all
    goals in optimize; plain_models: measured only for balanced and without codebooks; limits: by
    name of a case.
    """

    board: str
    models: Sequence[str]
    peer: str | None = None
    codebook_bits: Sequence[int] = ()
    optimize: Sequence[Optimize] = ("balanced",)
    plain_models: Sequence[str] = ()
    of_peer: float | None = None
    limits: dict[str, Limit] = field(default_factory=dict)

    @property
    def cases(self) -> list[Case]:
        """In display order."""
        every = [
            Case(self.board, model, bits, optimize)
            for model in self.models
            for optimize in self.optimize
            for bits in (None, *self.codebook_bits)
        ]
        return [*every, *(Case(self.board, model) for model in self.plain_models)]

    def limit(self, name: str) -> Limit:
        """The limits of a case, by its name."""
        return self.limits.get(name, Limit(of_peer=self.of_peer))


@dataclass(frozen=True)
class Case:
    """A model on a board, with or without codebooks of a number of bits, for a goal."""

    board: str
    model: str
    bits: int | None = None
    optimize: Optimize = "balanced"

    @property
    def name(self) -> str:
        """Name in results.json."""
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

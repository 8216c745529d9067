"""results.json: figures by board and case, reproducible with the same compiler. A figure that grows
is reported as an error, with both numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.cases import HERE, Limit, without_codebooks

RESULTS = HERE / "results.json"
GUARDED = ("latency", "flash", "ram")
INTERRUPT_FRAME = 10
"""Stack bytes of the AVR port's timer interrupt: return address, SREG, six registers."""
SLACK = {"cycles": {"latency": 120, "ram": INTERRUPT_FRAME}}
"""Allowed differences by unit: two timer interrupts of the AVR port. How many occur in an
inference, and whether one adds to the deepest stack, depends on the start time.
"""


@dataclass(frozen=True)
class Peer:
    """The same model built by another tool."""

    latency: int
    """Latency of one inference, in the board's unit."""
    flash: int
    """Bytes of code and constants."""
    ram: int
    """Bytes of RAM."""


@dataclass(frozen=True)
class Cycles:
    """An estimate for a real chip, and the lowest published figure with its publisher."""

    cycles: int
    """Estimated cycles of one inference."""
    least: int
    """Lower bound of the estimate."""
    most: int
    """Upper bound of the estimate."""
    flash_waits: int
    """Cycles that wait states of the flash add."""
    published: int | None = None
    """The lowest published figure; None if there is none."""
    publisher: str | None = None
    """The tool of that figure."""


@dataclass(frozen=True)
class Row:
    """The figures of a case; all executions were equal. Sizes are those of the inference alone."""

    macs: int
    """Multiply-accumulates of one inference."""
    latency: int
    """Latency of one inference, in the board's unit."""
    code: int
    """Flash bytes of code."""
    constants: int
    """Flash bytes of constants."""
    ram: int
    """RAM bytes of arena, scratch and deepest stack."""
    peer: Peer | None = None
    """Figures of the board's peer; None if there are none."""
    cycles: Cycles | None = None
    """Estimated cycles; None if the board has no [silicon] section."""

    @property
    def flash(self) -> int:
        """Code and constants."""
        return self.code + self.constants


@dataclass(frozen=True)
class BoardResults:
    """All cases of a board by name, with the compiler and the unit of latency."""

    compiler: str
    unit: str
    peer: str | None = None
    rows: dict[str, Row] = field(default_factory=dict)


Results = dict[str, BoardResults]


def read_results() -> Results:
    """The recorded results; empty before the first run."""
    if not RESULTS.is_file():
        return {}
    content = json.loads(RESULTS.read_text(encoding="utf-8"))
    return {board: read_board(entry) for board, entry in content.items()}


def read_board(entry: dict[str, Any]) -> BoardResults:
    """Read the output of `as_json`."""
    return BoardResults(**{**entry, "rows": {name: _row(r) for name, r in entry["rows"].items()}})


def _row(entry: dict[str, Any]) -> Row:
    peer, cycles = entry.get("peer"), entry.get("cycles")
    inner = {"peer": peer and Peer(**peer), "cycles": cycles and Cycles(**cycles)}
    return Row(**{**entry, **inner})


def write_results(results: Results) -> None:
    """Replace the file."""
    content = {board: as_json(each) for board, each in results.items()}
    RESULTS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def as_json(board: BoardResults) -> Any:
    """Convert to plain data, without None."""
    return _without_none(asdict(board))


def _without_none(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_none(inner) for key, inner in value.items() if inner is not None}


def growth(known: BoardResults, found: BoardResults) -> Iterator[str]:
    """One line for each figure that is larger than recorded, or not recorded."""
    slack = SLACK.get(found.unit, {})
    for name, row in found.rows.items():
        if name not in known.rows:
            yield f"{name} is not recorded: run make bench"
            continue
        for figure in GUARDED:
            before, now = getattr(known.rows[name], figure), getattr(row, figure)
            if now > before + slack.get(figure, 0):
                yield f"{name}: {figure} grew from {before:,} to {now:,}"


def limits(limit: Limit, rows: Mapping[str, Row], name: str) -> dict[str, int]:
    """The limits of a row, by figure. Relative limits refer to the latency of the peer, or of the
    same model without codebooks.
    """
    row, dense, latency = rows[name], rows[without_codebooks(name)], limit.latency
    if limit.of_dense is not None:
        latency = int(limit.of_dense * dense.latency)
    if limit.of_peer is not None and row.peer is not None:
        latency = int(limit.of_peer * row.peer.latency)
    most = {"latency": latency, "flash": limit.flash, "ram": limit.ram}
    return {figure: value for figure, value in most.items() if value is not None}

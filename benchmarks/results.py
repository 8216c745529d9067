"""results.json: figures by board and case, the same on every run with the same compiler. They are a
contract: a figure that grows is reported with both numbers.
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
"""Bytes of stack of the AVR port's timer interrupt: a return address, SREG, six registers."""
SLACK = {"cycles": {"latency": 120, "ram": INTERRUPT_FRAME}}
"""By unit. Two interrupts of the AVR port's timer: how many fall into an inference, and whether one
meets the deepest stack, depends on when it starts.
"""


@dataclass(frozen=True)
class Peer:
    """The same model built by another tool."""

    latency: int
    flash: int
    ram: int


@dataclass(frozen=True)
class Cycles:
    """An estimate for a real chip, and the lowest published figure with its publisher."""

    cycles: int
    least: int
    most: int
    flash_waits: int
    published: int | None = None
    publisher: str | None = None


@dataclass(frozen=True)
class Row:
    """A case whose executions were all equal. latency: of one inference, in the board's unit. Bytes
    of the inference alone: code and constants in flash; arena, scratch and deepest stack in RAM.
    """

    macs: int
    latency: int
    code: int
    constants: int
    ram: int
    peer: Peer | None = None
    cycles: Cycles | None = None

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
    """From the output of `as_json`."""
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
    """As plain data, without None."""
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
    """What a row may have at the most, by figure; shares are of the peer's latency, or of that of
    the same model without codebooks.
    """
    row, dense, latency = rows[name], rows[without_codebooks(name)], limit.latency
    if limit.of_dense is not None:
        latency = int(limit.of_dense * dense.latency)
    if limit.of_peer is not None and row.peer is not None:
        latency = int(limit.of_peer * row.peer.latency)
    most = {"latency": latency, "flash": limit.flash, "ram": limit.ram}
    return {figure: value for figure, value in most.items() if value is not None}

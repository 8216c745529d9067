"""Whether a model fits a board, and what would make it fit."""

from __future__ import annotations

from dataclasses import dataclass

from tinycomp.common.errors import BoardError
from tinycomp.target.boards import Board, list_boards

_TABLES = 1.05
"""Codebooks, codec structs and padding beside packed weights, estimated."""
_LEAST_CODE = 4000
"""Bytes of a small library, where it is not compiled yet, estimated."""
_MOST_SPARSE = 0.95
"""No advice asks for more zeros than that."""


@dataclass(frozen=True)
class Footprint:
    """What a model needs of a board, in bytes: the inference library alone."""

    code: int | None
    """None before it is compiled: what is too large for a compiler is refused without it."""
    constants: int
    """Weights and tables."""
    ram: int
    """Arena, scratch and stack."""
    largest_array: int = 0
    """Of the constants."""
    weights: int = 0
    """How many weights there are; they and weight_bytes only steer the advice."""
    weight_bytes: int = 0
    """What the weights take of the constants."""
    ram_parts: str = ""
    """A sentence that names what takes most RAM."""
    flash_parts: str = ""
    """A sentence that names what takes most flash."""


@dataclass(frozen=True)
class _Limit:
    what: str
    needed: int
    limit: int

    @property
    def over(self) -> int:
        return self.needed - self.limit


def check_fit(board: Board, need: Footprint) -> None:
    """Refuse a model that the board can't hold.

    Raises:
        BoardError: with need, limit and excess of all that does not fit, and what would help.
    """
    exceeded = [limit for limit in _limits(board, need) if limit.over > 0]
    if not exceeded:
        return
    numbers = [
        f"{limit.what}: needs {limit.needed:,} bytes, has {limit.limit:,}, over by {limit.over:,}."
        for limit in exceeded
    ]
    whats = {limit.what for limit in exceeded}
    numbers += [need.ram_parts] if "RAM" in whats else []
    numbers += [need.flash_parts] if whats - {"RAM"} else []
    raise BoardError(
        f"The model does not fit {board.name} ({board.title}). {' '.join(filter(None, numbers))}",
        hint=" ".join(_advice(board, need, exceeded)),
    )


def fits(board: Board, need: Footprint) -> bool:
    """Whether the board can hold the model."""
    return all(limit.over <= 0 for limit in _limits(board, need))


def _limits(board: Board, need: Footprint) -> list[_Limit]:
    memory = board.memory
    limits = [
        _Limit(
            "Flash" if need.code is not None else "Flash, code not counted",
            (need.code or 0) + need.constants,
            memory.flash - memory.reserved_flash,
        ),
        _Limit("RAM", need.ram, memory.ram - memory.reserved_ram),
    ]
    if memory.constants is not None:
        what = "Constants in near memory" if memory.harvard else "Constants"
        limits.append(_Limit(what, need.constants, memory.constants))
    if memory.largest_array is not None:
        limits.append(_Limit("The largest array", need.largest_array, memory.largest_array))
    return limits


def _advice(board: Board, need: Footprint, exceeded: list[_Limit]) -> list[str]:
    advice = []
    over = {limit.what: limit.over for limit in exceeded}
    flash_over = max((excess for what, excess in over.items() if what != "RAM"), default=0)
    if flash_over and need.weights:
        code = _LEAST_CODE if need.code is None else 0
        advice.append(_weight_advice(need, need.weight_bytes - flash_over - code))
    if "RAM" in over:
        advice.append(
            f"Activations must shrink by {over['RAM']:,} bytes: "
            "a smaller input, an earlier stride, or fewer channels in the first layers."
        )
    others = [other for other in list_boards() if other.name != board.name and not other.is_host]
    larger = ", ".join(other.name for other in others if fits(other, need))
    advice.append(f"Boards that hold it: {larger}." if larger else "No other known board holds it.")
    return advice


def _weight_advice(need: Footprint, room: int) -> str:
    """The most bits a weight, and the least sparsity, that bring the weights into `room` bytes.

    A codebook of 2^b entries costs b bits a weight; a bitmap of non-zeros 1 bit a weight and 8 a
    non-zero.
    """
    options = []
    present = need.weight_bytes * 8 / need.weights
    bits = int(min(8, room * 8 / need.weights / _TABLES))
    if 1 <= bits < present:
        options.append(f"--codebook-bits {bits}")
    sparsity = 1 - (room / _TABLES / need.weights - 1 / 8)
    if 0 < sparsity <= _MOST_SPARSE:
        options.append(f"--sparsity {sparsity:.2f}")
    if not options:
        return f"Weights may take {max(room, 0):,} bytes, which no codebook or pruning reaches."
    return f"By estimate the weights fit with {' or with '.join(options)}."

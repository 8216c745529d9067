"""Whether a model fits a board, and advice on how to make it fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinycomp.common.errors import FitError
from tinycomp.target.boards import Board, list_boards

_TABLES = 1.05
"""Estimated bytes of codebooks, codec structs and padding besides packed weights."""
_LEAST_CODE = 4000
"""Estimated bytes of code of a small library, before compilation."""
_MOST_SPARSE = 0.95
"""Maximum sparsity that is advised."""


@dataclass(frozen=True)
class Footprint:
    """Memory required by the inference library alone, in bytes."""

    code: int | None
    """None before compilation, when models too large to compile are refused already."""
    constants: int
    """Weights and tables."""
    ram: int
    """Arena, scratch and stack."""
    far: int = 0
    """The part of the constants that may be anywhere in an AVR's memory."""
    largest_array: int = 0
    """Bytes of the largest constant array that is not far."""
    weights: int = 0
    """Number of weights; like weight_bytes only used for advice."""
    weight_bytes: int = 0
    """Bytes of the weights, part of the constants."""
    ram_parts: str = ""
    """A sentence about the largest parts of RAM."""
    flash_parts: str = ""
    """A sentence about the largest parts of flash."""


@dataclass(frozen=True)
class _Limit:
    what: str
    """The kind of memory, for messages."""
    needed: int
    """Required bytes."""
    limit: int
    """Available bytes."""

    @property
    def over(self) -> int:
        return self.needed - self.limit


def check_fit(board: Board, need: Footprint) -> None:
    """Refuse a model that does not fit the board.

    Raises:
        FitError: with requirement, limit and excess of everything that does not fit, and advice.
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
    raise FitError(
        f"The model does not fit {board.name} ({board.title}). {' '.join(filter(None, numbers))}",
        hint=" ".join(_advice(board, need, exceeded)),
    )


def fits(board: Board, need: Footprint) -> bool:
    """Whether the model fits the board."""
    return all(limit.over <= 0 for limit in _limits(board, need))


def _limits(board: Board, need: Footprint) -> list[_Limit]:
    memory = board.memory
    limits = [
        _Limit(
            "Flash" if need.code is not None else "Flash, code not counted",
            (need.code or 0) + need.constants,
            memory.usable_flash,
        ),
        _Limit("RAM", need.ram, memory.usable_ram),
    ]
    if memory.constants is not None:
        what = "Constants in near memory" if memory.harvard else "Constants"
        limits.append(_Limit(what, need.constants - need.far, memory.constants))
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
    larger = sorted((other for other in others if fits(other, need)), key=_room)
    advice.append(
        f"Boards that it fits, the smallest first: {_some(larger)}."
        if larger
        else "It fits no other known board."
    )
    return advice


def _room(board: Board) -> tuple[int, int]:
    return board.memory.ram, board.memory.flash


def _some(boards: Sequence[Board], most: int = 6) -> str:
    names = ", ".join(board.name for board in boards[:most])
    more = len(boards) - most
    return f"{names} and {more} more (tinycomp boards)" if more > 0 else names


def _weight_advice(need: Footprint, room: int) -> str:
    """Advice: the maximum codebook bits, or the minimum sparsity, for the weights to fit `room`
    bytes.

    A codebook of 2^b entries takes b bits per weight; a bitmap 1 bit per weight and 8 per non-zero
    weight.
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
        return f"Weights may take {max(room, 0):,} bytes, too few for any codebook or pruning."
    return f"The weights are estimated to fit with {' or with '.join(options)}."

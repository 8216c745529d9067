"""Bytes of flash and RAM."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FlashRecord:
    """Bytes of the inference library alone, measured in its linked image."""

    code: int
    """Instructions."""
    constants: int
    """Weights, tables and all other read-only data."""

    @property
    def total(self) -> int:
        """Code and constants."""
        return self.code + self.constants


@dataclass(frozen=True)
class RamRecord:
    """Bytes of RAM of one inference."""

    arena: int
    """All tensors, including input and output."""
    scratch: int
    """Additional memory of the kernels."""
    stack: int | None = None
    """Maximum depth; None if not measured."""
    state: int = 0
    """What is kept between inferences, with input and output."""

    @property
    def total(self) -> int:
        """Arena, scratch, state, and the stack if known."""
        return self.arena + self.scratch + self.state + (self.stack or 0)


@dataclass(frozen=True)
class RoomRecord:
    """Bytes that a board has for the library: what startup code, drivers and the callers' stack
    leave.
    """

    flash: int
    """Of flash."""
    ram: int
    """Of RAM."""

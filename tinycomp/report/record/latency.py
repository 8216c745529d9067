"""The duration of one inference, by layer and on real chips."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerLatency:
    """One layer's share of the latency."""

    name: str
    """Of the node."""
    op: str
    """The operator's name."""
    value: int
    """In the latency's unit."""
    macs: int
    """Multiply-accumulates per inference."""


@dataclass(frozen=True)
class EstimateRecord:
    """Estimated cycles of an inference on a real chip, computed from the instructions that an
    emulator counted, not measured.
    """

    core: str
    """The core whose published timings are used."""
    chip: str
    """Its name."""
    clock: int
    """In Hz."""
    cycles: int
    """The estimate."""
    least: int
    """Lower end of the range of the timings."""
    most: int
    """Upper end of the range of the timings."""
    flash_waits: int
    """Cycles of these that wait for flash."""
    constant_waits: int
    """Wait cycles of these for constants."""
    instructions: int
    """Executed instructions."""
    mix: dict[str, int]
    """Instructions by kind."""
    assumptions: tuple[str, ...] = ()
    """Assumptions, as sentences."""


@dataclass(frozen=True)
class TimeRecord:
    """Duration of an inference at a board's clock, computed from counted ticks."""

    board: str
    """Its name."""
    clock: int
    """In Hz."""
    least: float
    """In milliseconds."""
    most: float
    """In milliseconds; equal to `least` if exact cycles were counted."""
    why: str = ""
    """The source of the range; empty if there is no range."""

    @property
    def exact(self) -> bool:
        """Whether it is computed from counted cycles."""
        return not self.why


@dataclass(frozen=True)
class LatencyRecord:
    """One inference."""

    value: int
    """In `unit`."""
    unit: str
    """"instructions" under an emulator that counts them, else the unit of the device's clock."""
    layers: tuple[LayerLatency, ...] = ()
    """By layer, in the graph's order."""
    estimate: EstimateRecord | None = None
    """Estimated cycles on a real chip, if requested."""
    time: TimeRecord | None = None
    """In milliseconds, if the board's clock is known."""
    interrupts: str = ""
    """What interrupts add to the value: "off", "clock" (the clock's own alone) or "counted"; empty
    if not known.
    """

    @property
    def between(self) -> int:
        """What the inference takes beside its layers: choosing the next step and moving rows.
        Negative if the compiler made the layers, which are timed in a copy of the inference with
        hooks, slower there.
        """
        return self.value - sum(layer.value for layer in self.layers)

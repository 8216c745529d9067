"""The arena over the steps of one inference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate


@dataclass(frozen=True)
class SpanRecord:
    """The steps of an inference in which a layer runs."""

    layer: str
    """Its name."""
    first: int
    """The first step."""
    last: int
    """The last step, included."""


@dataclass(frozen=True)
class AreaRecord:
    """A part of a buffer while it is in use."""

    offset: int
    """Address of the first byte."""
    size: int
    """In bytes."""
    first: int
    """The first step."""
    last: int
    """The last step, included."""


@dataclass(frozen=True)
class BufferRecord:
    """A buffer in the arena."""

    kind: str
    """"tensor", "scratch" or "state"."""
    names: tuple[str, ...]
    """The layers with outputs in it ("input" for the model's input), or the layer that uses it."""
    offset: int
    """Of its first byte."""
    size: int
    """In bytes."""
    areas: tuple[AreaRecord, ...]
    """Its parts, and when they are in use."""

    @property
    def first(self) -> int:
        """The first step in which it is in use."""
        return min(area.first for area in self.areas)

    @property
    def last(self) -> int:
        """The last one."""
        return max(area.last for area in self.areas)

    @property
    def described(self) -> str:
        """What it holds: the layers that write it, or the one that uses it."""
        if self.kind == "state":
            return "counters"
        many = len(self.names) > 2
        names = f"{self.names[0]} to {self.names[-1]}" if many else ", ".join(self.names)
        return ("scratch of " if self.kind == "scratch" else "") + names


@dataclass(frozen=True)
class MemoryRecord:
    """The arena over the steps of one inference."""

    arena: int
    """Its bytes."""
    steps: int
    """Number of steps."""
    spans: tuple[SpanRecord, ...]
    """When each layer runs."""
    buffers: tuple[BufferRecord, ...]
    """All buffers."""

    @cached_property
    def usage(self) -> tuple[int, ...]:
        """Bytes in use at each step."""
        changes = [0] * (self.steps + 1)
        for area in (area for buffer in self.buffers for area in buffer.areas):
            changes[area.first] += area.size
            changes[area.last + 1] -= area.size
        return tuple(accumulate(changes[:-1]))

    @property
    def peak(self) -> int:
        """The first step with the most bytes in use."""
        return max(range(self.steps), key=self.usage.__getitem__)

    def at(self, step: int) -> tuple[BufferRecord, ...]:
        """The buffers in use at a step, those with the most bytes first."""
        held = [
            (sum(a.size for a in buffer.areas if a.first <= step <= a.last), buffer)
            for buffer in self.buffers
        ]
        held.sort(key=lambda each: -each[0])
        return tuple(buffer for size, buffer in held if size)

    def layer_at(self, step: int) -> str | None:
        """The layer that runs at a step; None if the input is taken then, or if it is one of
        several streamed layers without scratch.
        """
        for buffer in self.at(step):
            if buffer.kind == "scratch":
                return buffer.names[0]
        running = [span.layer for span in self.spans if span.first <= step <= span.last]
        return running[0] if len(running) == 1 else None

    def alive(self, first: int, last: int) -> int:
        """Maximum of bytes in use in the steps first to last."""
        return max(self.usage[first : last + 1])

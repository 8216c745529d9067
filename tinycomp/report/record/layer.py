"""The layers of a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerRecord:
    """One layer's work, and the storage of its weights."""

    name: str
    """Of the node."""
    op: str
    """The operator's name."""
    macs: int
    """Multiply-accumulates per inference."""
    codec: str | None = None
    """Name of the codec; None without weights."""
    weight_bytes: int = 0
    """Bytes of the weights in flash, including tables."""
    distinct_values: int | None = None
    """Distinct values among the weights."""
    constant_bytes: int = 0
    """Bytes of other arrays (biases, factors, tables); shared ones count for the first layer."""

"""The layers of a model, and the tensors between them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ActivationRecord:
    """A tensor that a layer writes, or an input of the model."""

    name: str
    """Unique in its model."""
    shape: tuple[int, ...]
    """Without the batch axis."""
    dtype: str
    """NumPy's name: "int8", "int16"."""
    scale: float | None = None
    """Real value of a step; None if it is not quantized."""
    zero_point: int | None = None
    """The value that stands for 0."""

    @property
    def dimensions(self) -> str:
        """The shape as text: "49x10x64"; "scalar" without axes."""
        return "\u00d7".join(map(str, self.shape)) or "scalar"


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
    inputs: tuple[str, ...] = ()
    """The activations that it reads, by name."""
    outputs: tuple[str, ...] = ()
    """The activations that it writes, by name."""

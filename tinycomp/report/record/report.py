"""The content of report.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tinycomp import __version__
from tinycomp.ir.input_transform import InputTransform
from tinycomp.report.record.accuracy import AccuracyRecord
from tinycomp.report.record.latency import LatencyRecord
from tinycomp.report.record.layer import ActivationRecord, LayerRecord
from tinycomp.report.record.memory import MemoryRecord
from tinycomp.report.record.provenance import ProvenanceRecord
from tinycomp.report.record.size import FlashRecord, RamRecord, RoomRecord
from tinycomp.report.record.step import StepRecord


@dataclass(frozen=True)
class ModelRecord:
    """The model."""

    name: str
    """Given by the user, or the file's."""
    sha256: str
    """Of the exported .tflite."""
    macs: int
    """Multiply-accumulates per inference."""
    parameters: int
    """Weights and biases."""


@dataclass(frozen=True)
class PlainRecord:
    """The same model in plain int8, built in the same way for the same board, to compare
    compression with.
    """

    flash: FlashRecord
    """Of its library."""
    ram: RamRecord
    """Its arena and stack."""
    latency: int | None = None
    """Of one inference, in the same unit as the build's; None if not measured."""


@dataclass(frozen=True)
class VerifyRecord:
    """One comparison of executions."""

    executions: tuple[str, ...]
    """Their names, LiteRT's first."""
    samples: int
    """Number of inputs."""
    tensors: int
    """Number of tensors per input."""
    equal: bool
    """Whether all bytes are equal."""
    difference: str | None = None
    """The first difference, as a sentence."""


@dataclass(frozen=True)
class StreamRecord:
    """A model that takes its window hop by hop."""

    window: int
    """Rows of the window."""
    hop: int
    """New rows that each inference takes."""
    ready: int
    """Inferences until the first output for a whole window."""
    whole: PlainRecord | None = None
    """The same model, run on a whole window."""


@dataclass(frozen=True)
class Report:
    """All results of a build."""

    model: ModelRecord
    """The built model."""
    board: str
    """The board's name."""
    prefix: str
    """Prefix of the library's C names."""
    benchmark: str | None = None
    """Which of MLPerf Tiny's it was built as (--benchmark)."""
    own_board: dict[str, Any] | None = None
    """The keys of a board file of the user's, and of those that it is based on; None: built in."""
    stand_in: str | None = None
    """The emulated board that was verified and measured instead of it."""
    room: RoomRecord | None = None
    """What the board has; None for this computer."""
    accuracy: AccuracyRecord | None = None
    """If there are evaluation data; of several outputs, the first that is scored: it counts."""
    other_accuracies: tuple[AccuracyRecord, ...] = ()
    """Of the other outputs that are scored."""
    flash: FlashRecord | None = None
    """If there is a compiler."""
    ram: RamRecord | None = None
    """Arena and stack."""
    memory: MemoryRecord | None = None
    """The buffers in the arena over time."""
    latency: LatencyRecord | None = None
    """If there is a board that answers."""
    verify: tuple[VerifyRecord, ...] = ()
    """The comparisons."""
    layers: tuple[LayerRecord, ...] = ()
    """In the graph's order."""
    tensors: tuple[ActivationRecord, ...] = ()
    """The activations that layers read and write, the model's inputs first."""
    steps: tuple[StepRecord, ...] = ()
    """What each step of the recipe made of the model, if it has steps."""
    plain: PlainRecord | None = None
    """The same model without compression, if this one is compressed."""
    stream: StreamRecord | None = None
    """With --stream: how it takes its window, and what a whole window costs."""
    compression: dict[str, Any] = field(default_factory=dict)
    """The options of the recipe that are not defaults."""
    signal_to_noise: dict[str, float] = field(default_factory=dict)
    """Of int8 against float, in dB, by tensor."""
    input_transform: InputTransform | None = None
    """The library's normalization of raw values before the input of the .tflite."""
    notes: tuple[str, ...] = ()
    """Messages to the user."""
    generator: str = __version__
    """Version of tinycomp that built it."""
    provenance: ProvenanceRecord | None = None
    """What it was made of; None in reports of 0.1."""

    @property
    def accuracies(self) -> tuple[AccuracyRecord, ...]:
        """Of all outputs that are scored; the one that counts is first."""
        return () if self.accuracy is None else (self.accuracy, *self.other_accuracies)

    @property
    def precision(self) -> str:
        """What the model is quantized to: "int8", or the types of its activations if some have 16
        bits ("int16 activations", "int8 and int16 activations").
        """
        there = {tensor.dtype for tensor in self.tensors}
        kinds = [kind for kind in ("int8", "int16") if kind in there]
        return f"{' and '.join(kinds)} activations" if "int16" in kinds else "int8"

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights in flash, including codebooks and tables."""
        return sum(layer.weight_bytes for layer in self.layers)

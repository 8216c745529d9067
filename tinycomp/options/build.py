"""The options of `tinycomp build` and `tinycomp quantize`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from tinycomp.options.data import DataOptions

AUTO = "auto"
"""The calibration that picks the method whose outputs are closest to those of the float model."""
HOST = "host"
"""The board that models are built for by default: this computer."""

Optimize = Literal["ram", "speed", "balanced", "flash"]
"""ram: the smallest arena. speed: streaming only where the board's RAM requires it. balanced: the
best trade of RAM for instructions. flash: the fewest bytes.
"""


@dataclass(frozen=True)
class Preparation:
    """The user's model, data and options of compression."""

    model: Path
    """A .keras, .h5, .onnx or .tflite file; a .tflite in int8 or float32."""
    data: Path | None = None
    """A file or folder of samples for calibration and evaluation (docs/data.md)."""
    data_options: DataOptions = field(default_factory=DataOptions)
    """Names, scaling and number of samples."""
    codebook_bits: int | None = None
    """At most 2^bits distinct weights per codebook; None: no codebooks."""
    sparsity: float = 0.0
    """Fraction of all weights set to zero, from 0 to 1."""
    recipe: Path | None = None
    """A TOML file with options per layer."""
    calibration: str = AUTO
    """Name of a calibration method, or AUTO."""
    name: str | None = None
    """Replaces the model's own name."""
    input_quantization: str | None = None
    """"SCALE,ZERO" or an int8 .tflite; None: from calibration."""
    activations: int = 8
    """Bits of activations, 8 or 16, where the recipe does not say otherwise."""


class _Memory(Protocol):
    @property
    def usable_ram(self) -> int:
        """Bytes that an arena may have."""


class _Board(Protocol):
    @property
    def memory(self) -> _Memory:
        """The board's memory."""


@dataclass(frozen=True)
class PlanOptions:
    """The user's options for planning."""

    optimize: Optimize = "balanced"
    """The goal in choosing streaming and the storage of weights."""
    ram_limit: int | None = None
    """Maximum bytes of the arena; None: the board's RAM."""
    push_input: bool = False
    """Whether the input arrives row by row."""

    def ram(self, board: _Board) -> int:
        """Maximum bytes of the arena: the user's limit, or the board's RAM."""
        return self.ram_limit or board.memory.usable_ram


@dataclass(frozen=True)
class Packaging:
    """The packages of a build."""

    names: tuple[str, ...] = ()
    """Kinds of packages."""
    url: str | None = None
    """Web page of the library; None: a placeholder."""

    def page(self, prefix: str) -> str:
        """The web page, or the placeholder (RFC 2606)."""
        return self.url or f"https://example.com/{prefix}"


@dataclass(frozen=True)
class BuildOptions:
    """The options of `tinycomp build`."""

    prepare: Preparation
    """Model, data and compression."""
    board: str
    """Name of a board, or path of a board file."""
    output: Path
    """The output folder."""
    samples: int = 8
    """Number of samples for comparing executions."""
    verify: bool = True
    """Whether to compare executions."""
    bench: bool = True
    """Whether to measure latency and stack."""
    force: bool = False
    """Whether to update an existing output folder."""
    library_only: bool = False
    """Whether to replace only the library in an existing folder."""
    planning: PlanOptions = field(default_factory=PlanOptions)
    """Goal and limits of the plan."""
    benchmark: str | None = None
    """The benchmark of MLPerf Tiny that the harness reports; None: by the library's name."""
    packaging: Packaging = field(default_factory=Packaging)
    """Kinds of packages to build, and their web page."""
    stream: int | None = None
    """New rows from one decision to the next; None: whole windows."""
    command: str | None = None
    """The command line, for the report; None: called from Python."""

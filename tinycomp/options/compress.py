"""The options of `tinycomp compress`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tinycomp.common.errors import TinycompError
from tinycomp.options.amounts import require_amounts
from tinycomp.options.build import PlanOptions
from tinycomp.options.data import DataOptions

SIZES_BOARD = "cortex-m4"
"""The board that sizes are measured and needs are estimated for by default."""
SIZES_GOAL = PlanOptions("flash")
"""How builds are planned by default when sizes are measured: for the smallest size."""


@dataclass(frozen=True)
class Targets:
    """Size and accuracy targets."""

    constants: int | None = None
    """The most bytes of constants."""
    accuracy: float | None = None
    """The lowest accuracy on validation samples, from 0 to 1."""
    flash: int | None = None
    """The most bytes of code and constants of the library; instead of `constants`."""
    macs: int | None = None
    """The most multiply-accumulates per inference."""

    def __post_init__(self) -> None:
        """Check the targets.

        Raises:
            TinycompError: there are two for the size, or one is out of range.
        """
        sizes = {"--target-bytes": self.constants, "--target-flash": self.flash}
        require_amounts(self.accuracy, {**sizes, "--target-macs": self.macs})
        if self.constants is not None and self.flash is not None:
            raise TinycompError(
                "--target-bytes and --target-flash can't be combined.",
                hint="Use --target-bytes for the constants alone, --target-flash for code and "
                "constants.",
            )

    @property
    def size(self) -> int | None:
        """The most bytes, of constants or of flash."""
        return self.constants if self.flash is None else self.flash


@dataclass(frozen=True)
class CompressOptions:
    """The options of `tinycomp compress`."""

    model: Path
    """A float model."""
    data: Path
    """An .npz with a training half."""
    data_options: DataOptions = field(default_factory=DataOptions)
    """How to read the data."""
    recipe: str = "balanced"
    """The name of a built-in recipe, or the path of a file."""
    board: str = SIZES_BOARD
    """The board that sizes are measured for."""
    planning: PlanOptions = SIZES_GOAL
    """How builds are planned when sizes are measured; by default for the smallest size."""
    targets: Targets = field(default_factory=Targets)
    """Size and accuracy targets."""
    teacher: Path | None = None
    """The model whose outputs are imitated; None: the model itself."""
    checkpoints: Path | None = None
    """A folder for checkpoints, from which an interrupted run resumes."""
    epochs: int | None = None
    """Epochs of every training; None: as in the recipe."""
    seed: int | None = None
    """Seed of all trainings; None: as in the recipe."""
    name: str | None = None
    """Name of the model; None: the file name."""

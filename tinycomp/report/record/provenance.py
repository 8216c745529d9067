"""What a build was made of: all that decides its bytes, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ProvenanceRecord:
    """Inputs, options and tools of a build. The date is not among them: the same command gives the
    same report.
    """

    command: str | None = None
    """The command line without the output folder; None for builds from Python."""
    options: dict[str, Any] = field(default_factory=dict)
    """The options that are not defaults; files by their names."""
    data_sha256: str | None = None
    """Of the calibration and evaluation samples as they were read, with labels."""
    versions: dict[str, str] = field(default_factory=dict)
    """Of Python and of the packages that were used, by name."""
    compiler: str | None = None
    """The board's compiler with its version; None if it is missing."""

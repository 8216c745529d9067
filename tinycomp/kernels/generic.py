"""Any core: the portable kernels, the reference for all others."""

from __future__ import annotations

from typing import ClassVar

from tinycomp.kernels._instruction_set import InstructionSet


class Generic(InstructionSet):
    """Portable C only."""

    name: ClassVar[str] = "generic"

"""Any core: the portable kernels, which define what all others compute."""

from __future__ import annotations

from typing import ClassVar

from tinycomp.kernels._instruction_set import InstructionSet


class Generic(InstructionSet):
    """Portable C alone."""

    name: ClassVar[str] = "generic"
